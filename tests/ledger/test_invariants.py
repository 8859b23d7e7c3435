"""What a superuser changes behind the triggers is found, and the guilty one named."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date

import psycopg
import pytest

from app.kernel import clock
from app.kernel.db import db, transaction
from app.kernel.period import Month
from app.kernel.tenancy import scoped
from app.ledger import invariants, service
from app.ledger.chart import ADVANCES, BANK, FEE_INCOME, RECEIVABLE
from app.ledger.rules import Line
from tests.builders import Town, found_town
from tests.servers import DATABASE

FEBRUARY, MARCH = Month(2026, 2), Month(2026, 3)


@pytest.fixture
def superuser(servers, environment) -> Iterator[psycopg.Connection]:
    """A connection past every trigger, foreign key, grant and policy."""
    with psycopg.connect(
        servers.database_url("postgres", DATABASE).replace(
            "postgresql+psycopg://", "postgresql://"
        ),
        autocommit=True,
    ) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def history(town: Town) -> None:
    """Units 1-101 and 1-102: charged in February (closed) and March, one payment, one reversal."""
    one, two = town.add_unit("1-101"), town.add_unit("1-102")
    c = town.community_id
    with transaction():
        for number, month in enumerate((FEBRUARY, MARCH)):
            service.post(
                c,
                "service",
                month,
                "t:charged",
                str(number),
                [
                    Line(RECEIVABLE, 100, one.id),
                    Line(RECEIVABLE, 50, two.id),
                    Line(FEE_INCOME, -150),
                ],
            )
        paid = service.post(
            c,
            "service",
            MARCH,
            "t:paid",
            "1",
            [Line(BANK, 120), Line(RECEIVABLE, -100, one.id), Line(ADVANCES, -20, one.id)],
        )
        service.post(
            c, "service", MARCH, "t:paid", "2", [Line(BANK, 50), Line(RECEIVABLE, -50, two.id)]
        )
        service.reverse(c, paid.id, reason="退票")
    with clock.moved_to(date(2026, 3, 20)), transaction():
        service.close_month(c, "service", FEBRUARY)


def found(town: Town) -> set[tuple[str, str]]:
    db.session.rollback()
    return {
        (one.invariant, one.subject)
        for one in invariants.check([town.community_id], invariants.LEDGER)
    }


def test_untouched_books_have_no_findings(town):
    history(town)
    assert found(town) == set()


def test_a_community_without_entries_has_no_findings(town):
    assert found(town) == set()


TAMPERINGS: list[tuple[str, set[tuple[str, str]]]] = [
    # (what was changed in community {c}, findings that must be among those made)
    ("UPDATE posting SET amount_fen = amount_fen + 1 WHERE community_id = {c} AND entry_id = 2"
     " AND no = 1", {("entries_balance", "entry:2"), ("seals", "entry:2")}),
    ("UPDATE posting SET amount_fen = amount_fen + (CASE no WHEN 1 THEN 7 ELSE -7 END)"
     " WHERE community_id = {c} AND entry_id = 2 AND no < 3", {("seals", "entry:2")}),
    ("UPDATE posting SET amount_fen = amount_fen + (CASE no WHEN 1 THEN 7 ELSE -7 END)"
     " WHERE community_id = {c} AND entry_id = 1 AND no < 3", {("seals", "entry:1")}),
    ("UPDATE posting SET account_code = '6051' WHERE community_id = {c} AND entry_id = 1"
     " AND no = 3", {("seals", "entry:1"), ("balances", "month:service:2026-02")}),
    ("UPDATE posting SET unit_id = (SELECT max(unit_id) FROM posting WHERE community_id = {c})"
     " WHERE community_id = {c} AND entry_id = 2 AND no = 1", {("seals", "entry:2")}),
    ("UPDATE posting SET unit_id = NULL WHERE community_id = {c} AND entry_id = 2 AND no = 1",
     {("seals", "entry:2"), ("accounts", "entry:2")}),
    ("UPDATE posting SET account_code = '9999' WHERE community_id = {c} AND entry_id = 2"
     " AND no = 3", {("seals", "entry:2"), ("accounts", "entry:2")}),
    ("UPDATE posting SET no = no + 10 WHERE community_id = {c} AND entry_id = 3",
     {("seals", "entry:3"), ("reversals", "entry:5")}),
    ("UPDATE posting SET book = 'commons' WHERE community_id = {c} AND entry_id = 4",
     {("belonging", "entry:4")}),
    ("DELETE FROM posting WHERE community_id = {c} AND entry_id = 3 AND no = 2",
     {("seals", "entry:3"), ("entries_balance", "entry:3")}),
    ("DELETE FROM posting WHERE community_id = {c} AND entry_id = 3",
     {("seals", "entry:3"), ("belonging", "entry:3"), ("reversals", "entry:5")}),
    ("INSERT INTO posting SELECT community_id, entry_id, no + 2, book, account_code, unit_id,"
     " -amount_fen FROM posting WHERE community_id = {c} AND entry_id = 4",
     {("seals", "entry:4")}),
    ("UPDATE entry SET month = '2026-02-01' WHERE community_id = {c} AND id = 2",
     {("seals", "entry:2"), ("closings", "month:service:2026-02"), ("late_entries", "entry:2")}),
    ("UPDATE entry SET memo = '改' WHERE community_id = {c} AND id = 4", {("seals", "entry:4")}),
    ("UPDATE entry SET kind = 't:x' WHERE community_id = {c} AND id = 4", {("seals", "entry:4")}),
    ("UPDATE entry SET source = '9' WHERE community_id = {c} AND id = 4", {("seals", "entry:4")}),
    ("UPDATE entry SET posted_on = '2020-01-01' WHERE community_id = {c} AND id = 4",
     {("seals", "entry:4")}),
    ("UPDATE entry SET reverses_id = NULL WHERE community_id = {c} AND id = 5",
     {("seals", "entry:5")}),
    ("UPDATE entry SET resolution_id = 1 WHERE community_id = {c} AND id = 5",
     {("seals", "entry:5")}),
    ("UPDATE entry SET created_by = 1 WHERE community_id = {c} AND id = 5",
     {("seals", "entry:5")}),
    ("UPDATE entry SET created_at = '2020-01-01' WHERE community_id = {c} AND id = 5",
     {("seals", "entry:5")}),
    ("UPDATE entry SET id = 77 WHERE community_id = {c} AND id = 5",
     {("seals", "entry:5"), ("belonging", "entry:77"), ("numbering", "entry:5")}),
    ("DELETE FROM entry WHERE community_id = {c} AND id = 4",
     {("seals", "entry:4"), ("belonging", "entry:4"), ("numbering", "entry:4")}),
    ("DELETE FROM entry_seal WHERE community_id = {c} AND entry_id = 4", {("seals", "entry:4")}),
    ("UPDATE entry_seal SET digest = 'x' WHERE community_id = {c} AND entry_id = 4",
     {("seals", "entry:4")}),
    ("UPDATE month_close SET digest = 'x' WHERE community_id = {c}",
     {("closings", "month:service:2026-02")}),
    ("UPDATE month_close SET closed_by = 5 WHERE community_id = {c}",
     {("closings", "month:service:2026-02")}),
    ("UPDATE month_close SET closed_at = closed_at + interval '1 us' WHERE community_id = {c}",
     {("closings", "month:service:2026-02")}),
    ("UPDATE month_close SET last_entry_id = 9 WHERE community_id = {c}",
     {("closings", "month:service:2026-02")}),
    ("DELETE FROM month_close WHERE community_id = {c}", {("closed_through", "book:service")}),
    ("UPDATE closing_balance SET balance_fen = balance_fen + 1 WHERE community_id = {c}"
     " AND account_code = '1122'", {("balances", "month:service:2026-02")}),
    ("DELETE FROM closing_balance WHERE community_id = {c} AND account_code = '1122'",
     {("balances", "month:service:2026-02")}),
    ("UPDATE book SET closed_through = NULL WHERE community_id = {c} AND code = 'service'",
     {("closed_through", "book:service")}),
    ("UPDATE book SET closed_through = '2026-03-01' WHERE community_id = {c} AND code = 'fund'",
     {("closed_through", "book:fund")}),
    ("UPDATE ledger_account SET by_unit = false WHERE community_id = {c} AND book = 'service'"
     " AND code = '1122'", {("chart", "account:service:1122")}),
    ("UPDATE counter SET next_value = 99 WHERE community_id = {c} AND name = 'entry'",
     {("numbering", "entry:6")}),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), TAMPERINGS)
def test_a_change_behind_the_triggers_is_found_and_named(town, superuser, change, expected):
    history(town)
    assert superuser.execute(change.format(c=town.community_id)).rowcount > 0
    assert expected <= found(town)


def test_an_entry_cut_out_with_all_its_traces_leaves_a_gap(town, superuser):
    history(town)
    for table, column in (("posting", "entry_id"), ("entry_seal", "entry_id"), ("entry", "id")):
        superuser.execute(
            f"DELETE FROM {table} WHERE community_id = %s AND {column} = 4", [town.community_id]
        )
    assert {("numbering", "entry:4"), ("seals", "entry:5")} <= found(town)


def test_a_tail_cut_off_with_the_counter_set_back_is_missed_by_the_next_check(town, superuser):
    history(town)
    from app.kernel import queue

    with transaction():
        task = queue.enqueue("ledger:check", town.community_id)
        task_id = task.id
    with scoped([town.community_id]):
        queue.run(town.community_id, task_id)
    assert found(town) == set()
    for table, column in (("posting", "entry_id"), ("entry_seal", "entry_id"), ("entry", "id")):
        superuser.execute(
            f"DELETE FROM {table} WHERE community_id = %s AND {column} = 5", [town.community_id]
        )
    superuser.execute(
        "UPDATE counter SET next_value = 5 WHERE community_id = %s AND name = 'entry'",
        [town.community_id],
    )
    assert found(town) == {("seen_before", "entry:5")}


def test_a_forged_entry_resealed_by_its_forger_breaks_the_next_seal(town, superuser):
    history(town)
    superuser.execute(
        "UPDATE posting SET amount_fen = amount_fen * 2 WHERE community_id = %s AND entry_id = 3",
        [town.community_id],
    )
    superuser.execute(
        "UPDATE entry_seal s SET digest = sha256(b.digest || c.content)"
        " FROM entry_seal b, entry_content c WHERE s.community_id = %(c)s AND s.entry_id = 3"
        " AND b.community_id = %(c)s AND b.entry_id = 2"
        " AND c.community_id = %(c)s AND c.entry_id = 3",
        {"c": town.community_id},
    )
    names = found(town)
    assert ("seals", "entry:3") not in names
    assert ("seals", "entry:4") in names


def test_every_one_of_many_random_changes_is_found(house, superuser):
    tamper_and_find(superuser, 60)


def tamper_and_find(superuser: psycopg.Connection, count: int) -> None:
    """Change `count` entries of several communities, each in a random way; all are named."""
    chance = random.Random(20261123)
    towns = [found_town() for _ in range(4)]
    guilty: set[tuple[int, str]] = set()
    for town in towns:
        with scoped([town.community_id]):
            unit = town.add_unit()
            with transaction():
                for number in range(count // 4):
                    fen = chance.randrange(2, 10**6)
                    service.post(town.community_id, "service", MARCH, "t:c", str(number),
                                 [Line(RECEIVABLE, fen, unit.id), Line(FEE_INCOME, -fen + 1),
                                  Line(BANK, -1)])  # fmt: skip
            for number in range(1, count // 4 + 1):
                _change(superuser, chance, town.community_id, number)
                guilty.add((town.community_id, f"entry:{number}"))
    communities = [town.community_id for town in towns]
    with scoped(communities):
        named = {
            (one.community_id, one.subject)
            for one in invariants.check(communities, invariants.LEDGER)
        }
    assert guilty <= named


def _change(superuser: psycopg.Connection, chance: random.Random, c: int, entry: int) -> None:
    delta = chance.choice([-1, 1]) * chance.randrange(1, 1000)
    where = f"WHERE community_id = {c} AND entry_id = {entry}"
    ways: list[Callable[[], str]] = [
        lambda: f"UPDATE posting SET amount_fen = amount_fen + {delta} {where}"
                f" AND no = {chance.randrange(1, 4)}",
        lambda: f"UPDATE posting SET amount_fen = amount_fen"
                f" + CASE no WHEN 1 THEN {delta} ELSE -{delta} END {where} AND no < 3",
        lambda: f"UPDATE posting SET account_code = '6301' {where} AND no = 2",
        lambda: f"DELETE FROM posting {where} AND no = {chance.randrange(1, 4)}",
        lambda: f"DELETE FROM posting {where}",
        lambda: f"UPDATE entry SET memo = memo || ' ' WHERE community_id = {c} AND id = {entry}",
        lambda: f"UPDATE entry SET month = '2026-04-01' WHERE community_id = {c}"
                f" AND id = {entry}",
        lambda: f"DELETE FROM entry WHERE community_id = {c} AND id = {entry}",
        lambda: f"UPDATE entry_seal SET digest = sha256(digest) {where}",
    ]  # fmt: skip
    assert superuser.execute(chance.choice(ways)().replace("--", "")).rowcount > 0

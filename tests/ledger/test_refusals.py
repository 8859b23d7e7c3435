"""What PostgreSQL refuses by itself, whatever the application does: raw SQL as linli_app."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest
from psycopg import sql

from app.kernel import clock
from app.kernel.db import transaction
from app.kernel.period import Month
from app.ledger import service
from app.ledger.chart import BOOKS, CHART
from tests.builders import found_town
from tests.ledger.books import post
from tests.servers import DATABASE

MARCH = date(2026, 3, 1)


def connect(servers, role: str = "linli_app") -> psycopg.Connection:
    """A plain connection, as the application's role unless said otherwise."""
    url = servers.database_url(role, DATABASE).replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True)


@pytest.fixture
def raw(servers, town) -> Iterator[Raw]:
    """Raw SQL in the scope of a town with books, one unit and one entry."""
    unit = town.add_unit("1-101")
    post(town.community_id, "2026-03", ("1122", 100, unit.id), ("6001", -100), source="1")
    with connect(servers) as connection:
        yield Raw(connection, town.community_id, unit.id)


class Raw:
    """The application's role at a bare prompt."""

    def __init__(self, connection: psycopg.Connection, community_id: int, unit_id: int) -> None:
        self.connection, self.c, self.unit_id = connection, community_id, unit_id
        self.communities = [community_id]
        self.number = 1000

    def enter(
        self,
        *lines: tuple,
        book: str = "service",
        month: date = MARCH,
        entry: bool = True,
        c: int | None = None,
        statements: int = 1,
    ) -> None:
        """One transaction: an entry and its postings (account, fen[, unit[, book]])."""
        self.number += 1
        c = self.c if c is None else c
        with self.connection.transaction():
            self.scope()
            if entry:
                self.connection.execute(
                    "INSERT INTO entry (community_id, id, book, month, posted_on, kind, source)"
                    " VALUES (%s, %s, %s, %s, %s, 'raw:sql', %s)",
                    [c, self.number, book, month, month, str(self.number)],
                )
            self.post(self.number, *lines, book=book, c=c)

    def post(
        self,
        entry_id: int,
        *lines: tuple,
        book: str = "service",
        c: int | None = None,
        first: int = 1,
    ) -> None:
        """All postings in one statement."""
        if not lines:
            return
        full = [(*line, None)[:3] if len(line) < 3 else line for line in lines]
        rows = [
            [
                self.c if c is None else c,
                entry_id,
                no,
                line[3] if len(line) > 3 else book,
                line[0],
                line[2],
                line[1],
            ]
            for no, line in enumerate(full, first)
        ]
        places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(rows))
        self.connection.execute(
            "INSERT INTO posting (community_id, entry_id, no, book, account_code, unit_id,"
            f" amount_fen) VALUES {places}",
            [value for row in rows for value in row],
        )

    def scope(self) -> None:
        """See the test's communities in this transaction."""
        listed = ",".join(map(str, self.communities))
        self.connection.execute(f"SET LOCAL app.communities = '{{{listed}}}'")


def refusal(act) -> str:
    """The name of what refused: a constraint's, or the error's class."""
    with pytest.raises(psycopg.Error) as refused:
        act()
    return refused.value.diag.constraint_name or type(refused.value).__name__


def test_a_good_entry_is_taken(raw):
    raw.enter(("1002", 5), ("6001", -5))
    raw.enter(("1122", 5, raw.unit_id), ("6001", -5))


def test_unbalanced(raw):
    assert refusal(lambda: raw.enter(("1002", 5), ("6001", -4))) == "ck_posting__balanced"


def test_one_sided(raw):
    assert refusal(lambda: raw.enter(("1002", 5))) == "ck_posting__balanced"


def test_zero_lines(raw):
    assert refusal(lambda: raw.enter(("1002", 0), ("6001", 0))) == "ck_posting__amount"


def test_an_entry_without_postings(raw):
    assert refusal(raw.enter) == "ck_entry__postings"


def test_postings_without_an_entry(raw):
    assert (
        refusal(lambda: raw.enter(("1002", 5), ("6001", -5), entry=False))
        == "fk_posting__community_id_entry_id_book"
    )


def test_an_account_the_book_does_not_have(raw):
    assert refusal(lambda: raw.enter(("9999", 5), ("6001", -5))) == (
        "fk_posting__community_id_book_account_code"
    )
    assert refusal(lambda: raw.enter(("6001", 5), ("1002", -5), book="fund")) == (
        "fk_posting__community_id_book_account_code"
    )


def test_a_posting_in_another_book_than_its_entry(raw):
    lines = ("1002", 5), ("1002", -5, None, "fund")
    assert refusal(lambda: raw.enter(*lines)) == "fk_posting__community_id_entry_id_book"


def test_a_fifth_book(raw):
    assert refusal(lambda: raw.enter(("1002", 5), ("6001", -5), book="slush")) == (
        "fk_entry__community_id_book"
    )


def test_an_account_kept_by_unit_without_one(raw):
    assert refusal(lambda: raw.enter(("1122", 5), ("6001", -5))) == "ck_posting__unit"


def test_another_communitys_unit(raw):
    stranger = found_town()
    unit = stranger.add_unit()
    raw.communities.append(stranger.community_id)
    assert refusal(lambda: raw.enter(("1122", 5, unit.id), ("6001", -5))) == (
        "fk_posting__community_id_unit_id"
    )


def test_another_communitys_entry(raw):
    stranger = found_town()
    with transaction():
        from app.kernel.tenancy import scoped

        with scoped([stranger.community_id]):
            service.open_books(stranger.community_id)
    raw.communities.append(stranger.community_id)
    assert (
        refusal(lambda: raw.enter(("1002", 5), ("6001", -5), entry=False, c=stranger.community_id))
        == "fk_posting__community_id_entry_id_book"
    )


def test_a_community_out_of_scope_is_not_writable_nor_visible(raw):
    raw.communities = []
    assert refusal(lambda: raw.enter(("1002", 5), ("6001", -5))) == "InsufficientPrivilege"
    for table in ("entry", "posting", "book", "ledger_account", "entry_seal", "entry_content"):
        seen = raw.connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        ).fetchone()
        assert seen == (0,), table


def test_a_closed_month(raw):
    with clock.moved_to(date(2026, 4, 3)), transaction():
        service.close_month(raw.c, "service", Month(2026, 3))
    assert refusal(lambda: raw.enter(("1002", 5), ("6001", -5))) == "ck_entry__month_open"
    assert (
        refusal(lambda: raw.enter(("1002", 5), ("6001", -5), month=date(2025, 1, 1)))
        == "ck_entry__month_open"
    )
    raw.enter(("1002", 5), ("6001", -5), month=date(2026, 4, 1))


def test_postings_that_come_after_their_month_was_closed_in_the_same_transaction(raw):
    def act():
        with raw.connection.transaction():
            raw.scope()
            raw.connection.execute(
                "INSERT INTO entry (community_id, id, book, month, posted_on, kind, source)"
                " VALUES (%s, 900, 'service', %s, %s, 'raw:sql', '900')",
                [raw.c, MARCH, MARCH],
            )
            raw.connection.execute(
                "UPDATE book SET closed_through = %s WHERE community_id = %s AND code = 'service'",
                [MARCH, raw.c],
            )
            raw.post(900, ("1002", 5), ("6001", -5))

    assert refusal(act) == "ck_posting__month_open"


def test_a_month_that_is_not_a_first_day(raw):
    assert (
        refusal(lambda: raw.enter(("1002", 5), ("6001", -5), month=date(2026, 3, 2)))
        == "ck_entry__first_of_month"
    )


def test_balanced_postings_added_later_to_an_old_entry(raw):
    def add():
        with raw.connection.transaction():
            raw.scope()
            raw.post(1, ("1002", 5), ("6001", -5), first=10)

    assert refusal(add) == "ck_posting__own_transaction"


def test_an_entry_that_claims_a_later_transaction(raw):
    """The writer may write any `txid`; PostgreSQL puts down its own."""

    def prepare():
        with raw.connection.transaction():
            raw.scope()
            raw.connection.execute(
                "INSERT INTO entry (community_id, id, book, month, posted_on, kind, source, txid)"
                " VALUES (%s, 901, 'service', %s, %s, 'raw:sql', '901',"
                " (pg_current_xact_id()::text::bigint + 1)::text::xid8)",
                [raw.c, MARCH, MARCH],
            )
            raw.post(901, ("1002", 5), ("6001", -5))

    prepare()

    def add():
        with raw.connection.transaction():
            raw.scope()
            raw.post(901, ("1002", 5), ("6001", -5), first=10)

    assert refusal(add) == "ck_posting__own_transaction"


def test_postings_after_the_seal_even_in_the_same_transaction(raw):
    def act():
        with raw.connection.transaction():
            raw.scope()
            raw.connection.execute(
                "INSERT INTO entry (community_id, id, book, month, posted_on, kind, source)"
                " VALUES (%s, 902, 'service', %s, %s, 'raw:sql', '902')",
                [raw.c, MARCH, MARCH],
            )
            raw.post(902, ("1002", 5), ("6001", -5))
            raw.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            raw.post(902, ("1002", 5), ("6001", -5), first=10)

    assert refusal(act) == "ck_posting__own_transaction"


def test_the_same_act_twice_and_the_same_entry_reversed_twice(raw):
    def enter(number: int, kind: str, reverses: int | None):
        with raw.connection.transaction():
            raw.scope()
            raw.connection.execute(
                "INSERT INTO entry (community_id, id, book, month, posted_on, kind, source,"
                " reverses_id) VALUES (%s, %s, 'service', %s, %s, %s, '1', %s)",
                [raw.c, number, MARCH, MARCH, kind, reverses],
            )
            raw.post(number, ("1002", 5), ("6001", -5))

    assert refusal(lambda: enter(50, "test:posted", None)) == ("uq_entry__community_id_kind_source")
    enter(51, "reversal", 1)
    assert refusal(lambda: enter(52, "reversal-again", 1)) == "uq_entry__community_id_reverses_id"


def test_seals_are_not_the_applications_to_write(raw):
    def act():
        with raw.connection.transaction():
            raw.scope()
            raw.connection.execute("INSERT INTO entry_seal VALUES (%s, 777, 'x')", [raw.c])

    assert refusal(act) == "InsufficientPrivilege"


def test_a_closed_month_stays_closed(raw):
    with clock.moved_to(date(2026, 4, 3)), transaction():
        service.close_month(raw.c, "service", Month(2026, 3))
    for value in ("NULL", "'2026-02-01'", "'2026-03-01'"):

        def act(value=value):
            with raw.connection.transaction():
                raw.scope()
                raw.connection.execute(
                    f"UPDATE book SET closed_through = {value}"
                    f" WHERE community_id = {raw.c} AND code = 'service'"
                )

        assert refusal(act) == "ck_book__forward"


def append_only_tables(connection: psycopg.Connection) -> list[str]:
    """Every table PostgreSQL guards by refuse_change, read from its own catalogue."""
    return [
        row[0]
        for row in connection.execute(
            "SELECT DISTINCT t.tgrelid::regclass::text FROM pg_trigger t"
            " JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = 'refuse_change'"
            " AND t.tgtype & 56 = 56 ORDER BY 1"  # UPDATE, DELETE and TRUNCATE
        )
    ]


MUST_BE_APPEND_ONLY = {
    "entry",
    "posting",
    "entry_seal",
    "month_close",
    "closing_balance",
    "audit_event",
    "bill_note",
    "settlement",
    "allocation",
}


def test_nothing_append_only_can_be_changed_by_the_application_or_the_owner(servers, raw):
    tables = append_only_tables(raw.connection)
    assert not MUST_BE_APPEND_ONLY - set(tables)
    with connect(servers, "linli_owner") as owner, connect(servers, "postgres") as superuser:
        for table in tables:
            for statement in (
                f"UPDATE {table} SET community_id = community_id",
                f"DELETE FROM {table}",
                f"TRUNCATE {table} CASCADE",
            ):

                def act(connection, statement=statement):
                    with connection.transaction():
                        connection.execute(f"SET LOCAL app.communities = '{{{raw.c}}}'")
                        connection.execute(statement)

                assert refusal(lambda: act(raw.connection)) == "InsufficientPrivilege", statement
                for mighty in (owner, superuser):
                    with pytest.raises(psycopg.Error, match="only grows"):
                        act(mighty)


def spoil_amount(bad: dict, chance: random.Random) -> None:
    bad["lines"][0][1] += chance.choice([1, 10**6]) * (1 if bad["lines"][0][1] > 0 else -1)


def spoil_account(bad: dict, chance: random.Random) -> None:
    bad["lines"][0][0] = chance.choice(["0000", "1602", "", "6001x"])


def spoil_unit(bad: dict, chance: random.Random) -> None:
    by_unit = [line for line in bad["lines"] if line[2]]
    if by_unit:
        by_unit[0][2] = chance.choice([None, 10**9])
    else:
        spoil_amount(bad, chance)


def spoil_month(bad: dict, chance: random.Random) -> None:
    bad["month"] = date(2026, chance.randrange(1, 4), 1)
    bad["book"] = "service"


def spoil_community(bad: dict, _chance: random.Random) -> None:
    bad["c"] = bad["stranger"]


def spoil_book(bad: dict, _chance: random.Random) -> None:
    bad["lines"][0].append("fund" if bad["book"] != "fund" else "commons")


def spoil_by_emptying(bad: dict, _chance: random.Random) -> None:
    bad["lines"] = []


def spoil_by_orphaning(bad: dict, _chance: random.Random) -> None:
    bad["entry"] = False


def spoil_with_a_zero(bad: dict, _chance: random.Random) -> None:
    bad["lines"].append([bad["lines"][0][0], 0, bad["lines"][0][2]])


SPOILERS = (
    spoil_amount,
    spoil_account,
    spoil_unit,
    spoil_month,
    spoil_community,
    spoil_book,
    spoil_by_emptying,
    spoil_by_orphaning,
    spoil_with_a_zero,
)


def bad_entries(chance: random.Random, raw: Raw, stranger: int, count: int) -> Iterator[dict]:
    """Balanced entries as random as can be, then each spoiled in one way."""
    codes = {book: [one for one in CHART if one.book == book] for book in BOOKS}
    for _ in range(count):
        book = chance.choice(list(BOOKS))
        lines = []
        for _line in range(chance.randrange(2, 6)):
            account = chance.choice(codes[book])
            fen = chance.choice([-1, 1]) * chance.randrange(1, 10**12)
            lines.append([account.code, fen, raw.unit_id if account.by_unit else None])
        lines[0][1] = -sum(line[1] for line in lines[1:])
        bad = {"book": book, "month": date(2027, 5, 1), "lines": lines, "stranger": stranger}
        chance.choice(SPOILERS)(bad, chance)
        del bad["stranger"]
        yield bad


def refuse_all(raw: Raw, count: int) -> None:
    """PostgreSQL refuses every one of `count` bad entries and keeps nothing of them."""
    stranger = found_town().community_id  # no books, and out of scope
    with clock.moved_to(date(2026, 4, 3)), transaction():
        service.close_month(raw.c, "service", Month(2026, 3))
    before = kept(raw)
    for bad in bad_entries(random.Random(count), raw, stranger, count):
        with pytest.raises(psycopg.Error):
            raw.enter(*bad.pop("lines"), **bad)
    assert kept(raw) == before


def kept(raw: Raw) -> tuple:
    with raw.connection.transaction():
        raw.scope()
        return raw.connection.execute(
            "SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM posting)"
        ).fetchone()


def test_many_generated_bad_entries_are_all_refused(raw):
    refuse_all(raw, 600)


@pytest.mark.slow
def test_ten_thousand_generated_bad_entries_are_all_refused(raw):
    refuse_all(raw, 10_000)


def test_a_closing_and_an_entry_on_its_way_wait_for_each_other(servers, raw, app):
    """Two connections, the entry first: the closing waits and counts the entry in."""
    with connect(servers) as writer:
        other = Raw(writer, raw.c, raw.unit_id)
        with writer.transaction():
            other.scope()
            writer.execute(
                "INSERT INTO entry (community_id, id, book, month, posted_on, kind, source)"
                " VALUES (%s, 2, 'service', %s, %s, 'raw:sql', '2')",
                [raw.c, MARCH, MARCH],
            )
            other.post(2, ("1002", 5), ("6001", -5))
            outcome = close_in_thread(app, raw.c)
            outcome.wait_until_blocked(servers)
        outcome.thread.join(10)
    assert outcome.result == "closed"
    with raw.connection.transaction():
        raw.scope()
        assert raw.connection.execute(
            "SELECT balance_fen FROM closing_balance WHERE account_code = '1002'"
        ).fetchone() == (5,)


def test_an_entry_that_comes_while_a_closing_is_under_way_is_refused_after_it(servers, raw):
    """Two connections, the closing first: the entry waits and then finds the month closed."""
    with connect(servers) as closer, connect(servers) as writer:
        other = Raw(writer, raw.c, raw.unit_id)
        refused: list[str] = []
        with closer.transaction():
            closer.execute(f"SET LOCAL app.communities = '{{{raw.c}}}'")
            closer.execute(
                "UPDATE book SET closed_through = %s WHERE community_id = %s AND code = 'service'",
                [MARCH, raw.c],
            )
            thread = threading.Thread(
                target=lambda: refused.append(
                    refusal(lambda: other.enter(("1002", 5), ("6001", -5)))
                )
            )
            thread.start()
            wait_for_a_blocked_one(servers)
        thread.join(10)
    assert refused == ["ck_entry__month_open"]


class close_in_thread:
    """Close March of a community in a thread with an application context of its own."""

    def __init__(self, app, community_id: int) -> None:
        self.app, self.c, self.result = app, community_id, ""
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        from app.kernel.tenancy import scoped

        with self.app.app_context(), scoped([self.c]), clock.moved_to(date(2026, 4, 3)):
            with transaction():
                service.close_month(self.c, "service", Month(2026, 3))
            self.result = "closed"

    def wait_until_blocked(self, servers) -> None:
        wait_for_a_blocked_one(servers)
        assert self.result == ""


def wait_for_a_blocked_one(servers) -> None:
    """Return once some session waits for a lock."""
    import time

    with connect(servers, "postgres") as watcher:
        for _ in range(200):
            waiting = watcher.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            ).fetchone()
            if waiting[0]:
                return
            time.sleep(0.05)
    raise AssertionError("nobody waited")

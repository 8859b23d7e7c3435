"""What PostgreSQL refuses by itself, whatever the application does: raw SQL as linli_app."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest
from psycopg import sql

from app.kernel import clock
from app.kernel.db import transaction
from app.kernel.period import Month
from app.ledger import service
from tests.builders import found_town
from tests.ledger.raw import MARCH, connect, refusal


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

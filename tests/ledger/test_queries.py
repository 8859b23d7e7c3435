"""Balances and statements, against figures by hand and a plain-Python oracle."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.kernel import clock
from app.kernel.db import db, transaction
from app.kernel.errors import NotFound
from app.kernel.period import Month
from app.kernel.tenancy import scoped
from app.ledger import invariants, queries, service
from app.ledger.chart import ADVANCES, BANK, FEE_INCOME, RECEIVABLE
from app.ledger.queries.entries import concerning_unit
from app.ledger.rules import Line
from tests.builders import found_town
from tests.ledger.books import Oracle, post

JANUARY, FEBRUARY, MARCH = Month(2026, 1), Month(2026, 2), Month(2026, 3)


def trial(c: int, month: Month) -> dict[str, tuple[int, int, int, int]]:
    rows = queries.trial_balance(c, "service", month).rows
    return {
        row.account.code: (row.opening_fen, row.debit_fen, row.credit_fen, row.closing_fen)
        for row in rows
        if row.opening_fen or row.debit_fen or row.credit_fen
    }


@pytest.fixture
def books(town):
    """Unit A owes 300 from January; pays 250 in February and 80 in March (30 too much)."""
    c, unit = town.community_id, town.add_unit("1-101")
    post(c, "2026-01", (RECEIVABLE, 300, unit.id), (FEE_INCOME, -300), source="1",
         posted_on=date(2026, 1, 5), memo="一月账单")  # fmt: skip
    post(c, "2026-02", (BANK, 250), (RECEIVABLE, -250, unit.id), source="2",
         posted_on=date(2026, 2, 7))  # fmt: skip
    post(c, "2026-03", (BANK, 80), (RECEIVABLE, -50, unit.id), (ADVANCES, -30, unit.id),
         source="3", posted_on=date(2026, 3, 9))  # fmt: skip
    return town


BY_HAND = {
    "1002": (250, 80, 0, 330),
    "1122": (50, 0, 50, 0),
    "2203": (0, 0, 30, -30),
    "6001": (-300, 0, 0, -300),
}


def test_a_trial_balance_opens_moves_and_closes(books):
    assert trial(books.community_id, MARCH) == BY_HAND
    table = queries.trial_balance(books.community_id, "service", MARCH)
    assert table.total("debit_fen") == table.total("credit_fen") == 80
    assert table.total("closing_debit_fen") == table.total("closing_credit_fen") == 330


def test_a_closing_changes_no_figure(books):
    with clock.moved_to(date(2026, 4, 1)):
        for month in (JANUARY, FEBRUARY, MARCH):
            with transaction():
                service.close_month(books.community_id, "service", month)
            assert trial(books.community_id, MARCH) == BY_HAND
    assert queries.balances(books.community_id, "service", [BANK, RECEIVABLE, "1001"]) == {
        BANK: 330, RECEIVABLE: 0, "1001": 0}  # fmt: skip


def test_a_statement_runs_its_balance_from_the_opening(books):
    def lines(**limits):
        if "start" in limits:
            limits["opening_fen"] = queries.opening_fen(
                books.community_id, "service", RECEIVABLE, limits["start"]
            )
        rows = db.session.execute(
            queries.account_statement(books.community_id, "service", RECEIVABLE, **limits)
        ).all()
        return [
            (row.entry_id, row.debit_fen, row.credit_fen, row.balance_fen, row.unit_label)
            for row in sorted(rows, key=lambda row: row.seq)
        ]

    whole = [(1, 300, None, 300, "1-101"), (2, None, 250, 50, "1-101"), (3, None, 50, 0, "1-101")]
    assert lines() == whole
    assert lines(start=FEBRUARY) == whole[1:]
    assert lines(start=FEBRUARY, end=FEBRUARY) == whole[1:2]


def test_a_units_account_tells_what_it_owes_after_each_line(books):
    unit_id = db.session.execute(db.text("SELECT max(unit_id) FROM posting")).scalar()
    lines = queries.unit_account(books.community_id, unit_id)
    assert [(line.posted_on.month, line.amount_fen, line.balance_fen) for line in lines] == [
        (1, 300, 300), (2, -250, 50), (3, -50, 0), (3, -30, -30)]  # fmt: skip
    assert lines[0].memo == "一月账单"


def test_entries_list_knows_sums_and_reversals(books):
    c = books.community_id
    with transaction():
        service.reverse(c, 3, reason="退票")
    rows = {row.id: row for row in db.session.execute(queries.entries(c, "service"))}
    assert {key: (row.amount_fen, row.posting_count) for key, row in rows.items()} == {
        1: (300, 2), 2: (250, 2), 3: (80, 3), 4: (80, 3)}  # fmt: skip
    assert (rows[3].reversed_by_id, rows[4].reverses_id) == (4, 3)
    found = db.session.execute(concerning_unit(queries.entries(c, "service"), "1-101")).all()
    assert len(found) == 4
    assert not db.session.execute(concerning_unit(queries.entries(c, "service"), "9-9")).all()


def test_an_entry_is_found_in_its_own_book_alone(books):
    c = books.community_id
    entry = queries.entry(c, "service", 3)
    assert (entry.amount_fen, entry.month, len(entry.digest)) == (80, MARCH, 64)
    lines = db.session.execute(queries.postings(c, 3).order_by("no")).all()
    assert [(one.debit_fen, one.credit_fen, one.unit_label) for one in lines] == [
        (80, None, None), (None, 50, "1-101"), (None, 30, "1-101")]  # fmt: skip
    with pytest.raises(NotFound):
        queries.entry(c, "fund", 3)


def test_months_are_closed_next_open_or_running(books):
    c = books.community_id
    with clock.moved_to(date(2026, 4, 10)):
        with transaction():
            service.close_month(c, "service", JANUARY)
        states = {str(one.month): one.state for one in queries.month_states(c, "service")}
        assert states == {"2026-01": "closed", "2026-02": "next", "2026-03": "open",
                          "2026-04": "running"}  # fmt: skip
        service_book, fund, *_ = queries.books(c)
    assert (str(service_book.closed_through), str(service_book.next_month)) == (
        "2026-01", "2026-02")  # fmt: skip
    assert (service_book.bank_fen, service_book.receivable_fen) == (330, 0)
    assert service_book.closable
    assert (fund.entry_count, fund.closable) == (0, False)
    assert queries.month_states(c, "fund") == []


class Bookkeeping(RuleBasedStateMachine):
    """Posts, reversals and closings in any order, beside a plain-Python ledger."""

    @initialize()
    def found(self) -> None:
        self.town = found_town()
        self.c = self.town.community_id
        with scoped([self.c]):
            self.unit_id = self.town.add_unit().id
        self.oracle, self.serial, self.closed_through = Oracle(), 0, Month(2025, 12)
        self.entries: dict[int, list[Line]] = {}

    @rule(month=st.integers(1, 6), fen=st.integers(1, 10**9), extra=st.integers(0, 10**6))
    def post(self, month: int, fen: int, extra: int) -> None:
        when = Month(2026, month)
        if when <= self.closed_through:
            when = self.closed_through.shift(1)
        lines = [Line(RECEIVABLE, fen, self.unit_id), Line(FEE_INCOME, -fen - extra)]
        lines += [Line(BANK, extra)] if extra else []
        self.serial += 1
        with scoped([self.c]), transaction():
            entry = service.post(self.c, "service", when, "t:s", str(self.serial), lines)
            assert entry.id == self.serial
        self.entries[self.serial] = lines
        self.oracle.post(when, lines)

    @precondition(lambda self: self.entries)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        which = data.draw(st.sampled_from(sorted(self.entries)))
        lines = self.entries.pop(which)
        self.serial += 1
        with scoped([self.c]), transaction():
            entry = service.reverse(self.c, which, reason="试")
            month = Month.of(entry.month)
        assert month > self.closed_through
        self.oracle.post(
            month, [Line(one.account_code, -one.amount_fen, one.unit_id) for one in lines]
        )

    @precondition(lambda self: self.serial and self.closed_through < Month(2026, 6))
    @rule()
    def close(self) -> None:
        with scoped([self.c]), clock.moved_to(date(2026, 8, 1)), transaction():
            due = next(one.next_month for one in queries.books(self.c) if one.code == "service")
            service.close_month(self.c, "service", due)
            self.closed_through = due

    @invariant()
    def balances_equal(self) -> None:
        if not hasattr(self, "c"):
            return
        with scoped([self.c]):
            for number in range(1, 8):
                month = Month(2026, number)
                told = {code: row[:3] for code, row in trial(self.c, month).items()}
                expected = {code: row for code, row in self.oracle.trial(month).items() if any(row)}
                assert told == expected, str(month)

    def teardown(self) -> None:
        if hasattr(self, "c"):
            with scoped([self.c]):
                assert invariants.check([self.c], invariants.LEDGER) == []
                db.session.rollback()


@pytest.mark.usefixtures("house")
def test_any_history_equals_a_plain_ledger():
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        Bookkeeping,
        settings=settings(max_examples=12, stateful_step_count=15, deadline=None, database=None,
                          suppress_health_check=list(HealthCheck)),
    )  # fmt: skip

"""Posting, reversing and closing through the service."""

from __future__ import annotations

from datetime import date

import pytest

from app.kernel import audit, clock
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.kernel.period import Month
from app.ledger import service
from app.ledger.chart import ADVANCES, BANK, CASH, FEE_INCOME, RECEIVABLE
from app.ledger.models import Entry, LedgerAccount, Posting
from app.ledger.rules import Line
from tests.builders import Town

MARCH = Month(2026, 3)


def charge(town: Town, unit_id: int, fen: int = 12_500, source: str = "1", month: Month = MARCH):
    """Dr 1122 应收 unit / Cr 6001 物业费收入."""
    with transaction():
        return service.post(
            town.community_id,
            "service",
            month,
            "test:charged",
            source,
            [Line(RECEIVABLE, fen, unit_id), Line(FEE_INCOME, -fen)],
        )


def postings(entry: Entry) -> list[tuple[int, str, int | None, int]]:
    rows = db.session.query(Posting).filter_by(community_id=entry.community_id, entry_id=entry.id)
    return [(p.no, p.account_code, p.unit_id, p.amount_fen) for p in rows.order_by(Posting.no)]


def test_a_community_gets_its_four_books_once(town):
    with transaction():
        service.open_books(town.community_id)
        service.open_books(town.community_id)
    assert db.session.query(LedgerAccount).count() == 29


def test_an_entry_keeps_its_lines_in_order_and_its_number(town):
    unit = town.add_unit()
    entry = charge(town, unit.id)
    assert entry.id == 1
    assert entry.month == date(2026, 3, 1)
    assert entry.posted_on == clock.today()
    assert postings(entry) == [(1, "1122", unit.id, 12_500), (2, "6001", None, -12_500)]


def test_the_same_act_again_is_the_same_entry(town):
    unit = town.add_unit()
    first, again = charge(town, unit.id), charge(town, unit.id)
    assert again.id == first.id
    assert charge(town, unit.id, source="2").id == 2, "a repeat must not use up a number"


def test_the_same_act_with_other_lines_is_a_conflict(town):
    unit = town.add_unit()
    charge(town, unit.id)
    with pytest.raises(Conflict):
        charge(town, unit.id, fen=99)
    with pytest.raises(Conflict):
        charge(town, unit.id, month=Month(2026, 4))


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([Line(BANK, 5), Line(FEE_INCOME, -4)], "ledger.unbalanced"),
        ([], "ledger.unbalanced"),
        ([Line(BANK, 5), Line("9999", -5)], "ledger.no_account"),
        ([Line(RECEIVABLE, 5), Line(FEE_INCOME, -5)], "ledger.unit_needed"),
        ([Line(BANK, 0), Line(CASH, 0)], "ledger.amount"),
        ([Line(BANK, 10**15 + 1), Line(CASH, -(10**15) - 1)], "ledger.amount"),
    ],
)
def test_what_is_not_an_entry_is_refused_in_words(town, lines, code):
    with pytest.raises(RuleBroken) as refused, transaction():
        service.post(town.community_id, "service", MARCH, "test:bad", "1", lines)
    assert refused.value.code == code
    assert "%(" not in str(refused.value)


def test_there_is_no_fifth_book(town):
    with pytest.raises(NotFound), transaction():
        service.post(town.community_id, "slush", MARCH, "t:t", "1", [])


def test_a_reversal_mirrors_its_entry_and_happens_once(town):
    unit = town.add_unit()
    entry = charge(town, unit.id)
    with transaction():
        reversal = service.reverse(town.community_id, entry.id, reason="录错")
    assert reversal.reverses_id == entry.id
    assert postings(reversal) == [(1, "1122", unit.id, -12_500), (2, "6001", None, 12_500)]
    with pytest.raises(Conflict), transaction():
        service.reverse(town.community_id, entry.id, reason="再来")
    with pytest.raises(RuleBroken), transaction():
        service.reverse(town.community_id, reversal.id, reason="冲销冲销")
    with pytest.raises(NotFound), transaction():
        service.reverse(town.community_id, 99, reason="没有")


def test_a_month_closes_in_order_and_takes_no_more(town):
    unit = town.add_unit()
    charge(town, unit.id, month=Month(2026, 2))
    entry = charge(town, unit.id, source="2")
    with clock.moved_to(date(2026, 4, 2)):
        with pytest.raises(RuleBroken, match="2026-02"), transaction():
            service.close_month(town.community_id, "service", MARCH)
        with transaction():
            service.close_month(town.community_id, "service", Month(2026, 2))
            close = service.close_month(town.community_id, "service", MARCH)
        assert len(close.digest) == 64
        with pytest.raises(Conflict), transaction():
            service.close_month(town.community_id, "service", MARCH)
        with pytest.raises(RuleBroken, match="还没有结束"), transaction():
            service.close_month(town.community_id, "service", Month(2026, 4))
        with pytest.raises(RuleBroken, match="2026-03 已结账"):
            charge(town, unit.id, source="3")
        with transaction():
            reversal = service.reverse(town.community_id, entry.id, reason="错")
    assert reversal.month == date(2026, 4, 1), (
        "a closed month's entry is reversed in the first open"
    )


def test_an_empty_book_has_nothing_to_close(town):
    with pytest.raises(RuleBroken, match="没有凭证"), transaction():
        service.close_month(town.community_id, "fund", MARCH)


def test_begin_entry_hands_the_postings_to_one_set_based_statement(town):
    unit = town.add_unit()
    with transaction():
        entry_id = service.begin_entry(
            town.community_id, "service", MARCH, "test:run", "7", memo="三月"
        )
        service._add_postings(
            town.community_id,
            entry_id,
            "service",
            [Line(RECEIVABLE, 7, unit.id), Line(ADVANCES, -7, unit.id)],
        )
    with pytest.raises(Conflict), transaction():
        service.begin_entry(town.community_id, "service", MARCH, "test:run", "7")


def test_an_entry_knows_who_made_it(town):
    unit = town.add_unit()
    with audit.acting(audit.Actor(account_id=41, name="会计")):
        assert charge(town, unit.id).created_by == 41

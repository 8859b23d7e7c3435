"""A row of a portfolio says what its bills say, one by one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from app.billing.bills import service as bills
from app.billing.bills.queries import lists
from app.billing.models import BillRun
from app.billing.portfolio import queries
from app.billing.subsidy.models import SubsidyScheme
from app.kernel import clock
from app.kernel.db import db
from app.kernel.period import Month
from app.kernel.tenancy import scoped
from tests.billing.bills import Charge, Counter
from tests.builders import Town, found_town

TODAY = date(2026, 11, 20)


def row(town: Town) -> queries.CommunityMoney:
    with clock.moved_to(TODAY):
        return queries.communities([town.community_id], TODAY)[0]


def test_an_empty_community_is_all_noughts(town: Town) -> None:
    found = row(town)
    assert found.unit_count == found.billed_fen == found.overdue_fen == 0
    assert found.month_state == "none"
    assert found.rate is None
    assert found.subsidy_until is None
    assert found.company_id == town.organization_id


def test_a_years_collection_equals_the_bills_added_up(town: Town) -> None:
    counter = Counter(town)
    one, two = town.add_unit("1-101"), town.add_unit("1-102")
    with clock.moved_to(TODAY):
        old = counter.issue(one, "2025-03", Charge(70000))  # due before the year: not counted
        paid = counter.issue(one, "2026-03", Charge(10000, 3000))
        mended = counter.issue(two, "2026-04", Charge(20000))
        gone = counter.issue(two, "2026-05", Charge(40000))
        coming = counter.issue(one, "2026-12", Charge(5000))  # not due yet
        bills.correct(town.community_id, mended.id, "credit", 1500, "面积有误")
        for bill, fen in ((paid, 7000), (mended, 500)):
            bills.settle(
                town.community_id,
                bill.unit_id,
                fen,
                received_on=TODAY,
                means="cash",
                source=f"counter:{bill.id}",
                bill_ids=[bill.id],
            )
        db.session.commit()
        counter.withdraw(gone)
    found = row(town)
    assert found.billed_fen == 7000 + 20000 - 1500
    assert found.collected_fen == 7000 + 500
    assert found.overdue_fen == 70000 + 18000
    assert found.open_fen == 70000 + 18000 + 5000
    assert found.rate == Decimal(7500) / 25500
    by_month = lists.collection(town.community_id, Month(2025, 12), Month(2026, 11))
    assert sum(one.billed_fen for one in by_month) == found.billed_fen
    assert sum(one.collected_fen for one in by_month) == found.collected_fen
    assert {old.id, coming.id}  # both stand, outside the year


def test_the_months_state_is_the_present_months(town: Town) -> None:
    counter = Counter(town)
    unit = town.add_unit()
    counter.issue(unit, "2026-10")
    assert row(town).month_state == "none"
    assert row(town).last_month == date(2026, 10, 1)
    db.session.add(
        BillRun(
            community_id=town.community_id,
            month=date(2026, 11, 1),
            due_on=date(2026, 11, 28),
            prepared_at=clock.now(),
        )
    )
    db.session.commit()
    assert row(town).month_state == "preview"
    counter.issue(unit, "2026-11")
    assert row(town).month_state == "issued"


def scheme(town: Town, number: int, start: str, end: str, stopped: str | None = None) -> None:
    begins = date.fromisoformat(start)
    db.session.add(
        SubsidyScheme(
            community_id=town.community_id,
            payer_region_id=town.region_id,
            agreement_no=f"示街办〔2024〕{number}号",
            entered_on=begins,
            starts_on=begins,
            ends_on=date.fromisoformat(end),
            terminated_on=date.fromisoformat(stopped) if stopped else None,
        )
    )
    db.session.commit()


def test_agreements_that_follow_without_a_gap_are_one_subsidy(town: Town) -> None:
    scheme(town, 1, "2024-03-15", "2027-03-15")
    assert row(town).subsidy_until == date(2027, 3, 15)
    scheme(town, 2, "2027-03-15", "2028-03-15")
    assert row(town).subsidy_until == date(2028, 3, 15)
    scheme(town, 3, "2028-04-01", "2029-04-01")  # a gap of days: another subsidy
    assert row(town).subsidy_until == date(2028, 3, 15)


def test_an_agreement_ended_early_pays_no_longer(town: Town) -> None:
    scheme(town, 1, "2024-03-15", "2027-03-15", stopped="2026-11-20")
    assert row(town).subsidy_until is None


def test_another_towns_rows_stay_out(town: Town) -> None:
    other = found_town()
    Counter(town).issue(town.add_unit(), "2026-03")
    with scoped([other.community_id]):
        found = queries.communities([town.community_id, other.community_id], TODAY)
    assert {one.id: one.billed_fen for one in found}.get(town.community_id) == 0

"""Arrears by age equal the naive sum; damages are added once; reminders are recorded."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from app.billing.arrears import queries, rules, service
from app.billing.arrears.letter import letter_data
from app.billing.bills import service as bills
from app.billing.bills.queries import sheet
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.kernel.tenancy import scoped
from app.ledger import invariants as books
from tests.billing.bills import Charge, Counter
from tests.builders import found_town

ON = date(2026, 11, 23)


@pytest.fixture
def counter(town):
    return Counter(town)


def naive(community_id: int, on: date) -> dict[int, dict[str, int]]:
    """Each bill looked at alone, in Python."""
    rows = db.session.execute(
        text(
            "SELECT unit_id, due_on, resident_fen, notes_fen, paid_fen, withdrawn FROM bill"
            " WHERE community_id = :c"
        ),
        {"c": community_id},
    )
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        left = 0 if row.withdrawn else row.resident_fen + row.notes_fen - row.paid_fen
        if left:
            ages = found.setdefault(row.unit_id, {})
            age = rules.age_of(row.due_on, on) + "_fen"
            ages[age] = ages.get(age, 0) + left
    return found


def scatter(town, counter, seed: int, units: int = 6, months: int = 8) -> None:
    """Bills of all ages, some paid, some in part, one withdrawn, one corrected."""
    chance = random.Random(seed)
    for number in range(units):
        unit = town.add_unit(f"{number % 3 + 1}-{100 + number}")
        for month in range(1, months + 1):
            due = ON - timedelta(days=chance.choice([-10, 0, 1, 30, 31, 90, 91, 365, 366, 800]))
            bill = counter.issue(
                unit,
                f"2026-{month:02d}",
                Charge(chance.randint(100, 30000)),
                due_on=due.isoformat(),
            )
            fate = chance.random()
            if fate < 0.1:
                counter.withdraw(bill)
            elif fate < 0.2:
                bills.correct(town.community_id, bill.id, "credit", bill.open_fen, "多收")
        bills.settle(
            town.community_id,
            unit.id,
            chance.randint(1, 60000),
            received_on=ON,
            means="bank",
            source=f"counter:{unit.id}",
        )
    db.session.commit()


def test_ages_equal_the_naive_sum(town, counter):
    scatter(town, counter, seed=7)
    expected = naive(town.community_id, ON)
    found = queries.by_unit(town.community_id, ON)
    assert {unit.unit_id: {k: v for k, v in vars(unit.ages).items() if v} for unit in found} == (
        expected
    )
    total = queries.total(town.community_id, ON)
    assert total.ages.total_fen == sum(sum(ages.values()) for ages in expected.values())
    late = [unit for unit in found if unit.ages.overdue_fen]
    assert total.overdue_units == len(late)
    assert queries.by_unit(town.community_id, ON, overdue_only=True) == late
    houses = queries.by_building(found, ON)
    assert sum(house.ages.overdue_fen for house in houses) == total.ages.overdue_fen
    assert sum(house.overdue_units for house in houses) == len(late)
    only = queries.by_unit(town.community_id, ON, building_id=houses[0].building_id)
    assert {unit.building_code for unit in only} == {houses[0].building_code}


def test_a_company_sees_its_communities_the_worst_first(house):
    first, second = found_town(), found_town()
    with scoped([first.community_id, second.community_id]):
        Counter(first).issue(first.add_unit(), "2026-09", Charge(100))
        Counter(second).issue(second.add_unit(), "2026-09", Charge(5000))
    with scoped([first.community_id, second.community_id]):
        found = queries.by_community([first.community_id, second.community_id], ON)
    assert [(one.community_id, one.ages.overdue_fen) for one in found] == [
        (second.community_id, 5000),
        (first.community_id, 100),
    ]


def test_a_community_out_of_scope_is_not_counted(town, counter):
    other = found_town()
    with scoped([other.community_id]):
        Counter(other).issue(other.add_unit(), "2026-09", Charge(100))
    found = queries.by_community([town.community_id, other.community_id], ON)
    assert sum(one.ages.total_fen for one in found) == 0


def test_damages_are_added_once_and_bear_none_themselves(town, counter):
    """1,000.00 due 28 September, 56 days late by 23 November: 16.80; then ten more days: 3.00."""
    counter.late_terms()
    unit = town.add_unit()
    bill = counter.issue(unit, "2026-09", Charge(100_000))
    with clock.moved_to(ON):
        note = service.charge_damages(town.community_id, bill.id)
        assert (note.amount_fen, note.ground, note.kind) == (1680, "damages", "debit")
        with pytest.raises(Conflict):
            service.charge_damages(town.community_id, bill.id)
    with clock.moved_to(ON + timedelta(days=10)):
        assert service.charge_damages(town.community_id, bill.id).amount_fen == 300
    db.session.refresh(bill)
    assert bill.open_fen == 101_980
    db.session.commit()
    assert [str(one) for one in books.check([town.community_id])] == []


def test_without_a_clause_no_damages_can_be_added(town, counter):
    bill = counter.issue(town.add_unit(), "2026-09", Charge(100_000))
    with clock.moved_to(ON), pytest.raises(RuleBroken):
        service.charge_damages(town.community_id, bill.id)


def test_a_bill_paid_late_and_in_full_takes_no_damages_afterwards(town, counter):
    counter.late_terms()
    unit = town.add_unit()
    bill = counter.issue(unit, "2026-09", Charge(100_000))
    bills.settle(
        town.community_id,
        unit.id,
        100_000,
        received_on=date(2026, 11, 1),
        means="cash",
        source="counter:1",
    )
    with clock.moved_to(ON), pytest.raises(Conflict):
        service.charge_damages(town.community_id, bill.id)


def test_a_reminder_goes_to_who_owes_and_is_recorded(town, counter):
    unit = town.add_unit()
    seller = town.add_owner(unit, "李四", ends_on="2026-10-01")
    buyer = town.add_owner(unit, "王五", "2026-10-01")
    counter.issue(unit, "2026-08", Charge(10000), payer=seller)
    counter.issue(unit, "2026-10", Charge(7000), payer=buyer)
    with clock.moved_to(ON):
        first = service.remind(town.community_id, unit.id)
        service.remind(town.community_id, unit.id, buyer.id)
    db.session.commit()
    assert first.content.startswith(b"%PDF")
    facts = [
        row.after
        for row in db.session.execute(
            text(
                "SELECT after FROM audit_event WHERE community_id = :c"
                " AND action = 'arrears:reminded' ORDER BY id"
            ),
            {"c": town.community_id},
        )
    ]
    assert [(one["payer"], one["open_fen"]) for one in facts] == [
        (seller.id, 10000),
        (buyer.id, 7000),
    ]
    assert queries.reminders(town.community_id, unit.id)[-1][1] == first.number


def test_a_reminder_gives_fifteen_days_and_threatens_nothing(town, counter):
    unit = town.add_unit()
    owner = town.add_owner(unit, "欧阳龘")
    bill = counter.issue(unit, "2026-08", Charge(10000), payer=owner)
    late = queries.late_bills(town.community_id, unit.id, ON, ())
    full = sheet.bill(town.community_id, bill.id)
    words = letter_data(full.letterhead, full.bill, late, ON, number="1")
    whole = "".join(str(value) for value in words.values())
    assert "2026年12月8日" in whole
    assert "欧阳龘" in whole
    for threat in ("停水", "停电", "断", "公示", "曝光", "门禁"):
        assert threat not in whole
    assert "不受影响" in whole


def test_a_home_without_debts_gets_no_reminder(town, counter):
    with pytest.raises(NotFound):
        service.remind(town.community_id, town.add_unit().id)

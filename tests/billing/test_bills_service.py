"""Corrections and settlements: what is laid where, and what the books say."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text

from app.billing.bills import invariants, service
from app.billing.bills.queries import accounts, sheet
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.kernel.period import Month
from app.ledger import invariants as books
from app.ledger import service as ledger
from tests.billing.bills import Charge, Counter
from tests.builders import Town


@pytest.fixture
def counter(town: Town) -> Counter:
    return Counter(town)


def journal(town: Town, entry_id: int) -> list[tuple[str, int, int | None]]:
    """An entry's postings as (account, fen, unit)."""
    rows = db.session.execute(
        text(
            "SELECT account_code, amount_fen, unit_id FROM posting"
            " WHERE community_id = :c AND entry_id = :e ORDER BY no"
        ),
        {"c": town.community_id, "e": entry_id},
    )
    return [tuple(row) for row in rows]


def findings(town: Town) -> list[str]:
    db.session.commit()
    return [str(one) for one in books.check([town.community_id])]


def pay(town: Town, unit_id: int, fen: int, source: str = "counter:1", **more: object):
    values = {"received_on": date(2026, 4, 2), "means": "cash", "source": source, **more}
    return service.settle(town.community_id, unit_id, fen, **values)


def test_money_pays_the_oldest_bill_first_and_the_rest_is_kept(town, counter):
    """1001 250.00 / 1122 unit 200.00, 2203 unit 50.00."""
    unit = town.add_unit()
    march, february = counter.issue(unit, "2026-03"), counter.issue(unit, "2026-02")
    done = pay(town, unit.id, 25000)
    assert done.allocations == ((february.id, 10000), (march.id, 10000))
    assert done.credit_fen == 5000
    entry = db.session.execute(text("SELECT max(id) FROM entry")).scalar_one()
    assert journal(town, entry) == [
        ("1001", 25000, None),
        ("1122", -20000, unit.id),
        ("2203", -5000, unit.id),
    ]
    db.session.refresh(march)
    assert (march.paid_fen, march.open_fen) == (10000, 0)
    assert accounts.credit_fen(town.community_id, unit.id) == 5000
    assert findings(town) == []


def test_a_part_payment_leaves_the_younger_bill_open(town, counter):
    unit = town.add_unit()
    old, young = counter.issue(unit, "2026-02"), counter.issue(unit, "2026-03")
    pay(town, unit.id, 15000)
    db.session.refresh(young)
    assert (young.paid_fen, young.open_fen) == (5000, 5000)
    assert sheet.bill(town.community_id, old.id).bill.status == "paid"
    assert sheet.bill(town.community_id, young.id).bill.status == "part"


def test_named_bills_are_paid_and_others_left(town, counter):
    unit = town.add_unit()
    old, young = counter.issue(unit, "2026-02"), counter.issue(unit, "2026-03")
    done = pay(town, unit.id, 10000, bill_ids=[young.id])
    assert done.allocations == ((young.id, 10000),)
    db.session.refresh(old)
    assert old.open_fen == 10000


def test_a_bill_of_another_home_cannot_be_named(town, counter):
    unit, other = town.add_unit("1-101"), town.add_unit("1-102")
    bill = counter.issue(other, "2026-03")
    with pytest.raises(NotFound):
        pay(town, unit.id, 100, bill_ids=[bill.id])


def test_a_new_owners_money_never_pays_the_sellers_debt(town, counter):
    unit = town.add_unit()
    seller, buyer = (
        town.add_owner(unit, "李四", ends_on="2026-03-11"),
        town.add_owner(unit, "王五", "2026-03-11"),
    )
    sold = counter.issue(unit, "2026-02", payer=seller)
    bought = counter.issue(unit, "2026-04", payer=buyer)
    done = pay(town, unit.id, 30000, payer_id=buyer.id)
    assert done.allocations == ((bought.id, 10000),)
    assert done.credit_fen == 20000
    db.session.refresh(sold)
    assert sold.open_fen == 10000


def test_the_same_source_settles_once(town, counter):
    unit = town.add_unit()
    counter.issue(unit, "2026-03")
    first = pay(town, unit.id, 12000)
    assert pay(town, unit.id, 12000) == first
    with pytest.raises(Conflict):
        pay(town, unit.id, 12001)
    assert db.session.execute(text("SELECT count(*) FROM settlement")).scalar_one() >= 1
    assert findings(town) == []


def test_credit_is_used_on_the_next_bill(town, counter):
    """2203 unit 20.00 / 1122 unit 20.00."""
    unit = town.add_unit()
    counter.issue(unit, "2026-03")
    pay(town, unit.id, 12000)
    april = counter.issue(unit, "2026-04")
    assert service.apply_credits(town.community_id) == 1
    db.session.refresh(april)
    assert (april.paid_fen, april.open_fen) == (2000, 8000)
    assert accounts.credit_fen(town.community_id, unit.id) == 0
    assert service.apply_credits(town.community_id) == 0
    assert findings(town) == []


def test_the_sellers_credit_is_not_spent_on_the_buyers_bill(town, counter):
    unit = town.add_unit()
    seller = town.add_owner(unit, "李四", ends_on="2026-05-01")
    town.add_owner(unit, "王五", "2026-05-01")
    counter.issue(unit, "2026-03", payer=seller)
    pay(town, unit.id, 12000)
    counter.issue(unit, "2026-05")
    assert service.apply_credit(town.community_id, unit.id) is None


@pytest.mark.parametrize(
    ("ground", "fee_mode", "account"),
    [
        ("correction", "fixed", "6001"),
        ("correction", "commission", "2241"),
        ("waiver", "fixed", "6701"),
        ("waiver", "commission", "2241"),
    ],
)
def test_a_credit_note_lessens_what_it_was_booked_against(town, counter, ground, fee_mode, account):
    unit = town.add_unit()
    bill = counter.issue(unit, "2026-03", Charge(10000))
    db.session.execute(
        text("UPDATE community SET fee_mode = :m WHERE id = :c"),
        {"m": fee_mode, "c": town.community_id},
    )
    note = service.correct(
        town.community_id, bill.id, "credit", 1000, "电梯停用十天", ground=ground
    )
    assert journal(town, note.entry_id) == [("1122", -1000, unit.id), (account, 1000, None)]
    db.session.refresh(bill)
    assert (bill.notes_fen, bill.open_fen) == (-1000, 9000)
    assert findings(town) == []


def test_a_debit_note_adds_to_the_bill(town, counter):
    unit = town.add_unit()
    bill = counter.issue(unit, "2026-03")
    note = service.correct(town.community_id, bill.id, "debit", 500, "漏计垃圾清运费")
    assert journal(town, note.entry_id) == [("1122", 500, unit.id), ("6001", -500, None)]
    db.session.refresh(bill)
    assert bill.open_fen == 10500


def test_a_credit_never_exceeds_what_is_open(town, counter):
    unit = town.add_unit()
    bill = counter.issue(unit, "2026-03")
    pay(town, unit.id, 9500)
    with pytest.raises(RuleBroken) as refused:
        service.correct(town.community_id, bill.id, "credit", 501, "多收")
    assert "5.00" in str(refused.value)
    service.correct(town.community_id, bill.id, "credit", 500, "多收")
    assert findings(town) == []


def test_a_form_sent_twice_is_one_note(town, counter):
    bill = counter.issue(town.add_unit(), "2026-03")
    once = service.correct(town.community_id, bill.id, "credit", 100, "多收", key="form:a1")
    assert (
        service.correct(town.community_id, bill.id, "credit", 100, "多收", key="form:a1").id
        == once.id
    )
    with pytest.raises(Conflict):
        service.correct(town.community_id, bill.id, "credit", 200, "多收", key="form:a1")


def test_a_note_goes_into_the_first_open_month(town, counter):
    bill = counter.issue(town.add_unit(), "2026-03")
    with clock.moved_to(date(2026, 4, 5)):
        ledger.close_month(town.community_id, "service", Month(2026, 3))
    with clock.moved_to(date(2026, 3, 20)):  # a clock set back must not reopen a month
        note = service.correct(town.community_id, bill.id, "credit", 100, "多收")
    month = db.session.execute(
        text("SELECT month FROM entry WHERE community_id = :c AND id = :e"),
        {"c": town.community_id, "e": note.entry_id},
    ).scalar_one()
    assert month == date(2026, 4, 1)


def test_a_withdrawn_bill_takes_no_note_and_no_money(town, counter):
    unit = town.add_unit()
    bill = counter.issue(unit, "2026-03")
    counter.withdraw(bill)
    with pytest.raises(Conflict):
        service.correct(town.community_id, bill.id, "credit", 100, "多收")
    assert pay(town, unit.id, 100).credit_fen == 100
    assert findings(town) == []


@pytest.mark.parametrize(
    ("kind", "ground", "fen", "reason"),
    [
        ("credit", "damages", 100, "因"),
        ("debit", "waiver", 100, "因"),
        ("gift", "waiver", 1, "因"),
        ("credit", "correction", 0, "因"),
        ("credit", "correction", 100, "  "),
    ],
)
def test_a_note_that_no_bill_could_take_is_refused(town, counter, kind, ground, fen, reason):
    bill = counter.issue(town.add_unit(), "2026-03")
    with pytest.raises(RuleBroken):
        service.correct(town.community_id, bill.id, kind, fen, reason, ground=ground)


def test_another_communitys_bill_is_not_found(town, counter):
    bill = counter.issue(town.add_unit(), "2026-03")
    with pytest.raises(NotFound):
        service.correct(town.community_id + 999_999, bill.id, "credit", 100, "多收")


def test_the_statement_runs_from_opening_to_closing(town, counter):
    unit = town.add_unit()
    bill = counter.issue(unit, "2026-02", Charge(12000, 4000))
    with clock.moved_to(date(2026, 3, 3)):
        service.correct(town.community_id, bill.id, "credit", 500, "多收")
    counter.issue(unit, "2026-03", Charge(8000))
    pay(town, unit.id, 20000)
    counter.withdraw(counter.issue(unit, "2026-04", Charge(700)))
    db.session.commit()
    whole = accounts.statement(town.community_id, unit.id, until=date(2026, 4, 30))
    assert [(e.kind, e.amount_fen, e.balance_fen) for e in whole.events] == [
        ("bill", 8000, 8000),
        ("bill", 8000, 16000),
        ("credit", -500, 15500),
        ("bill", 700, 16200),
        ("payment", -20000, -3800),
    ]
    part = accounts.statement(town.community_id, unit.id, date(2026, 3, 1), date(2026, 3, 31))
    assert (part.opening_fen, part.closing_fen, len(part.events)) == (8000, 15500, 2)
    payment = whole.events[-1]
    assert payment.months == (Month(2026, 2), Month(2026, 3))
    assert payment.credit_fen == 4500


def test_each_control_account_finds_a_wrong_fen(town, counter):
    """Every invariant is made to fail, as the owner of the tables could make it."""
    unit = town.add_unit()
    bill = counter.issue(unit, "2026-03", Charge(10000, 2000))
    pay(town, unit.id, 9000)
    service.correct(town.community_id, bill.id, "debit", 100, "漏计")
    assert findings(town) == []
    for change in (
        "UPDATE bill SET notes_fen = notes_fen + 1 WHERE id = :b",
        "UPDATE bill SET paid_fen = paid_fen - 1 WHERE id = :b",
        "UPDATE bill SET gross_fen = gross_fen + 1, subsidy_fen = subsidy_fen + 1 WHERE id = :b",
    ):
        db.session.execute(text(change), {"b": bill.id})
        found = {one.invariant for one in books.check([town.community_id])}
        assert found & {
            "receivables",
            "allocations",
            "bill_notes",
            "bill_lines",
            "subsidy_receivable",
        }, change
        db.session.rollback()
    assert {one.name for one in books.INVARIANTS} >= {
        "receivables",
        "advances",
        "subsidy_receivable",
        "allocations",
        "bill_notes",
        "bill_lines",
    }
    assert invariants.receivables_are_open_bills([town.community_id]) == []

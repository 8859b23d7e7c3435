"""Money taken back: from the credit first, then from the latest bills; what is owed again."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text

from app.billing.bills import service
from app.billing.bills.queries import accounts
from app.kernel.db import db
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.ledger import invariants as books
from tests.billing.bills import Counter
from tests.billing.test_bills_service import findings, journal, pay
from tests.builders import Town


@pytest.fixture
def counter(town: Town) -> Counter:
    return Counter(town)


def back(town: Town, settlement_id: int, fen: int, source: str = "back:1", **more: object):
    values = {"reason": "收错了房号", "source": source, **more}
    return service.take_back(town.community_id, settlement_id, fen, **values)


def entry_of(town: Town, settlement_id: int) -> int:
    return db.session.execute(
        text("SELECT entry_id FROM settlement WHERE community_id = :c AND id = :id"),
        {"c": town.community_id, "id": settlement_id},
    ).scalar_one()


def paid(bill) -> int:
    db.session.refresh(bill)
    return bill.paid_fen


def test_all_of_a_payment_is_taken_back_by_its_mirror(town, counter):
    """250.00 in cash for bills of 200.00 → 1122 200.00, 2203 50.00 / 1001 250.00."""
    unit = town.add_unit()
    march, february = counter.issue(unit, "2026-03"), counter.issue(unit, "2026-02")
    done = pay(town, unit.id, 25000)
    undone = back(town, done.settlement_id, 25000)
    assert (undone.amount_fen, undone.credit_fen) == (-25000, -5000)
    assert undone.allocations == ((march.id, -10000), (february.id, -10000))
    assert journal(town, entry_of(town, undone.settlement_id)) == [
        ("1122", 20000, unit.id),
        ("2203", 5000, unit.id),
        ("1001", -25000, None),
    ]
    assert (paid(march), paid(february)) == (0, 0)
    assert accounts.credit_fen(town.community_id, unit.id) == 0
    assert findings(town) == []


def test_a_part_comes_from_the_credit_and_then_from_the_latest_bill(town, counter):
    """Of 250.00 (100 + 100 + 50 kept) 80.00 goes back: 50 of the credit, 30 of March."""
    unit = town.add_unit()
    february, march = counter.issue(unit, "2026-02"), counter.issue(unit, "2026-03")
    done = pay(town, unit.id, 25000)
    undone = back(town, done.settlement_id, 8000)
    assert undone.credit_fen == -5000
    assert undone.allocations == ((march.id, -3000),)
    assert (paid(february), paid(march)) == (10000, 7000)
    back(town, done.settlement_id, 10000, "back:2")
    assert (paid(february), paid(march)) == (7000, 0)
    assert findings(town) == []


def test_credit_that_was_spent_since_is_taken_off_the_bill_it_paid(town, counter):
    """120.00 for a bill of 100.00; the 20.00 pay April's; all is taken back: 1122 120.00 / 1002."""
    unit = town.add_unit()
    march = counter.issue(unit, "2026-03")
    done = pay(town, unit.id, 12000, means="bank")
    april = counter.issue(unit, "2026-04")
    service.apply_credit(town.community_id, unit.id)
    assert paid(april) == 2000
    undone = back(town, done.settlement_id, 12000)
    assert journal(town, entry_of(town, undone.settlement_id)) == [
        ("1122", 12000, unit.id),
        ("1002", -12000, None),
    ]
    assert (paid(march), paid(april)) == (0, 0)
    assert accounts.credit_fen(town.community_id, unit.id) == 0
    assert sorted(undone.allocations) == [(march.id, -10000), (april.id, -2000)]
    assert findings(town) == []


def test_what_is_unspent_goes_before_what_was_spent(town, counter):
    """50.00 kept, 30.00 of it spent on April: 35.00 back are the 20.00 left and 15.00 of April."""
    unit = town.add_unit()
    done = pay(town, unit.id, 5000)
    from tests.billing.bills import Charge

    april = counter.issue(unit, "2026-04", Charge(3000))
    service.apply_credit(town.community_id, unit.id)
    back(town, done.settlement_id, 3500)
    assert paid(april) == 1500
    assert accounts.credit_fen(town.community_id, unit.id) == 0
    assert findings(town) == []


def test_one_payments_credit_is_not_taken_for_anothers(town, counter):
    """The first 50.00 paid April; taking them back leaves the second payer's 30.00 alone."""
    from tests.billing.bills import Charge

    unit = town.add_unit()
    first = pay(town, unit.id, 5000, "counter:1")
    april = counter.issue(unit, "2026-04", Charge(5000))
    service.apply_credit(town.community_id, unit.id)
    pay(town, unit.id, 3000, "counter:2")
    back(town, first.settlement_id, 5000)
    assert paid(april) == 0
    assert accounts.credit_fen(town.community_id, unit.id) == 3000
    assert findings(town) == []


def test_the_newest_use_of_a_credit_is_undone_first(town, counter):
    from tests.billing.bills import Charge

    unit = town.add_unit()
    done = pay(town, unit.id, 5000)
    april = counter.issue(unit, "2026-04", Charge(3000))
    service.apply_credit(town.community_id, unit.id)
    may = counter.issue(unit, "2026-05", Charge(2000))
    service.apply_credit(town.community_id, unit.id)
    back(town, done.settlement_id, 2500)
    assert (paid(april), paid(may)) == (2500, 0)
    assert findings(town) == []


def test_never_more_than_was_not_taken_back_yet(town, counter):
    unit = town.add_unit()
    counter.issue(unit, "2026-03")
    done = pay(town, unit.id, 12000)
    back(town, done.settlement_id, 7000)
    with pytest.raises(RuleBroken) as refused:
        back(town, done.settlement_id, 5001, "back:2")
    assert "50.00" in str(refused.value)
    with pytest.raises(RuleBroken):
        back(town, done.settlement_id, 0, "back:2")
    back(town, done.settlement_id, 5000, "back:2")
    assert findings(town) == []


def test_the_same_source_takes_back_once(town, counter):
    unit = town.add_unit()
    counter.issue(unit, "2026-03")
    done = pay(town, unit.id, 12000)
    once = back(town, done.settlement_id, 11000)
    again = back(town, done.settlement_id, 11000)
    assert (again.settlement_id, again.credit_fen) == (once.settlement_id, once.credit_fen)
    assert sorted(again.allocations) == sorted(once.allocations)
    with pytest.raises(Conflict):
        back(town, done.settlement_id, 1000)
    with pytest.raises(Conflict):
        back(town, done.settlement_id, 1000, "counter:1")
    with pytest.raises(Conflict):
        pay(town, unit.id, 11000, "back:1")


def test_what_was_taken_back_or_spent_is_no_money_to_take_back(town, counter):
    unit = town.add_unit()
    done = pay(town, unit.id, 5000)
    counter.issue(unit, "2026-03")
    used = service.apply_credit(town.community_id, unit.id)
    undone = back(town, done.settlement_id, 1000)
    for settlement_id in (used.settlement_id, undone.settlement_id):
        with pytest.raises(RuleBroken):
            back(town, settlement_id, 1000, "back:2")
    with pytest.raises(NotFound):
        back(town, 10**12, 1000, "back:2")


def test_money_may_leave_by_another_way_than_it_came(town, counter):
    unit = town.add_unit()
    done = pay(town, unit.id, 5000, means="cash")
    undone = back(town, done.settlement_id, 5000, means="bank", received_on=date(2026, 4, 9))
    assert journal(town, entry_of(town, undone.settlement_id)) == [
        ("2203", 5000, unit.id),
        ("1002", -5000, None),
    ]
    for means, reason in (("credit", "因"), ("shells", "因"), ("cash", " ")):
        with pytest.raises(RuleBroken):
            back(town, done.settlement_id, 1, "back:2", means=means, reason=reason)


def test_the_account_of_a_home_shows_what_went_back_and_why(town, counter):
    unit = town.add_unit()
    counter.issue(unit, "2026-03")
    done = pay(town, unit.id, 12000)
    back(town, done.settlement_id, 11000, received_on=date(2026, 4, 9))
    db.session.commit()
    events = accounts.statement(town.community_id, unit.id).events
    assert [(e.kind, e.amount_fen, e.balance_fen) for e in events] == [
        ("bill", 10000, 10000),
        ("payment", -12000, -2000),
        ("taken_back", 11000, 9000),
    ]
    assert events[-1].reason == "收错了房号"


def test_a_bill_paid_and_unpaid_is_paid_again_by_the_next_money(town, counter):
    unit = town.add_unit()
    march = counter.issue(unit, "2026-03")
    done = pay(town, unit.id, 10000)
    back(town, done.settlement_id, 10000)
    pay(town, unit.id, 10000, "counter:2")
    assert paid(march) == 10000
    assert findings(town) == []


def test_each_new_law_finds_what_breaks_it(town, counter):
    """Taken back twice over, and a payment settled for another sum than it was."""
    unit = town.add_unit()
    done = pay(town, unit.id, 5000)
    back(town, done.settlement_id, 5000)
    db.session.execute(
        text(
            "INSERT INTO settlement (community_id, unit_id, source, means, received_on,"
            " amount_fen, entry_id, takes_back_id, created_at) SELECT community_id, unit_id, 'x',"
            " means, received_on, -1, entry_id, id, now() FROM settlement"
            " WHERE community_id = :c AND id = :id"
        ),
        {"c": town.community_id, "id": done.settlement_id},
    )
    assert "taken_back" in {one.invariant for one in books.check([town.community_id])}
    db.session.rollback()
    db.session.execute(
        text(
            "INSERT INTO payment (community_id, book, channel, means, amount_fen, status, key,"
            " received_on, settled_at, created_at) VALUES (:c, 'service', 'counter', 'cash', 100,"
            " 'settled', 'k', '2026-04-01', now(), now())"
        ),
        {"c": town.community_id},
    )
    assert "payments_settled" in {one.invariant for one in books.check([town.community_id])}
    db.session.rollback()


def test_a_buyers_credit_is_used_once_the_sellers_went_back(town, counter):
    """C6: the seller's 50.00 are refunded on transfer; the buyer's 30.00 then pay their bill."""
    unit = town.add_unit()
    town.add_owner(unit, "李四", ends_on="2026-05-01")
    buyer = town.add_owner(unit, "王五", "2026-05-01")
    seller_paid = pay(town, unit.id, 5000, "counter:1")
    pay(town, unit.id, 3000, "counter:2", received_on=date(2026, 5, 2))
    june = counter.issue(unit, "2026-06", payer=buyer)
    assert service.apply_credit(town.community_id, unit.id) is None
    back(town, seller_paid.settlement_id, 5000)
    service.apply_credit(town.community_id, unit.id)
    assert paid(june) == 3000
    assert findings(town) == []

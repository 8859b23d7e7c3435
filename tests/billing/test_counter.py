"""The counter: money into a till, shifts counted, cash banked, wrong entries reversed."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from app.billing.bills.queries import accounts
from app.billing.counter import rules, service
from app.billing.counter.models import TillMovement
from app.kernel import audit
from app.kernel.audit import Actor
from app.kernel.db import db
from app.kernel.errors import Conflict, Forbidden, NotFound, RuleBroken
from app.kernel.tenancy import scoped
from app.payments.receipts.service import receipt_of
from tests.billing.bills import Counter
from tests.billing.test_bills_service import findings, journal
from tests.builders import Town

CHEN, WU = Actor(account_id=901, name="陈静", via="web"), Actor(902, "吴国平", via="web")


@pytest.fixture
def counter(town: Town) -> Counter:
    return Counter(town)


@pytest.fixture(autouse=True)
def chen_acts():
    with audit.acting(CHEN):
        yield


def take(town: Town, unit, fen: int, key: str = "form:1", **more):
    values = {"means": "cash", "key": key, **more}
    return service.take_payment(town.community_id, unit.id, fen, **values)


def row(town: Town, table: str, id: int):
    return db.session.execute(
        text(f"SELECT * FROM {table} WHERE community_id = :c AND id = :id"),
        {"c": town.community_id, "id": id},
    ).one()


def entries(town: Town, kind: str) -> list[list[tuple[str, int]]]:
    found = db.session.scalars(
        text("SELECT id FROM entry WHERE community_id = :c AND kind = :k ORDER BY id"),
        {"c": town.community_id, "k": kind},
    )
    return [[(code, fen) for code, fen, _ in journal(town, one)] for one in found.all()]


def test_cash_pays_the_ticked_bill_and_the_payer_gets_change(town, counter):
    """90.00 due of a note of 100.00: 10.00 back, the till holds 200.00 + 90.00."""
    unit = town.add_unit()
    owner = town.add_owner(unit, "李桂兰")
    counter.issue(unit, "2026-02", payer=owner)
    march = counter.issue(unit, "2026-03", payer=owner)
    shift = service.open_shift(town.community_id, 20000)
    taken = take(town, unit, 9000, bill_ids=[march.id], payer_id=owner.id, tendered_fen=10000)
    assert taken.change_fen == 1000
    assert taken.settled.allocations == ((march.id, 9000),)
    payment = row(town, "payment", taken.payment_id)
    assert (payment.channel, payment.status, payment.started_by) == ("counter", "settled", 901)
    made = receipt_of(town.community_id, taken.settled.settlement_id)
    assert (made.payer_name, made.channel, made.issuer_name) == ("李桂兰", "counter", "陈静")
    closed = service.close_shift(town.community_id, shift.id, 29000)
    assert (closed.expected_fen, closed.difference_fen, closed.entry_id) == (29000, 0, None)
    assert findings(town) == []


def test_without_ticks_a_sum_pays_the_payers_bills_oldest_first(town, counter):
    unit = town.add_unit()
    seller = town.add_owner(unit, "李四", ends_on="2026-03-01")
    buyer = town.add_owner(unit, "王五", "2026-03-01")
    counter.issue(unit, "2026-02", payer=seller)
    april, march = (counter.issue(unit, f"2026-0{n}", payer=buyer) for n in (4, 3))
    service.open_shift(town.community_id)
    taken = take(town, unit, 25000, payer_id=buyer.id)
    assert taken.settled.allocations == ((march.id, 10000), (april.id, 10000))
    assert taken.settled.credit_fen == 5000
    items = db.session.execute(
        text(
            "SELECT purpose, bill_id, amount_fen FROM payment_item"
            " WHERE payment_id = :p ORDER BY no"
        ),
        {"p": taken.payment_id},
    ).all()
    assert [tuple(one) for one in items] == [
        ("bill", march.id, 10000),
        ("bill", april.id, 10000),
        ("prepay", None, 5000),
    ]
    assert findings(town) == []


@pytest.mark.parametrize(
    ("means", "account"), [("cash", "1001"), ("pos", "1012"), ("transfer", "1002")]
)
def test_each_means_comes_to_its_account(town, counter, means, account):
    unit = town.add_unit()
    service.open_shift(town.community_id)
    take(town, unit, 100, means=means, reference="8812")
    assert entries(town, "settlement:received") == [[(account, 100), ("2203", -100)]]


def test_the_same_form_twice_is_one_payment(town, counter):
    unit = town.add_unit()
    counter.issue(unit, "2026-03")
    service.open_shift(town.community_id)
    once = take(town, unit, 10000)
    assert take(town, unit, 10000).payment_id == once.payment_id
    with pytest.raises(Conflict):
        take(town, unit, 9999)
    with pytest.raises(Conflict):
        take(town, town.add_unit("1-102"), 10000)
    assert accounts.credit_fen(town.community_id, unit.id) == 0


def test_what_a_counter_refuses(town, counter):
    unit = town.add_unit()
    with pytest.raises(RuleBroken, match=r"counter.no_shift|开班"):
        take(town, unit, 100)
    service.open_shift(town.community_id)
    with pytest.raises(Conflict):
        service.open_shift(town.community_id)
    for more in (
        {"means": "shells"},
        {"means": "pos"},
        {"tendered_fen": 99},
    ):
        with pytest.raises(RuleBroken):
            take(town, unit, 100, **more)
    with pytest.raises(RuleBroken):
        take(town, unit, 0)
    with pytest.raises(NotFound):
        take(town, unit, 100, bill_ids=[10**12])


def test_a_difference_needs_a_reason_and_goes_to_1901(town, counter):
    """Three yuan missing: 1901 3.00 / 1001 3.00; one yuan over: 1001 1.00 / 1901 1.00."""
    unit = town.add_unit()
    shift = service.open_shift(town.community_id)
    take(town, unit, 5000)
    with pytest.raises(RuleBroken) as refused:
        service.close_shift(town.community_id, shift.id, 4700)
    assert "-3.00" in str(refused.value)
    db.session.rollback()
    shift = service.open_shift(town.community_id)
    take(town, unit, 5000)
    closed = service.close_shift(town.community_id, shift.id, 4700, reason="找零找错")
    assert closed.difference_fen == -300
    assert entries(town, "shift:difference") == [[("1001", -300), ("1901", 300)]]
    second = service.open_shift(town.community_id, 4700)
    service.close_shift(
        town.community_id,
        second.id,
        4800,
        notes={1000: 4, 500: 1, 100: 3},
        reason="多出一元，未查明",
    )
    assert entries(town, "shift:difference")[1] == [("1001", 100), ("1901", -100)]
    assert findings(town) == []


def test_notes_that_do_not_add_up_are_refused(town):
    assert rules.counted_fen({10000: 2, 500: 3, 10: 1}) == 21510
    shift = service.open_shift(town.community_id, 100)
    with pytest.raises(RuleBroken):
        service.close_shift(town.community_id, shift.id, 100, notes={10: 9})


def test_a_closed_shift_is_fixed_and_accepted_once_by_somebody_else(town, counter):
    unit = town.add_unit()
    shift = service.open_shift(town.community_id)
    with pytest.raises(Conflict):
        service.accept_shift(town.community_id, shift.id)
    service.close_shift(town.community_id, shift.id, 0)
    assert service.close_shift(town.community_id, shift.id, 0).id == shift.id
    with pytest.raises(Conflict):
        service.close_shift(town.community_id, shift.id, 1)
    with pytest.raises(Forbidden):
        service.accept_shift(town.community_id, shift.id)
    with pytest.raises(RuleBroken):
        take(town, unit, 100)
    with audit.acting(WU):
        assert service.accept_shift(town.community_id, shift.id).accepted_name == "吴国平"
        with pytest.raises(Conflict):
            service.accept_shift(town.community_id, shift.id)
    db.session.commit()
    for change in ("counted_fen = 5, expected_fen = 5", "reason = 'x'", "closed_at = NULL"):
        with pytest.raises(Exception, match=r"never changed|ck_shift"):
            db.session.execute(text(f"UPDATE shift SET {change} WHERE id = :id"), {"id": shift.id})
        db.session.rollback()
    db.session.add(
        TillMovement(
            community_id=town.community_id,
            shift_id=shift.id,
            kind="banked",
            means="cash",
            amount_fen=-1,
            key="late",
            reference="1",
        )
    )
    with pytest.raises(Exception, match="the shift is closed"):
        db.session.flush()
    db.session.rollback()


def test_cash_is_banked_up_to_what_the_till_holds(town, counter):
    """1002 300.00 / 1001 300.00."""
    shift = service.open_shift(town.community_id, 10000)
    take(town, town.add_unit(), 30000)
    for fen, slip in ((40001, "77"), (0, "77"), (100, " ")):
        with pytest.raises(RuleBroken):
            service.bank_cash(town.community_id, fen, slip=slip, key="bank:1")
    service.bank_cash(town.community_id, 30000, slip="0077", key="bank:1")
    service.bank_cash(town.community_id, 30000, slip="0077", key="bank:1")
    assert entries(town, "till:banked") == [[("1002", 30000), ("1001", -30000)]]
    assert service.close_shift(town.community_id, shift.id, 10000).difference_fen == 0
    assert findings(town) == []


def test_a_wrong_entry_is_reversed_within_the_shift(town, counter):
    unit = town.add_unit()
    bill = counter.issue(unit, "2026-03")
    shift = service.open_shift(town.community_id, 5000)
    taken = take(town, unit, 12000)
    undone = service.reverse_payment(town.community_id, taken.payment_id, reason="收错房号")
    again = service.reverse_payment(town.community_id, taken.payment_id, reason="收错房号")
    assert again.settlement_id == undone.settlement_id
    db.session.refresh(bill)
    assert bill.open_fen == 10000
    made = receipt_of(town.community_id, taken.settled.settlement_id)
    db.session.refresh(made)
    assert made.voided_reason == "收错房号"
    assert row(town, "payment", taken.payment_id).refunded_fen == 12000
    assert service.close_shift(town.community_id, shift.id, 5000).difference_fen == 0
    assert findings(town) == []


def test_after_the_shift_a_second_person_reverses(town, counter):
    unit = town.add_unit()
    shift = service.open_shift(town.community_id)
    taken = take(town, unit, 12000)
    service.close_shift(town.community_id, shift.id, 12000)
    service.open_shift(town.community_id, 12000)
    for may in (False, True):
        with pytest.raises(Forbidden):
            service.reverse_payment(
                town.community_id, taken.payment_id, reason="退多收", may_approve=may
            )
    with audit.acting(WU):
        service.open_shift(town.community_id, 20000)
        with pytest.raises(Forbidden):
            service.reverse_payment(town.community_id, taken.payment_id, reason="退多收")
        service.reverse_payment(
            town.community_id, taken.payment_id, reason="退多收", may_approve=True
        )
    assert findings(town) == []
    with pytest.raises(NotFound):
        service.reverse_payment(town.community_id, 10**12, reason="无")


def test_sixteen_payments_of_one_bill_at_once(app, town, counter):
    """One settles the bill, the other fifteen are credit; books and tills agree."""
    unit = town.add_unit()
    bill = counter.issue(unit, "2026-03")
    unit_id, bill_id = unit.id, bill.id
    results: list[int] = []

    def work(number: int) -> None:
        who = Actor(account_id=1000 + number, name=f"收费员{number}", via="web")
        with app.app_context(), scoped([town.community_id]), audit.acting(who):
            service.open_shift(town.community_id)
            db.session.commit()
            taken = service.take_payment(
                town.community_id,
                unit_id,
                10000,
                key=f"form:{number}",
                means="cash",
                bill_ids=[bill_id],
            )
            db.session.commit()
            results.append(len(taken.settled.allocations))
            db.session.remove()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0] * 15 + [1]
    db.session.refresh(bill)
    assert bill.open_fen == 0
    assert accounts.credit_fen(town.community_id, unit.id) == 150000
    assert findings(town) == []


def test_one_form_sent_sixteen_times_at_once_is_one_payment(app, town, counter):
    unit = town.add_unit()
    bill = counter.issue(unit, "2026-03")
    service.open_shift(town.community_id)
    db.session.commit()
    unit_id, bill_id = unit.id, bill.id
    made: list[int] = []

    def work() -> None:
        with app.app_context(), scoped([town.community_id]), audit.acting(CHEN):
            made.append(
                service.take_payment(
                    town.community_id,
                    unit_id,
                    10000,
                    key="form:1",
                    means="cash",
                    bill_ids=[bill_id],
                ).payment_id
            )
            db.session.commit()
            db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 16
    assert len(set(made)) == 1
    assert accounts.credit_fen(town.community_id, unit.id) == 0
    assert findings(town) == []


def test_a_payment_outside_every_till_is_found(town):
    from app.ledger import invariants as books

    db.session.execute(
        text(
            "INSERT INTO payment (community_id, book, channel, means, amount_fen, status, key,"
            " received_on, settled_at, created_at) VALUES (:c, 'service', 'counter', 'cash', 100,"
            " 'settled', 'k', '2026-04-01', now(), now())"
        ),
        {"c": town.community_id},
    )
    assert "tills" in {one.invariant for one in books.check([town.community_id])}
    db.session.rollback()

"""Payments through the stub: paid, delayed, lost, given up, given back, disputed, paid out."""

from __future__ import annotations

import contextvars
import threading
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.billing.bills import service as bills
from app.kernel import audit, clock
from app.kernel.audit import Actor
from app.kernel.db import db
from app.kernel.errors import Conflict, Forbidden, NotFound, RuleBroken
from app.kernel.tenancy import scoped
from app.ledger import invariants as books
from app.payments.online import service
from app.payments.online.service import Item
from tests.payments.online import stripe_says
from tests.payments.online.test_events import bill_open, paid, settled_fen
from tests.payments.online.test_gateway import pay


def balance(office: Any, account: str) -> int:
    return int(
        db.session.execute(
            text(
                "SELECT COALESCE(sum(amount_fen), 0) FROM posting"
                " WHERE community_id = :c AND account_code = :a"
            ),
            {"c": office.community_id, "a": account},
        ).scalar_one()
    )


def acting(account_id: int) -> Any:
    return audit.acting(Actor(account_id=account_id, name=f"员工{account_id}", via="web"))


def refund(office: Any, one: Any, fen: int, by: int = 1, key: str = "request-1") -> Any:
    with acting(by):
        made = service.request_refund(office.community_id, one.id, fen, reason="重复缴费", key=key)
    db.session.commit()
    return made.id


def status_of(office: Any, table: str) -> list[str]:
    rows = db.session.execute(
        text(f"SELECT status FROM {table} WHERE community_id = :c ORDER BY id"),
        {"c": office.community_id},
    )
    return list(rows.scalars())


@pytest.mark.parametrize("means", ["card", "alipay", "wechat_pay"])
def test_paid_at_the_checkout_and_settled_with_means_and_fee(office, sandbox, means):
    one = pay(office, sandbox, means)
    office.hear_all(sandbox)
    one = office.again(one)
    assert (one.status, one.means, one.fee_fen) == ("settled", means, 60)
    assert office.failed_tasks() == []
    assert books.check([office.community_id]) == []


def test_a_lost_notification_is_found_by_asking(office, sandbox, later):
    one = pay(office, sandbox, "lost")
    assert sandbox.outgoing == []
    service.look_after()
    office.work()
    assert office.again(one).status == "started"  # too soon to ask
    later(4)
    service.look_after()
    office.work()
    one = office.again(one)
    assert (one.status, one.means) == ("settled", "card")


def test_a_checkout_nobody_paid_ends_by_asking(office, sandbox, later):
    one = pay(office, sandbox, "abandon")
    later(65)
    service.look_after()
    office.work()
    assert office.again(one).status == "expired"


def test_a_payment_whose_checkout_was_never_opened_ends_by_itself(office, later):
    unit = office.town.add_unit()
    one = office.start(Item(unit.id, 500), opened=False)
    later(65)
    service.look_after()
    office.work()
    assert office.again(one).status == "expired"


@pytest.mark.parametrize(("act", "there"), [("delayed", "settled"), ("delayed_failure", "failed")])
def test_a_delayed_payment_ends_when_the_bank_has_decided(office, sandbox, later, act, there):
    one = pay(office, sandbox, act)
    office.hear_all(sandbox)
    assert office.again(one).status == "pending"
    later(1)
    sandbox.tick()
    office.hear_all(sandbox)
    assert office.again(one).status == there


def test_a_delayed_failure_is_found_by_asking_too(office, sandbox, later):
    one = pay(office, sandbox, "delayed_failure")
    office.hear_all(sandbox)
    later(4)
    sandbox.tick()
    sandbox.outgoing.clear()
    service.look_after()
    office.work()
    assert office.again(one).status == "failed"


def test_giving_up_closes_the_checkout_and_frees_the_bill(office, sandbox):
    one = pay(office, sandbox, "abandon")
    assert service.give_up(office.community_id, one.id).status == "expired"
    db.session.commit()
    assert sandbox.of("checkout.session")[0]["status"] == "expired"
    with pytest.raises(Conflict):
        service.give_up(office.community_id, one.id)


def test_giving_up_what_was_paid_at_that_moment_receives_it(office, sandbox):
    one = pay(office, sandbox, "lost")
    assert service.give_up(office.community_id, one.id).status == "received"
    office.work()
    assert office.again(one).status == "settled"


def test_the_same_key_is_one_payment_and_other_content_a_conflict(office):
    unit = office.town.add_unit()
    one = office.start(Item(unit.id, 500), key="a-key-of-mine")
    assert office.start(Item(unit.id, 500), key="a-key-of-mine").id == one.id
    with pytest.raises(Conflict):
        office.start(Item(unit.id, 501), key="a-key-of-mine")


def test_a_book_without_an_account_takes_nothing(office):
    unit = office.town.add_unit()
    with pytest.raises(NotFound):
        service.start(office.community_id, "fund", [Item(unit.id, 500)], key="12345678")


def test_one_account_never_serves_two_books_or_communities(office):
    with pytest.raises(Conflict):
        service.begin_account(office.community_id, "fund", office.account, "物业公司")


def test_what_was_paid_at_the_counter_meanwhile_becomes_credit_and_is_told(office):
    one, bill = paid(office)
    unit = db.session.execute(text("SELECT unit_id FROM bill WHERE id = :b"), {"b": bill}).scalar()
    bills.settle(
        office.community_id,
        unit,
        10000,
        received_on=clock.today(),
        means="cash",
        source="counter:1",
    )
    db.session.commit()
    office.tell(stripe_says.event("checkout.session.completed", stripe_says.session(one)))
    office.work()
    assert office.again(one).status == "settled"
    assert (balance(office, "1122"), balance(office, "2203")) == (0, -10000)
    told = db.session.execute(
        text("SELECT payload FROM outbox_event WHERE community_id = :c AND topic = :t"),
        {"c": office.community_id, "t": "payment:overpaid"},
    ).scalar_one()
    assert told["amount_fen"] == 10000


def test_where_the_community_decided_so_what_was_paid_twice_goes_back(office, sandbox):
    service.change_rules(
        office.community_id,
        partial_payment=True,
        overpaid_policy="refund",
        refund_alone_fen=0,
        prepay_months=12,
    )
    db.session.commit()
    one = pay(office, sandbox, "abandon")
    row = db.session.execute(
        text("SELECT unit_id FROM payment_item WHERE payment_id = :p"), {"p": one.id}
    ).scalar()
    bills.settle(
        office.community_id, row, 10000, received_on=clock.today(), means="cash", source="counter:1"
    )
    db.session.commit()
    sandbox.pay(one.session_id, "card")
    office.hear_all(sandbox)
    office.hear_all(sandbox)
    assert status_of(office, "refund") == ["succeeded"]
    assert office.again(one).refunded_fen == 10000
    assert (balance(office, "1012"), balance(office, "2203"), balance(office, "1001")) == (
        0,
        0,
        10000,
    )
    assert office.failed_tasks() == []


def test_64_at_once_for_one_bill_one_pays_it_and_the_rest_is_credit(office):
    """Bar 5. Each thread has its own connection and hears its own payment's notification."""
    unit = office.town.add_unit()
    unit_id, bill_id = unit.id, office.bills.issue(unit, "2026-03").id
    payments = [office.start(Item(unit_id, 10000, bill_id)) for _ in range(64)]
    for one in payments:
        office.tell(stripe_says.event("checkout.session.completed", stripe_says.session(one)))
    office_work = [one.id for one in payments]
    from app.billing.online.service import settle_payment

    for one in payments:
        _hear(office, one)
    errors: list[BaseException] = []
    gate = threading.Barrier(8)

    def work(mine: list[int]) -> None:
        gate.wait()
        for payment_id in mine:
            try:
                with office.app.app_context(), scoped([office.community_id]):
                    settle_payment(office.community_id, payment_id)
                    db.session.commit()
            except BaseException as error:
                errors.append(error)

    db.session.commit()
    threads = [
        threading.Thread(target=contextvars.Context().run, args=(work, office_work[start::8]))
        for start in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    db.session.rollback()
    assert bill_open(bill_id) == 0
    assert settled_fen(office) == 640000
    assert (balance(office, "1122"), balance(office, "2203")) == (0, -630000)
    assert {office.again(one).status for one in payments} == {"settled"}
    assert books.check([office.community_id]) == []


def _hear(office: Any, one: Any) -> None:
    event_id = db.session.execute(
        text(
            "SELECT event_id FROM gateway_event WHERE community_id = :c"
            " AND payload -> 'metadata' ->> 'payment' = :p"
        ),
        {"c": office.community_id, "p": str(one.id)},
    ).scalar_one()
    assert service.process_event(office.community_id, event_id) == "done"
    db.session.commit()


def test_a_small_refund_by_one_person_goes_back_and_the_bill_is_owed_again(office, sandbox):
    one = pay(office, sandbox)
    office.hear_all(sandbox)
    refund(office, one, 4000)
    office.work()
    office.hear_all(sandbox)
    one = office.again(one)
    assert (one.refunded_fen, status_of(office, "refund")) == (4000, ["succeeded"])
    assert (balance(office, "1012"), balance(office, "1122")) == (6000, 4000)
    assert office.failed_tasks() == []
    assert books.check([office.community_id]) == []


def limit(office: Any, fen: int) -> None:
    service.change_rules(
        office.community_id,
        partial_payment=True,
        overpaid_policy="credit",
        refund_alone_fen=fen,
        prepay_months=12,
    )
    db.session.commit()


def test_a_refund_above_the_limit_waits_for_a_second_person(office, sandbox):
    limit(office, 3000)
    one = pay(office, sandbox)
    office.hear_all(sandbox)
    refund_id = refund(office, one, 4000)
    office.work()
    assert status_of(office, "refund") == ["requested"]
    with acting(1), pytest.raises(Forbidden):
        service.approve(office.community_id, refund_id)
    db.session.rollback()
    with acting(2):
        service.approve(office.community_id, refund_id)
    office.work()
    office.hear_all(sandbox)
    assert status_of(office, "refund") == ["succeeded"]


def test_splitting_a_refund_does_not_dodge_the_second_person(office, sandbox):
    limit(office, 3000)
    one = pay(office, sandbox)
    office.hear_all(sandbox)
    refund(office, one, 2000)
    refund(office, one, 2000, key="request-2")
    assert status_of(office, "refund") == ["approved", "requested"]


def test_postgresql_itself_wants_the_second_person(office, sandbox):
    limit(office, 0)
    one = pay(office, sandbox)
    office.hear_all(sandbox)
    refund_id = refund(office, one, 4000)
    for by in ("NULL", "1"):
        with pytest.raises(IntegrityError), db.session.begin_nested():
            db.session.execute(
                text(f"UPDATE refund SET status = 'sent', approved_by = {by} WHERE id = :r"),
                {"r": refund_id},
            )
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.execute(
            text("UPDATE refund SET needs_second = false WHERE id = :r"), {"r": refund_id}
        )


def test_never_more_is_given_back_than_came(office, sandbox):
    one = pay(office, sandbox)
    with acting(1), pytest.raises(RuleBroken):
        service.request_refund(office.community_id, one.id, 1, reason="x", key="k")
    db.session.rollback()
    office.hear_all(sandbox)
    refund(office, one, 9999)
    with acting(1), pytest.raises(RuleBroken):
        service.request_refund(office.community_id, one.id, 2, reason="x", key="k2")


def test_a_refund_sent_twice_after_a_lost_answer_is_given_once(office, sandbox):
    one = pay(office, sandbox)
    office.hear_all(sandbox)
    refund_id = refund(office, one, 4000)
    service.send(office.community_id, refund_id)
    db.session.rollback()  # a crash between the gateway's answer and our record
    assert service.send(office.community_id, refund_id) == "succeeded"
    db.session.commit()
    office.hear_all(sandbox)
    assert len(sandbox.of("refund")) == 1
    assert office.again(one).refunded_fen == 4000


def test_a_refund_made_at_the_gateway_itself_is_written_down(office, sandbox):
    one = pay(office, sandbox)
    office.hear_all(sandbox)
    sandbox.create_refund({"payment_intent": office.again(one).intent_id, "amount": "2500"})
    office.hear_all(sandbox)
    assert status_of(office, "refund") == ["succeeded"]
    assert office.again(one).refunded_fen == 2500
    assert balance(office, "1122") == 2500


@pytest.mark.parametrize(("end", "back"), [("won", 0), ("lost", 10000)])
def test_a_dispute_holds_the_money_and_ends(office, sandbox, end, back):
    one = pay(office, sandbox)
    office.hear_all(sandbox)
    dispute = sandbox.dispute(office.again(one).intent_id)
    office.hear_all(sandbox)
    held = office.again(one)
    assert (held.disputed_fen, held.refunded_fen) == (10000, 0)
    sandbox.end_dispute(dispute["id"], end)
    office.hear_all(sandbox)
    one = office.again(one)
    assert (one.disputed_fen, one.refunded_fen, balance(office, "1122")) == (0, back, back)
    assert status_of(office, "dispute") == [end]
    assert books.check([office.community_id]) == []


def test_a_dispute_counts_though_a_refund_was_asked_for(office, sandbox):
    limit(office, 0)
    one = pay(office, sandbox)
    office.hear_all(sandbox)
    refund(office, one, 10000)
    dispute = sandbox.dispute(office.again(one).intent_id)
    sandbox.end_dispute(dispute["id"], "lost")
    office.hear_all(sandbox)
    assert office.again(one).refunded_fen == 10000
    told = stripe_says.refund(one, 10000, None, payment_intent=office.again(one).intent_id)
    office.tell(stripe_says.event("refund.updated", told))
    office.work()
    assert office.again(one).refunded_fen == 10000
    assert office.events()["failed"] == 1


def test_news_of_a_dispute_in_the_wrong_order_ends_the_same(office, sandbox):
    one = pay(office, sandbox)
    intent = sandbox.things[one.session_id]["payment_intent"]
    dispute = sandbox.dispute(intent)
    sandbox.end_dispute(dispute["id"], "lost")
    sandbox.outgoing.reverse()
    office.hear_all(sandbox)
    office.hear_all(sandbox)
    one = office.again(one)
    assert (one.status, one.disputed_fen, one.refunded_fen) == ("settled", 0, 10000)
    assert status_of(office, "dispute") == ["lost"]
    assert office.failed_tasks() == []


def test_a_payout_moves_what_was_in_transit_to_the_bank_less_the_fee(office, sandbox):
    """1002 99.40, 6603 0.60 / 1012 100.00, and a refund of 40.00 before it is counted too."""
    one = pay(office, sandbox)
    office.hear_all(sandbox)
    refund(office, one, 4000)
    office.work()
    sandbox.pay_out(office.account)
    office.hear_all(sandbox)
    assert status_of(office, "payout") == ["paid"]
    assert [balance(office, code) for code in ("1002", "6603", "1012")] == [5940, 60, 0]
    rows = db.session.execute(
        text(
            "SELECT kind, amount_fen, fee_fen, payment_id, refund_id IS NOT NULL FROM payout_line"
            " WHERE community_id = :c ORDER BY kind"
        ),
        {"c": office.community_id},
    ).all()
    assert [tuple(row) for row in rows] == [
        ("payment", 10000, 60, one.id, False),
        ("refund", -4000, 0, one.id, True),
    ]
    assert office.failed_tasks() == []


def test_a_payout_of_a_strangers_account_is_not_entered(office):
    thing = {"id": "po_x", "amount": 5, "currency": "cny", "status": "paid", "arrival_date": 1}
    office.tell(stripe_says.event("payout.paid", thing, account="acct_stranger"))
    office.work()
    assert status_of(office, "payout") == []

"""Receipts come with the money, in one transaction, numbered without gaps."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from sqlalchemy import text

from app.billing.bills import service
from app.kernel import clock
from app.kernel.db import db
from app.kernel.tenancy import scoped
from app.payments.receipts import rules
from app.payments.receipts.models import Receipt
from app.payments.receipts.service import receipt_of
from tests.billing.bills import Charge, Counter
from tests.billing.test_bills_service import findings, pay
from tests.billing.test_take_back import back
from tests.builders import Town


@pytest.fixture
def counter(town: Town) -> Counter:
    return Counter(town)


def receipt(town: Town, settlement_id: int) -> Receipt:
    found = receipt_of(town.community_id, settlement_id)
    assert found is not None
    db.session.refresh(found)
    return found


def numbers(town: Town) -> list[int]:
    return list(
        db.session.scalars(
            text("SELECT number FROM receipt WHERE community_id = :c ORDER BY number"),
            {"c": town.community_id},
        )
    )


def test_a_receipt_says_what_was_paid_for_which_months_and_what_was_kept(town, counter):
    """250.00 for February 100.00 and March 98.00 of 150.00 less 52.00 of the street, 52.00 kept."""
    unit = town.add_unit()
    owner = town.add_owner(unit, "张三")
    counter.issue(unit, "2026-02", payer=owner)
    counter.issue(unit, "2026-03", Charge(15000, 5200), payer=owner)
    with clock.moved_to(date(2026, 4, 3)):
        made = receipt(town, pay(town, unit.id, 25000).settlement_id)
    assert (made.book, made.year, made.number) == ("service", 2026, 1)
    assert (made.amount_fen, made.credit_fen, made.unit_label) == (25000, 5200, unit.label)
    assert (made.payer_name, made.channel, made.means) == ("张三", "counter", "cash")
    assert [
        (one["month"], one["amount_fen"], one["gross_fen"], one["subsidy_fen"], one["open_fen"])
        for one in made.lines
    ] == [("2026-02", 10000, 10000, 0, 0), ("2026-03", 9800, 15000, 5200, 0)]
    assert len(made.code) == rules.CODE_LENGTH


def test_the_same_money_has_one_receipt_and_used_credit_none(town, counter):
    unit = town.add_unit()
    pay(town, unit.id, 12000)
    pay(town, unit.id, 12000)
    counter.issue(unit, "2026-03")
    service.apply_credit(town.community_id, unit.id)
    assert numbers(town) == [1]


def test_numbers_begin_anew_each_year_and_leave_no_gap_after_a_rollback(town, counter):
    unit = town.add_unit()
    with clock.moved_to(date(2026, 12, 30)):
        pay(town, unit.id, 100, "counter:1")
        db.session.commit()
        pay(town, unit.id, 100, "counter:2")
        db.session.rollback()
        last = receipt(town, pay(town, unit.id, 100, "counter:3").settlement_id)
        assert (last.year, last.number) == (2026, 2)
        db.session.commit()
    with clock.moved_to(date(2027, 1, 2)):
        first = receipt(town, pay(town, unit.id, 100, "counter:4").settlement_id)
    assert (first.year, first.number) == (2027, 1)


def test_a_receipt_is_voided_when_all_goes_back_and_notes_a_part(town, counter):
    unit = town.add_unit()
    done = pay(town, unit.id, 12000)
    back(town, done.settlement_id, 2000)
    made = receipt(town, done.settlement_id)
    assert (made.returned_fen, made.voided_at) == (2000, None)
    back(town, done.settlement_id, 10000, "back:2", reason="收错了人")
    made = receipt(town, done.settlement_id)
    assert made.voided_at is not None
    assert (made.returned_fen, made.voided_reason) == (12000, "收错了人")
    assert findings(town) == []


@pytest.mark.parametrize(
    "change",
    ["amount_fen = 1", "number = 7", "payer_name = '李四'", "lines = '[1]'", "returned_fen = -1"],
)
def test_postgresql_refuses_to_change_a_receipt(town, change):
    done = pay(town, town.add_unit().id, 12000)
    db.session.commit()
    with pytest.raises(Exception, match=r"never changed|ck_receipt"):
        db.session.execute(
            text(f"UPDATE receipt SET {change} WHERE settlement_id = :s"),
            {"s": done.settlement_id},
        )
    db.session.rollback()


def test_many_at_once_get_numbers_without_gaps_though_some_fail(app, town):
    """16 threads, each pays 3 homes and gives up every second time."""
    units = [town.add_unit(f"1-{room}").id for room in range(101, 117)]

    def work(unit_id: int) -> None:
        with app.app_context(), scoped([town.community_id]):
            for turn in range(3):
                pay(town, unit_id, 100, f"counter:{unit_id}:{turn}")
                if (unit_id + turn) % 2:
                    db.session.rollback()
                else:
                    db.session.commit()
            db.session.remove()

    threads = [threading.Thread(target=work, args=(one,)) for one in units]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = sum((unit_id + turn) % 2 == 0 for unit_id in units for turn in range(3))
    assert numbers(town) == list(range(1, kept + 1))
    assert findings(town) == []

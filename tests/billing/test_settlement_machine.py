"""Money in every order a life can bring it, against a plain oracle that shares no code.

After each step: the books balance, no bill is overpaid, and every fen has an owner: what came
in is on a bill, kept as credit, or went back. `LINLI_MACHINE_STEPS` and `LINLI_MACHINE_RUNS`
make it longer: `LINLI_MACHINE_RUNS=500 LINLI_MACHINE_STEPS=200` on demand.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from app.billing.bills import service as bills
from app.billing.bills.queries import accounts
from app.billing.bills.service import returns, settlements
from app.billing.counter import service as counter
from app.kernel import audit
from app.kernel.audit import Actor
from app.kernel.db import db
from app.kernel.errors import HouseError
from app.kernel.tenancy import scoped
from app.ledger import invariants as books
from tests.billing.bills import Charge, Counter
from tests.builders import found_town

STEPS = int(os.environ.get("LINLI_MACHINE_STEPS", "40"))
RUNS = int(os.environ.get("LINLI_MACHINE_RUNS", "5"))
CASHIER = Actor(account_id=901, name="陈静", via="web")
HOMES = 2
SUMS = st.integers(1, 30_000)
HOME = st.integers(0, HOMES - 1)
PICK = st.integers(0, 10**6)


@dataclass
class Bill:
    """What the oracle knows of a bill: its order, what is due, which payment paid how much."""

    id: int
    due_on: date
    total: int
    paid_by: dict[str, int] = field(default_factory=dict)

    @property
    def open(self) -> int:
        return self.total - sum(self.paid_by.values())


@dataclass
class Lot:
    """A payment: what it left as credit, and how much of that is spent, by use."""

    source: str
    settlement_id: int
    amount: int
    credit: int
    payment_id: int | None = None
    back: int = 0


@dataclass
class Home:
    """A home's oracle: bills in order, payments in order, uses of credit in order."""

    unit: Any
    bills: list[Bill] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    uses: list[str] = field(default_factory=list)

    def ordered(self) -> list[Bill]:
        return sorted(self.bills, key=lambda bill: (bill.due_on, bill.id))

    def used(self, use: str) -> int:
        return sum(bill.paid_by.get(use, 0) for bill in self.bills)

    @property
    def credit(self) -> int:
        return sum(lot.credit for lot in self.lots) - sum(self.used(use) for use in self.uses)

    def pay(self, source: str, amount: int, named: list[Bill] | None = None) -> int:
        """One fen at a time would be the same; gives what is left over."""
        for bill in self.ordered():
            if named is not None and bill not in named:
                continue
            part = min(amount, bill.open)
            if part:
                bill.paid_by[source] = bill.paid_by.get(source, 0) + part
                amount -= part
        return amount

    def lift(self, source: str, amount: int) -> None:
        """Take from a source's bills, the latest due first."""
        for bill in reversed(self.ordered()):
            part = min(amount, bill.paid_by.get(source, 0))
            bill.paid_by[source] = bill.paid_by.get(source, 0) - part
            amount -= part
        assert amount == 0

    def take_back(self, lot: Lot, amount: int) -> None:
        """The unspent credit, then its spent part from the newest uses, then its own bills."""
        spent = sum(self.used(use) for use in self.uses)
        unspent = 0
        for one in self.lots:
            here = min(spent, one.credit)
            spent -= here
            if one is lot:
                unspent = one.credit - here
        from_credit = min(amount, lot.credit)
        undo = max(0, from_credit - unspent)
        for use in reversed(self.uses):
            part = min(undo, self.used(use))
            self.lift(use, part)
            undo -= part
        lot.credit -= from_credit
        lot.back += amount
        self.lift(lot.source, amount - from_credit)


class Money(RuleBasedStateMachine):
    """Every act on money that billing knows, in any order."""

    @initialize()
    def found(self) -> None:
        """A community of its own with two homes and a cashier at an open till."""
        self.town = found_town()
        self.scope = scoped([self.town.community_id])
        self.scope.__enter__()
        self.acting = audit.acting(CASHIER)
        self.acting.__enter__()
        self.issuer = Counter(self.town)
        self.homes = [Home(self.town.add_unit(f"1-10{n}")) for n in range(1, HOMES + 1)]
        self.serial = 0
        self.month = 0
        self.till = 0
        self.gone = 0
        self.came = 0
        self.shift_id = counter.open_shift(self.town.community_id).id
        db.session.commit()

    def teardown(self) -> None:
        if hasattr(self, "scope"):
            db.session.rollback()
            self.acting.__exit__(None, None, None)
            self.scope.__exit__(None, None, None)

    def next(self) -> str:
        self.serial += 1
        return str(self.serial)

    @rule(home=HOME, total=SUMS, subsidy=st.integers(0, 5_000))
    def issue_a_bill(self, home: int, total: int, subsidy: int) -> None:
        self.month += 1
        month = f"{2020 + self.month // 12}-{self.month % 12 + 1:02d}"
        made = self.issuer.issue(self.homes[home].unit, month, Charge(total + subsidy, subsidy))
        self.homes[home].bills.append(Bill(made.id, made.due_on, total))

    @rule(home=HOME, amount=SUMS, means=st.sampled_from(["bank", "online", "pos"]))
    def receive(self, home: int, amount: int, means: str) -> None:
        here, source = self.homes[home], f"in:{self.next()}"
        done = bills.settle(
            self.town.community_id,
            here.unit.id,
            amount,
            received_on=date(2026, 4, 2),
            means=means,
            source=source,
        )
        db.session.commit()
        over = here.pay(source, amount)
        assert done.credit_fen == over
        here.lots.append(Lot(source, done.settlement_id, amount, over))
        self.came += amount

    @rule(home=HOME, amount=SUMS, ticked=PICK)
    def take_at_the_counter(self, home: int, amount: int, ticked: int) -> None:
        here, source = self.homes[home], f"till:{self.next()}"
        opened = [bill for bill in here.ordered() if bill.open]
        named = [bill for n, bill in enumerate(opened) if ticked >> n & 1] or None
        done = counter.take_payment(
            self.town.community_id,
            here.unit.id,
            amount,
            key=f"form:{source}",
            means="cash",
            bill_ids=[bill.id for bill in named or []],
        )
        db.session.commit()
        over = here.pay(source, amount, named)
        assert done.settled.credit_fen == over
        lot = Lot(source, done.settled.settlement_id, amount, over, done.payment_id)
        here.lots.append(lot)
        self.came += amount
        self.till += amount

    @rule(home=HOME)
    def use_credit(self, home: int) -> None:
        here = self.homes[home]
        wanted = min(here.credit, sum(bill.open for bill in here.bills))
        done = bills.apply_credit(self.town.community_id, here.unit.id)
        db.session.commit()
        assert (done.amount_fen if done else 0) == wanted
        if wanted:
            use = f"use:{self.next()}"
            here.pay(use, wanted)
            here.uses.append(use)

    @rule(home=HOME, paid=SUMS, total=SUMS)
    def pay_ahead_and_be_billed(self, home: int, paid: int, total: int) -> None:
        """Money before the bill, then the month's run, then its credit is used, as in life."""
        owed = sum(bill.open for bill in self.homes[home].bills)
        self.receive(home, owed + paid, "bank")
        self.issue_a_bill(home, total, 0)
        self.use_credit(home)

    @precondition(lambda self: any(home.lots for home in self.homes))
    @rule(home=HOME, pick=PICK, amount=SUMS)
    def take_back(self, home: int, pick: int, amount: int) -> None:
        here = self.homes[home]
        lots = [lot for lot in here.lots if lot.payment_id is None]
        if not lots:
            return
        lot = lots[pick % len(lots)]
        fits = amount <= lot.amount - lot.back
        try:
            bills.take_back(
                self.town.community_id,
                lot.settlement_id,
                amount,
                source=f"out:{self.next()}",
                reason="退款",
            )
        except HouseError:
            db.session.rollback()
            assert not fits
            return
        db.session.commit()
        assert fits
        here.take_back(lot, amount)
        self.gone += amount

    @rule(home=HOME, pick=PICK)
    def reverse_at_the_counter(self, home: int, pick: int) -> None:
        here = self.homes[home]
        lots = [lot for lot in here.lots if lot.payment_id is not None]
        if not lots:
            return
        lot = lots[pick % len(lots)]
        assert lot.payment_id is not None
        counter.reverse_payment(self.town.community_id, lot.payment_id, reason="收错")
        db.session.commit()
        if not lot.back:
            here.take_back(lot, lot.amount)
            self.gone += lot.amount
            self.till -= lot.amount

    @rule(home=HOME, pick=PICK, amount=SUMS, less=st.booleans())
    def correct(self, home: int, pick: int, amount: int, less: bool) -> None:
        here = self.homes[home]
        if not here.bills:
            return
        bill = here.bills[pick % len(here.bills)]
        fits = not less or amount <= bill.open
        kind = "credit" if less else "debit"
        try:
            bills.correct(self.town.community_id, bill.id, kind, amount, "更正")
        except HouseError:
            db.session.rollback()
            assert not fits
            return
        db.session.commit()
        assert fits
        bill.total += -amount if less else amount

    @rule(counted=st.integers(-500, 500))
    def change_shifts(self, counted: int) -> None:
        shift = counter.close_shift(
            self.town.community_id,
            self.shift_id,
            max(0, self.till + counted),
            reason="找零差错",
        )
        assert shift.expected_fen == self.till
        self.till = shift.counted_fen or 0
        self.shift_id = counter.open_shift(self.town.community_id, self.till).id
        for home in self.homes:  # an earlier shift's payments need a second person now
            for lot in home.lots:
                lot.payment_id = None
        db.session.commit()

    @invariant()
    def the_house_says_what_the_oracle_says(self) -> None:
        if not hasattr(self, "homes"):
            return
        for home in self.homes:
            rows = db.session.execute(
                text(
                    "SELECT id, paid_fen, open_fen FROM bill"
                    " WHERE community_id = :c AND unit_id = :u"
                ),
                {"c": self.town.community_id, "u": home.unit.id},
            ).all()
            kept = {row.id: (row.paid_fen, row.open_fen) for row in rows}
            assert kept == {bill.id: (bill.total - bill.open, bill.open) for bill in home.bills}
            assert all(bill.open >= 0 for bill in home.bills)
            assert accounts.credit_fen(self.town.community_id, home.unit.id) == home.credit
        on_bills = sum(bill.total - bill.open for home in self.homes for bill in home.bills)
        assert self.came - self.gone == on_bills + sum(home.credit for home in self.homes)

    @invariant()
    def the_books_hold(self) -> None:
        if hasattr(self, "homes"):
            assert [str(one) for one in books.check([self.town.community_id])] == []


def live(runs: int, *phases: Phase) -> None:
    run_state_machine_as_test(
        Money,
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=runs <= 10,
            phases=phases or tuple(Phase),
        ),
    )


def test_money_in_any_order(house: Flask) -> None:
    """Five lives of forty acts in the suite; hundreds of two hundred on demand."""
    live(RUNS)


@pytest.mark.parametrize("broken", ["_unspent", "allocate_many"])
def test_a_broken_house_is_found(
    house: Flask, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Credit taken for another's, or a bill's paid sum not kept: the same lives notice."""
    if broken == "_unspent":
        monkeypatch.setattr(returns, "_unspent", lambda *_: 0)
    else:
        monkeypatch.setattr(settlements, "allocate_many", lambda *_: None)
    with pytest.raises(AssertionError):
        live(10, Phase.generate)

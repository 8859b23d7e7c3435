"""Fourteen months as they might have gone: bills each month, payments by each home's habit."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import text

from app.billing.bills import service as bills
from app.billing.counter import service as counter
from app.billing.counter.service.shifts import till_fen
from app.billing.runs import service as runs
from app.billing.tariffs.service import charges
from app.kernel import audit, clock
from app.kernel.db import db, transaction
from app.kernel.period import Month

# The months of the year in which a household brings its money; most pay for what has passed.
PAY_MONTHS = {
    "monthly": range(1, 13),
    "quarterly": (2, 5, 8, 11),
    "half_yearly": (4, 10),
    "ahead": (1, 7),
    "late": (6,),
    "never": (),
}
MONTHS_AHEAD = {"ahead": 5}
DESK_PAYMENTS = 24  # a busy day at the counter
FLOAT_FEN = 30_000


def live_through(
    community_id: int,
    first: Month,
    last: Month,
    habits: Mapping[int, str],
    *,
    prepared_by: int,
    confirmed_by: int,
    lighting: int | None,
    cashier: int | None = None,
) -> None:
    """Issue each month's bills and take what its payers bring; the clock moves with it.

    Each month is a transaction of its own, as it was in life. With a `cashier` the cash of
    the last two months goes over the counter, in shifts that `confirmed_by` accepts.
    """
    chance = random.Random(community_id)  # noqa: S311 -- a story, not a secret
    for month in first.until(last):
        fifth = min(month.first + timedelta(days=4), clock.today())
        with clock.moved_to(fifth), transaction():
            if lighting is not None:
                charges.add_shared_cost(
                    community_id,
                    tariff_id=lighting,
                    month=month,
                    amount_fen=len(habits) * chance.randint(290, 420),
                    allocation="area",
                    document_no=f"电费单 {month}",
                )
            with audit.acting(_person(confirmed_by, "吴国平")):
                runs.issue_bills(
                    community_id, month, prepared_by=prepared_by, confirmed_by=confirmed_by
                )
            bills.apply_credits(community_id)
        until = min(month.last, clock.today())
        with clock.moved_to(until), transaction():
            at_desk = cashier if month >= last.shift(-1) else None
            _take_payments(community_id, until, habits, chance, at_desk)
            if at_desk is not None and month < last:
                with audit.acting(_person(confirmed_by, "吴国平")):
                    counter.accept_shift(community_id, _last_shift(community_id))
        # A connection keeps the plans it made when the tables were small; a new one looks again.
        db.session.remove()
        db.engine.dispose()


def _take_payments(
    community_id: int,
    until: date,
    habits: Mapping[int, str],
    chance: random.Random,
    cashier: int | None,
) -> None:
    desk: list[tuple[int, int]] = []
    brought: list[bills.Incoming] = []
    open_sums = db.session.execute(
        text(
            "SELECT unit_id, sum(open_fen) AS fen FROM bill"
            " WHERE community_id = :c AND open_fen > 0"
            " GROUP BY unit_id ORDER BY unit_id"
        ),
        {"c": community_id},
    ).all()
    for row in open_sums:
        habit = habits.get(row.unit_id, "never")
        if until.month not in PAY_MONTHS[habit] or chance.random() < 0.04:
            continue
        ahead = MONTHS_AHEAD.get(habit, 0)
        month_fen = _latest_bill_fen(community_id, row.unit_id) if ahead else 0
        means = chance.choices(["online", "bank", "cash"], weights=[62, 18, 20])[0]
        day = until.replace(day=chance.randint(min(5, until.day), until.day))
        amount_fen = int(row.fen) + ahead * month_fen
        if means == "cash" and cashier is not None:
            desk.append((row.unit_id, amount_fen))
            continue
        brought.append(
            bills.Incoming(row.unit_id, amount_fen, day, means, f"demo:{row.unit_id}:{until:%Y-%m}")
        )
    bills.settle_many(community_id, brought)
    if desk and cashier is not None:
        with audit.acting(_person(cashier, "陈静")):
            _keep_a_shift(community_id, desk[:DESK_PAYMENTS], until)


def _keep_a_shift(community_id: int, desk: Sequence[tuple[int, int]], until: date) -> None:
    """A cashier's day: a float, what people bring, most of the cash banked, the till counted."""
    shift = counter.open_shift(community_id, FLOAT_FEN)
    for number, (unit_id, amount_fen) in enumerate(desk):
        by_card = number % 5 == 4
        counter.take_payment(
            community_id,
            unit_id,
            amount_fen,
            key=f"demo:{unit_id}:{until:%Y-%m}",
            means="pos" if by_card else "cash",
            tendered_fen=None if by_card else -(-amount_fen // 10_000) * 10_000,
            reference=f"{until:%m%d}{number:04d}" if by_card else "",
        )
    held = till_fen(shift)
    banked = (held - FLOAT_FEN) // 10_000 * 10_000
    if banked:
        counter.bank_cash(
            community_id, banked, slip=f"{until:%Y%m%d}01", key=f"demo:bank:{until:%Y-%m}"
        )
    counter.close_shift(community_id, shift.id, held - banked - 100, reason="找零差一元，未查明")


def _last_shift(community_id: int) -> int:
    return int(
        db.session.execute(
            text("SELECT max(id) FROM shift WHERE community_id = :c"), {"c": community_id}
        ).scalar_one()
    )


def _person(account_id: int, name: str) -> audit.Actor:
    return audit.Actor(account_id=account_id, name=name, via="command")


def _latest_bill_fen(community_id: int, unit_id: int) -> int:
    return int(
        db.session.execute(
            text(
                "SELECT resident_fen FROM bill WHERE community_id = :c AND unit_id = :u"
                " ORDER BY month DESC, id DESC LIMIT 1"
            ),
            {"c": community_id, "u": unit_id},
        ).scalar_one()
    )

"""Money taken over the counter, and undone when it was entered wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text

from app.billing.bills import service as bills
from app.billing.bills.service import Settled
from app.billing.counter import rules
from app.billing.counter.models import TillMovement
from app.billing.counter.service.shifts import (
    add_movement,
    cashier,
    different,
    own_shift,
)
from app.billing.models import Settlement
from app.billing.postings import BOOK
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import LARGEST_FEN, Fen
from app.payments import service as payments
from app.payments.service import Entered

CHANNEL = "counter"
SOURCE = "counter:{payment}"


@dataclass(frozen=True)
class Taken:
    """A payment over the counter and what it did; `change_fen` goes back to the payer."""

    payment_id: int
    settled: Settled
    change_fen: Fen


def take_payment(
    community_id: int,
    unit_id: int,
    amount_fen: Fen,
    *,
    key: str,
    means: str,
    bill_ids: Sequence[int] = (),
    payer_id: int | None = None,
    payer_name: str = "",
    tendered_fen: Fen | None = None,
    reference: str = "",
    note: str = "",
) -> Taken:
    """Take money for a home into the caller's open shift, lay it on its bills, write a receipt.

    On the bills named, the oldest first; with none named on those of the payer (and of nobody
    in particular). What is over is kept as the home's credit. `key` is the form's own: sent
    twice, in two tabs or by two clicks, it is one payment; with other contents a Conflict.
    Raises RuleBroken without an open shift, NotFound, Conflict.
    """
    if means not in rules.MEANS:
        raise RuleBroken("counter.means", N_("不认识这种收款方式。"), field="means")
    if not 0 < amount_fen <= LARGEST_FEN:
        raise RuleBroken("settle.amount", N_("收款金额应大于 0。"), field="amount_fen")
    rules.check_reference(means, reference)
    tendered = tendered_fen if means == "cash" else None
    change = rules.change_fen(amount_fen, tendered)
    shift = own_shift(community_id)
    payment_id = payments.enter_settled(
        community_id,
        BOOK,
        CHANNEL,
        amount_fen,
        key,
        means=means,
        payer_id=payer_id,
        payer_name=payer_name.strip(),
        reference=reference.strip(),
        note=note.strip(),
    )
    if payment_id is None:
        return _again(community_id, unit_id, amount_fen, key, means, change)
    settled = bills.settle(
        community_id,
        unit_id,
        amount_fen,
        received_on=clock.today(),
        means=rules.SETTLED_AS[means],
        source=SOURCE.format(payment=payment_id),
        bill_ids=list(bill_ids) or _of_payer(community_id, unit_id, payer_id),
        payment_id=payment_id,
    )
    _add_items(community_id, payment_id, unit_id, settled)
    add_movement(
        shift,
        "taken",
        means,
        amount_fen,
        key=f"take:{payment_id}",
        payment_id=payment_id,
        tendered_fen=tendered,
        reference=reference.strip(),
        note=note.strip(),
    )
    return Taken(payment_id, settled, change)


def reverse_payment(
    community_id: int, payment_id: int, *, reason: str, may_approve: bool = False
) -> Settled:
    """Undo a wrong entry whole: the money goes back out of the caller's till, the receipt is void.

    The cashier alone within the open shift that took it; otherwise somebody else who may
    approve (`may_approve`: the caller holds payment.approve). What went back another way
    before stays so. Again changes nothing. Raises NotFound, Forbidden, RuleBroken, Conflict.
    """
    shift = own_shift(community_id)
    payment, taken = _lock_taken(community_id, payment_id)
    rules.check_reversal(
        own_open_shift=taken.shift_id == shift.id,
        may_approve=may_approve,
        same_person=taken.made_by == cashier(),
    )
    source = f"{SOURCE.format(payment=payment_id)}:reversed"
    known = bills.settlement_by_source(community_id, source)
    settlement = _settlement_of(community_id, payment_id)
    if known is None and payment.refunded_fen == payment.amount_fen:
        raise Conflict("counter.returned", N_("这笔收款已经全部退回。"))
    left = -known.amount_fen if known else payment.amount_fen - payment.refunded_fen
    undone = bills.take_back(
        community_id, settlement.id, left, source=source, reason=reason, received_on=clock.today()
    )
    if known is None:
        payments.note_returned(community_id, payment_id, left)
        add_movement(
            shift,
            "reversed",
            taken.means,
            -left,
            key=f"reverse:{payment_id}",
            payment_id=payment_id,
            reference=taken.reference,
            note=reason.strip(),
            approved_by=None if taken.shift_id == shift.id else cashier(),
        )
    return undone


def _again(  # noqa: PLR0917 -- what the form said, in its order
    community_id: int, unit_id: int, amount_fen: Fen, key: str, means: str, change: Fen
) -> Taken:
    known = payments.by_key(community_id, key)
    assert known is not None
    if (known.channel, known.amount_fen, known.means) != (CHANNEL, amount_fen, means):
        raise different()
    settled = bills.settle(  # the same source: gives what was done
        community_id,
        unit_id,
        amount_fen,
        received_on=clock.today(),
        means=rules.SETTLED_AS[means],
        source=SOURCE.format(payment=known.id),
    )
    return Taken(known.id, settled, change)


def _of_payer(community_id: int, unit_id: int, payer_id: int | None) -> list[int]:
    """Open bills a payer would mean: their own and those of nobody in particular."""
    return list(
        db.session.scalars(
            text(
                "SELECT id FROM bill WHERE community_id = :c AND unit_id = :unit AND open_fen > 0"
                " AND (CAST(:payer AS bigint) IS NULL OR payer_id IS NULL OR payer_id = :payer)"
            ),
            {"c": community_id, "unit": unit_id, "payer": payer_id},
        )
    )


def _add_items(community_id: int, payment_id: int, unit_id: int, settled: Settled) -> None:
    parts: list[tuple[int | None, Fen]] = list(settled.allocations)
    if settled.credit_fen:
        parts.append((None, settled.credit_fen))
    payments.add_items(community_id, payment_id, unit_id, parts)


def _lock_taken(community_id: int, payment_id: int) -> tuple[Entered, TillMovement]:
    payment = payments.lock(community_id, payment_id, CHANNEL)
    taken = db.session.scalars(
        select(TillMovement).filter_by(
            community_id=community_id, payment_id=payment_id, kind="taken"
        )
    ).one_or_none()
    if payment is None or taken is None:
        raise NotFound("payment.none", N_("没有这笔柜台收款。"))
    return payment, taken


def _settlement_of(community_id: int, payment_id: int) -> Settlement:
    return db.session.scalars(
        select(Settlement).filter_by(
            community_id=community_id, payment_id=payment_id, takes_back_id=None
        )
    ).one()

"""A payer's bank wants the money back: held while it is open, gone when lost, ours when won."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from app.kernel import audit, outbox
from app.kernel.db import db
from app.kernel.money import Fen
from app.payments.models import Payment
from app.payments.online import rules, shapes
from app.payments.online.models import Dispute

ENDED = ("won", "lost", "closed")


def hear_dispute(payment: Payment, seen: shapes.DisputeSeen, *, at: datetime) -> tuple[str, ...]:
    """Follow a dispute of this payment, which the caller has locked; in any order of news.

    What is open counts as `disputed_fen`; lost, it counts as given back and is told to the
    house (`payment:returned`); won, nothing is left of it.
    """
    there = rules.state_of_dispute(seen)
    if there is None or not seen.amount_fen or seen.amount_fen < 0:
        return ("amount",)
    if seen.currency != payment.currency:
        return ("currency",)
    one = db.session.scalars(
        select(Dispute).filter_by(community_id=payment.community_id, gateway_dispute_id=seen.id)
    ).one_or_none()
    if one is None:
        one = Dispute(
            community_id=payment.community_id,
            payment_id=payment.id,
            gateway_dispute_id=seen.id,
            amount_fen=seen.amount_fen,
            held_fen=0,
            status="inquiry",
            reason=seen.reason,
            due_by=seen.due_by,
        )
        db.session.add(one)
    elif one.payment_id != payment.id or one.amount_fen != seen.amount_fen:
        return ("amount",)
    one.due_by = seen.due_by or one.due_by
    if one.status != there and rules.may_go(rules.DISPUTE_ARROWS, one.status, there):
        _move(one, payment, there, at)
    db.session.flush()
    return ()


def _move(one: Dispute, payment: Payment, there: str, at: datetime) -> None:
    if there in ("open", "lost") and not one.held_fen:
        # Never more than is still there: a part may have been given back before.
        one.held_fen = max(0, min(one.amount_fen, _there_fen(payment)))
        payment.disputed_fen += one.held_fen
    if there in ("won", "lost"):
        payment.disputed_fen -= one.held_fen
    if there == "lost":
        payment.refunded_fen += one.held_fen
    one.status = there
    one.ended_at = at if there in ENDED else None
    db.session.flush()
    if there == "lost" and one.held_fen:
        outbox.tell(
            one.community_id,
            "payment:returned",
            {
                "payment_id": payment.id,
                "dispute_id": one.id,
                "amount_fen": one.held_fen,
                "reason": "拒付",
            },
        )
    audit.record(
        f"dispute:{there}",
        f"payment:{payment.id}",
        community_id=one.community_id,
        after={"dispute": one.gateway_dispute_id, "amount_fen": one.amount_fen},
    )


def _there_fen(payment: Payment) -> Fen:
    """What of a payment is still here; refunds that are only asked for do not lessen it."""
    if payment.status not in rules.CAME:
        return 0
    return payment.amount_fen - payment.refunded_fen - payment.disputed_fen

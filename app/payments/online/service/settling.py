"""The last step of a payment: the room above has laid its money on bills."""

from __future__ import annotations

from app.kernel import audit, clock
from app.kernel.db import db
from app.payments.models import Payment
from app.payments.online.service import common


def take_received(community_id: int, payment_id: int) -> Payment | None:
    """A payment whose money waits to be laid, locked; None when there is nothing to do."""
    one = common.lock(community_id, payment_id)
    return one if one is not None and one.status == "received" else None


def mark_settled(one: Payment) -> None:
    """Say that all of a payment's money lies on bills or as credit."""
    assert one.status == "received"
    one.status, one.settled_at = "settled", clock.now()
    audit.record(
        "payment:settled",
        f"payment:{one.id}",
        community_id=one.community_id,
        after={"amount_fen": one.amount_fen},
    )
    db.session.flush()

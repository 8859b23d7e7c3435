"""The last step of a payment: the room above has laid its money on bills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.kernel import audit, clock
from app.kernel.db import db
from app.payments.online.service import common


@dataclass(frozen=True)
class Received:
    """A payment whose money waits to be laid."""

    community_id: int
    id: int
    book: str
    received_on: date


def take_received(community_id: int, payment_id: int) -> Received | None:
    """A payment whose money waits to be laid, locked; None when there is nothing to do."""
    one = common.lock(community_id, payment_id)
    if one is None or one.status != "received":
        return None
    assert one.received_on is not None
    return Received(community_id, one.id, one.book, one.received_on)


def mark_settled(community_id: int, payment_id: int) -> None:
    """Say that all of a payment's money, taken before, lies on bills or as credit."""
    one = common.locked(community_id, payment_id)
    assert one.status == "received"
    one.status, one.settled_at = "settled", clock.now()
    audit.record(
        "payment:settled",
        f"payment:{one.id}",
        community_id=one.community_id,
        after={"amount_fen": one.amount_fen},
    )
    db.session.flush()

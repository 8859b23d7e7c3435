"""Payments that are settled the moment they come, as at a counter. Never commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.money import Fen
from app.payments.models import Payment, PaymentItem


@dataclass(frozen=True)
class Entered:
    """A payment as rooms above know it."""

    id: int
    channel: str
    means: str | None
    amount_fen: Fen
    refunded_fen: Fen


def enter_settled(
    community_id: int,
    book: str,
    channel: str,
    amount_fen: Fen,
    key: str,
    *,
    means: str,
    payer_id: int | None = None,
    payer_name: str = "",
    reference: str = "",
    note: str = "",
) -> int | None:
    """Enter a payment received today and settled with it; None when its key was used before.

    Waits for the same key in another transaction. The caller settles it in this one.
    """
    made: int | None = db.session.execute(
        pg_insert(Payment)
        .values(
            community_id=community_id,
            book=book,
            channel=channel,
            amount_fen=amount_fen,
            key=key,
            means=means,
            payer_id=payer_id,
            payer_name=payer_name,
            reference=reference,
            note=note,
            status="settled",
            started_by=audit.actor().account_id,
            received_on=clock.today(),
            settled_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["community_id", "key"])
        .returning(Payment.id)
    ).scalar_one_or_none()
    return made


def add_items(
    community_id: int, payment_id: int, unit_id: int, parts: Sequence[tuple[int | None, Fen]]
) -> None:
    """Say what a payment was for: a bill each, or (None) money ahead for the home."""
    db.session.execute(
        insert(PaymentItem),
        [
            {
                "community_id": community_id,
                "payment_id": payment_id,
                "no": no,
                "purpose": "prepay" if bill_id is None else "bill",
                "unit_id": unit_id,
                "bill_id": bill_id,
                "amount_fen": fen,
            }
            for no, (bill_id, fen) in enumerate(parts, 1)
        ],
    )


def by_key(community_id: int, key: str) -> Entered | None:
    """The payment entered under a key, if there is one."""
    return _one(select(Payment).filter_by(community_id=community_id, key=key))


def lock(community_id: int, payment_id: int, channel: str) -> Entered | None:
    """A payment of a channel, held until the transaction ends, as it stands now."""
    return _one(
        select(Payment)
        .filter_by(community_id=community_id, id=payment_id, channel=channel)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def note_returned(community_id: int, payment_id: int, amount_fen: Fen) -> None:
    """Note what went back of a payment that is held by `lock`."""
    db.session.execute(
        update(Payment)
        .filter_by(community_id=community_id, id=payment_id)
        .values(refunded_fen=Payment.refunded_fen + amount_fen)
    )


def _one(query: Any) -> Entered | None:
    row = db.session.scalars(query).one_or_none()
    if row is None:
        return None
    return Entered(row.id, row.channel, row.means, row.amount_fen, row.refunded_fen)

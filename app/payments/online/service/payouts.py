"""What the gateway transfers to a bank: of which payments, less which fees; entered when paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import insert, select, text

from app.kernel import audit, clock, queue
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.period import Month
from app.ledger import queries as books
from app.ledger import service as ledger
from app.ledger.chart import BY_KEY, IN_TRANSIT
from app.payments import stripe_gateway as gateway
from app.payments.models import SettlementAccount
from app.payments.online import postings, shapes
from app.payments.online.models import Payout, PayoutLine

JOB = "payments:payout"
STATES = {"in_transit": "pending", "pending": "pending", "paid": "paid"}
ORDER = ("pending", "paid", "failed", "canceled")

_KNOWN = """
SELECT m.id, p.id AS payment_id, r.id AS refund_id, d.id AS dispute_id
  FROM unnest(CAST(:ids AS text[]), CAST(:sources AS text[]), CAST(:intents AS text[]),
    CAST(:payments AS bigint[])) AS m (id, source, intent, payment)
  LEFT JOIN refund r ON r.community_id = :c AND r.gateway_refund_id = m.source
  LEFT JOIN dispute d ON d.community_id = :c AND d.gateway_dispute_id = m.source
  LEFT JOIN payment p ON p.community_id = :c AND p.channel = 'stripe'
    AND (p.id = m.payment OR p.intent_id = m.intent)
"""


def hear_payout(
    community_id: int, account: str, seen: shapes.PayoutSeen, *, livemode: bool
) -> tuple[str, ...]:
    """Follow a transfer of one of the community's settlement accounts to its bank."""
    owner = db.session.scalars(
        select(SettlementAccount).filter_by(community_id=community_id, gateway_account=account)
    ).one_or_none()
    if owner is None or not seen.id:
        return ("account",)
    if livemode != gateway.livemode():
        return ("livemode",)
    if seen.currency != gateway.CURRENCY or seen.amount_fen is None or seen.arrives_at is None:
        return ("currency",)
    one = _locked(community_id, seen.id)
    if one is None:
        one = Payout(
            community_id=community_id,
            settlement_account_id=owner.id,
            gateway_payout_id=seen.id,
            amount_fen=seen.amount_fen,
            arrives_on=clock.local(seen.arrives_at).date(),
            status="pending",
        )
        db.session.add(one)
        db.session.flush()
    elif one.amount_fen != seen.amount_fen:
        return ("amount",)
    there = STATES.get(seen.status, seen.status)
    if there in ORDER and ORDER.index(there) > ORDER.index(one.status):
        one.status = there
        if there == "failed" and one.entry_id is not None:
            # The bank sent it back: what lay in the bank is in transit again.
            ledger.reverse(community_id, one.entry_id, reason="线上收款退票")
        if there == "paid":
            queue.enqueue(JOB, community_id, {"payout_id": one.id}, key=str(one.id))
        audit.record(
            f"payout:{there}",
            f"payout:{one.id}",
            community_id=community_id,
            after={"amount_fen": one.amount_fen, "arrives_on": one.arrives_on},
        )
    db.session.flush()
    return ()


def enter(community_id: int, payout_id: int) -> Payout:
    """Read what a paid transfer is made of, and enter it in its book; again is harmless."""
    one = db.session.get(Payout, (community_id, payout_id))
    if one is None:
        raise NotFound("payout.none", N_("没有这笔到账。"))
    account = db.session.get_one(SettlementAccount, (community_id, one.settlement_account_id))
    moved = gateway.payout_movements(account.gateway_account, one.gateway_payout_id)
    one = _locked(community_id, one.gateway_payout_id)
    assert one is not None
    if one.status != "paid" or one.entry_id is not None:
        return one
    if not _has_lines(one):
        _add_lines(one, moved)
    one.fee_fen = sum(line.fee_fen for line in moved)
    if (account.book, IN_TRANSIT) in BY_KEY and (one.amount_fen or one.fee_fen):
        one.entry_id = ledger.post(
            community_id,
            account.book,
            _open_month(community_id, account.book, one.arrives_on),
            postings.PAID,
            str(one.id),
            postings.payout(one.amount_fen, one.fee_fen),
            posted_on=one.arrives_on,
        ).id
    db.session.flush()
    return one


def _add_lines(one: Payout, moved: Sequence[shapes.MovementSeen]) -> None:
    if not moved:
        return
    known = {
        row.id: row
        for row in db.session.execute(
            text(_KNOWN),
            {
                "c": one.community_id,
                "ids": [line.id for line in moved],
                "sources": [line.source_id for line in moved],
                "intents": [line.intent_id for line in moved],
                "payments": [
                    line.reference.payment_id
                    if line.reference.community_id == one.community_id
                    else None
                    for line in moved
                ],
            },
        )
    }
    db.session.execute(
        insert(PayoutLine),
        [
            {
                "community_id": one.community_id,
                "payout_id": one.id,
                "no": no,
                "gateway_transaction_id": line.id,
                "kind": _kind(line, known[line.id]),
                "amount_fen": line.amount_fen,
                "fee_fen": line.fee_fen,
                "payment_id": known[line.id].payment_id,
                "refund_id": known[line.id].refund_id,
                "dispute_id": known[line.id].dispute_id,
            }
            for no, line in enumerate(moved, start=1)
        ],
    )


def _kind(line: shapes.MovementSeen, known: object) -> str:
    if getattr(known, "dispute_id", None) is not None or "dispute" in line.type:
        return "dispute"
    if "refund" in line.type:
        return "refund"
    return "payment" if line.type in ("payment", "charge") else "other"


def _has_lines(one: Payout) -> bool:
    return bool(
        db.session.scalar(
            select(PayoutLine.no)
            .filter_by(community_id=one.community_id, payout_id=one.id)
            .limit(1)
        )
    )


def _locked(community_id: int, gateway_payout_id: str) -> Payout | None:
    return db.session.scalars(
        select(Payout)
        .filter_by(community_id=community_id, gateway_payout_id=gateway_payout_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _open_month(community_id: int, book: str, day: date) -> Month:
    closed = books.closed_through(community_id, book)
    month = Month.of(day)
    return max(month, closed.shift(1)) if closed else month

"""What the verbs of this room share: payments found and locked, states moved, news told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.kernel import audit, clock, outbox
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.payments import stripe_gateway as gateway
from app.payments.models import Payment, SettlementAccount
from app.payments.online import rules
from app.payments.online.models import GatewayEvent

CHANNEL = "stripe"


def payment(community_id: int, payment_id: int) -> Payment:
    """An online payment. Raises NotFound."""
    found = db.session.get(Payment, (community_id, payment_id))
    if found is None or found.channel != CHANNEL:
        raise NotFound("payment.none", N_("没有这笔缴费。"))
    return found


def lock(community_id: int, payment_id: int) -> Payment | None:
    """An online payment, held until the transaction ends, as it is now."""
    return db.session.scalars(
        select(Payment)
        .filter_by(community_id=community_id, id=payment_id, channel=CHANNEL)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def locked(community_id: int, payment_id: int) -> Payment:
    """The same. Raises NotFound."""
    found = lock(community_id, payment_id)
    if found is None:
        raise NotFound("payment.none", N_("没有这笔缴费。"))
    return found


def lock_by_intent(community_id: int, intent_id: str | None) -> Payment | None:
    """The payment that the gateway carries out under this number."""
    if intent_id is None:
        return None
    found = db.session.scalar(
        select(Payment.id).filter_by(community_id=community_id, intent_id=intent_id)
    )
    return lock(community_id, found) if found else None


def asked_of(one: Payment) -> rules.Asked:
    """What was asked of the gateway for a payment."""
    account = None
    if one.settlement_account_id is not None:
        account = db.session.get_one(
            SettlementAccount, (one.community_id, one.settlement_account_id)
        ).gateway_account
    return rules.Asked(
        community_id=one.community_id,
        payment_id=one.id,
        amount_fen=one.amount_fen,
        currency=one.currency,
        account=account,
        livemode=gateway.livemode() if one.livemode is None else one.livemode,
        session_id=one.session_id,
        intent_id=one.intent_id,
    )


def move(one: Payment, there: str, *, at: datetime, intent_id: str | None = None) -> bool:
    """Let a payment's state go along an arrow; False, and nothing happens, where there is none.

    Money that is received is told to the house in the same transaction.
    """
    if intent_id and one.intent_id is None:
        one.intent_id = intent_id
    if not rules.may_go(rules.ARROWS, one.status, there):
        return False
    before = one.status
    one.status = there
    if there == "received":
        one.received_on = clock.local(at).date()
        outbox.tell(one.community_id, "payment:received", {"payment_id": one.id})
    audit.record(
        f"payment:{there}",
        f"payment:{one.id}",
        community_id=one.community_id,
        before={"status": before},
        after={"status": there, "amount_fen": one.amount_fen},
    )
    db.session.flush()
    return True


def note_problem(one: Payment, event_id: str, told: str, problems: tuple[str, ...]) -> None:
    """List what does not agree, once, for staff to look into; nothing else changes."""
    now = clock.now()
    db.session.execute(
        insert(GatewayEvent)
        .values(
            community_id=one.community_id,
            event_id=event_id,
            type=told,
            livemode=gateway.livemode(),
            happened_at=now,
            received_at=now,
            payload={},
            status="failed",
            problem=",".join(problems),
            payment_id=one.id,
        )
        .on_conflict_do_nothing(index_elements=["event_id"])
    )


def every_community() -> list[int]:
    """All communities: for the few questions that the gateway asks without saying where."""
    return list(db.session.execute(text("SELECT id FROM community")).scalars())

"""Hear what the gateway says: stored once by its number, answered at once, believed later.

Duplicate, late, reordered and unknown notifications do no harm: the event's number is unique,
states go along arrows alone, and what does not agree with what was asked is listed for staff
and credits nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.kernel import clock, queue
from app.kernel.db import db
from app.kernel.tenancy import NOWHERE, scoped
from app.payments import stripe_gateway as gateway
from app.payments.models import Payment, SettlementAccount
from app.payments.online import rules, shapes
from app.payments.online.models import GatewayEvent
from app.payments.online.service import common, disputes, hearing, payouts, refunds

JOB = "payments:hear"
DONE, IGNORED = "done", "ignored"

log = structlog.get_logger(__name__)


def receive_event(raw: bytes, header: str) -> bool:
    """Store a notification and ask for it to be heard; False when it was stored before.

    Raises BadSignature for what the gateway did not sign in the last five minutes.
    """
    seen = gateway.parse_event(raw, header)
    assert seen.happened_at is not None
    place = _place(seen)
    with scoped([place]):
        new = db.session.scalar(
            insert(GatewayEvent)
            .values(
                community_id=place,
                event_id=seen.id,
                type=seen.type,
                account=seen.account,
                livemode=bool(seen.livemode),
                happened_at=seen.happened_at,
                received_at=clock.now(),
                payload=seen.thing,
            )
            .on_conflict_do_nothing(index_elements=["event_id"])
            .returning(GatewayEvent.id)
        )
        if new is not None:
            queue.enqueue(JOB, place, {"event_id": seen.id}, key=seen.id)
    log.info("gateway.event", type=seen.type, id=seen.id, new=new is not None)
    return new is not None


def process_event(community_id: int, event_id: str) -> str:
    """Do what a stored notification asks, once; gives its state afterwards."""
    event = db.session.scalars(
        select(GatewayEvent)
        .filter_by(community_id=community_id, event_id=event_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if event is None:
        return IGNORED
    if event.status == "stored":
        if community_id == NOWHERE:
            _send_home(event)
        else:
            problems = _hear(event)
            if problems is None:
                event.status = IGNORED
            elif problems:
                event.status, event.problem = "failed", ",".join(problems)
                log.warning("gateway.disagrees", id=event.event_id, problems=problems)
            else:
                event.status = DONE
        db.session.flush()
    return event.status


Heard = tuple[str, ...] | None  # None: nothing of ours


def _hear(event: GatewayEvent) -> Heard:
    for prefix, hear in _HEARERS:
        if event.type.startswith(prefix):
            return hear(event)
    return None


def _session(event: GatewayEvent) -> Heard:
    seen = shapes.session(event.payload)
    one = _of(event, seen.reference)
    if one is None:
        return _unknown(seen.reference)
    return hearing.hear_session(
        one,
        seen,
        told=event.type,
        on_account=event.account,
        at=event.happened_at,
        event_id=event.event_id,
    )


def _intent(event: GatewayEvent) -> Heard:
    seen = shapes.intent(event.payload)
    one = _of(event, seen.reference)
    if one is None:
        return _unknown(seen.reference)
    return hearing.hear_intent(
        one,
        seen,
        told=event.type,
        on_account=event.account,
        at=event.happened_at,
        event_id=event.event_id,
    )


def _refund(event: GatewayEvent) -> Heard:
    seen = shapes.refund(event.payload)
    one = common.lock_by_intent(event.community_id, seen.intent_id)
    if one is None or event.account is not None:
        return ("payment",) if seen.refund_id else None
    event.payment_id = one.id
    _catch_up(one)
    return refunds.hear_refund(one, seen, at=event.happened_at)


def _dispute(event: GatewayEvent) -> Heard:
    seen = shapes.dispute(event.payload)
    one = common.lock_by_intent(event.community_id, seen.intent_id)
    if one is None or event.account is not None:
        return None
    event.payment_id = one.id
    _catch_up(one)
    return disputes.hear_dispute(one, seen, at=event.happened_at)


def _catch_up(one: Payment) -> None:
    """What goes back was received: when that news is still on its way, the gateway is asked."""
    if one.status not in rules.CAME and one.intent_id is not None:
        hearing.hear_intent(one, gateway.fetch_intent(one.intent_id), told="asked")


def _payout(event: GatewayEvent) -> Heard:
    if event.account is None:
        return None
    return payouts.hear_payout(
        event.community_id, event.account, shapes.payout(event.payload), livemode=event.livemode
    )


_HEARERS: tuple[tuple[str, Callable[[GatewayEvent], Heard]], ...] = (
    ("checkout.session.", _session),
    ("payment_intent.", _intent),
    ("refund.", _refund),
    ("charge.refund.", _refund),
    ("charge.dispute.", _dispute),
    ("payout.", _payout),
)


def _of(event: GatewayEvent, said: shapes.Reference) -> Payment | None:
    """The payment that an object says it is of, locked; only in the event's own community."""
    if said.community_id != event.community_id or said.payment_id is None:
        return None
    one = common.lock(event.community_id, said.payment_id)
    if one is not None:
        event.payment_id = one.id
    return one


def _unknown(said: shapes.Reference) -> Heard:
    """Another product's on the same account is ignored; one that names us is looked into."""
    return ("payment",) if said.payment_id is not None else None


def _place(seen: shapes.EventSeen) -> int:
    """In which community a notification belongs; 0 while nobody knows."""
    named = shapes.reference(seen.thing).community_id
    if named is not None:
        found = db.session.execute(
            text("SELECT id FROM community WHERE id = :c"), {"c": named}
        ).scalar()
        return int(found or NOWHERE)
    intent_id = seen.thing.get("payment_intent")
    return _place_of(
        seen.account if seen.type.startswith("payout.") else None,
        intent_id if isinstance(intent_id, str) else None,
    )


def _place_of(account: str | None, intent_id: str | None) -> int:
    if account is None and intent_id is None:
        return NOWHERE
    query: Any = (
        select(SettlementAccount.community_id).filter_by(gateway_account=account)
        if account
        else select(Payment.community_id).filter_by(intent_id=intent_id)
    )
    with scoped(common.every_community()):
        return int(db.session.scalar(query) or NOWHERE)


def _send_home(event: GatewayEvent) -> None:
    """Find whose a notification is by asking the gateway, and hand it to that community."""
    intent_id = event.payload.get("payment_intent")
    home = NOWHERE
    if isinstance(intent_id, str) and event.type.startswith(("refund.", "charge.")):
        home = _place_of(None, intent_id)
        if home == NOWHERE:
            home = _home_by_asking(intent_id)
    if home == NOWHERE:
        event.status = IGNORED
        return
    with scoped([NOWHERE, home]):
        event.community_id = home
        db.session.flush()
        queue.enqueue(JOB, home, {"event_id": event.event_id}, key=event.event_id)
        db.session.flush()


def _home_by_asking(intent_id: str) -> int:
    """The payment behind a refund or dispute that came before the payment's own notification."""
    try:
        seen = gateway.fetch_intent(intent_id)
    except gateway.GatewayRefused:
        return NOWHERE
    said = seen.reference
    if said.community_id is None or said.payment_id is None:
        return NOWHERE
    known = db.session.execute(
        text("SELECT id FROM community WHERE id = :c"), {"c": said.community_id}
    ).scalar()
    if known is None:
        return NOWHERE
    with scoped([said.community_id]):
        one = common.lock(said.community_id, said.payment_id)
        if one is None or hearing.hear_intent(one, seen, told="asked"):
            return NOWHERE
        db.session.flush()
    return said.community_id

"""Ask the gateway about payments of which it says nothing."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from app.kernel import clock, queue
from app.kernel.db import db
from app.kernel.tenancy import scoped
from app.payments import stripe_gateway as gateway
from app.payments.online import rules
from app.payments.online.service import common, hearing

QUIET = timedelta(minutes=2)  # a notification is usually quicker than this
OLD = timedelta(days=1)
LARGEST_ROUND = 500

_QUIET = """
SELECT community_id, id, 'payments:poll' AS job, created_at < :old AS old FROM payment
 WHERE channel = 'stripe' AND status IN ('started', 'pending') AND created_at < :quiet
UNION ALL
SELECT community_id, id, 'payments:details', created_at < :old FROM payment
 WHERE channel = 'stripe' AND status IN ('received', 'settled') AND fee_fen IS NULL
   AND received_on >= :since AND created_at < :quiet
UNION ALL
SELECT community_id, id, 'payments:send-refund', created_at < :old FROM refund
 WHERE status IN ('approved', 'sent') AND decided_at < :quiet
ORDER BY 4, 2 LIMIT :most
"""


def look_after() -> int:
    """Ask for whatever waits on the gateway: payments, fees, refunds; returns how many.

    Every few minutes, hourly what is older than a day. Each is a task of its own in its own
    community, by a key of its time: one that fails stops no other, and two rounds at once ask
    once.
    """
    now = clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    slot = hour + timedelta(minutes=now.minute - now.minute % 3)
    communities = common.every_community()
    with scoped([0, *communities]):
        rows = db.session.execute(
            text(_QUIET),
            {
                "quiet": now - QUIET,
                "old": now - OLD,
                "since": clock.today() - timedelta(days=7),
                "most": LARGEST_ROUND,
            },
        ).all()
        for row in rows:
            subject = "refund_id" if row.job == "payments:send-refund" else "payment_id"
            at = hour if row.old else slot
            key = f"{row.id}-{at:%Y%m%dT%H%M}"
            queue.enqueue(row.job, row.community_id, {subject: row.id}, key=key)
        db.session.flush()
    return len(rows)


def poll(community_id: int, payment_id: int) -> str:
    """Ask how a payment's checkout stands and believe it as if notified; gives its state."""
    one = common.payment(community_id, payment_id)
    if one.status not in ("started", "pending"):
        return one.status
    if one.session_id is None:
        # Without a checkout nobody could pay: the address was never given out.
        if clock.now() > one.created_at + rules.CHECKOUT_LASTS:
            one = common.locked(community_id, payment_id)
            if one.session_id is None:
                common.move(one, "expired", at=clock.now())
        return one.status
    seen = gateway.fetch_session(one.session_id)
    intent = None
    if seen.status == "complete" and seen.payment_status != "paid" and seen.intent_id:
        intent = gateway.fetch_intent(seen.intent_id)
    one = common.locked(community_id, payment_id)
    if intent is not None and intent.status in ("requires_payment_method", "canceled"):
        # The delayed payment was refused in the end: the checkout itself does not say so.
        hearing.hear_session(one, seen, told="checkout.session.async_payment_failed")
        return one.status
    hearing.hear_session(one, seen, told="polled")
    if intent is not None:
        hearing.hear_intent(one, intent, told="polled")
    return one.status


def details(community_id: int, payment_id: int) -> None:
    """Learn a received payment's means and fee, and that the money went where it was asked to."""
    one = common.payment(community_id, payment_id)
    if one.intent_id is None:
        return
    seen = gateway.fetch_intent(one.intent_id)
    hearing.hear_intent(common.locked(community_id, payment_id), seen, told="polled")

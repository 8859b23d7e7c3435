"""Believe what the gateway says of a payment, when it agrees with what was asked."""

from __future__ import annotations

from datetime import datetime

from app.kernel import clock, queue
from app.payments.models import MEANS, Payment
from app.payments.online import rules, shapes
from app.payments.online.service import common


def hear_session(
    one: Payment,
    seen: shapes.SessionSeen,
    *,
    told: str,
    on_account: str | None = None,
    at: datetime | None = None,
    event_id: str | None = None,
) -> tuple[str, ...]:
    """Let a checkout move its payment; gives in what it differs, and then nothing has moved.

    The payment is locked by the caller. Without `event_id` a difference is listed at once:
    nobody else keeps it.
    """
    asked = common.asked_of(one)
    problems = rules.differences_of_session(asked, seen, on_account=on_account)
    if problems:
        if event_id is None:
            common.note_problem(one, f"seen-{one.community_id}-{seen.id}", told, problems)
        return problems
    there = rules.state_of_session(seen, told)
    if there and common.move(one, there, at=at or clock.now(), intent_id=seen.intent_id):
        _look_closer(one)
    return ()


def hear_intent(
    one: Payment,
    seen: shapes.IntentSeen,
    *,
    told: str,
    on_account: str | None = None,
    at: datetime | None = None,
    event_id: str | None = None,
) -> tuple[str, ...]:
    """The same for the gateway's own payment, which also knows means and fee."""
    asked = common.asked_of(one)
    problems = rules.differences_of_intent(asked, seen, on_account=on_account)
    if problems:
        if event_id is None:
            common.note_problem(one, f"seen-{one.community_id}-{seen.id}", told, problems)
        return problems
    there = rules.state_of_intent(seen)
    if there and common.move(one, there, at=at or clock.now(), intent_id=seen.id):
        _look_closer(one)
    if seen.means in MEANS:
        one.means = seen.means
    if seen.fee_fen is not None:
        one.fee_fen = seen.fee_fen
    return ()


def _look_closer(one: Payment) -> None:
    """Money is there: means, fee and account are asked for, later and aside."""
    if one.status == "received":
        queue.enqueue("payments:details", one.community_id, {"payment_id": one.id}, key=str(one.id))

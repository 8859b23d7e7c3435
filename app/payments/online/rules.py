"""Which way a payment's state may go, and what the gateway says compared with what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from app.kernel.errors import N_
from app.kernel.money import Fen
from app.payments.online.shapes import DisputeSeen, IntentSeen, SessionSeen

CHECKOUT_LASTS = timedelta(minutes=60)  # from asking; the gateway wants at least 30 of them left
REUSE_FOR = timedelta(minutes=25)  # how long after asking a checkout can still be opened
LARGEST_ITEMS = 60

# A state goes along these arrows and no others. What failed or expired may still be received:
# the gateway's word that money is there always counts. What is received never goes back; money
# that leaves again is a refund or a dispute.
ARROWS: Mapping[str, frozenset[str]] = {
    "started": frozenset({"pending", "received", "failed", "expired"}),
    "pending": frozenset({"received", "failed", "expired"}),
    "failed": frozenset({"received"}),
    "expired": frozenset({"pending", "received"}),
    "received": frozenset({"settled"}),
    "settled": frozenset(),
}
UNDER_WAY = ("started", "pending", "received")
CAME = ("received", "settled")

REFUND_ARROWS: Mapping[str, frozenset[str]] = {
    "requested": frozenset({"approved", "rejected"}),
    "approved": frozenset({"sent", "succeeded", "failed"}),
    "sent": frozenset({"succeeded", "failed"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "rejected": frozenset(),
}
LIVE_REFUNDS = ("requested", "approved", "sent")

DISPUTE_ARROWS: Mapping[str, frozenset[str]] = {
    "inquiry": frozenset({"open", "won", "lost", "closed"}),
    "open": frozenset({"won", "lost"}),
    "closed": frozenset({"open", "won", "lost"}),
    "won": frozenset(),
    "lost": frozenset(),
}

PROBLEMS = {
    "payment": N_("没有对应的缴费"),
    "reference": N_("缴费编号不一致"),
    "session": N_("收银台编号不一致"),
    "intent": N_("交易编号不一致"),
    "amount": N_("金额不一致"),
    "currency": N_("币种不一致"),
    "account": N_("收款账户不一致"),
    "livemode": N_("正式环境与测试环境不一致"),
    "refund": N_("退款与申请不一致"),
    "refund_undone": N_("退款成功后又被退回"),
    "over": N_("退回超过收款"),
}


@dataclass(frozen=True)
class Asked:
    """What was asked of the gateway for a payment."""

    community_id: int
    payment_id: int
    amount_fen: Fen
    currency: str
    account: str | None
    livemode: bool
    session_id: str | None
    intent_id: str | None


def may_go(arrows: Mapping[str, frozenset[str]], here: str, there: str) -> bool:
    """Whether a state may become another."""
    return there in arrows[here]


def differences_of_session(
    asked: Asked, seen: SessionSeen, *, on_account: str | None
) -> tuple[str, ...]:
    """In what a checkout differs from what was asked; empty when it may be believed.

    `on_account` is the connected account a notification came from: ours are made on the
    platform's own account, so any name there is a stranger's.
    """
    checks = {
        "reference": _same_reference(asked, seen)
        and seen.client_reference == f"{asked.community_id}-{asked.payment_id}",
        "session": seen.id == asked.session_id,
        "intent": asked.intent_id is None or seen.intent_id in (None, asked.intent_id),
        "amount": seen.amount_fen == asked.amount_fen,
        "currency": seen.currency == asked.currency,
        "account": on_account is None,
        "livemode": seen.livemode == asked.livemode,
    }
    return tuple(name for name, agrees in checks.items() if not agrees)


def differences_of_intent(
    asked: Asked, seen: IntentSeen, *, on_account: str | None
) -> tuple[str, ...]:
    """The same for the gateway's payment: also where the money went, and how much of it came."""
    paid = seen.status == "succeeded"
    checks = {
        "reference": _same_reference(asked, seen),
        "intent": asked.intent_id is None or seen.id == asked.intent_id,
        "amount": seen.amount_fen == asked.amount_fen
        and (not paid or seen.received_fen == asked.amount_fen),
        "currency": seen.currency == asked.currency,
        "account": on_account is None
        and seen.destination == asked.account
        and seen.on_behalf_of == asked.account,
        "livemode": seen.livemode == asked.livemode,
    }
    return tuple(name for name, agrees in checks.items() if not agrees)


def state_of_session(seen: SessionSeen, told: str) -> str | None:
    """What a checkout makes of its payment; None when nothing new. `told` is the event's type."""
    if seen.status == "expired":
        return "expired"
    if seen.status != "complete":
        return None
    if seen.payment_status == "paid":
        return "received"
    return "failed" if told == "checkout.session.async_payment_failed" else "pending"


def state_of_intent(seen: IntentSeen) -> str | None:
    """The same for the gateway's payment. A refusal is not the end: the payer may try again."""
    return {"succeeded": "received", "processing": "pending"}.get(seen.status)


def state_of_dispute(seen: DisputeSeen) -> str | None:
    """Our word for the gateway's; None for one that is not known."""
    return {
        "warning_needs_response": "inquiry",
        "warning_under_review": "inquiry",
        "warning_closed": "closed",
        "prevented": "closed",
        "needs_response": "open",
        "under_review": "open",
        "won": "won",
        "lost": "lost",
    }.get(seen.status)


def _same_reference(asked: Asked, seen: SessionSeen | IntentSeen) -> bool:
    said = seen.reference
    return (said.community_id, said.payment_id) == (asked.community_id, asked.payment_id)

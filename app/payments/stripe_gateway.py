"""The payment gateway, through its official SDK; the only file that knows it.

Every write carries an idempotency key, so that asking again after a lost answer is asking
once. Money of a book goes to that book's own connected account (`transfer_data`), on whose
behalf the charge is made. What the SDK raises becomes a HouseError with a sentence; details
stay in the log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import stripe
import structlog
from flask import current_app

from app.kernel.errors import N_, HouseError
from app.kernel.money import Fen
from app.payments.online import shapes

if TYPE_CHECKING:
    from stripe.params import (
        BalanceTransactionListParams,
        PaymentIntentRetrieveParams,
        RefundCreateParams,
    )
    from stripe.params.checkout import SessionCreateParams

    Params = (
        SessionCreateParams
        | RefundCreateParams
        | PaymentIntentRetrieveParams
        | BalanceTransactionListParams
    )

MEANS = ("card", "alipay", "wechat_pay")
CURRENCY = "cny"
TIMEOUT_SECONDS = (5, 20)  # to connect, to answer
RETRIES = 2
TOLERANCE_SECONDS = 300  # how old a notification's signature may be
CHECKOUT_ORIGIN = "https://checkout.stripe.com"

log = structlog.get_logger(__name__)


class GatewayDown(HouseError):
    """The gateway does not answer; trying again later may help."""

    status = 503


class GatewayRefused(HouseError):
    """The gateway says no to what was asked."""

    status = 502


class BadSignature(HouseError):
    """A notification that the gateway did not sign, or signed too long ago."""

    status = 400


@dataclass(frozen=True)
class CheckoutOrder:
    """What the payer is asked for. Fen; `account` receives the money."""

    community_id: int
    payment_id: int
    amount_fen: Fen
    title: str
    account: str
    key: str
    expires_at: datetime
    success_url: str
    cancel_url: str


def configured() -> bool:
    """Whether this deployment has keys of the gateway."""
    return bool(current_app.config["STRIPE_SECRET_KEY"])


def sandbox() -> bool:
    """Whether the gateway is our own local counterpart, where no money moves."""
    return bool(current_app.config["STRIPE_API_BASE"])


def livemode() -> bool:
    """Whether the keys move real money."""
    key = str(current_app.config["STRIPE_SECRET_KEY"])
    return key.startswith(("sk_live_", "rk_live_"))


def checkout_origin() -> str:
    """Where the gateway's checkout page stands, for the content policy of the pay page."""
    return str(current_app.config["STRIPE_API_BASE"]) or CHECKOUT_ORIGIN


def create_checkout(order: CheckoutOrder) -> shapes.SessionSeen:
    """Open a checkout for one payment; the same key gives the same checkout again."""
    marks = {"community": str(order.community_id), "payment": str(order.payment_id)}
    params: SessionCreateParams = {
        "mode": "payment",
        "allowed_payment_method_types": list(MEANS),
        "payment_method_options": {"wechat_pay": {"client": "web"}},
        "client_reference_id": f"{order.community_id}-{order.payment_id}",
        "metadata": marks,
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": CURRENCY,
                    "unit_amount": order.amount_fen,
                    "product_data": {"name": order.title},
                },
            }
        ],
        "payment_intent_data": {
            "metadata": marks,
            "description": order.title,
            "on_behalf_of": order.account,
            "transfer_data": {"destination": order.account},
        },
        "expires_at": int(order.expires_at.timestamp()),
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
    }
    with _asking("checkout"):
        made = _client().v1.checkout.sessions.create(params, {"idempotency_key": order.key})
        return shapes.session(made.to_dict())


def fetch_session(session_id: str) -> shapes.SessionSeen:
    """A checkout as it stands now."""
    with _asking("session"):
        return shapes.session(_client().v1.checkout.sessions.retrieve(session_id).to_dict())


def expire_session(session_id: str) -> shapes.SessionSeen:
    """Close a checkout. Raises GatewayRefused when it was paid or expired meanwhile."""
    with _asking("expire"):
        return shapes.session(_client().v1.checkout.sessions.expire(session_id).to_dict())


def fetch_intent(intent_id: str) -> shapes.IntentSeen:
    """A payment as the gateway carries it out, with means and fee."""
    params: PaymentIntentRetrieveParams = {"expand": ["latest_charge.balance_transaction"]}
    with _asking("intent"):
        return shapes.intent(_client().v1.payment_intents.retrieve(intent_id, params).to_dict())


def refund(refund_id: int, intent_id: str, amount_fen: Fen, *, key: str) -> shapes.RefundSeen:
    """Give money back to whoever paid, out of the settlement account it went to."""
    params: RefundCreateParams = {
        "payment_intent": intent_id,
        "amount": amount_fen,
        "reverse_transfer": True,
        "metadata": {"refund": str(refund_id)},
    }
    with _asking("refund"):
        made = _client().v1.refunds.create(params, {"idempotency_key": key})
        return shapes.refund(made.to_dict())


def fetch_refund(gateway_refund_id: str) -> shapes.RefundSeen:
    """A refund as it stands now."""
    with _asking("refund"):
        return shapes.refund(_client().v1.refunds.retrieve(gateway_refund_id).to_dict())


def fetch_dispute(gateway_dispute_id: str) -> shapes.DisputeSeen:
    """A dispute as it stands now."""
    with _asking("dispute"):
        return shapes.dispute(_client().v1.disputes.retrieve(gateway_dispute_id).to_dict())


def fetch_payout(account: str, gateway_payout_id: str) -> shapes.PayoutSeen:
    """A transfer of a settlement account to its bank."""
    with _asking("payout"):
        found = _client().v1.payouts.retrieve(
            gateway_payout_id, options={"stripe_account": account}
        )
        return shapes.payout(found.to_dict())


def payout_movements(account: str, gateway_payout_id: str) -> list[shapes.MovementSeen]:
    """Every movement a payout is made of, the payout itself aside."""
    params: BalanceTransactionListParams = {
        "payout": gateway_payout_id,
        "limit": 100,
        "expand": ["data.source.source_transfer.source_transaction"],
    }
    with _asking("movements"):
        found = _client().v1.balance_transactions.list(params, {"stripe_account": account})
        seen = [shapes.movement(one.to_dict()) for one in found.auto_paging_iter()]
    return [one for one in seen if one.type != "payout"]


def parse_event(raw: bytes, header: str) -> shapes.EventSeen:
    """A notification, once one of our secrets proves that the gateway sent it just now.

    Raises BadSignature for anything else, without saying what was wrong with it.
    """
    for secret in current_app.config["STRIPE_WEBHOOK_SECRETS"]:
        try:
            stripe.WebhookSignature.verify_header(raw, header, secret, TOLERANCE_SECONDS)
            # Read as it was said: the SDK's own objects turn some numbers into decimals, and
            # refuse shapes that are newer than the SDK.
            said = json.loads(raw)
        except (stripe.SignatureVerificationError, ValueError, RecursionError):
            continue
        seen = shapes.event(said) if isinstance(said, dict) else None
        if seen and seen.id and seen.type and seen.happened_at is not None:
            return seen
    raise BadSignature("gateway.signature", N_("无法确认这条通知来自支付平台。"))


@lru_cache(maxsize=4)
def _client_of(key: str, base: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": base} if base else None,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        max_network_retries=RETRIES,
    )


def _client() -> Any:
    if not configured():
        raise GatewayDown("gateway.none", N_("本小区所在的平台还没有开通线上支付。"))
    config = current_app.config
    return _client_of(config["STRIPE_SECRET_KEY"], config["STRIPE_API_BASE"])


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Turn what the SDK raises into a sentence; the log keeps what the gateway said."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        log.warning("gateway.down", asked=what, error=type(error).__name__)
        raise GatewayDown(
            "gateway.down", N_("支付平台暂时没有回应，没有扣款。请稍后再试。")
        ) from error
    except stripe.StripeError as error:
        log.warning(
            "gateway.refused",
            asked=what,
            error=type(error).__name__,
            code=error.code,
            status=error.http_status,
            request=error.request_id,
        )
        if (error.http_status or 500) >= 500:
            raise GatewayDown(
                "gateway.down", N_("支付平台暂时没有回应，没有扣款。请稍后再试。")
            ) from error
        raise GatewayRefused(
            "gateway.refused", N_("支付平台没有接受这个请求，请联系物业。")
        ) from error

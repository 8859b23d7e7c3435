"""What Stripe would say, in its own shapes, signed as it signs; for tests.

Shapes come from Stripe's published fixtures where they lie beside the checkout
(`../shared/data/stripe/fixtures3.json`), and are the bare fields we read where they do not.
"""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

from app.kernel import clock
from app.payments.models import Payment
from app.payments.sandbox.messenger import signature

SECRET = "whsec_test"
FIXTURES = Path(
    os.environ.get("LINLI_SHARED", Path(__file__).parents[4] / "shared")
) / "data" / "stripe" / "fixtures3.json"  # fmt: skip
ACCOUNT = "acct_test"

_serial = itertools.count(1)


def shape(kind: str) -> dict[str, Any]:
    """A resource as Stripe's fixtures show it; empty where they are not at hand."""
    if not FIXTURES.exists():
        return {}
    found: dict[str, Any] = json.loads(FIXTURES.read_text("utf-8"))["resources"][kind]
    return found


def session(one: Payment, **changes: Any) -> dict[str, Any]:
    """A paid checkout of a payment."""
    return {
        **shape("checkout.session"),
        "id": one.session_id,
        "object": "checkout.session",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": one.amount_fen,
        "currency": "cny",
        "livemode": False,
        "payment_intent": f"pi_{one.session_id}",
        "client_reference_id": f"{one.community_id}-{one.id}",
        "metadata": marks(one),
        **changes,
    }


def intent(one: Payment, account: str, **changes: Any) -> dict[str, Any]:
    """The payment behind it, succeeded."""
    return {
        **shape("payment_intent"),
        "id": f"pi_{one.session_id}",
        "object": "payment_intent",
        "status": "succeeded",
        "amount": one.amount_fen,
        "amount_received": one.amount_fen,
        "currency": "cny",
        "livemode": False,
        "transfer_data": {"destination": account},
        "on_behalf_of": account,
        "metadata": marks(one),
        **changes,
    }


def refund(one: Payment, amount_fen: int, refund_id: int | None, **changes: Any) -> dict[str, Any]:
    """Money given back."""
    return {
        **shape("refund"),
        "id": f"re_{next(_serial)}_{one.session_id}",
        "object": "refund",
        "status": "succeeded",
        "amount": amount_fen,
        "currency": "cny",
        "payment_intent": f"pi_{one.session_id}",
        "metadata": {"refund": str(refund_id)} if refund_id else {},
        **changes,
    }


def dispute(one: Payment, status: str, **changes: Any) -> dict[str, Any]:
    """The payer's bank wants the money back."""
    return {
        **shape("dispute"),
        "id": f"du_{one.session_id}",
        "object": "dispute",
        "status": status,
        "amount": one.amount_fen,
        "currency": "cny",
        "payment_intent": f"pi_{one.session_id}",
        **changes,
    }


def marks(one: Payment) -> dict[str, str]:
    """Our metadata."""
    return {"community": str(one.community_id), "payment": str(one.id)}


def event(told: str, thing: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A notification."""
    return {
        **shape("event"),
        "id": f"evt_{next(_serial)}_{os.getpid()}",
        "object": "event",
        "type": told,
        "created": int(clock.now().timestamp()),
        "livemode": False,
        "data": {"object": thing},
        **changes,
    }


def signed(said: dict[str, Any], secret: str = SECRET, age_seconds: int = 0) -> tuple[bytes, str]:
    """A notification's body and the header that proves it."""
    body = json.dumps(said, ensure_ascii=False)
    return body.encode(), signature(body, secret, int(clock.now().timestamp()) - age_seconds)

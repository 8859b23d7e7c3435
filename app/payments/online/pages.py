"""Where the gateway tells us things; it is answered at once and heard later."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from app.payments import stripe_gateway as gateway
from app.payments.online import service
from app.web.door import public
from app.web.protection import limiter

LARGEST_BODY = 512 * 1024

pages = Blueprint("gateway", __name__)


@pages.post("/webhooks/stripe")
@public
@limiter.limit("6000 per minute")
def stripe_webhook() -> Any:
    """Take a notification; 400 for what the gateway did not sign, without saying why."""
    if (request.content_length or 0) > LARGEST_BODY:
        return "", 413
    request.max_content_length = LARGEST_BODY
    try:
        service.receive_event(
            request.get_data(cache=False), request.headers.get("Stripe-Signature", "")
        )
    except gateway.BadSignature:
        return "", 400
    return "", 204

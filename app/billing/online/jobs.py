"""Jobs that follow the news of payments; each safe to run twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.billing.online import service
from app.kernel import queue


@queue.job("billing:settle-payment")
def settle_payment(community_id: int, payment_id: int) -> Mapping[str, Any]:
    """Lay the money of a received payment on its bills."""
    return {"settled": service.settle_payment(community_id, payment_id)}


@queue.job("billing:take-back-payment")
def take_back_payment(community_id: int, **news: Any) -> Mapping[str, Any]:
    """Take money that was returned off the bills it had paid."""
    return {"settlements": service.take_back_payment(community_id, **news)}

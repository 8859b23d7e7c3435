"""Jobs of online payments. An outage of the gateway is tried again; a refusal is final."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app.kernel import queue
from app.payments import stripe_gateway as gateway
from app.payments.online import service


@queue.job("payments:hear")
def hear(community_id: int, event_id: str) -> Mapping[str, Any]:
    """Do what a stored notification asks."""
    with _patiently():
        return {"status": service.process_event(community_id, event_id)}


@queue.job("payments:look-after")
def look_after(_community_id: int) -> Mapping[str, Any]:
    """Ask for whatever waits on the gateway, in all communities."""
    return {"asked": service.look_after()}


@queue.job("payments:poll")
def poll(community_id: int, payment_id: int) -> Mapping[str, Any]:
    """Ask the gateway how a payment stands."""
    with _patiently():
        return {"status": service.poll(community_id, payment_id)}


@queue.job("payments:details")
def details(community_id: int, payment_id: int) -> None:
    """Learn a payment's means and fee."""
    with _patiently():
        service.details(community_id, payment_id)


@queue.job("payments:send-refund")
def send_refund(community_id: int, refund_id: int) -> Mapping[str, Any]:
    """Have the gateway give money back."""
    with _patiently():
        return {"status": service.send(community_id, refund_id)}


@queue.job("payments:payout")
def payout(community_id: int, payout_id: int) -> None:
    """Read what a transfer to the bank is made of and enter it."""
    with _patiently():
        service.enter_payout(community_id, payout_id)


@contextmanager
def _patiently() -> Iterator[None]:
    """To a job a HouseError is final; that the gateway is down is not."""
    try:
        yield
    except gateway.GatewayDown as outage:
        raise ConnectionError(outage.code) from outage

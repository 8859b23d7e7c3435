"""What the gateway says, read into rows of our own; pure.

A field that is missing or of another kind becomes None or empty: what is compared with what
was asked then differs, and nothing is credited on a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.kernel.money import Fen

Said = Mapping[str, Any]


@dataclass(frozen=True)
class Reference:
    """Whose payment an object of the gateway's says it is: our own metadata on it."""

    community_id: int | None
    payment_id: int | None


@dataclass(frozen=True)
class SessionSeen:
    """A checkout: `status` open, complete, expired; `payment_status` paid, unpaid."""

    id: str
    url: str
    status: str
    payment_status: str
    amount_fen: Fen | None
    currency: str
    livemode: bool | None
    intent_id: str | None
    reference: Reference
    client_reference: str


@dataclass(frozen=True)
class IntentSeen:
    """A payment as the gateway carries it out."""

    id: str
    status: str
    amount_fen: Fen | None
    received_fen: Fen | None
    currency: str
    livemode: bool | None
    destination: str | None  # the settlement account it is for
    on_behalf_of: str | None
    reference: Reference
    means: str | None
    fee_fen: Fen | None
    refused: str  # why the payer's bank said no, for staff


@dataclass(frozen=True)
class RefundSeen:
    """Money given back: pending, requires_action, succeeded, failed, canceled."""

    id: str
    status: str
    amount_fen: Fen | None
    currency: str
    intent_id: str | None
    refund_id: int | None  # ours, by our metadata


@dataclass(frozen=True)
class DisputeSeen:
    """A dispute with the gateway's own status."""

    id: str
    status: str
    amount_fen: Fen | None
    currency: str
    intent_id: str | None
    reason: str
    due_by: datetime | None


@dataclass(frozen=True)
class PayoutSeen:
    """A transfer to a bank: pending, in_transit, paid, failed, canceled."""

    id: str
    status: str
    amount_fen: Fen | None
    currency: str
    arrives_at: datetime | None


@dataclass(frozen=True)
class MovementSeen:
    """One movement of an account's balance; `net = amount - fee`."""

    id: str
    type: str
    amount_fen: Fen
    fee_fen: Fen
    source_id: str | None
    reference: Reference
    intent_id: str | None


@dataclass(frozen=True)
class EventSeen:
    """A notification whose signature is good."""

    id: str
    type: str
    account: str | None
    livemode: bool | None
    happened_at: datetime | None
    thing: dict[str, Any]  # the object it tells of


def event(said: Said) -> EventSeen:
    """A notification; `thing` is its `data.object`."""
    thing = _part(_part(said, "data"), "object")
    return EventSeen(
        id=_text(said, "id"),
        type=_text(said, "type"),
        account=_id(said.get("account")),
        livemode=_flag(said, "livemode"),
        happened_at=_instant(said.get("created")),
        thing=dict(thing),
    )


def session(said: Said) -> SessionSeen:
    """A checkout session."""
    return SessionSeen(
        id=_text(said, "id"),
        url=_text(said, "url"),
        status=_text(said, "status"),
        payment_status=_text(said, "payment_status"),
        amount_fen=_whole(said.get("amount_total")),
        currency=_text(said, "currency"),
        livemode=_flag(said, "livemode"),
        intent_id=_id(said.get("payment_intent")),
        reference=reference(said),
        client_reference=_text(said, "client_reference_id"),
    )


def intent(said: Said) -> IntentSeen:
    """A payment intent, with its charge and the charge's fee where they were asked for."""
    charge = _part(said, "latest_charge")
    balance = _part(charge, "balance_transaction")
    return IntentSeen(
        id=_text(said, "id"),
        status=_text(said, "status"),
        amount_fen=_whole(said.get("amount")),
        received_fen=_whole(said.get("amount_received")),
        currency=_text(said, "currency"),
        livemode=_flag(said, "livemode"),
        destination=_id(_part(said, "transfer_data").get("destination")),
        on_behalf_of=_id(said.get("on_behalf_of")),
        reference=reference(said),
        means=_text(_part(charge, "payment_method_details"), "type") or None,
        fee_fen=_whole(balance.get("fee")),
        refused=_text(_part(said, "last_payment_error"), "message"),
    )


def refund(said: Said) -> RefundSeen:
    """A refund."""
    return RefundSeen(
        id=_text(said, "id"),
        status=_text(said, "status"),
        amount_fen=_whole(said.get("amount")),
        currency=_text(said, "currency"),
        intent_id=_id(said.get("payment_intent")),
        refund_id=_number(_part(said, "metadata").get("refund")),
    )


def dispute(said: Said) -> DisputeSeen:
    """A dispute."""
    return DisputeSeen(
        id=_text(said, "id"),
        status=_text(said, "status"),
        amount_fen=_whole(said.get("amount")),
        currency=_text(said, "currency"),
        intent_id=_id(said.get("payment_intent")),
        reason=_text(said, "reason"),
        due_by=_instant(_part(said, "evidence_details").get("due_by")),
    )


def payout(said: Said) -> PayoutSeen:
    """A payout."""
    return PayoutSeen(
        id=_text(said, "id"),
        status=_text(said, "status"),
        amount_fen=_whole(said.get("amount")),
        currency=_text(said, "currency"),
        arrives_at=_instant(said.get("arrival_date")),
    )


def movement(said: Said) -> MovementSeen:
    """A balance transaction; its source is read through to the payment, where it is carried."""
    source = _part(said, "source")
    transfer = _part(source, "source_transfer")
    charge = _part(transfer, "source_transaction")
    origin = charge or source
    return MovementSeen(
        id=_text(said, "id"),
        type=_text(said, "type"),
        amount_fen=_whole(said.get("amount")) or 0,
        fee_fen=_whole(said.get("fee")) or 0,
        source_id=_id(said.get("source")),
        reference=reference(origin),
        intent_id=_id(origin.get("payment_intent")),
    )


def reference(said: Said) -> Reference:
    """Community and payment as our metadata names them."""
    metadata = _part(said, "metadata")
    return Reference(_number(metadata.get("community")), _number(metadata.get("payment")))


def _part(said: Said, name: str) -> Said:
    part = said.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(said: Said, name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""


def _flag(said: Said, name: str) -> bool | None:
    value = said.get(name)
    return value if isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> int | None:
    """An id of ours: it travels as digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return None


def _id(value: object) -> str | None:
    """The id of an object that is named or carried whole."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str) and value else None


def _instant(value: object) -> datetime | None:
    seconds = _whole(value)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
    except (OverflowError, OSError, ValueError):
        return None

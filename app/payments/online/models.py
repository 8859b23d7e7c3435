"""Tables of the gateway's affairs: what it said, money on its way back, its transfers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, CommunityRow, community_key
from app.registry.models import one_of

EVENT_STATUSES = ("stored", "done", "ignored", "failed")
REFUND_STATUSES = ("requested", "approved", "sent", "succeeded", "failed", "rejected")
REFUND_GROUNDS = ("person", "overpaid", "gateway")
DISPUTE_STATUSES = ("inquiry", "open", "won", "lost", "closed")
PAYOUT_STATUSES = ("pending", "paid", "failed", "canceled")
LINE_KINDS = ("payment", "refund", "dispute", "other")
AGREED = "('approved', 'sent', 'succeeded')"


class GatewayEvent(Base):
    """What the gateway said, once per its number, as it said it (通知).

    `community_id` is 0 while nobody knows whose it is. `failed` means that it does not agree
    with what was asked: nothing was credited, and staff look into it.
    """

    __tablename__ = "gateway_event"
    __table_args__ = (
        one_of("status", EVENT_STATUSES),
        CheckConstraint("(status = 'failed') = (problem <> '')", name="problem"),
        Index("uq_gateway_event__event_id", "event_id", unique=True),
        Index("ix_gateway_event__payment", "community_id", "payment_id"),
        Index(
            "ix_gateway_event__failed",
            "community_id",
            "id",
            postgresql_where=text("status = 'failed'"),
        ),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    provider: Mapped[str] = mapped_column(Text, server_default="stripe")
    event_id: Mapped[str] = mapped_column(Text)  # evt_…
    type: Mapped[str] = mapped_column(Text)
    account: Mapped[str | None] = mapped_column(Text)  # the connected account it happened on
    livemode: Mapped[bool]
    happened_at: Mapped[datetime]  # by the gateway's clock
    received_at: Mapped[datetime]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)  # the event's object alone
    status: Mapped[str] = mapped_column(Text, server_default="stored")
    problem: Mapped[str] = mapped_column(Text, server_default="")
    payment_id: Mapped[int | None]  # which payment it turned out to concern


class Refund(CommunityRow, Base):
    """Money to be given back through the gateway (退款).

    requested → approved → sent → succeeded, or failed, or rejected. `needs_second` is set by
    PostgreSQL when a person asks for more than the community lets one person give back; then
    another person approves. `gateway` is one that was made at the gateway itself.
    """

    __tablename__ = "refund"
    __table_args__ = (
        one_of("status", REFUND_STATUSES),
        one_of("ground", REFUND_GROUNDS),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint(
            f"NOT needs_second OR status NOT IN {AGREED}"
            " OR (approved_by IS NOT NULL AND approved_by IS DISTINCT FROM requested_by)",
            name="second_person",
        ),
        CheckConstraint(
            f"ground <> 'person' OR status NOT IN {AGREED}"
            " OR (requested_by IS NOT NULL AND approved_by IS NOT NULL)",
            name="persons",
        ),
        UniqueConstraint("community_id", "source"),
        Index("uq_refund__gateway_refund_id", "gateway_refund_id", unique=True),
        Index("ix_refund__payment", "community_id", "payment_id"),
        community_key("payment_id", "payment"),
        community_key("unit_id", "unit"),
    )
    payment_id: Mapped[int]
    unit_id: Mapped[int | None]  # the home whose part goes back, where it is one home's
    amount_fen: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    ground: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="requested")
    needs_second: Mapped[bool] = mapped_column(server_default=text("false"))
    source: Mapped[str] = mapped_column(Text)  # what asked for it: unique, so asked once
    requested_by: Mapped[int | None]
    approved_by: Mapped[int | None]
    decided_at: Mapped[datetime | None]
    gateway_refund_id: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(Text, server_default="")


class Dispute(CommunityRow, Base):
    """A payer's bank asks for the money back (拒付): open, then won or lost.

    An `inquiry` moves no money yet and may become open.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        one_of("status", DISPUTE_STATUSES),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("held_fen BETWEEN 0 AND amount_fen", name="held"),
        Index("uq_dispute__gateway_dispute_id", "gateway_dispute_id", unique=True),
        Index("ix_dispute__payment", "community_id", "payment_id"),
        community_key("payment_id", "payment"),
    )
    payment_id: Mapped[int]
    gateway_dispute_id: Mapped[str] = mapped_column(Text)
    amount_fen: Mapped[int]
    held_fen: Mapped[int] = mapped_column(server_default="0")  # of the payment's disputed_fen
    status: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    due_by: Mapped[datetime | None]  # until when the gateway takes evidence
    ended_at: Mapped[datetime | None]


class Payout(CommunityRow, Base):
    """What the gateway transfers to a settlement account's bank (到账). Fen, after fees."""

    __tablename__ = "payout"
    __table_args__ = (
        one_of("status", PAYOUT_STATUSES),
        Index("uq_payout__gateway_payout_id", "gateway_payout_id", unique=True),
        Index("ix_payout__arrives", "community_id", "arrives_on"),
        community_key("settlement_account_id", "settlement_account"),
        community_key("entry_id", "entry"),
    )
    settlement_account_id: Mapped[int]
    gateway_payout_id: Mapped[str] = mapped_column(Text)
    amount_fen: Mapped[int]
    fee_fen: Mapped[int] = mapped_column(server_default="0")
    arrives_on: Mapped[date] = mapped_column(Date)
    status: Mapped[str] = mapped_column(Text, server_default="pending")
    entry_id: Mapped[int | None]


class PayoutLine(Base):
    """One movement in a payout: gross and fee in fen; what it is of, where that is known."""

    __tablename__ = "payout_line"
    __table_args__ = (
        one_of("kind", LINE_KINDS),
        Index("uq_payout_line__gateway", "gateway_transaction_id", unique=True),
        community_key("payout_id", "payout"),
        community_key("payment_id", "payment"),
        community_key("refund_id", "refund"),
        community_key("dispute_id", "dispute"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    payout_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gateway_transaction_id: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    amount_fen: Mapped[int]
    fee_fen: Mapped[int]
    payment_id: Mapped[int | None]
    refund_id: Mapped[int | None]
    dispute_id: Mapped[int | None]

"""Tables of receipts and of requests for fapiao."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, CommunityRow, community_key
from app.ledger.chart import BOOKS
from app.registry.models import one_of

TITLE_KINDS = ("person", "company")
FAPIAO_STATUSES = ("asked", "issued", "refused")


class Receipt(CommunityRow, Base):
    """A receipt for one settlement; its text is fixed, only what went back is noted on it.

    Numbers run 1, 2, 3 … without gaps in a community, book and year. `lines` are what was
    paid, as it stood then: `{"month", "bill_id", "amount_fen", "gross_fen", "subsidy_fen",
    "open_fen"}`; what was kept as credit is `credit_fen`. Voided when all of it went back.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        one_of("book", tuple(BOOKS)),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("credit_fen BETWEEN 0 AND amount_fen", name="credit"),
        CheckConstraint("returned_fen BETWEEN 0 AND amount_fen", name="returned"),
        CheckConstraint(
            "(returned_fen = amount_fen) = (voided_at IS NOT NULL)"
            " AND (voided_at IS NULL) = (voided_reason IS NULL)",
            name="voided",
        ),
        UniqueConstraint("community_id", "book", "year", "number"),
        UniqueConstraint("community_id", "settlement_id"),
        UniqueConstraint("community_id", "code"),
        Index("ix_receipt__unit", "community_id", "unit_id"),
        Index("ix_receipt__issued", "community_id", "issued_at"),
        Index("ix_receipt__payment", "community_id", "payment_id"),
        community_key("settlement_id", "settlement"),
        community_key("payment_id", "payment"),
        community_key("unit_id", "unit"),
        community_key("payer_id", "person"),
    )
    book: Mapped[str] = mapped_column(Text)
    year: Mapped[int] = mapped_column(SmallInteger)
    number: Mapped[int] = mapped_column(Integer)
    code: Mapped[str] = mapped_column(Text)  # what the QR code asks about; cannot be guessed
    settlement_id: Mapped[int]
    payment_id: Mapped[int | None]
    unit_id: Mapped[int]
    unit_label: Mapped[str] = mapped_column(Text)
    payer_id: Mapped[int | None]
    payer_name: Mapped[str] = mapped_column(Text)
    amount_fen: Mapped[int]
    credit_fen: Mapped[int] = mapped_column(server_default="0")
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    channel: Mapped[str] = mapped_column(Text)
    means: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text, server_default="")
    received_on: Mapped[date] = mapped_column(Date)
    issued_at: Mapped[datetime]
    issued_by: Mapped[int | None]
    issuer_name: Mapped[str] = mapped_column(Text, server_default="")
    returned_fen: Mapped[int] = mapped_column(server_default="0")
    voided_at: Mapped[datetime | None]
    voided_reason: Mapped[str | None] = mapped_column(Text)


class FapiaoRequest(CommunityRow, Base):
    """Somebody asks for a fapiao on a receipt (发票申请); one at a time for a receipt.

    Issued with its number by whoever keeps the tax system, or refused with a reason.
    `amount_fen` is what the resident paid: the street's subsidy is never on it.
    """

    __tablename__ = "fapiao_request"
    __table_args__ = (
        one_of("title_kind", TITLE_KINDS),
        one_of("status", FAPIAO_STATUSES),
        CheckConstraint("title <> ''", name="title"),
        CheckConstraint("title_kind = 'person' OR tax_number <> ''", name="tax_number"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("(status = 'asked') = (decided_at IS NULL)", name="decided"),
        CheckConstraint(
            "(status = 'issued') = (fapiao_number IS NOT NULL)"
            " AND (status = 'issued') = (issued_on IS NOT NULL)",
            name="issued",
        ),
        CheckConstraint("(status = 'refused') = (reason IS NOT NULL)", name="refused"),
        Index(
            "uq_fapiao_request__receipt",
            "community_id",
            "receipt_id",
            unique=True,
            postgresql_where=text("status <> 'refused'"),
        ),
        Index("uq_fapiao_request__number", "community_id", "fapiao_number", unique=True),
        Index("ix_fapiao_request__status", "community_id", "status", "created_at"),
        community_key("receipt_id", "receipt"),
    )
    receipt_id: Mapped[int]
    title_kind: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)  # 抬头
    tax_number: Mapped[str] = mapped_column(Text, server_default="")
    email: Mapped[str] = mapped_column(Text, server_default="")
    amount_fen: Mapped[int]
    status: Mapped[str] = mapped_column(Text, server_default="asked")
    fapiao_number: Mapped[str | None] = mapped_column(Text)
    issued_on: Mapped[date | None] = mapped_column(Date)
    reason: Mapped[str | None] = mapped_column(Text)
    asked_by: Mapped[int | None]
    decided_by: Mapped[int | None]
    decided_at: Mapped[datetime | None]

"""Tables of bank and wallet accounts: files, lines, matches, and what did not agree."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, CommunityRow, community_key
from app.ledger.chart import BOOKS
from app.registry.models import one_of

ACCOUNT_KINDS = ("bank", "wechat", "alipay")
FILE_STATUSES = ("reading", "columns", "ready", "refused", "applying", "applied")
LINE_STATUSES = ("unmatched", "proposed", "matched", "explained")
LINE_KINDS = ("plain", "refund", "fee", "neutral")
MATCH_KINDS = ("payment", "payout", "deposit", "entry", "fee", "own")
DIFFERENCE_KINDS = ("missing", "late", "partial", "disputed", "doubled", "unmatched", "unbacked")


class BankAccount(CommunityRow, Base):
    """An account at a bank or a wallet (银行账户), known by its name and the end of its number.

    It takes statements of one kind (`source`), the first file's: a wallet's trade bill and its
    fund-flow bill tell the same money twice. `checked_from` is the first day of the daily check.
    """

    __tablename__ = "bank_account"
    __table_args__ = (
        one_of("book", tuple(BOOKS)),
        one_of("kind", ACCOUNT_KINDS),
        CheckConstraint("name <> '' AND length(tail) <= 4", name="name"),
        Index(
            "uq_bank_account__open",
            "community_id",
            "book",
            "kind",
            "name",
            "tail",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
    )
    book: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    tail: Mapped[str] = mapped_column(Text, server_default="")  # the number's last four digits
    source: Mapped[str] = mapped_column(Text, server_default="")
    mapping: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    checked_from: Mapped[date] = mapped_column(Date)
    opened_by: Mapped[int | None]
    closed_at: Mapped[datetime | None]


class StatementFile(CommunityRow, Base):
    """A statement as uploaded, once per account by its content: what it says and would add."""

    __tablename__ = "statement_file"
    __table_args__ = (
        one_of("status", FILE_STATUSES),
        CheckConstraint("(status = 'refused') = (refusal <> '')", name="refusal"),
        CheckConstraint("new_count + known_count <= line_count", name="counts"),
        UniqueConstraint("community_id", "account_id", "sha256"),
        community_key("account_id", "bank_account"),
        community_key("file_id", "stored_file"),
    )
    account_id: Mapped[int]
    file_id: Mapped[int]
    name: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="reading")
    source: Mapped[str] = mapped_column(Text, server_default="")
    line_count: Mapped[int] = mapped_column(server_default="0")
    new_count: Mapped[int] = mapped_column(server_default="0")
    known_count: Mapped[int] = mapped_column(server_default="0")
    in_fen: Mapped[int] = mapped_column(server_default="0")
    out_fen: Mapped[int] = mapped_column(server_default="0")
    starts_on: Mapped[date | None] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    opening_fen: Mapped[int | None]
    closing_fen: Mapped[int | None]
    notices: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    sample: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    columns: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    mapping: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    refusal: Mapped[str] = mapped_column(Text, server_default="")
    refusal_params: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    reads: Mapped[int] = mapped_column(server_default="1")  # how often it was asked to be read
    uploaded_by: Mapped[int | None]
    applied_by: Mapped[int | None]
    applied_at: Mapped[datetime | None]


class BankLine(CommunityRow, Base):
    """One movement of an account, once by its key. Fen, + came in.

    What the bank said never changes (a trigger); only what became of it does. `proposal` is
    the best guess as computed last, for a person to confirm; nothing is settled by it.
    """

    __tablename__ = "bank_line"
    __table_args__ = (
        one_of("kind", LINE_KINDS),
        one_of("status", LINE_STATUSES),
        CheckConstraint("amount_fen <> 0", name="amount"),
        CheckConstraint("(status = 'explained') = (reason <> '')", name="explained"),
        CheckConstraint("(status = 'proposed') = (score IS NOT NULL)", name="proposed"),
        UniqueConstraint("community_id", "account_id", "key"),
        Index("ix_bank_line__day", "community_id", "account_id", "booked_on"),
        Index(
            "ix_bank_line__waiting",
            "community_id",
            "booked_on",
            postgresql_where=text("status IN ('unmatched', 'proposed')"),
        ),
        community_key("account_id", "bank_account"),
        community_key("file_id", "statement_file"),
    )
    account_id: Mapped[int]
    file_id: Mapped[int]
    key: Mapped[str] = mapped_column(Text)
    row: Mapped[int]
    booked_on: Mapped[date] = mapped_column(Date)
    booked_at: Mapped[datetime | None]
    amount_fen: Mapped[int]
    balance_fen: Mapped[int | None]
    fee_fen: Mapped[int] = mapped_column(server_default="0")
    counterparty: Mapped[str] = mapped_column(Text, server_default="")
    counterparty_tail: Mapped[str] = mapped_column(Text, server_default="")
    remark: Mapped[str] = mapped_column(Text, server_default="")
    reference: Mapped[str] = mapped_column(Text, server_default="")
    order_no: Mapped[str] = mapped_column(Text, server_default="")
    kind: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="unmatched")
    proposal: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    score: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text, server_default="")
    explained_by: Mapped[int | None]
    explained_at: Mapped[datetime | None]


class BankMatch(CommunityRow, Base):
    """A part of a line and what it is in our books. Undone, it stays as it was made.

    PostgreSQL keeps the live matches of a line within the line, those of a payment within the
    payment, those of a payout within the payout. `entry_id` is the entry matched, or of a fee
    or transfer between own accounts the one that was made for it.
    """

    __tablename__ = "bank_match"
    __table_args__ = (
        one_of("kind", MATCH_KINDS),
        CheckConstraint("amount_fen <> 0", name="amount"),
        CheckConstraint("score BETWEEN 0 AND 100", name="score"),
        CheckConstraint(
            "(kind = 'payment') = (payment_id IS NOT NULL)"
            " AND (kind = 'payout') = (payout_id IS NOT NULL)"
            " AND (kind IN ('payment', 'payout') OR entry_id IS NOT NULL)",
            name="target",
        ),
        CheckConstraint("(undone_at IS NULL) = (undone_reason = '')", name="undone"),
        Index("ix_bank_match__line", "community_id", "line_id"),
        Index("ix_bank_match__payment", "community_id", "payment_id"),
        Index("ix_bank_match__payout", "community_id", "payout_id"),
        Index("ix_bank_match__entry", "community_id", "entry_id"),
        community_key("line_id", "bank_line"),
        community_key("payment_id", "payment"),
        community_key("payout_id", "payout"),
        community_key("entry_id", "entry"),
    )
    line_id: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    payment_id: Mapped[int | None]
    payout_id: Mapped[int | None]
    entry_id: Mapped[int | None]
    amount_fen: Mapped[int]
    score: Mapped[int] = mapped_column(server_default="0")  # of the proposal; 0: found by hand
    made_by: Mapped[int | None]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None]
    undone_reason: Mapped[str] = mapped_column(Text, server_default="")


class CheckDay(CommunityRow, Base):
    """One day of one book, three ways: gateway, bank, books (对账). Written anew when checked."""

    __tablename__ = "check_day"
    __table_args__ = (
        one_of("book", tuple(BOOKS)),
        UniqueConstraint("community_id", "book", "day"),
    )
    book: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    found_count: Mapped[int] = mapped_column(server_default="0")
    checked_at: Mapped[datetime]


class CheckDifference(CommunityRow, Base):
    """Something on one side that another does not have; listed until explained or gone."""

    __tablename__ = "check_difference"
    __table_args__ = (
        one_of("book", tuple(BOOKS)),
        one_of("kind", DIFFERENCE_KINDS),
        CheckConstraint("(explained_at IS NULL) = (reason = '')", name="explained"),
        UniqueConstraint("community_id", "subject"),
        Index(
            "ix_check_difference__open",
            "community_id",
            "day",
            postgresql_where=text("gone_at IS NULL AND explained_at IS NULL"),
        ),
    )
    book: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)  # `payment:12`, `payout:3`, `line:8`, `entry:5`
    kind: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)  # of the payment, line or entry
    amount_fen: Mapped[int]  # what is not on the other side
    found_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, server_default="")
    explained_by: Mapped[int | None]
    explained_at: Mapped[datetime | None]

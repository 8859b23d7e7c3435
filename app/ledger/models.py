"""Tables of the books. Triggers in the migration enforce what is said here."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from app.kernel.db import Base, Stamped, community_key


class TransactionId(UserDefinedType[str]):
    """PostgreSQL's xid8, to know that postings came in their entry's own transaction."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The column's type."""
        return "xid8"


class Book(Base):
    """One of a community's four books. Months up to `closed_through` take no more entries."""

    __tablename__ = "book"
    __table_args__ = (
        CheckConstraint("code IN ('service', 'fund', 'commons', 'backstop')", name="code"),
        CheckConstraint("EXTRACT(DAY FROM closed_through) = 1", name="first_of_month"),
    )
    community_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("community.id"), primary_key=True, autoincrement=False
    )
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    closed_through: Mapped[date | None] = mapped_column(Date)  # first day of the last closed month


class LedgerAccount(Base):
    """An account of a book; seeded from `chart` when a community is founded."""

    __tablename__ = "ledger_account"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('asset', 'liability', 'equity', 'income', 'expense')", name="kind"
        ),
        ForeignKeyConstraint(["community_id", "book"], ["book.community_id", "book.code"]),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    book: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    by_unit: Mapped[bool] = mapped_column(server_default=text("false"))


class Entry(Stamped, Base):
    """One business act in one book and month: its postings sum to zero. Only ever added.

    `kind` says what happened (`bill_run:issued`), `source` to what (`17`); together they are
    unique, so posting twice is impossible. A reversal names the entry it reverses, once.
    """

    __tablename__ = "entry"
    __table_args__ = (
        UniqueConstraint("community_id", "id", "book"),
        UniqueConstraint("community_id", "kind", "source"),
        UniqueConstraint("community_id", "reverses_id"),
        CheckConstraint("EXTRACT(DAY FROM month) = 1", name="first_of_month"),
        ForeignKeyConstraint(["community_id", "book"], ["book.community_id", "book.code"]),
        community_key("reverses_id", "entry"),
        Index("ix_entry__month", "community_id", "book", "month"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    book: Mapped[str] = mapped_column(Text)
    month: Mapped[date] = mapped_column(Date)
    posted_on: Mapped[date] = mapped_column(Date)
    kind: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    memo: Mapped[str] = mapped_column(Text, server_default="")
    reverses_id: Mapped[int | None]
    resolution_id: Mapped[int | None]  # the decision that allowed it, where one is needed
    created_by: Mapped[int | None]
    txid: Mapped[str] = mapped_column(TransactionId, server_default=func.pg_current_xact_id())


class Posting(Base):
    """A debit (positive) or credit (negative) in fen. Only ever added, with its entry."""

    __tablename__ = "posting"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="amount"),
        ForeignKeyConstraint(
            ["community_id", "entry_id", "book"], ["entry.community_id", "entry.id", "entry.book"]
        ),
        ForeignKeyConstraint(
            ["community_id", "book", "account_code"],
            ["ledger_account.community_id", "ledger_account.book", "ledger_account.code"],
        ),
        community_key("unit_id", "unit"),
        Index(
            "ix_posting__unit",
            "community_id",
            "unit_id",
            postgresql_where=text("unit_id IS NOT NULL"),
        ),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    no: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    book: Mapped[str] = mapped_column(Text)
    account_code: Mapped[str] = mapped_column(Text)
    unit_id: Mapped[int | None]
    amount_fen: Mapped[int] = mapped_column(BigInteger)


class EntrySeal(Base):
    """A digest over an entry, its postings and the seal before it, written by PostgreSQL at
    commit: a chain in which no link can be changed unseen. Only ever added.
    """

    __tablename__ = "entry_seal"
    __table_args__ = (community_key("entry_id", "entry"),)
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    digest: Mapped[bytes]


class MonthClose(Base):
    """Who closed which month of a book, when. Only ever added."""

    __tablename__ = "month_close"
    __table_args__ = (
        ForeignKeyConstraint(["community_id", "book"], ["book.community_id", "book.code"]),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    book: Mapped[str] = mapped_column(Text, primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    closed_at: Mapped[datetime]
    closed_by: Mapped[int | None]
    digest: Mapped[str] = mapped_column(Text)  # over the month's entries and the digest before
    last_entry_id: Mapped[int | None]  # the highest number among the month's entries


class ClosingBalance(Base):
    """An account's balance at the end of a closed month: a total is this plus what came later."""

    __tablename__ = "closing_balance"
    __table_args__ = (
        ForeignKeyConstraint(
            ["community_id", "book", "month"],
            ["month_close.community_id", "month_close.book", "month_close.month"],
        ),
        ForeignKeyConstraint(
            ["community_id", "book", "account_code"],
            ["ledger_account.community_id", "ledger_account.book", "ledger_account.code"],
        ),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    book: Mapped[str] = mapped_column(Text, primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    account_code: Mapped[str] = mapped_column(Text, primary_key=True)
    balance_fen: Mapped[int] = mapped_column(BigInteger)

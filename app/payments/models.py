"""Tables of money on its way: the accounts it is paid into, payments and what they are for."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, CommunityRow, community_key
from app.ledger.chart import BOOKS
from app.registry.models import one_of

CHANNELS = ("stripe", "counter", "bank", "code")  # 在线 柜台 银行转账 收款码
MEANS = ("card", "alipay", "wechat_pay", "cash", "pos", "transfer")
STATUSES = ("started", "pending", "received", "settled", "failed", "expired")
PURPOSES = ("bill", "prepay")
CAME = "('received', 'settled')"


class SettlementAccount(CommunityRow, Base):
    """Where a book's online money is paid out to: a connected account of its own (收款账户).

    One that is open per book: fund money never lands in the manager's account.
    """

    __tablename__ = "settlement_account"
    __table_args__ = (
        one_of("book", tuple(BOOKS)),
        UniqueConstraint("gateway_account"),
        UniqueConstraint("community_id", "id", "book"),
        Index(
            "uq_settlement_account__open",
            "community_id",
            "book",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
    )
    book: Mapped[str] = mapped_column(Text)
    gateway_account: Mapped[str] = mapped_column(Text)  # acct_…
    holder: Mapped[str] = mapped_column(Text)  # whose account it is, as payers read it
    opened_by: Mapped[int | None]
    closed_at: Mapped[datetime | None]


class Payment(CommunityRow, Base):
    """Money asked for or received for one book, whatever the way it came (收款).

    started → pending → received → settled, or failed or expired; one that failed can still
    be received when the gateway says so later. `received` means the money is there; `settled`
    that it lies on bills or as credit and has its receipts. `key` is the asker's idempotency
    key. The sum of the items is the amount. What went back is in `refunded_fen` and, while the
    payer's bank disputes it, in `disputed_fen`.
    """

    __tablename__ = "payment"
    __table_args__ = (
        one_of("book", tuple(BOOKS)),
        one_of("channel", CHANNELS),
        one_of("means", MEANS),
        one_of("status", STATUSES),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("currency = 'cny'", name="currency"),
        CheckConstraint(
            "refunded_fen >= 0 AND disputed_fen >= 0 AND refunded_fen + disputed_fen <= amount_fen",
            name="returned",
        ),
        CheckConstraint(f"(status IN {CAME}) = (received_on IS NOT NULL)", name="received"),
        CheckConstraint("(status = 'settled') = (settled_at IS NOT NULL)", name="settled"),
        UniqueConstraint("community_id", "key"),
        Index("uq_payment__session_id", "session_id", unique=True),
        Index("uq_payment__intent_id", "intent_id", unique=True),
        Index("ix_payment__received", "community_id", "received_on"),
        Index(
            "ix_payment__under_way",
            "community_id",
            "created_at",
            postgresql_where=text("status IN ('started', 'pending', 'received')"),
        ),
        ForeignKeyConstraint(
            ["community_id", "settlement_account_id", "book"],
            ["settlement_account.community_id", "settlement_account.id", "settlement_account.book"],
        ),
        community_key("payer_id", "person"),
    )
    book: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    means: Mapped[str | None] = mapped_column(Text)  # online known only once it is paid
    amount_fen: Mapped[int]
    currency: Mapped[str] = mapped_column(Text, server_default="cny")
    status: Mapped[str] = mapped_column(Text, server_default="started")
    key: Mapped[str] = mapped_column(Text)
    payer_id: Mapped[int | None]  # of the roll, where known
    payer_name: Mapped[str] = mapped_column(Text, server_default="")
    started_by: Mapped[int | None]  # the account that asked, or the cashier
    received_on: Mapped[date | None] = mapped_column(Date)
    settled_at: Mapped[datetime | None]
    refunded_fen: Mapped[int] = mapped_column(server_default="0")
    disputed_fen: Mapped[int] = mapped_column(server_default="0")
    fee_fen: Mapped[int | None]  # what the gateway kept, once it says so
    settlement_account_id: Mapped[int | None]
    session_id: Mapped[str | None] = mapped_column(Text)
    intent_id: Mapped[str | None] = mapped_column(Text)
    livemode: Mapped[bool | None]
    reference: Mapped[str] = mapped_column(Text, server_default="")  # slip or bank's number
    note: Mapped[str] = mapped_column(Text, server_default="")


class PaymentItem(Base):
    """What a payment is for: one bill, or money ahead for a unit; only added, never changed."""

    __tablename__ = "payment_item"
    __table_args__ = (
        one_of("purpose", PURPOSES),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("(purpose = 'bill') = (bill_id IS NOT NULL)", name="bill"),
        UniqueConstraint("community_id", "payment_id", "bill_id"),
        community_key("payment_id", "payment"),
        community_key("unit_id", "unit"),
        community_key("bill_id", "bill"),
        Index("ix_payment_item__bill", "community_id", "bill_id"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    payment_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    no: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    purpose: Mapped[str] = mapped_column(Text)
    unit_id: Mapped[int]
    bill_id: Mapped[int | None]
    amount_fen: Mapped[int]

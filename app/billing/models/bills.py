"""Tables of runs, bills and what was corrected or received."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, CommunityRow, Price, community_key
from app.registry.models import one_of

RUN_STATUSES = ("preview", "issued", "withdrawn", "discarded")


class BillRun(CommunityRow, Base):
    """A community's month of bills, from preview to issue or withdrawal.

    The one who confirms is never the one who prepared. `input_hash` is over every computed
    line: what is issued is what was looked at, or the confirmation is refused.
    """

    __tablename__ = "bill_run"
    __table_args__ = (
        one_of("status", RUN_STATUSES),
        CheckConstraint("EXTRACT(DAY FROM month) = 1", name="first_of_month"),
        CheckConstraint("confirmed_by IS NULL OR confirmed_by <> prepared_by", name="two_persons"),
        CheckConstraint(
            "(status IN ('issued', 'withdrawn')) = (issued_at IS NOT NULL)", name="issued"
        ),
        Index(
            "uq_bill_run__preview",
            "community_id",
            "month",
            unique=True,
            postgresql_where=text("status = 'preview'"),
        ),
        Index("ix_bill_run__month", "community_id", "month"),
        community_key("entry_id", "entry"),
        community_key("reversal_id", "entry"),
    )
    month: Mapped[date] = mapped_column(Date)
    status: Mapped[str] = mapped_column(Text, server_default="preview")
    due_on: Mapped[date] = mapped_column(Date)
    unit_count: Mapped[int] = mapped_column(Integer, server_default="0")
    bill_count: Mapped[int] = mapped_column(Integer, server_default="0")
    gross_fen: Mapped[int] = mapped_column(server_default="0")
    subsidy_fen: Mapped[int] = mapped_column(server_default="0")
    resident_fen: Mapped[int] = mapped_column(server_default="0")
    input_hash: Mapped[str] = mapped_column(Text, server_default="")
    summary: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    prepared_by: Mapped[int | None]
    prepared_at: Mapped[datetime]
    confirmed_by: Mapped[int | None]
    issued_at: Mapped[datetime | None]
    withdrawn_by: Mapped[int | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_reason: Mapped[str | None] = mapped_column(Text)
    entry_id: Mapped[int | None]
    reversal_id: Mapped[int | None]


class Bill(CommunityRow, Base):
    """What a unit's holder owes for a month (账单): gross less subsidy, and what is still open.

    `party` counts the holders of a month in order (0 alone; 0, 1 … when the unit changed
    hands); `starts_on` to `ends_on` (exclusive) are the holder's days. Ids come from the
    community's counter.
    """

    __tablename__ = "bill"
    __table_args__ = (
        CheckConstraint("gross_fen = subsidy_fen + resident_fen", name="split"),
        CheckConstraint(
            "gross_fen >= 0 AND subsidy_fen >= 0 AND resident_fen >= 0", name="not_negative"
        ),
        CheckConstraint(
            "paid_fen >= 0 AND resident_fen + notes_fen - paid_fen >= 0", name="not_overpaid"
        ),
        UniqueConstraint("community_id", "run_id", "unit_id", "party"),
        Index("ix_bill__unit", "community_id", "unit_id", "month"),
        Index(
            "ix_bill__open",
            "community_id",
            "due_on",
            "unit_id",
            postgresql_include=["open_fen"],
            postgresql_where=text("open_fen > 0"),
        ),
        community_key("run_id", "bill_run"),
        community_key("unit_id", "unit"),
        community_key("payer_id", "person"),
    )
    # Without the key to community that other rows have: the run's own says as much.
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, sort_order=-2)
    run_id: Mapped[int]
    unit_id: Mapped[int]
    party: Mapped[int] = mapped_column(SmallInteger)
    payer_id: Mapped[int | None]
    month: Mapped[date] = mapped_column(Date)
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    gross_fen: Mapped[int]
    subsidy_fen: Mapped[int]
    resident_fen: Mapped[int]
    notes_fen: Mapped[int] = mapped_column(server_default="0")  # debit notes less credit notes
    paid_fen: Mapped[int] = mapped_column(server_default="0")
    withdrawn: Mapped[bool] = mapped_column(server_default=text("false"))
    open_fen: Mapped[int] = mapped_column(
        BigInteger,
        Computed(
            "CASE WHEN withdrawn THEN 0 ELSE resident_fen + notes_fen - paid_fen END",
            persisted=True,
        ),
    )


class BillLine(Base):
    """One charge on a bill, with all that is needed to compute it again.

    gross = round(quantity × price × days ÷ month_days); for a unit that changed hands
    `whole_gross_fen` and `whole_subsidy_fen` are the month's and this line is a part.
    `days` counts reduced days by what is left of them. `detail_id` is the version, reading,
    shared cost or one-off charge it came from; (month, unit, tariff, detail, party) bills
    once while `live`.
    """

    __tablename__ = "bill_line"
    __table_args__ = (
        CheckConstraint("gross_fen = subsidy_fen + resident_fen", name="split"),
        CheckConstraint(
            "gross_fen >= 0 AND subsidy_fen >= 0 AND resident_fen >= 0", name="not_negative"
        ),
        Index(
            "uq_bill_line__once",
            "community_id",
            "month",
            "unit_id",
            "tariff_id",
            "detail_id",
            "party",
            unique=True,
            postgresql_where=text("live"),
        ),
        community_key("bill_id", "bill"),
        community_key("tariff_id", "tariff"),
        ForeignKeyConstraint(
            ["community_id", "tariff_id", "version_id"],
            ["tariff_version.community_id", "tariff_version.tariff_id", "tariff_version.id"],
        ),
        community_key("scheme_id", "subsidy_scheme"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    bill_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    no: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    unit_id: Mapped[int]
    month: Mapped[date] = mapped_column(Date)
    party: Mapped[int] = mapped_column(SmallInteger)
    tariff_id: Mapped[int]
    version_id: Mapped[int | None]
    detail_id: Mapped[int]
    quantity: Mapped[Decimal] = mapped_column(Numeric(14, 4))
    price: Mapped[Decimal] = mapped_column(Price)
    days: Mapped[Decimal] = mapped_column(Numeric(8, 4))
    month_days: Mapped[int] = mapped_column(SmallInteger)
    whole_gross_fen: Mapped[int]
    whole_subsidy_fen: Mapped[int]
    gross_fen: Mapped[int]
    subsidy_fen: Mapped[int]
    resident_fen: Mapped[int]
    scheme_id: Mapped[int | None]
    subsidy_rate: Mapped[Decimal | None] = mapped_column(Numeric(6, 4))
    subsidy_days: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    live: Mapped[bool] = mapped_column(server_default=text("true"))


class BillNote(CommunityRow, Base):
    """A correction of an issued bill: credit (less) or debit (more), with its own entry.

    `ground` says why: an error put right, a waiver, late damages (which bear none themselves),
    or a write-off (a debit where money came after all).
    """

    __tablename__ = "bill_note"
    __table_args__ = (
        one_of("kind", ("credit", "debit")),
        CheckConstraint(
            "ground = 'correction' OR (ground = 'waiver' AND kind = 'credit')"
            " OR (ground = 'damages' AND kind = 'debit') OR ground = 'write_off'",
            name="ground",
        ),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("reason <> ''", name="reason"),
        Index("ix_bill_note__bill", "community_id", "bill_id"),
        community_key("bill_id", "bill"),
        community_key("entry_id", "entry"),
    )
    bill_id: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    ground: Mapped[str] = mapped_column(Text, server_default="correction")
    amount_fen: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    entry_id: Mapped[int]
    created_by: Mapped[int | None]


class Settlement(CommunityRow, Base):
    """Money received for a unit and laid on its bills, oldest first. `source` is unique.

    What is taken back (a refund, a lost dispute, a wrong entry) is a settlement below zero
    that names the one it takes back; its allocations and credit are below zero too.
    """

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("community_id", "source"),
        CheckConstraint(
            "amount_fen <> 0 AND (amount_fen < 0) = (takes_back_id IS NOT NULL)", name="amount"
        ),
        CheckConstraint(
            "credit_fen BETWEEN LEAST(0, amount_fen) AND GREATEST(0, amount_fen)", name="credit"
        ),
        Index("ix_settlement__unit", "community_id", "unit_id"),
        Index("ix_settlement__payment", "community_id", "payment_id"),
        Index("ix_settlement__takes_back", "community_id", "takes_back_id"),
        community_key("takes_back_id", "settlement"),
        community_key("payment_id", "payment"),
        community_key("unit_id", "unit"),
        community_key("entry_id", "entry"),
    )
    unit_id: Mapped[int]
    source: Mapped[str] = mapped_column(Text)  # `counter:812`, `stripe:pi_…`
    means: Mapped[str] = mapped_column(Text)
    received_on: Mapped[date] = mapped_column(Date)
    amount_fen: Mapped[int]
    credit_fen: Mapped[int] = mapped_column(server_default="0")  # over all bills: kept as credit
    entry_id: Mapped[int]
    created_by: Mapped[int | None]
    payment_id: Mapped[int | None]
    takes_back_id: Mapped[int | None]


class Allocation(Base):
    """What part of a settlement paid which bill; below zero where it was taken back."""

    __tablename__ = "allocation"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="amount"),
        Index("ix_allocation__bill", "community_id", "bill_id"),
        community_key("settlement_id", "settlement"),
        community_key("bill_id", "bill"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    settlement_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    bill_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    amount_fen: Mapped[int]

"""Tables of tariffs, runs, bills and what was received against them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Date,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, CommunityRow, Price, community_key
from app.registry.models import one_of

BASES = ("area", "unit", "space", "metered", "shared", "one_off")
PRICE_BASES = ("guided", "market", "contract", "resolution")  # 政府指导价 市场 合同 业主决定
REDUCTION_KINDS = ("vacancy", "hardship", "other")
RUN_STATUSES = ("preview", "issued", "withdrawn", "discarded")


def _days() -> CheckConstraint:
    return CheckConstraint("ends_on IS NULL OR ends_on > starts_on", name="days")


class Tariff(CommunityRow, Base):
    """A charge of a community (收费项目): what is measured, who bears it, where it is booked.

    It falls on the units of `unit_kinds` (empty: all) in its `TariffBuilding`s (none: the
    whole community). `space` falls on units with a `TariffQuantity`, `metered` on those with a
    meter, `shared` on a `SharedCost`'s scope, `one_off` on the units it is written for.
    """

    __tablename__ = "tariff"
    __table_args__ = (one_of("basis", BASES), UniqueConstraint("community_id", "name"))
    name: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)
    unit_kinds: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    subsidised: Mapped[bool] = mapped_column(server_default=text("false"))
    income_code: Mapped[str] = mapped_column(Text, server_default="6001")
    measure: Mapped[str] = mapped_column(Text, server_default="")  # m³, kWh: for metered
    position: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    ended_at: Mapped[datetime | None]


class TariffBuilding(Base):
    """A building a tariff is limited to."""

    __tablename__ = "tariff_building"
    __table_args__ = (
        community_key("tariff_id", "tariff"),
        community_key("building_id", "building"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    tariff_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    building_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class TariffVersion(CommunityRow, Base):
    """A tariff's price on some days; `price` in yuan per unit of measure and month.

    Versions of a tariff never overlap (exclusion constraint). A version that has billed is
    never changed, only ended and followed by another.
    """

    __tablename__ = "tariff_version"
    __table_args__ = (
        one_of("price_basis", PRICE_BASES),
        _days(),
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("ceiling IS NULL OR price <= ceiling", name="ceiling"),
        CheckConstraint("price_basis <> 'guided' OR document_no <> ''", name="document"),
        Index("ix_tariff_version__tariff", "community_id", "tariff_id", "starts_on"),
        community_key("tariff_id", "tariff"),
    )
    tariff_id: Mapped[int]
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    price: Mapped[Decimal] = mapped_column(Price)
    price_basis: Mapped[str] = mapped_column(Text)
    document_no: Mapped[str] = mapped_column(Text, server_default="")
    ceiling: Mapped[Decimal | None] = mapped_column(Price)


class TariffTier(Base):
    """A step of a metered price: what is used beyond `from_quantity` in a month costs `price`.

    The version's own `price` is for the first step, from zero.
    """

    __tablename__ = "tariff_tier"
    __table_args__ = (
        CheckConstraint("from_quantity > 0", name="from_quantity"),
        CheckConstraint("price >= 0", name="price"),
        community_key("version_id", "tariff_version"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    version_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    from_quantity: Mapped[Decimal] = mapped_column(Numeric(14, 4), primary_key=True)
    price: Mapped[Decimal] = mapped_column(Price)


class TariffQuantity(CommunityRow, Base):
    """How many of a `space` tariff (parking spaces, stores) a unit has, on some days."""

    __tablename__ = "tariff_quantity"
    __table_args__ = (
        _days(),
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_tariff_quantity__tariff", "community_id", "tariff_id", "unit_id"),
        community_key("tariff_id", "tariff"),
        community_key("unit_id", "unit"),
    )
    tariff_id: Mapped[int]
    unit_id: Mapped[int]
    quantity: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)


class Meter(CommunityRow, Base):
    """A meter of a unit for a metered tariff."""

    __tablename__ = "meter"
    __table_args__ = (
        UniqueConstraint("community_id", "tariff_id", "serial"),
        Index("ix_meter__unit", "community_id", "unit_id"),
        CheckConstraint("initial >= 0", name="initial"),
        CheckConstraint("multiplier > 0", name="multiplier"),
        community_key("tariff_id", "tariff"),
        community_key("unit_id", "unit"),
    )
    tariff_id: Mapped[int]
    unit_id: Mapped[int]
    serial: Mapped[str] = mapped_column(Text)
    multiplier: Mapped[Decimal] = mapped_column(Numeric(8, 3), server_default="1")
    initial: Mapped[Decimal] = mapped_column(Numeric(14, 3), server_default="0")
    installed_on: Mapped[date | None] = mapped_column(Date)
    removed_on: Mapped[date | None] = mapped_column(Date)


class MeterReading(CommunityRow, Base):
    """What a meter showed for a month: used = (reading − previous) × multiplier."""

    __tablename__ = "meter_reading"
    __table_args__ = (
        UniqueConstraint("community_id", "meter_id", "month"),
        CheckConstraint("reading >= previous", name="forward"),
        CheckConstraint("EXTRACT(DAY FROM month) = 1", name="first_of_month"),
        Index("ix_meter_reading__month", "community_id", "month"),
        community_key("meter_id", "meter"),
    )
    meter_id: Mapped[int]
    month: Mapped[date] = mapped_column(Date)
    previous: Mapped[Decimal] = mapped_column(Numeric(14, 3))
    reading: Mapped[Decimal] = mapped_column(Numeric(14, 3))
    read_on: Mapped[date] = mapped_column(Date)
    estimated: Mapped[bool] = mapped_column(server_default=text("false"))


class SharedCost(CommunityRow, Base):
    """A month's common cost (公摊) divided exactly among a scope, by area or per unit."""

    __tablename__ = "shared_cost"
    __table_args__ = (
        one_of("allocation", ("area", "unit")),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("EXTRACT(DAY FROM month) = 1", name="first_of_month"),
        Index("ix_shared_cost__month", "community_id", "month"),
        community_key("tariff_id", "tariff"),
        community_key("building_id", "building"),
        community_key("entrance_id", "entrance"),
    )
    tariff_id: Mapped[int]
    month: Mapped[date] = mapped_column(Date)
    amount_fen: Mapped[int]
    allocation: Mapped[str] = mapped_column(Text)
    building_id: Mapped[int | None]  # None: the whole community
    entrance_id: Mapped[int | None]
    document_no: Mapped[str] = mapped_column(Text, server_default="")


class OneOffCharge(CommunityRow, Base):
    """A single sum for a unit, taken into the month's run."""

    __tablename__ = "one_off_charge"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("EXTRACT(DAY FROM month) = 1", name="first_of_month"),
        Index("ix_one_off_charge__month", "community_id", "month"),
        community_key("tariff_id", "tariff"),
        community_key("unit_id", "unit"),
    )
    tariff_id: Mapped[int]
    unit_id: Mapped[int]
    month: Mapped[date] = mapped_column(Date)
    amount_fen: Mapped[int]
    description: Mapped[str] = mapped_column(Text)
    cancelled_at: Mapped[datetime | None]


class Reduction(CommunityRow, Base):
    """A percentage off a unit's `area` and `unit` charges on some days (空置、困难减免)."""

    __tablename__ = "reduction"
    __table_args__ = (
        one_of("kind", REDUCTION_KINDS),
        _days(),
        CheckConstraint("percent > 0 AND percent <= 100", name="percent"),
        CheckConstraint("document_no <> ''", name="document"),
        Index("ix_reduction__unit", "community_id", "unit_id"),
        community_key("unit_id", "unit"),
        community_key("tariff_id", "tariff"),
    )
    unit_id: Mapped[int]
    tariff_id: Mapped[int | None]  # None: every tariff by area or per unit
    kind: Mapped[str] = mapped_column(Text)
    percent: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    document_no: Mapped[str] = mapped_column(Text)
    created_by: Mapped[int | None]


class LateTerms(CommunityRow, Base):
    """What the contract says on late payment (违约金); none unless it is written here (C7)."""

    __tablename__ = "late_terms"
    __table_args__ = (
        _days(),
        CheckConstraint("daily_rate > 0 AND daily_rate <= 0.003", name="daily_rate"),
        CheckConstraint("document_no <> ''", name="document"),
    )
    daily_rate: Mapped[Decimal] = mapped_column(Numeric(8, 6))
    grace_days: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    document_no: Mapped[str] = mapped_column(Text)


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
        # Tariff, version and scheme are kept by triggers, once a statement: see the migration.
        community_key("bill_id", "bill"),
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

    `ground` says why: an error put right, a waiver, or late damages (which bear none themselves).
    """

    __tablename__ = "bill_note"
    __table_args__ = (
        one_of("kind", ("credit", "debit")),
        CheckConstraint(
            "ground = 'correction' OR (ground = 'waiver' AND kind = 'credit')"
            " OR (ground = 'damages' AND kind = 'debit')",
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
    """Money received for a unit and laid on its bills, oldest first. `source` is unique."""

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("community_id", "source"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("credit_fen BETWEEN 0 AND amount_fen", name="credit"),
        Index("ix_settlement__unit", "community_id", "unit_id"),
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


class Allocation(Base):
    """What part of a settlement paid which bill."""

    __tablename__ = "allocation"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        Index("ix_allocation__bill", "community_id", "bill_id"),
        community_key("settlement_id", "settlement"),
        community_key("bill_id", "bill"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    settlement_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    bill_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    amount_fen: Mapped[int]

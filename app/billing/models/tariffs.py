"""Tables of tariffs, their prices, and what lessens or multiplies them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Index,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, CommunityRow, Price, community_key
from app.registry.models import one_of

BASES = ("area", "unit", "space", "metered", "shared", "one_off")
PRICE_BASES = ("guided", "market", "contract", "resolution")  # 政府指导价 市场 合同 业主决定
REDUCTION_KINDS = ("vacancy", "hardship", "other")


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
        UniqueConstraint("community_id", "tariff_id", "id"),
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

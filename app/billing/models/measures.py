"""Tables of what a month brings besides prices: readings, shared costs, single sums."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    Date,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, CommunityRow, community_key
from app.registry.models import one_of


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

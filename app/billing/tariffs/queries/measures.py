"""What prices are multiplied with, unit by unit: quantities, reductions, meters, readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, func, select, text

from app.billing.models import Meter, MeterReading, Reduction, Tariff, TariffQuantity
from app.billing.tariffs.queries.readings import before_month
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.period import Month
from app.registry.queries.many import UNITS


@dataclass(frozen=True)
class MeterFacts:
    """A meter with its unit and charge."""

    id: int
    tariff_id: int
    tariff_name: str
    unit_id: int
    label: str
    serial: str
    multiplier: Decimal
    initial: Decimal
    installed_on: date | None
    removed_on: date | None


@dataclass(frozen=True)
class GridRow:
    """A meter in the month's entry grid, with what is known of it."""

    meter_id: int
    unit_id: int
    label: str
    tariff_name: str
    measure: str
    serial: str
    previous: Decimal
    usual: Decimal | None
    reading: Decimal | None
    estimated: bool
    later: bool  # a later month has been read: this one is closed


def quantities(community_id: int, tariff_id: int) -> Select[Any]:
    """How many of a charge each unit has had, for a list."""
    return (
        select(
            TariffQuantity.id,
            TariffQuantity.unit_id,
            UNITS.c.label,
            TariffQuantity.quantity,
            TariffQuantity.starts_on,
            TariffQuantity.ends_on,
        )
        .join(UNITS, _same_unit(TariffQuantity))
        .where(TariffQuantity.community_id == community_id, TariffQuantity.tariff_id == tariff_id)
    )


def reductions(community_id: int) -> Select[Any]:
    """All reductions, for a list."""
    return (
        select(
            Reduction.id,
            Reduction.unit_id,
            UNITS.c.label,
            Tariff.name.label("tariff_name"),
            Reduction.kind,
            Reduction.percent,
            Reduction.starts_on,
            Reduction.ends_on,
            Reduction.document_no,
        )
        .join(UNITS, _same_unit(Reduction))
        .outerjoin(Tariff, _same_tariff(Reduction))
        .where(Reduction.community_id == community_id)
    )


def meters(community_id: int) -> Select[Any]:
    """All meters with their last reading, for a list."""
    last = (
        select(
            MeterReading.meter_id,
            func.max(MeterReading.month).label("month"),
            func.max(MeterReading.reading).label("reading"),
        )
        .where(MeterReading.community_id == community_id)
        .group_by(MeterReading.meter_id)
        .subquery("last_reading")
    )
    return (
        select(
            Meter.id,
            Meter.unit_id,
            UNITS.c.label,
            Tariff.name.label("tariff_name"),
            Meter.serial,
            Meter.multiplier,
            Meter.installed_on,
            Meter.removed_on,
            last.c.month.label("last_month"),
            last.c.reading.label("last_reading"),
        )
        .join(UNITS, _same_unit(Meter))
        .join(Tariff, _same_tariff(Meter))
        .outerjoin(last, last.c.meter_id == Meter.id)
        .where(Meter.community_id == community_id)
    )


def unread(rows: Select[Any], month: Month) -> Select[Any]:
    """Of a select of meters, those in use in a month that have no reading for it."""
    return rows.where(
        (Meter.removed_on.is_(None)) | (Meter.removed_on > month.first),
        (Meter.installed_on.is_(None)) | (Meter.installed_on <= month.last),
        ~select(MeterReading.id)
        .where(MeterReading.community_id == Meter.community_id)
        .where(MeterReading.meter_id == Meter.id, MeterReading.month == month.first)
        .exists(),
    )


def missing_count(community_id: int, month: Month) -> int:
    """How many meters still lack a reading for a month."""
    rows = unread(select(Meter.id).where(Meter.community_id == community_id), month)
    return int(db.session.scalar(select(func.count()).select_from(rows.subquery())) or 0)


def meter_facts(community_id: int, meter_id: int) -> MeterFacts:
    """One meter. Raises NotFound."""
    row = db.session.execute(
        select(
            Meter.id,
            Meter.tariff_id,
            Tariff.name.label("tariff_name"),
            Meter.unit_id,
            UNITS.c.label,
            Meter.serial,
            Meter.multiplier,
            Meter.initial,
            Meter.installed_on,
            Meter.removed_on,
        )
        .join(UNITS, _same_unit(Meter))
        .join(Tariff, _same_tariff(Meter))
        .where(Meter.community_id == community_id, Meter.id == meter_id)
    ).one_or_none()
    if row is None:
        raise NotFound("meter.none", N_("没有这块表。"))
    return MeterFacts(**row._mapping)


def reading_history(community_id: int, meter_id: int, limit: int = 36) -> Sequence[Any]:
    """A meter's readings, the latest first: month, previous, reading, used, read_on, estimated."""
    return db.session.execute(
        select(
            MeterReading.month,
            MeterReading.previous,
            MeterReading.reading,
            ((MeterReading.reading - MeterReading.previous) * Meter.multiplier).label("used"),
            MeterReading.read_on,
            MeterReading.estimated,
        )
        .join(
            Meter,
            and_(
                Meter.community_id == MeterReading.community_id, Meter.id == MeterReading.meter_id
            ),
        )
        .where(MeterReading.community_id == community_id, MeterReading.meter_id == meter_id)
        .order_by(MeterReading.month.desc())
        .limit(limit)
    ).all()


def reading_grid(
    community_id: int, month: Month, building_id: int | None, tariff_id: int | None = None
) -> list[GridRow]:
    """The meters in use of a building in a month, in the order people walk; two statements."""
    rows = db.session.execute(
        text(
            "SELECT m.id, m.unit_id, u.label, t.name AS tariff_name, t.measure, m.serial,"
            " r.reading, coalesce(r.estimated, false) AS estimated FROM meter m"
            " JOIN unit u ON u.community_id = m.community_id AND u.id = m.unit_id"
            " JOIN tariff t ON t.community_id = m.community_id AND t.id = m.tariff_id"
            " LEFT JOIN meter_reading r ON r.community_id = m.community_id AND r.meter_id = m.id"
            "  AND r.month = :month"
            " WHERE m.community_id = :c AND (CAST(:b AS bigint) IS NULL OR u.building_id = :b)"
            " AND (CAST(:t AS bigint) IS NULL OR m.tariff_id = :t)"
            " AND (m.removed_on IS NULL OR m.removed_on > :month)"
            " AND (m.installed_on IS NULL OR m.installed_on <= :last)"
            " ORDER BY u.sort_key, t.position, m.id"
        ),
        {
            "c": community_id,
            "b": building_id,
            "t": tariff_id,
            "month": month.first,
            "last": month.last,
        },
    ).all()
    known = before_month(community_id, month, [row.id for row in rows])
    return [
        GridRow(
            meter_id=row.id,
            unit_id=row.unit_id,
            label=row.label,
            tariff_name=row.tariff_name,
            measure=row.measure,
            serial=row.serial,
            previous=known[row.id].previous,
            usual=known[row.id].usual,
            reading=row.reading,
            estimated=row.estimated,
            later=known[row.id].later_month is not None,
        )
        for row in rows
    ]


def _same_unit(table: Any) -> Any:
    return and_(UNITS.c.community_id == table.community_id, UNITS.c.id == table.unit_id)


def _same_tariff(table: Any) -> Any:
    return and_(Tariff.community_id == table.community_id, Tariff.id == table.tariff_id)

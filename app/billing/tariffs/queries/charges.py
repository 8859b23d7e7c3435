"""A month's sums and how they are divided; late terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, exists, select, text

from app.billing.models import BillLine, OneOffCharge, Tariff
from app.billing.rules import shared_fen
from app.billing.runs.facts import Unit
from app.billing.runs.rules import billable_days
from app.billing.tariffs.queries.tariffs import TariffRow
from app.kernel.db import db
from app.kernel.money import Fen
from app.kernel.period import Month
from app.registry.queries.many import UNITS, all_units


@dataclass(frozen=True)
class SharedCostRow:
    """A month's common cost; no building: the whole community."""

    id: int
    tariff_id: int
    tariff_name: str
    month: date
    amount_fen: Fen
    allocation: str
    building_code: str | None
    entrance_code: str | None
    document_no: str
    billed: bool


@dataclass(frozen=True)
class ShareRow:
    """A unit's part of a common cost, fen, and the weight it goes by (m² or 1)."""

    label: str
    weight: Decimal
    amount_fen: Fen


@dataclass(frozen=True)
class SharePreview:
    """How a common cost falls, unit by unit; the parts sum to the whole exactly."""

    rows: tuple[ShareRow, ...]
    weight: Decimal
    amount_fen: Fen


@dataclass(frozen=True)
class LateTermsRow:
    """What a contract says on late payment; `daily_rate` a fraction of the sum a day."""

    id: int
    daily_rate: Decimal
    grace_days: int
    starts_on: date
    ends_on: date | None
    document_no: str


def shared_costs(community_id: int, month: Month | None = None) -> list[SharedCostRow]:
    """The common costs of a month, or the latest 200."""
    rows = db.session.execute(
        text(
            "SELECT s.id, s.tariff_id, t.name AS tariff_name, s.month, s.amount_fen, s.allocation,"
            " b.code AS building_code, e.code AS entrance_code, s.document_no,"
            " EXISTS (SELECT 1 FROM bill_line l WHERE l.community_id = s.community_id"
            "  AND l.month = s.month AND l.tariff_id = s.tariff_id AND l.detail_id = s.id"
            "  AND l.live) AS billed FROM shared_cost s"
            " JOIN tariff t ON t.community_id = s.community_id AND t.id = s.tariff_id"
            " LEFT JOIN building b ON b.community_id = s.community_id AND b.id = s.building_id"
            " LEFT JOIN entrance e ON e.community_id = s.community_id AND e.id = s.entrance_id"
            " WHERE s.community_id = :c AND (CAST(:m AS date) IS NULL OR s.month = :m)"
            " ORDER BY s.month DESC, s.id DESC LIMIT 200"
        ),
        {"c": community_id, "m": month.first if month else None},
    )
    return [SharedCostRow(**row._mapping) for row in rows]


def share_preview(
    community_id: int,
    tariff: TariffRow,
    month: Month,
    amount_fen: Fen,
    *,
    allocation: str,
    building_id: int | None,
    entrance_id: int | None,
) -> SharePreview:
    """Divide a common cost as the run will (`runs.rules`), without writing it.

    The scope: units with days in the month, of the tariff's kinds and buildings. Empty when
    nobody is in it.
    """
    kinds, buildings = set(tariff.unit_kinds), set(tariff.building_ids)
    scope = [
        unit
        for unit in all_units(community_id, building_id)
        if entrance_id in (None, unit.entrance_id)
        and (not kinds or unit.kind in kinds)
        and (not buildings or unit.building_id in buildings)
        and billable_days(
            Unit(
                unit.id,
                unit.label,
                unit.building_id,
                unit.area_m2,
                status=unit.status,
                billable_from=unit.billable_from,
                billable_until=unit.billable_until,
            ),
            month,
        )
    ]
    weights = {one.label: one.area_m2 if allocation == "area" else Decimal(1) for one in scope}
    whole = sum(weights.values(), Decimal(0))
    if not whole:
        return SharePreview((), Decimal(0), 0)
    parts = shared_fen(amount_fen, weights)
    rows = tuple(ShareRow(label, weights[label], parts[label]) for label in weights)
    return SharePreview(rows, whole, sum(parts.values()))


def one_offs(community_id: int) -> Select[Any]:
    """All one-off charges, for a list; `billed` when on a living bill."""
    billed = exists().where(
        BillLine.community_id == OneOffCharge.community_id,
        BillLine.month == OneOffCharge.month,
        BillLine.unit_id == OneOffCharge.unit_id,
        BillLine.tariff_id == OneOffCharge.tariff_id,
        BillLine.detail_id == OneOffCharge.id,
        BillLine.live,
    )
    return (
        select(
            OneOffCharge.id,
            OneOffCharge.unit_id,
            UNITS.c.label,
            Tariff.name.label("tariff_name"),
            OneOffCharge.month,
            OneOffCharge.description,
            OneOffCharge.amount_fen,
            OneOffCharge.cancelled_at,
            billed.label("billed"),
        )
        .join(
            UNITS,
            and_(
                UNITS.c.community_id == OneOffCharge.community_id,
                UNITS.c.id == OneOffCharge.unit_id,
            ),
        )
        .join(
            Tariff,
            and_(
                Tariff.community_id == OneOffCharge.community_id,
                Tariff.id == OneOffCharge.tariff_id,
            ),
        )
        .where(OneOffCharge.community_id == community_id)
    )


def late_terms(community_id: int) -> list[LateTermsRow]:
    """What the contract says on late payment, the latest first; empty: no late damages."""
    rows = db.session.execute(
        text(
            "SELECT id, daily_rate, grace_days, starts_on, ends_on, document_no FROM late_terms"
            " WHERE community_id = :c ORDER BY starts_on DESC"
        ),
        {"c": community_id},
    )
    return [LateTermsRow(**row._mapping) for row in rows]

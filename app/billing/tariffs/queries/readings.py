"""What is known of meters before a month is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.period import Month

USUAL_MONTHS = 6  # the mean use of so many past months is what is usual


@dataclass(frozen=True)
class Before:
    """What is known of a meter before a month: its last reading and its usual use."""

    meter_id: int
    serial: str
    tariff_id: int
    multiplier: Decimal
    previous: Decimal
    usual: Decimal | None
    later_month: date | None  # it has readings after the month
    removed_on: date | None


def before_month(community_id: int, month: Month, meter_ids: Sequence[int]) -> dict[int, Before]:
    """What is known of meters before a month, by meter."""
    rows = db.session.execute(
        text(
            "SELECT m.id, m.serial, m.tariff_id, m.multiplier, m.removed_on,"
            " COALESCE(p.reading, m.initial) AS previous, p.usual, l.month AS later_month"
            " FROM meter m"
            " LEFT JOIN LATERAL ("
            "  SELECT (array_agg(r.reading ORDER BY r.month DESC))[1] AS reading,"
            "   avg((r.reading - r.previous) * m.multiplier)"
            "   FILTER (WHERE r.month >= CAST(:usual_from AS date)) AS usual"
            "  FROM meter_reading r WHERE r.community_id = m.community_id AND r.meter_id = m.id"
            "  AND r.month < :month) p ON true"
            " LEFT JOIN LATERAL (SELECT min(r.month) AS month FROM meter_reading r"
            "  WHERE r.community_id = m.community_id AND r.meter_id = m.id"
            "  AND r.month > :month) l ON true"
            " WHERE m.community_id = :c AND m.id = ANY(:ids)"
        ),
        {
            "c": community_id,
            "month": month.first,
            "usual_from": month.shift(-USUAL_MONTHS).first,
            "ids": list(meter_ids),
        },
    )
    return {
        row.id: Before(row.id, row.serial, row.tariff_id, row.multiplier, row.previous, row.usual,
                       row.later_month, row.removed_on)
        for row in rows
    }  # fmt: skip

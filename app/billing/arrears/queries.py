"""Open bills by age, from the covering partial index over open bills; damages of a home."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text

from app.billing.arrears import rules
from app.billing.arrears.rows import (
    Ages,
    BuildingArrears,
    CommunityArrears,
    LateBill,
    UnitArrears,
)
from app.kernel.db import db
from app.kernel.period import Month

# Reads community_id, due_on, unit_id and open_fen alone: an index-only scan of ix_bill__open.
_SUMS = """
  COALESCE(sum(open_fen) FILTER (WHERE due_on >= :on), 0)::bigint AS current_fen,
  COALESCE(sum(open_fen) FILTER (WHERE due_on < :on AND due_on >= :d30), 0)::bigint
    AS days_30_fen,
  COALESCE(sum(open_fen) FILTER (WHERE due_on < :d30 AND due_on >= :d90), 0)::bigint
    AS days_90_fen,
  COALESCE(sum(open_fen) FILTER (WHERE due_on < :d90 AND due_on >= :d365), 0)::bigint
    AS days_365_fen,
  COALESCE(sum(open_fen) FILTER (WHERE due_on < :d365), 0)::bigint AS older_fen
"""
_BY_UNIT = f"""
SELECT unit_id, {_SUMS}, count(*) AS bills, min(due_on) AS oldest
FROM bill WHERE community_id = :c AND open_fen > 0 GROUP BY unit_id
"""  # noqa: S608 -- constants only
# Summed by due day first, in the index's own order: a month's bills share one day, so that
# ages are told for a few dozen days and not for every bill.
_BY_COMMUNITY = f"""
WITH days AS MATERIALIZED (
  SELECT community_id, due_on, sum(open_fen) AS open_fen FROM bill
   WHERE community_id = ANY (CAST(:communities AS bigint[])) AND open_fen > 0
   GROUP BY community_id, due_on
), late AS (
  SELECT community_id, count(*) AS units FROM (
    SELECT DISTINCT community_id, unit_id FROM bill
     WHERE community_id = ANY (CAST(:communities AS bigint[])) AND open_fen > 0
       AND due_on < :on) x
   GROUP BY community_id
)
SELECT d.*, COALESCE(late.units, 0) AS units FROM (
  SELECT community_id, {_SUMS} FROM days GROUP BY community_id) d
LEFT JOIN late USING (community_id)
"""  # noqa: S608 -- constants only
_LATE = """
SELECT b.id, b.month, b.due_on, b.payer_id, p.name AS payer_name, b.open_fen,
  b.resident_fen + COALESCE(n.other, 0) AS principal_fen, COALESCE(n.damages, 0) AS charged_fen,
  paid.list AS payments
FROM bill b
  LEFT JOIN person p ON p.community_id = b.community_id AND p.id = b.payer_id
  LEFT JOIN LATERAL (
    SELECT sum(amount_fen) FILTER (WHERE ground = 'damages')::bigint AS damages,
      sum(CASE WHEN kind = 'debit' THEN amount_fen ELSE -amount_fen END)
        FILTER (WHERE ground <> 'damages')::bigint AS other
      FROM bill_note WHERE community_id = b.community_id AND bill_id = b.id) n ON true
  LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(s.received_on, a.amount_fen) ORDER BY s.received_on) AS list
      FROM allocation a JOIN settlement s
        ON s.community_id = a.community_id AND s.id = a.settlement_id
     WHERE a.community_id = b.community_id AND a.bill_id = b.id) paid ON true
WHERE b.community_id = :c AND b.unit_id = :unit AND b.open_fen > 0 AND b.due_on < :on
  AND (CAST(:payer AS bigint) IS NULL OR b.payer_id = :payer)
ORDER BY b.due_on, b.id
"""


def by_unit(
    community_id: int, on: date, *, building_id: int | None = None, overdue_only: bool = False
) -> list[UnitArrears]:
    """Homes with open bills, by room. `overdue_only` leaves out those with nothing past due."""
    rows = db.session.execute(
        text(
            f"WITH a AS MATERIALIZED ({_BY_UNIT})"  # noqa: S608 -- constants
            " SELECT a.*, u.label, u.building_id, g.code FROM a"
            " JOIN unit u ON u.community_id = :c AND u.id = a.unit_id"
            " JOIN building g ON g.community_id = :c AND g.id = u.building_id"
            " WHERE (CAST(:building AS bigint) IS NULL OR u.building_id = :building)"
            " AND (NOT :overdue OR a.oldest < :on) ORDER BY u.sort_key, a.unit_id"
        ),
        {"c": community_id, "building": building_id, "overdue": overdue_only, **_days(on)},
    )
    return [
        UnitArrears(
            row.unit_id, row.label, row.building_id, row.code, _ages(row), row.bills, row.oldest
        )
        for row in rows
    ]


def by_building(units: Sequence[UnitArrears], on: date) -> list[BuildingArrears]:
    """Subtotals of homes already read, in their order."""
    found: dict[int, BuildingArrears] = {}
    for unit in units:
        known = found.get(
            unit.building_id, BuildingArrears(unit.building_id, unit.building_code, Ages(), 0)
        )
        found[unit.building_id] = BuildingArrears(
            known.building_id,
            known.building_code,
            known.ages + unit.ages,
            known.overdue_units + (unit.oldest_due_on < on),
        )
    return list(found.values())


def by_community(community_ids: Sequence[int], on: date) -> list[CommunityArrears]:
    """Communities in scope by age, those without open bills too, the largest overdue first."""
    rows = db.session.execute(
        text(
            f"WITH a AS MATERIALIZED ({_BY_COMMUNITY})"  # noqa: S608 -- constants
            " SELECT c.id, c.name, COALESCE(a.units, 0) AS units,"
            " COALESCE(a.current_fen, 0) AS current_fen, COALESCE(a.days_30_fen, 0) AS days_30_fen,"
            " COALESCE(a.days_90_fen, 0) AS days_90_fen,"
            " COALESCE(a.days_365_fen, 0) AS days_365_fen, COALESCE(a.older_fen, 0) AS older_fen"
            " FROM community c LEFT JOIN a ON a.community_id = c.id"
            " WHERE c.id = ANY (CAST(:communities AS bigint[]))"
        ),
        {"communities": list(community_ids), **_days(on)},
    )
    found = [CommunityArrears(row.id, row.name, _ages(row), row.units) for row in rows]
    return sorted(found, key=lambda one: (-one.ages.overdue_fen, one.community_name))


def total(community_id: int, on: date) -> CommunityArrears:
    """One community by age."""
    return by_community([community_id], on)[0]


def reminders(community_id: int, unit_id: int) -> list[tuple[datetime, str]]:
    """When a home was reminded and by which letter, the newest first."""
    rows = db.session.execute(
        text(
            "SELECT at, after ->> 'number' AS number FROM audit_event WHERE community_id = :c"
            " AND subject = :subject AND action = 'arrears:reminded' ORDER BY at DESC LIMIT 20"
        ),
        {"c": community_id, "subject": f"unit:{unit_id}"},
    )
    return [(row.at, row.number) for row in rows]


def late_terms(community_id: int) -> list[rules.Terms]:
    """The contract's clauses on late payment, oldest first; empty means none are owed."""
    rows = db.session.execute(
        text(
            "SELECT daily_rate, grace_days, starts_on, ends_on, document_no FROM late_terms"
            " WHERE community_id = :c ORDER BY starts_on"
        ),
        {"c": community_id},
    )
    return [rules.Terms(**row._mapping) for row in rows]


def late_bills(
    community_id: int,
    unit_id: int,
    on: date,
    terms: Sequence[rules.Terms],
    *,
    payer_id: int | None = None,
) -> list[LateBill]:
    """A home's overdue bills, oldest first, with damages up to a day under the terms."""
    rows = db.session.execute(
        text(_LATE), {"c": community_id, "unit": unit_id, "on": on, "payer": payer_id}
    )
    return [_late(row, on, terms) for row in rows]


def _late(row: Any, on: date, terms: Sequence[rules.Terms]) -> LateBill:
    payments = [rules.Paid(date.fromisoformat(day), fen) for day, fen in row.payments or ()]
    return LateBill(
        bill_id=row.id,
        month=Month.of(row.month),
        due_on=row.due_on,
        payer_id=row.payer_id,
        payer_name=row.payer_name,
        principal_fen=row.principal_fen,
        open_fen=row.open_fen,
        days_past_due=(on - row.due_on).days,
        damages=rules.late_damages(row.principal_fen, row.due_on, payments, terms, on),
        charged_fen=row.charged_fen,
    )


def _days(on: date) -> dict[str, date]:
    return {
        "on": on,
        "d30": on - timedelta(days=30),
        "d90": on - timedelta(days=90),
        "d365": on - timedelta(days=365),
    }


def _ages(row: Any) -> Ages:
    return Ages(row.current_fen, row.days_30_fen, row.days_90_fen, row.days_365_fen, row.older_fen)

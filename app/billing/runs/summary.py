"""What a person looks at before confirming a run: by tariff, largest changes, who is left out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from app.billing.runs import script
from app.billing.runs.plan import Plan

LARGEST_LIST = 1000  # units left out by name; all are counted
CHANGES = 10

_TARIFFS = """
SELECT t.id AS tariff_id, t.name, n.lines, n.gross_fen, n.subsidy_fen, n.resident_fen,
       COALESCE(n.gross_fen, 0) + {already} - {before} AS change_fen, {before} AS before_fen
  FROM tariff t
  LEFT JOIN (SELECT tariff_id, count(*) AS lines, sum(gross_fen)::bigint AS gross_fen,
               sum(subsidy_fen)::bigint AS subsidy_fen, sum(resident_fen)::bigint AS resident_fen
          FROM run_line WHERE gross_fen > 0 GROUP BY tariff_id) n ON n.tariff_id = t.id
  {joins}
 WHERE t.community_id = :c AND (n.tariff_id IS NOT NULL {wanted})
 ORDER BY t.position, t.id
"""
_MONTH = """
  LEFT JOIN (SELECT tariff_id, sum(gross_fen)::bigint AS gross_fen FROM bill_line
              WHERE community_id = :c AND month = {month} AND live GROUP BY tariff_id) {name}
    ON {name}.tariff_id = t.id"""

_CHANGES = """
SELECT u.id AS unit_id, u.label, d.now_fen, d.before_fen
  FROM (SELECT COALESCE(n.unit_id, b.unit_id) AS unit_id, COALESCE(n.fen, 0) AS now_fen,
               COALESCE(b.fen, 0) AS before_fen
          FROM (SELECT unit_id, sum(fen)::bigint AS fen FROM (
                  SELECT unit_id, resident_fen AS fen FROM run_line {already}) a GROUP BY unit_id) n
          FULL JOIN (SELECT unit_id, sum(resident_fen)::bigint AS fen FROM bill_line
                      WHERE community_id = :c AND month = :before AND live GROUP BY unit_id) b
            ON b.unit_id = n.unit_id) d
  JOIN unit u ON u.community_id = :c AND u.id = d.unit_id
 WHERE d.now_fen <> d.before_fen
 ORDER BY abs(d.now_fen - d.before_fen) DESC, u.sort_key LIMIT :most
"""
_ALREADY_BY_UNIT = """UNION ALL SELECT unit_id, resident_fen FROM bill_line
                       WHERE community_id = :c AND month = :first AND live"""

_LEFT_OUT = """
SELECT u.id AS unit_id, u.label, NULL::bigint AS tariff_id,
       CASE WHEN u.status = 'demolished' AND (u.billable_until IS NULL
                   OR u.billable_until <= :first) THEN 'demolished'
            WHEN u.billable_until <= :first THEN 'ended'
            WHEN u.billable_from >= :end THEN 'not_yet'
            WHEN z.unit_id IS NULL THEN 'no_tariff'
            WHEN u.area_m2 = 0 THEN 'no_area'
            WHEN z.days = 0 THEN 'fully_reduced' ELSE 'nothing_due' END AS reason
  FROM unit u
  LEFT JOIN (SELECT unit_id, max(days) AS days FROM run_line GROUP BY unit_id) z
    ON z.unit_id = u.id
 WHERE u.community_id = :c
   AND NOT EXISTS (SELECT FROM run_line l WHERE l.unit_id = u.id AND l.gross_fen > 0) {unbilled}
 ORDER BY u.sort_key, u.id
"""
# A meter without a reading, or read on a day without a price, is told even where the unit
# has other lines.
_METERS = """
SELECT u.id AS unit_id, u.label, t.id AS tariff_id,
       CASE WHEN r.id IS NULL THEN 'no_reading' ELSE 'no_price' END AS reason
  FROM meter m
  JOIN tariff t ON t.community_id = :c AND t.id = m.tariff_id
   AND (t.ended_at IS NULL OR (t.ended_at AT TIME ZONE 'Asia/Shanghai')::date > :first)
  JOIN unit u ON u.community_id = :c AND u.id = m.unit_id
  LEFT JOIN meter_reading r ON r.community_id = :c AND r.meter_id = m.id AND r.month = :first
 WHERE m.community_id = :c
   AND (m.installed_on IS NULL OR m.installed_on < :end)
   AND (m.removed_on IS NULL OR m.removed_on > :first)
   AND EXISTS (SELECT FROM run_holder h WHERE h.unit_id = m.unit_id)
   AND (r.id IS NULL OR NOT EXISTS (
         SELECT FROM tariff_version v WHERE v.community_id = :c AND v.tariff_id = t.id
            AND v.starts_on <= LEAST(GREATEST(r.read_on, :first), :last)
            AND (v.ends_on IS NULL OR v.ends_on > LEAST(GREATEST(r.read_on, :first), :last))))
 ORDER BY u.sort_key, u.id
"""
_COSTS = """
SELECT s.id FROM shared_cost s WHERE s.community_id = :c AND s.month = :first
   AND NOT EXISTS (SELECT FROM run_line l WHERE l.detail_id = s.id AND l.tariff_id = s.tariff_id)
   {unbilled} ORDER BY s.id
"""


_UNIT_BILLED = "AND NOT EXISTS (SELECT FROM run_billed x WHERE x.unit_id = u.id)"
_COST_BILLED = """AND NOT EXISTS (SELECT FROM run_billed x
                   WHERE x.tariff_id = s.tariff_id AND x.detail_id = s.id)"""


def summary(plan: Plan) -> dict[str, Any]:
    """A run's figures for the page and for good, from the temporary tables; money in fen.

    `tariffs` (with `before_fen`, last month's gross, and `change_fen`, this month's with what
    was billed before less that), `changes` (the ten largest by resident's share; a first
    month has none), `left_out` (units by name, at most 1,000) with `left_out_counts` by
    reason, `unallocated` (common costs on which no unit has a share). Reasons: demolished,
    ended, not_yet, no_tariff, no_area, fully_reduced, nothing_due, no_reading, no_price.
    """
    asked = {"tariffs": _tariffs(plan), "left_out": _left_out(plan)}
    if plan.had_bills:
        asked["changes"] = _CHANGES.format(already=_ALREADY_BY_UNIT if plan.billed else "")
    if plan.meters:
        asked["meters"] = _METERS
    if plan.shared:
        asked["unallocated"] = _COSTS.format(unbilled=_COST_BILLED if plan.billed else "")
    results = script.run(plan.values | {"most": CHANGES}, *asked.values())
    found = {name: result.rows for name, result in zip(asked, results, strict=True)}
    left_out = found["left_out"] + found.get("meters", [])
    return {
        "tariffs": [
            {key: 0 if value is None else value for key, value in row.items()}
            for row in found["tariffs"]
        ],
        "changes": found.get("changes", []),
        "left_out": left_out[:LARGEST_LIST],
        "left_out_counts": dict(Counter(row["reason"] for row in left_out)),
        "unallocated": [row["id"] for row in found.get("unallocated", [])],
    }


def _tariffs(plan: Plan) -> str:
    joins, wanted = "", ""
    already = before = "0"
    if plan.billed:
        joins += _MONTH.format(month=":first", name="a")
        already = "COALESCE(a.gross_fen, 0)"
    if plan.had_bills:
        joins += _MONTH.format(month=":before", name="b")
        before = "COALESCE(b.gross_fen, 0)"
        wanted = "OR b.tariff_id IS NOT NULL"
    return _TARIFFS.format(already=already, before=before, joins=joins, wanted=wanted)


def _left_out(plan: Plan) -> str:
    return _LEFT_OUT.format(unbilled=_UNIT_BILLED if plan.billed else "")

"""One row a community: manager, the month's run, what is due and in, the end of the subsidy.

Set-based over the communities in scope. What came in for a year's bills is what was billed by
the runs, with corrections, less what is still open: the partial index over open bills makes
that cheap, and it equals the sum over the bills themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Date, Select, Text, bindparam, column, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from app.kernel.db import db
from app.kernel.money import Fen
from app.kernel.period import Month

YEAR_DAYS = 365

_SQL = """
WITH chosen AS (
  SELECT c.id, c.name, c.region_id, r.name AS region_name, c.entered_on
    FROM community c JOIN region r ON r.id = c.region_id WHERE c.id = ANY (:ids)
), manager AS (
  SELECT m.community_id, o.id AS company_id, o.name AS company_name
    FROM mandate m JOIN organization o ON o.id = m.organization_id
   WHERE m.starts_on <= :today AND (m.ends_on IS NULL OR :today < m.ends_on)
), roll AS (
  SELECT community_id, count(*) AS unit_count FROM unit WHERE status <> 'demolished'
   GROUP BY community_id
), runs AS (
  SELECT community_id,
         max(month) FILTER (WHERE status = 'issued') AS last_month,
         bool_or(status = 'issued' AND month = :month) AS issued,
         bool_or(status = 'preview' AND month = :month) AS preview,
         sum(resident_fen) FILTER (WHERE status = 'issued' AND due_on BETWEEN :since AND :today)
           AS run_fen
    FROM bill_run GROUP BY community_id
), notes AS (
  SELECT n.community_id,
         sum(CASE WHEN n.kind = 'debit' THEN n.amount_fen ELSE -n.amount_fen END) AS fen
    FROM bill_note n JOIN bill b ON b.community_id = n.community_id AND b.id = n.bill_id
   WHERE NOT b.withdrawn AND b.due_on BETWEEN :since AND :today GROUP BY n.community_id
), unpaid AS (
  SELECT community_id, sum(open_fen) AS open_fen,
         sum(open_fen) FILTER (WHERE due_on < :today) AS overdue_fen,
         sum(open_fen) FILTER (WHERE due_on BETWEEN :since AND :today) AS year_fen
    FROM bill WHERE open_fen > 0 GROUP BY community_id
), spans AS (
  SELECT community_id, starts_on, least(ends_on, terminated_on) AS ends_on,
         lag(least(ends_on, terminated_on)) OVER w IS DISTINCT FROM starts_on AS first
    FROM subsidy_scheme WINDOW w AS (PARTITION BY community_id ORDER BY starts_on)
), chains AS (
  SELECT community_id, starts_on, ends_on, count(*) FILTER (WHERE first) OVER w AS chain
    FROM spans WINDOW w AS (PARTITION BY community_id ORDER BY starts_on)
), subsidy AS (
  SELECT community_id, max(ends_on) AS subsidy_until FROM chains
   GROUP BY community_id, chain HAVING min(starts_on) <= :today AND :today < max(ends_on)
)
SELECT chosen.id, chosen.name, chosen.region_id, chosen.region_name, chosen.entered_on,
       manager.company_id, manager.company_name, coalesce(roll.unit_count, 0) AS unit_count,
       CASE WHEN runs.issued THEN 'issued' WHEN runs.preview THEN 'preview' ELSE 'none' END
         AS month_state,
       runs.last_month,
       (coalesce(runs.run_fen, 0) + coalesce(notes.fen, 0))::bigint AS billed_fen,
       (coalesce(runs.run_fen, 0) + coalesce(notes.fen, 0)
         - coalesce(unpaid.year_fen, 0))::bigint AS collected_fen,
       coalesce(unpaid.open_fen, 0)::bigint AS open_fen,
       coalesce(unpaid.overdue_fen, 0)::bigint AS overdue_fen,
       subsidy.subsidy_until
  FROM chosen
  LEFT JOIN manager ON manager.community_id = chosen.id
  LEFT JOIN roll ON roll.community_id = chosen.id
  LEFT JOIN runs ON runs.community_id = chosen.id
  LEFT JOIN notes ON notes.community_id = chosen.id
  LEFT JOIN unpaid ON unpaid.community_id = chosen.id
  LEFT JOIN subsidy ON subsidy.community_id = chosen.id
"""
_COLUMNS = (
    *(column(name, BigInteger) for name in ("id", "region_id", "company_id", "unit_count")),
    *(column(name, BigInteger) for name in ("billed_fen", "collected_fen")),
    *(column(name, BigInteger) for name in ("open_fen", "overdue_fen")),
    *(column(name, Text) for name in ("name", "region_name", "company_name", "month_state")),
    *(column(name, Date) for name in ("entered_on", "last_month", "subsidy_until")),
)
MONTH_STATES = ("issued", "preview", "none")


@dataclass(frozen=True)
class CommunityMoney:
    """A community of a portfolio; sums in fen over bills due in the year up to today."""

    id: int
    name: str
    region_id: int
    region_name: str
    entered_on: date | None
    company_id: int | None
    company_name: str | None
    unit_count: int
    month_state: str
    last_month: date | None
    billed_fen: Fen
    collected_fen: Fen
    open_fen: Fen
    overdue_fen: Fen
    subsidy_until: date | None

    @property
    def rate(self) -> Decimal | None:
        """Collected of billed, as a share of one; None where nothing was due."""
        return Decimal(self.collected_fen) / self.billed_fen if self.billed_fen else None


def table(ids: Iterable[int], today: date) -> Any:
    """The rows as a subquery whose columns may be filtered and sorted by."""
    statement = text(_SQL).bindparams(
        bindparam("ids", list(ids), ARRAY(BigInteger)),
        bindparam("today", today, Date),
        bindparam("month", Month.of(today).first, Date),
        bindparam("since", today - timedelta(days=YEAR_DAYS), Date),
    )
    return statement.columns(*_COLUMNS).subquery("portfolio")


def communities(ids: Iterable[int], today: date) -> list[CommunityMoney]:
    """All of them, by name."""
    found = table(ids, today)
    rows: Select[Any] = select(found).order_by(found.c.name, found.c.id)
    return [CommunityMoney(**row._mapping) for row in db.session.execute(rows)]

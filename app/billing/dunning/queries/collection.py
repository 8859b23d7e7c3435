"""The collection rate by month billed, after 30, 90 and 365 days and to date.

Billed: the residents' part of the month's bills with corrections and waivers, without late
damages and without write-offs, so that letting go of a claim never betters the rate. Collected:
money laid on those bills, by the day it came in, less what went back; the days run from the
day the bill was due. The street's subsidy is on neither side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import text

from app.billing.dunning import rules
from app.kernel.db import db
from app.kernel.money import Fen
from app.kernel.period import Month

_SQL = """
WITH billed AS (
  SELECT b.community_id, b.id, b.month, b.due_on, b.resident_fen + COALESCE(n.fen, 0) AS fen
    FROM bill b LEFT JOIN LATERAL (
      SELECT sum(CASE WHEN kind = 'debit' THEN amount_fen ELSE -amount_fen END)::bigint AS fen
        FROM bill_note WHERE community_id = b.community_id AND bill_id = b.id
         AND ground IN ('correction', 'waiver')) n ON true
   WHERE b.community_id = ANY (CAST(:ids AS bigint[])) AND NOT b.withdrawn
     AND b.month >= :since AND b.month <= :until
), paid AS (
  SELECT b.month,
    sum(a.amount_fen) FILTER (WHERE s.received_on <= b.due_on + 30) AS d30,
    sum(a.amount_fen) FILTER (WHERE s.received_on <= b.due_on + 90) AS d90,
    sum(a.amount_fen) FILTER (WHERE s.received_on <= b.due_on + 365) AS d365,
    sum(a.amount_fen) AS to_date
    FROM billed b
    JOIN allocation a ON a.community_id = b.community_id AND a.bill_id = b.id
    JOIN settlement s ON s.community_id = a.community_id AND s.id = a.settlement_id
   WHERE s.received_on <= :on
   GROUP BY b.month
)
SELECT m.month, m.bills, m.fen, m.due_on, COALESCE(paid.d30, 0)::bigint AS d30,
  COALESCE(paid.d90, 0)::bigint AS d90, COALESCE(paid.d365, 0)::bigint AS d365,
  COALESCE(paid.to_date, 0)::bigint AS to_date
FROM (SELECT month, count(*) AS bills, sum(fen)::bigint AS fen, max(due_on) AS due_on
        FROM billed GROUP BY month) m LEFT JOIN paid USING (month)
ORDER BY m.month
"""


@dataclass(frozen=True)
class Cohort:
    """A month's bills and what came in for them; None where the days are not over yet."""

    month: Month
    bill_count: int
    billed_fen: Fen
    d30_fen: Fen | None
    d90_fen: Fen | None
    d365_fen: Fen | None
    to_date_fen: Fen

    @property
    def d30(self) -> Decimal | None:
        """Within thirty days, as a share of one."""
        return None if self.d30_fen is None else rules.rate(self.d30_fen, self.billed_fen)

    @property
    def d90(self) -> Decimal | None:
        """Within ninety days, as a share of one."""
        return None if self.d90_fen is None else rules.rate(self.d90_fen, self.billed_fen)

    @property
    def d365(self) -> Decimal | None:
        """Within a year, as a share of one."""
        return None if self.d365_fen is None else rules.rate(self.d365_fen, self.billed_fen)

    @property
    def to_date(self) -> Decimal | None:
        """Up to now, as a share of one."""
        return rules.rate(self.to_date_fen, self.billed_fen)


def cohorts(ids: Iterable[int], on: date, *, months: int = 24) -> list[Cohort]:
    """The last so many months billed of these communities together, the oldest first."""
    until = Month.of(on)
    rows = db.session.execute(
        text(_SQL),
        {
            "ids": list(ids),
            "on": on,
            "since": until.shift(1 - months).first,
            "until": until.first,
        },
    )
    return [
        Cohort(
            month=Month.of(row.month),
            bill_count=row.bills,
            billed_fen=row.fen,
            d30_fen=_over(row.due_on, 30, on, row.d30),
            d90_fen=_over(row.due_on, 90, on, row.d90),
            d365_fen=_over(row.due_on, 365, on, row.d365),
            to_date_fen=row.to_date,
        )
        for row in rows
    ]


def _over(due_on: date, days: int, on: date, fen: Fen) -> Fen | None:
    return fen if due_on + timedelta(days=days) < on else None


def total(rows: Sequence[Cohort]) -> tuple[Fen, Fen]:
    """Billed and collected of all these months."""
    return sum(row.billed_fen for row in rows), sum(row.to_date_fen for row in rows)

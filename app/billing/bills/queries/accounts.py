"""A unit's account and a bill's history: bills, corrections, money received, running balance.

What is owed is positive; money held for the unit (预收) makes the balance negative. Using
held money on a bill changes nothing between the unit and the house, so it weighs zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import text

from app.billing.bills.rows import Event, Statement
from app.kernel.db import db
from app.kernel.money import Fen
from app.kernel.period import Month

LONG_AGO, FAR_AHEAD = date(1949, 1, 1), date(2199, 12, 31)

# A settlement's effect is what it laid on the bills in view and, unless they are narrowed to
# one holder's, what was kept as credit; a `credit` settlement spends what was kept before.
_EVENTS = """
WITH seen AS (
  SELECT b.*, (COALESCE(r.issued_at, b.created_at) AT TIME ZONE 'Asia/Shanghai')::date AS issued_on,
    (r.withdrawn_at AT TIME ZONE 'Asia/Shanghai')::date AS withdrawn_on, r.withdrawn_reason
  FROM bill b JOIN bill_run r ON r.community_id = b.community_id AND r.id = b.run_id
  WHERE b.community_id = :c AND b.unit_id = :unit
    AND (CAST(:bills AS bigint[]) IS NULL OR b.id = ANY (CAST(:bills AS bigint[])))
), laid AS (
  SELECT a.settlement_id, sum(a.amount_fen)::bigint AS fen,
    array_agg(DISTINCT s.month ORDER BY s.month) AS months, min(s.id) AS bill_id
  FROM allocation a JOIN seen s ON s.community_id = a.community_id AND s.id = a.bill_id
  WHERE a.community_id = :c GROUP BY 1
)
SELECT issued_on AS happened_on, 1 AS rank, 'bill' AS kind, id, resident_fen AS fen, id AS bill_id,
  month, '' AS means, '' AS reason, CAST(NULL AS date[]) AS months, 0::bigint AS credit_fen
FROM seen
UNION ALL
SELECT COALESCE(withdrawn_on, issued_on), 2, 'withdrawn', id, -(resident_fen + notes_fen), id,
  month, '', COALESCE(withdrawn_reason, ''), NULL, 0
FROM seen WHERE withdrawn
UNION ALL
SELECT (n.created_at AT TIME ZONE 'Asia/Shanghai')::date, 3,
  CASE WHEN n.ground = 'correction' THEN n.kind ELSE n.ground END, n.id,
  CASE WHEN n.kind = 'debit' THEN n.amount_fen ELSE -n.amount_fen END, n.bill_id, s.month, '',
  n.reason, NULL, 0
FROM bill_note n JOIN seen s ON s.community_id = n.community_id AND s.id = n.bill_id
WHERE n.community_id = :c
UNION ALL
SELECT t.received_on, 4, CASE WHEN t.means = 'credit' AND t.takes_back_id IS NULL THEN 'credit_used'
    WHEN t.means = 'credit' THEN 'credit_undone'
    WHEN t.takes_back_id IS NOT NULL THEN 'taken_back' ELSE 'payment' END, t.id,
  CASE WHEN t.means = 'credit' THEN 0
       ELSE -(COALESCE(l.fen, 0) + CASE WHEN :whole THEN t.credit_fen ELSE 0 END) END,
  CASE WHEN cardinality(l.months) = 1 THEN l.bill_id END, NULL, t.means,
  COALESCE(e.memo, ''), l.months,
  CASE WHEN t.means = 'credit' THEN -COALESCE(l.fen, 0)
       WHEN :whole THEN t.credit_fen ELSE 0 END
FROM settlement t LEFT JOIN laid l ON l.settlement_id = t.id
  LEFT JOIN entry e ON e.community_id = t.community_id AND e.id = t.entry_id
    AND t.takes_back_id IS NOT NULL
WHERE t.community_id = :c AND t.unit_id = :unit AND (:whole OR l.fen IS NOT NULL)
ORDER BY happened_on, rank, id
"""


def statement(
    community_id: int,
    unit_id: int,
    since: date | None = None,
    until: date | None = None,
    *,
    bill_ids: Sequence[int] | None = None,
) -> Statement:
    """A unit's account from `since` to `until`, both inclusive: opening, events, closing.

    With `bill_ids` only these bills and what was laid on them count (one holder's view);
    without, the whole account with the credit held.
    """
    start, end = since or LONG_AGO, until or FAR_AHEAD
    balance, opening = 0, 0
    shown: list[Event] = []
    for event in _events(community_id, unit_id, bill_ids):
        if event.on > end:
            break
        balance += event.amount_fen
        if event.on < start:
            opening = balance
        else:
            shown.append(replace(event, balance_fen=balance))
    return Statement(opening, tuple(shown), balance)


def history(community_id: int, unit_id: int, bill_id: int) -> tuple[Event, ...]:
    """What happened to one bill, in order."""
    return statement(community_id, unit_id, bill_ids=[bill_id]).events


def credit_fen(community_id: int, unit_id: int) -> Fen:
    """Money held for a unit and not yet laid on a bill."""
    return int(
        db.session.execute(
            text(
                "SELECT COALESCE(sum(CASE WHEN means = 'credit' THEN -amount_fen"
                " ELSE credit_fen END), 0)::bigint FROM settlement"
                " WHERE community_id = :c AND unit_id = :unit"
            ),
            {"c": community_id, "unit": unit_id},
        ).scalar_one()
    )


def _events(community_id: int, unit_id: int, bill_ids: Sequence[int] | None) -> list[Event]:
    rows = db.session.execute(
        text(_EVENTS),
        {
            "c": community_id,
            "unit": unit_id,
            "bills": None if bill_ids is None else list(bill_ids),
            "whole": bill_ids is None,
        },
    )
    return [_event(row) for row in rows]


def _event(row: Any) -> Event:
    return Event(
        on=row.happened_on,
        kind=row.kind,
        id=row.id,
        amount_fen=row.fen,
        bill_id=row.bill_id,
        month=Month.of(row.month) if row.month else None,
        means=row.means,
        reason=row.reason,
        months=tuple(Month.of(month) for month in row.months or ()),
        credit_fen=row.credit_fen,
    )

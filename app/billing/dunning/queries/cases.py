"""Cases with their debts, the limitation of each bill, and what keeps a case from its next step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import text

from app.billing.dunning import rules
from app.billing.dunning.queries import agreements
from app.billing.dunning.rows import CaseRow, Debt, LimitationRow
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.period import Month

# Overdue bills with what began their three years anew. Money that all went back again, and
# credit the house already held, are no act of the debtor's.
_DEBTS = """
SELECT b.id, b.unit_id, b.payer_id, b.month, b.due_on, b.open_fen, r.list AS restarts,
  paid.list AS payments
FROM bill b
  LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(restarted_on, ground)) AS list FROM limitation_restart
     WHERE community_id = b.community_id AND bill_id = b.id) r ON true
  LEFT JOIN LATERAL (
    SELECT jsonb_agg(s.received_on) AS list
      FROM allocation a JOIN settlement s
        ON s.community_id = a.community_id AND s.id = a.settlement_id
     WHERE a.community_id = b.community_id AND a.bill_id = b.id AND a.amount_fen > 0
       AND s.takes_back_id IS NULL AND s.means <> 'credit'
       AND s.amount_fen > (SELECT COALESCE(-sum(t.amount_fen), 0) FROM settlement t
         WHERE t.community_id = s.community_id AND t.takes_back_id = s.id)) paid
    ON b.paid_fen > 0
WHERE b.community_id = :c AND b.open_fen > 0 AND b.due_on < :on
  AND (CAST(:unit AS bigint) IS NULL OR b.unit_id = :unit)
ORDER BY b.due_on, b.id
"""
_CASES = """
SELECT c.id, c.unit_id, u.label AS unit_label, u.sort_key, u.building_id, g.code AS building_code,
  c.payer_id, p.name AS payer_name, c.opened_on, c.closed_on, c.stage_no, c.stepped_on,
  c.answer_until,
  EXISTS (SELECT FROM dunning_pause x WHERE x.community_id = :c AND x.case_id = c.id
    AND x.starts_on <= :on AND x.until_on >= :on AND x.ended_on IS NULL) AS paused,
  EXISTS (SELECT FROM dunning_objection x WHERE x.community_id = :c AND x.case_id = c.id
    AND x.answered_on IS NULL) AS disputed,
  EXISTS (SELECT FROM dunning_promise x WHERE x.community_id = :c AND x.case_id = c.id
    AND x.pay_on >= :on) AS promise,
  EXISTS (SELECT FROM dunning_letter x WHERE x.community_id = :c AND x.case_id = c.id
    AND x.status = 'made') AS undelivered
FROM dunning_case c
  JOIN unit u ON u.community_id = :c AND u.id = c.unit_id
  JOIN building g ON g.community_id = :c AND g.id = u.building_id
  LEFT JOIN person p ON p.community_id = :c AND p.id = c.payer_id
WHERE c.community_id = :c
"""
_STANDING = ("paused", "disputed", "promise", "undelivered")


def stages(community_id: int) -> tuple[rules.Stage, ...]:
    """The community's steps in order, or the house's own while none were set."""
    rows = db.session.execute(
        text(
            "SELECT no, kind, channel, days_after_due, answer_days, signer FROM dunning_stage"
            " WHERE community_id = :c ORDER BY no"
        ),
        {"c": community_id},
    )
    return tuple(rules.Stage(**row._mapping) for row in rows) or rules.DEFAULT_STAGES


def debts(community_id: int, on: date, *, unit_id: int | None = None) -> list[Debt]:
    """Overdue bills, the oldest first, with their restarts."""
    rows = db.session.execute(text(_DEBTS), {"c": community_id, "on": on, "unit": unit_id})
    return [_debt(row) for row in rows]


def cases(
    community_id: int, on: date, *, ids: Sequence[int] | None = None, unit_id: int | None = None
) -> list[CaseRow]:
    """Open cases by room, or those named whether open or not. Four statements."""
    if ids is not None:
        narrow = " AND c.id = ANY (CAST(:ids AS bigint[]))"
    else:
        narrow = " AND c.closed_on IS NULL"
    narrow += " AND (CAST(:unit AS bigint) IS NULL OR c.unit_id = :unit)"
    rows = db.session.execute(
        text(_CASES + narrow + " ORDER BY u.sort_key, c.id"),
        {"c": community_id, "on": on, "ids": list(ids or ()), "unit": unit_id},
    ).all()
    only = {row.unit_id for row in rows}
    owed: dict[tuple[int, int | None], list[Debt]] = defaultdict(list)
    for debt in debts(community_id, on, unit_id=only.pop() if len(only) == 1 else None):
        owed[debt.unit_id, debt.payer_id].append(debt)
    plans = agreements.plans(community_id, on, only_signed=True)
    known = stages(community_id)
    return [_case(row, owed, plans, known, on) for row in rows]


def case(community_id: int, case_id: int, on: date) -> CaseRow:
    """One case, open or closed. Raises NotFound."""
    found = cases(community_id, on, ids=[case_id])
    if not found:
        raise NotFound("dunning.none", N_("没有这件催告。"))
    return found[0]


def limitations(community_id: int, on: date) -> list[LimitationRow]:
    """Every overdue bill of an open case with the last day of its three years, nearest first."""
    rows = [
        LimitationRow(
            case_id=one.id,
            bill_id=debt.bill_id,
            unit_id=one.unit_id,
            unit_label=one.unit_label,
            sort_key=one.sort_key,
            building_id=one.building_id,
            building_code=one.building_code,
            payer_name=one.payer_name,
            month=debt.month,
            due_on=debt.due_on,
            open_fen=debt.open_fen,
            last_restart_on=max((r.on for r in debt.restarts), default=None),
            limitation_on=debt.limitation_on,
            left_days=(debt.limitation_on - on).days,
        )
        for one in cases(community_id, on)
        for debt in one.debts
    ]
    return sorted(rows, key=lambda row: (row.limitation_on, row.sort_key, row.bill_id))


def _case(
    row: Any,
    owed: dict[tuple[int, int | None], list[Debt]],
    plans: Sequence[Any],
    known: tuple[rules.Stage, ...],
    on: date,
) -> CaseRow:
    values = dict(row._mapping)
    standing = [name for name in _STANDING if values.pop(name)]
    kept = [plan for plan in plans if plan.case_id == row.id and plan.in_force]
    if kept:
        standing.append("plan")
    return CaseRow(
        **values,
        debts=tuple(owed.get((row.unit_id, row.payer_id), ())),
        standing=tuple(standing),
        stages=known,
        on=on,
        plan_bills=frozenset(bill[0] for plan in kept for bill in plan.bills),
    )


def _debt(row: Any) -> Debt:
    demands = [rules.Restart(date.fromisoformat(day), why) for day, why in row.restarts or ()]
    paid = [rules.Restart(date.fromisoformat(day), "payment") for day in row.payments or ()]
    return Debt(
        bill_id=row.id,
        unit_id=row.unit_id,
        payer_id=row.payer_id,
        month=Month.of(row.month),
        due_on=row.due_on,
        open_fen=row.open_fen,
        restarts=(*demands, *paid),
    )

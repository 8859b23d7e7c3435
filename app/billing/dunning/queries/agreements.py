"""Promises and instalment plans, each held against the money that came in since."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import text

from app.billing.dunning import rules
from app.billing.dunning.rows import PlanRow, PromiseRow
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.period import Month

_WHO = """
  c.id AS case_id, c.unit_id, u.label AS unit_label, u.building_id, g.code AS building_code,
  c.payer_id, p.name AS payer_name
"""
_JOINS = """
  JOIN dunning_case c ON c.community_id = x.community_id AND c.id = x.case_id
  JOIN unit u ON u.community_id = c.community_id AND u.id = c.unit_id
  JOIN building g ON g.community_id = u.community_id AND g.id = u.building_id
  LEFT JOIN person p ON p.community_id = c.community_id AND p.id = c.payer_id
"""
# Money that came after an agreement was made, by the day it came; what went back is below zero.
_MONEY = """
  SELECT jsonb_agg(jsonb_build_array(s.received_on, a.amount_fen)) AS list
    FROM allocation a
    JOIN settlement s ON s.community_id = a.community_id AND s.id = a.settlement_id
    JOIN bill b ON b.community_id = a.community_id AND b.id = a.bill_id
   WHERE a.community_id = x.community_id AND s.id > x.after_settlement_id AND b.unit_id = c.unit_id
"""
_PROMISES = f"""
SELECT x.id, {_WHO}, x.made_on, x.pay_on, x.amount_fen, x.words, money.list AS money
FROM dunning_promise x {_JOINS}
  LEFT JOIN LATERAL ({_MONEY} AND b.payer_id IS NOT DISTINCT FROM c.payer_id) money ON true
WHERE x.community_id = :c AND (CAST(:case AS bigint) IS NULL OR x.case_id = :case)
ORDER BY x.made_on DESC, x.id DESC
"""  # noqa: S608 -- constants only
_PLANS = f"""
SELECT x.id, {_WHO}, x.number, x.made_on, x.signed_on, x.ended_on, x.end_reason, x.total_fen,
  part.list AS parts, bill.list AS bills, bill.left_fen, money.list AS money
FROM instalment_plan x {_JOINS}
  JOIN LATERAL (SELECT jsonb_agg(jsonb_build_array(no, pay_on, amount_fen) ORDER BY no) AS list
    FROM instalment WHERE community_id = x.community_id AND plan_id = x.id) part ON true
  JOIN LATERAL (SELECT jsonb_agg(jsonb_build_array(b.id, b.month, l.open_fen)
      ORDER BY b.due_on, b.id) AS list, sum(b.open_fen)::bigint AS left_fen
    FROM instalment_plan_bill l JOIN bill b ON b.community_id = l.community_id AND b.id = l.bill_id
   WHERE l.community_id = x.community_id AND l.plan_id = x.id) bill ON true
  LEFT JOIN LATERAL ({_MONEY} AND EXISTS (SELECT FROM instalment_plan_bill l
    WHERE l.community_id = x.community_id AND l.plan_id = x.id AND l.bill_id = b.id)) money ON true
WHERE x.community_id = :c AND (CAST(:case AS bigint) IS NULL OR x.case_id = :case)
  AND (CAST(:id AS bigint) IS NULL OR x.id = :id)
  AND (NOT :signed OR (x.signed_on IS NOT NULL AND x.ended_on IS NULL))
ORDER BY x.made_on DESC, x.id DESC
"""  # noqa: S608 -- constants only


def promises(community_id: int, on: date, *, case_id: int | None = None) -> list[PromiseRow]:
    """Promises with their state on a day, the newest first."""
    rows = db.session.execute(text(_PROMISES), {"c": community_id, "case": case_id})
    return [_promise(row, on) for row in rows]


def plans(
    community_id: int,
    on: date,
    *,
    case_id: int | None = None,
    plan_id: int | None = None,
    only_signed: bool = False,
) -> list[PlanRow]:
    """Instalment plans with their state on a day, the newest first."""
    rows = db.session.execute(
        text(_PLANS), {"c": community_id, "case": case_id, "id": plan_id, "signed": only_signed}
    )
    return [_plan(row, on) for row in rows]


def plan(community_id: int, plan_id: int, on: date) -> PlanRow:
    """One plan. Raises NotFound."""
    found = plans(community_id, on, plan_id=plan_id)
    if not found:
        raise NotFound("plan.none", N_("没有这份分期协议。"))
    return found[0]


def bills_in_plans(community_id: int, on: date) -> frozenset[int]:
    """Bills a plan in force pays off: no damages are added to them meanwhile."""
    signed = plans(community_id, on, only_signed=True)
    return frozenset(bill[0] for one in signed if one.in_force for bill in one.bills)


def _promise(row: Any, on: date) -> PromiseRow:
    values = dict(row._mapping)
    money = _received(values.pop("money"))
    return PromiseRow(
        **values,
        received_fen=sum(one.amount_fen for one in money),
        state=rules.promise_state(row.amount_fen, row.pay_on, money, on),
    )


def _plan(row: Any, on: date) -> PlanRow:
    values = dict(row._mapping)
    left = values.pop("left_fen")
    parts = tuple(
        rules.Part(no, date.fromisoformat(day), fen) for no, day, fen in values.pop("parts")
    )
    came = _received(values.pop("money"))
    money = came if row.signed_on else []
    at = rules.plan_state(parts, money, on, left_fen=left)
    state = "ended" if row.ended_on else at.state if row.signed_on else "draft"
    bills = tuple(
        (bill, Month.of(date.fromisoformat(month)), fen) for bill, month, fen in values.pop("bills")
    )
    return PlanRow(**values, parts=parts, bills=bills, at=at, state=state)


def _received(money: Iterable[tuple[str, int]] | None) -> list[rules.Received]:
    return [rules.Received(date.fromisoformat(day), fen) for day, fen in money or ()]

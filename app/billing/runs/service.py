"""The verbs of a run: preview, confirm, issue, withdraw, discard. Never commits.

Two persons stand behind a month of bills: who prepared it looked at the figures, who
confirmed it looked again; what is issued is what both saw, or nothing is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import text

from app.billing.models import BillRun
from app.billing.runs import compute
from app.billing.runs.compute import Totals
from app.billing.runs.plan import Plan, look
from app.billing.runs.summary import summary
from app.kernel import audit, clock, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, Forbidden, NotFound, RuleBroken
from app.kernel.period import Month
from app.ledger import service as ledger

PAGE = 50


@dataclass(frozen=True)
class PreviewLine:
    """One line as it would be issued; fen, and what it is made of."""

    unit_id: int
    label: str
    party: int
    payer_id: int | None
    starts_on: date
    ends_on: date
    tariff_id: int
    tariff_name: str
    basis: str
    quantity: Decimal
    price: Decimal
    days: Decimal
    gross_fen: int
    subsidy_fen: int
    resident_fen: int


def preview_run(community_id: int, month: Month, *, due_on: date | None = None) -> BillRun:
    """Compute a month without issuing it: totals, differences, who is left out and why.

    Writes only the run's own row; an older preview of the month is discarded. After an
    issue it shows what is still missing.
    Raises RuleBroken for a closed month or one more than a month ahead.
    """
    plan = _open(community_id, month)
    totals = compute.compute(plan)
    _discard_older(plan)
    run = BillRun(
        community_id=community_id,
        month=month.first,
        status="preview",
        due_on=due_on or _due(plan),
        prepared_by=audit.actor().account_id,
        prepared_at=clock.now(),
        input_hash=compute.digest(),
        summary=summary(plan),
    )
    _fill(run, totals)
    db.session.add(run)
    db.session.flush()
    _record("billing:run_previewed", run)
    return run


def confirm_run(community_id: int, run_id: int) -> BillRun:
    """Issue a preview as it was looked at, by a person other than who prepared it.

    Raises Forbidden for the same person, Conflict when it is no preview any more, when it
    holds nothing, or when what it was computed from has changed.
    """
    compute.lock(community_id)
    run = _run(community_id, run_id)
    if run.status != "preview":
        raise Conflict("run.not_preview", N_("该批次已不是试算状态。"))
    _two_persons(run.prepared_by, audit.actor().account_id, required=True)
    plan = _open(community_id, Month.of(run.month))
    totals = compute.compute(plan)
    if compute.digest() != run.input_hash:
        raise Conflict("run.changed", N_("数据在试算之后有变动，请重新试算并核对。"))
    if not totals.line_count:
        raise Conflict("run.empty", N_("本月没有需要出账的费用。"))
    run.confirmed_by = audit.actor().account_id
    return _issue(run, plan, totals)


def issue_bills(
    community_id: int,
    month: Month,
    *,
    prepared_by: int | None,
    confirmed_by: int | None,
    due_on: date | None = None,
) -> BillRun:
    """Compute and issue a month at once, for jobs: the two persons decided before.

    A repeat adds only what is missing; with nothing missing it writes nothing and returns
    the month's latest issued run. Of two at once one waits for the other.
    Raises Forbidden when the two persons are one, RuleBroken when there is nothing to bill
    and never was, or the month is closed or too far ahead.
    """
    _two_persons(prepared_by, confirmed_by, required=False)
    plan = _open(community_id, month)
    if compute.nothing_missing(plan):
        return _latest(plan)
    totals = compute.compute(plan)
    if not totals.line_count:
        return _latest(plan)
    _discard_older(plan)
    run = BillRun(
        community_id=community_id,
        month=month.first,
        due_on=due_on or _due(plan),
        prepared_by=prepared_by,
        prepared_at=clock.now(),
        confirmed_by=confirmed_by,
        summary=summary(plan),
    )
    _fill(run, totals)
    return _issue(run, plan, totals)


def withdraw_run(community_id: int, run_id: int, reason: str) -> BillRun:
    """Take back an issued run by reversing its entry; its bills stay to be read.

    Raises RuleBroken without a reason, Conflict when it is not issued or when anything was
    paid or noted on its bills: then correct bill by bill.
    """
    if not reason.strip():
        raise RuleBroken("run.reason", N_("请填写撤回原因。"), field="reason")
    compute.lock(community_id)
    run = _run(community_id, run_id)
    if run.status != "issued":
        raise Conflict("run.not_issued", N_("只有已出账的批次才能撤回。"))
    values = {"c": community_id, "run": run_id}
    if db.session.execute(_TOUCHED, values).scalar_one():
        raise Conflict("run.paid", N_("该批次已有收款或调整，不能整批撤回，请逐张开具调整单。"))
    db.session.execute(_WITHDRAW_LINES, values)
    db.session.execute(_WITHDRAW_BILLS, values)
    assert run.entry_id is not None, "an issued run has its entry"
    reversal = ledger.reverse(community_id, run.entry_id, reason=reason)
    run.status = "withdrawn"
    run.withdrawn_by = audit.actor().account_id
    run.withdrawn_at = clock.now()
    run.withdrawn_reason = reason.strip()
    run.reversal_id = reversal.id
    db.session.flush()
    _record("billing:run_withdrawn", run, reason=reason.strip())
    outbox.tell(community_id, "bill:withdrawn", {"run_id": run.id, "month": _month(run)})
    return run


def discard_preview(community_id: int, run_id: int) -> BillRun:
    """Put a preview aside. Raises Conflict when it is none."""
    run = _run(community_id, run_id)
    if run.status != "preview":
        raise Conflict("run.not_preview", N_("该批次已不是试算状态。"))
    run.status = "discarded"
    db.session.flush()
    _record("billing:run_discarded", run)
    return run


def preview_lines(
    community_id: int, run_id: int, *, offset: int = 0, limit: int = PAGE
) -> tuple[Sequence[PreviewLine], int]:
    """A page of a preview's lines, computed again as things are now, and how many there are.

    In the order of the units. Raises Conflict when the run is no preview.
    """
    run = _run(community_id, run_id)
    if run.status != "preview":
        raise Conflict("run.not_preview", N_("该批次已不是试算状态。"))
    totals = compute.compute(_open(community_id, Month.of(run.month)))
    rows = db.session.execute(_PAGE, {"c": community_id, "offset": offset, "limit": limit})
    return [PreviewLine(**row) for row in rows.mappings()], totals.line_count


def _open(community_id: int, month: Month) -> Plan:
    """Take the community's run lock and see that the month may be billed."""
    compute.lock(community_id)
    plan = look(community_id, month)
    if month > Month.of(clock.today()).shift(1):
        raise RuleBroken("run.too_early", N_("最多只能提前一个月出账。"), field="month")
    if plan.closed_through is not None and month.first <= plan.closed_through:
        raise RuleBroken(
            "run.closed",
            N_("%(month)s 已结账，不能再出账；请在之后的月份补收。"),
            field="month",
            month=str(month),
        )
    if not plan.opened:
        ledger.open_books(community_id)
    return plan


def _issue(run: BillRun, plan: Plan, totals: Totals) -> BillRun:
    run.status = "issued"
    run.issued_at = clock.now()
    db.session.add(run)
    db.session.flush()
    run.entry_id = compute.insert(plan, totals, run.id, run.due_on, clock.today())
    db.session.flush()
    _record("billing:run_issued", run)
    outbox.tell(run.community_id, "bill:issued", {"run_id": run.id, "month": _month(run)})
    return run


def _fill(run: BillRun, totals: Totals) -> None:
    run.unit_count = totals.unit_count
    run.bill_count = totals.bill_count
    run.gross_fen = totals.gross_fen
    run.subsidy_fen = totals.subsidy_fen
    run.resident_fen = totals.resident_fen


def _due(plan: Plan) -> date:
    return plan.month.first.replace(day=plan.due_day)


def _two_persons(prepared_by: int | None, confirmed_by: int | None, *, required: bool) -> None:
    if required and confirmed_by is None:
        raise Forbidden("run.nobody", N_("出账必须由登录人员复核。"))
    if confirmed_by is not None and confirmed_by == prepared_by:
        raise Forbidden("run.same_person", N_("试算和复核不能是同一个人。"))


def _run(community_id: int, run_id: int) -> BillRun:
    run = db.session.get(BillRun, (community_id, run_id), populate_existing=True)
    if run is None:
        raise NotFound("run.none", N_("没有这个出账批次。"))
    return run


def _latest(plan: Plan) -> BillRun:
    """The month's latest issued run; RuleBroken when there is none."""
    run = (
        db.session.query(BillRun)
        .filter_by(community_id=plan.community_id, month=plan.month.first, status="issued")
        .order_by(BillRun.id.desc())
        .first()
    )
    if run is None:
        raise RuleBroken("run.empty", N_("本月没有需要出账的费用。"))
    return run


def _discard_older(plan: Plan) -> None:
    """Only one preview of a month stands; a run row is never deleted."""
    if not plan.previewed:
        return
    db.session.query(BillRun).filter_by(
        community_id=plan.community_id, month=plan.month.first, status="preview"
    ).update({"status": "discarded"})


def _month(run: BillRun) -> str:
    return str(Month.of(run.month))


def _record(act: str, run: BillRun, **more: object) -> None:
    audit.record(
        act,
        f"bill_run:{run.id}",
        community_id=run.community_id,
        after={
            "month": _month(run),
            "bills": run.bill_count,
            "gross_fen": run.gross_fen,
            "subsidy_fen": run.subsidy_fen,
            "resident_fen": run.resident_fen,
            **more,
        },
    )


# Rows are locked in the order payments lock them, by id.
_TOUCHED = text("""
WITH locked AS (
  SELECT id, paid_fen, notes_fen FROM bill WHERE community_id = :c AND run_id = :run
   ORDER BY id FOR UPDATE
)
SELECT EXISTS (SELECT FROM locked WHERE paid_fen <> 0 OR notes_fen <> 0)
    OR EXISTS (SELECT FROM bill_note n JOIN locked l ON l.id = n.bill_id
                WHERE n.community_id = :c)
    OR EXISTS (SELECT FROM allocation a JOIN locked l ON l.id = a.bill_id
                WHERE a.community_id = :c)
""")
_WITHDRAW_LINES = text("""
UPDATE bill_line l SET live = false
 WHERE l.community_id = :c AND l.bill_id IN (
   SELECT id FROM bill WHERE community_id = :c AND run_id = :run)
""")
_WITHDRAW_BILLS = text("UPDATE bill SET withdrawn = true WHERE community_id = :c AND run_id = :run")
_PAGE = text("""
SELECT h.unit_id, h.label, h.party, h.payer_id, h.starts_on, h.ends_on, t.id AS tariff_id,
       t.name AS tariff_name, t.basis, l.quantity, l.price, l.days, l.gross_fen, l.subsidy_fen,
       l.resident_fen
  FROM run_line l JOIN run_holder h USING (no)
  JOIN tariff t ON t.community_id = :c AND t.id = l.tariff_id
 WHERE l.gross_fen > 0
 ORDER BY h.no, l.position, l.tariff_id, l.detail_id
OFFSET :offset LIMIT :limit
""")

"""Promises to pay and instalment plans."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import text

from app.billing.dunning import rules
from app.billing.dunning.models import (
    DunningPromise,
    Instalment,
    InstalmentPlan,
    InstalmentPlanBill,
)
from app.billing.dunning.queries import agreements as queries
from app.billing.dunning.queries import cases
from app.billing.dunning.service.cases import check_day, restart, take
from app.kernel import audit, clock, counters, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import Fen

LONGEST_PROMISE_DAYS = 92  # longer than a quarter is an instalment plan; design


def promise(
    community_id: int, case_id: int, pay_on: date, amount_fen: Fen, words: str = ""
) -> DunningPromise:
    """Take down a promise to pay by a day; dunning waits until then, the three years restart.

    Raises RuleBroken for a sum above what is overdue or a day too far. Source: Civil Code 195(2).
    """
    today = clock.today()
    take(community_id, case_id)
    row = cases.case(community_id, case_id, today)
    if not today <= pay_on <= today + timedelta(days=LONGEST_PROMISE_DAYS):
        raise RuleBroken(
            "promise.day", N_("承诺日应在三个月以内；更长的请做分期协议。"), field="pay_on"
        )
    if not 0 < amount_fen <= row.open_fen:
        raise RuleBroken(
            "promise.amount", N_("承诺金额应大于 0，且不超过逾期合计。"), field="amount_fen"
        )
    if "promise" in row.standing:
        raise Conflict("promise.standing", N_("已有一项承诺还没到期。"))
    made = DunningPromise(
        community_id=community_id,
        case_id=case_id,
        made_on=today,
        pay_on=pay_on,
        amount_fen=amount_fen,
        after_settlement_id=_last_settlement(community_id),
        words=words.strip(),
        created_at=clock.now(),
        created_by=audit.actor().account_id,
    )
    db.session.add(made)
    db.session.flush()
    bill_ids = [debt.bill_id for debt in row.debts]
    restart(community_id, bill_ids, "promise", today, f"promise:{made.id}")
    facts = {"amount_fen": amount_fen, "until": pay_on.isoformat()}
    audit.record("dunning:promised", f"dunning:{case_id}", community_id=community_id, after=facts)
    outbox.tell(community_id, "dunning:promised", {"case_id": str(case_id)})
    return made


def draw_up(
    community_id: int, case_id: int, bill_ids: Iterable[int], count: int, first_on: date
) -> InstalmentPlan:
    """Draw up a plan for overdue bills of a case: equal monthly parts that add up exactly.

    It binds nobody until it is signed. Raises RuleBroken, Conflict.
    """
    today = clock.today()
    take(community_id, case_id)
    row = cases.case(community_id, case_id, today)
    wanted = set(bill_ids)
    chosen = [debt for debt in row.debts if debt.bill_id in wanted]
    if not chosen or len(chosen) != len(wanted):
        raise RuleBroken("plan.bills", N_("请选择要分期的逾期账单。"), field="bill_ids")
    if wanted & row.plan_bills:
        raise Conflict("plan.twice", N_("有账单已在另一份履行中的分期协议里。"))
    if not today <= first_on <= today + timedelta(days=62):
        raise RuleBroken("plan.first", N_("第一期应在两个月以内。"), field="first_on")
    total = sum(debt.open_fen for debt in chosen)
    parts = rules.instalments(total, count, first_on)
    plan = InstalmentPlan(
        community_id=community_id,
        case_id=case_id,
        number=f"{today:%Y%m%d}-{counters.reserve(community_id, 'instalment_plan'):04d}",
        made_on=today,
        total_fen=total,
        created_at=clock.now(),
        created_by=audit.actor().account_id,
    )
    db.session.add(plan)
    db.session.flush()
    keys = {"community_id": community_id, "plan_id": plan.id}
    for debt in chosen:
        db.session.add(InstalmentPlanBill(**keys, bill_id=debt.bill_id, open_fen=debt.open_fen))
    for part in parts:
        db.session.add(Instalment(**keys, **vars(part)))
    db.session.flush()
    _record("plan:made", plan, {"amount_fen": total, "parts": count})
    return plan


def sign(community_id: int, plan_id: int, signed_on: date) -> InstalmentPlan:
    """Put a plan in force from the day both signed: dunning waits, the three years restart.

    Raises Conflict when it is signed or ended, or when its bills changed since it was drawn up.
    """
    check_day(signed_on, "signed_on")
    plan = _take(community_id, plan_id)
    if plan.signed_on is not None or plan.ended_on is not None:
        raise Conflict("plan.signed", N_("这份分期协议已经签署或终止。"))
    if signed_on < plan.made_on:
        raise RuleBroken("plan.day", N_("签署日不能早于拟定日。"), field="signed_on")
    changed = db.session.execute(
        text(
            "SELECT count(*) FROM instalment_plan_bill l"
            " JOIN bill b ON b.community_id = l.community_id AND b.id = l.bill_id"
            " WHERE l.community_id = :c AND l.plan_id = :plan AND b.open_fen <> l.open_fen"
        ),
        {"c": community_id, "plan": plan_id},
    ).scalar_one()
    if changed:
        raise Conflict("plan.changed", N_("账单金额在拟定之后有变化，请重新拟定。"))
    row = queries.plan(community_id, plan_id, clock.today())
    wanted = {bill[0] for bill in row.bills}
    if wanted & queries.bills_in_plans(community_id, clock.today()):
        raise Conflict("plan.twice", N_("有账单已在另一份履行中的分期协议里。"))
    plan.signed_on = signed_on
    plan.after_settlement_id = _last_settlement(community_id)
    db.session.flush()
    restart(community_id, sorted(wanted), "plan", signed_on, f"plan:{plan_id}")
    _record("plan:signed", plan, {"amount_fen": plan.total_fen})
    return plan


def end_plan(community_id: int, plan_id: int, reason: str) -> None:
    """End a plan before its last part, or drop a draft; dunning goes on where it stood."""
    reason = rules.check_words(reason, "reason")
    if not reason:
        raise RuleBroken("plan.reason", N_("请写明终止的原因。"), field="reason")
    plan = _take(community_id, plan_id)
    if plan.ended_on is not None:
        raise Conflict("plan.ended", N_("这份分期协议已经终止。"))
    plan.ended_on, plan.end_reason = clock.today(), reason
    db.session.flush()
    _record("plan:ended", plan, {"reason": reason})


def _take(community_id: int, plan_id: int) -> InstalmentPlan:
    found = db.session.get(
        InstalmentPlan, (community_id, plan_id), with_for_update=True, populate_existing=True
    )
    if found is None:
        raise NotFound("plan.none", N_("没有这份分期协议。"))
    return found


def _last_settlement(community_id: int) -> int:
    return int(
        db.session.execute(
            text("SELECT COALESCE(max(id), 0) FROM settlement WHERE community_id = :c"),
            {"c": community_id},
        ).scalar_one()
    )


def _record(act: str, plan: InstalmentPlan, facts: dict[str, object]) -> None:
    audit.record(act, f"plan:{plan.id}", community_id=plan.community_id, after=facts)
    outbox.tell(plan.community_id, act, {"plan_id": str(plan.id)})

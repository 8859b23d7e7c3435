"""Cases open and close by rule; what staff did in them; pauses; objections and their answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from sqlalchemy import delete, text

from app.billing.dunning import rules
from app.billing.dunning.models import (
    ACT_KINDS,
    PAUSE_REASONS,
    DunningAct,
    DunningCase,
    DunningObjection,
    DunningPause,
    DunningStage,
    LimitationRestart,
)
from app.billing.dunning.queries import cases as queries
from app.billing.dunning.rows import CaseRow
from app.kernel import audit, clock, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken

_OPEN = text("""
INSERT INTO dunning_case (community_id, unit_id, payer_id, opened_on)
SELECT :c, unit_id, payer_id, :on FROM bill
 WHERE community_id = :c AND open_fen > 0 AND due_on <= :late
   AND (CAST(:unit AS bigint) IS NULL OR unit_id = :unit)
 GROUP BY unit_id, payer_id ORDER BY unit_id
ON CONFLICT (community_id, unit_id, payer_id) WHERE closed_on IS NULL DO NOTHING
RETURNING id
""")
_CLOSE = text("""
UPDATE dunning_case c SET closed_on = :on
 WHERE c.community_id = :c AND c.closed_on IS NULL AND NOT EXISTS (
   SELECT FROM bill b WHERE b.community_id = :c AND b.unit_id = c.unit_id
      AND b.payer_id IS NOT DISTINCT FROM c.payer_id AND b.open_fen > 0 AND b.due_on < :on)
RETURNING id
""")


def set_stages(community_id: int, stages: Sequence[rules.Stage]) -> None:
    """Replace the community's steps; steps taken already keep the period they gave."""
    rules.check_stages(stages)
    for stage in stages:
        rules.check_words(stage.signer, "signer")
    before = [vars(stage) for stage in queries.stages(community_id)]
    db.session.execute(delete(DunningStage).where(DunningStage.community_id == community_id))
    for no, stage in enumerate(stages, 1):
        db.session.add(DunningStage(community_id=community_id, **{**vars(stage), "no": no}))
    db.session.flush()
    audit.record(
        "dunning:stages",
        f"community:{community_id}",
        community_id=community_id,
        before={"stages": before},
        after={"stages": [vars(stage) for stage in stages]},
    )


def look(community_id: int) -> tuple[int, int]:
    """Open a case for every payer past the first step's days, close those who owe nothing.

    Safe to run twice. Gives how many were opened and closed.
    """
    today = clock.today()
    late = today - timedelta(days=queries.stages(community_id)[0].days_after_due)
    opened = _open(community_id, today, late)
    closed = db.session.execute(_CLOSE, {"c": community_id, "on": today}).scalars().all()
    if closed:
        audit.record(
            "dunning:case_closed",
            f"community:{community_id}",
            community_id=community_id,
            after={"cases": len(closed)},
        )
    return opened, len(closed)


def _open(community_id: int, today: date, late: date, unit_id: int | None = None) -> int:
    found = db.session.execute(
        _OPEN, {"c": community_id, "on": today, "late": late, "unit": unit_id}
    ).all()
    if found:
        audit.record(
            "dunning:case_opened",
            f"community:{community_id}" if unit_id is None else f"unit:{unit_id}",
            community_id=community_id,
            after={"cases": len(found)},
        )
    return len(found)


def own_case(community_id: int, unit_id: int, payer_ids: Iterable[int | None]) -> int:
    """The open case of a home and one of these payers, opened now if something is overdue.

    Raises NotFound when nothing is.
    """
    today = clock.today()
    _open(community_id, today, today - timedelta(days=1), unit_id)
    wanted = list(payer_ids)
    mine = [
        one
        for one in queries.cases(community_id, today, unit_id=unit_id)
        if one.payer_id in wanted and one.debts
    ]
    if not mine:
        raise NotFound("arrears.none", N_("这一户没有逾期的账单。"))
    return mine[0].id


def record_act(
    community_id: int,
    case_id: int,
    kind: str,
    happened_on: date,
    *,
    said: str = "",
    done: str = "",
    as_step: bool = False,
) -> DunningAct:
    """Take down a call, a visit, a message, an acknowledgement or a note.

    As a step only where the next step is a reminder and its day has come; written demands are
    letters. An acknowledgement of the debt begins the three years of every overdue bill anew.
    Source: Civil Code 195(2).
    """
    if kind not in ACT_KINDS:
        raise RuleBroken("dunning.kind", N_("不认识这种联系方式。"), field="kind")
    check_day(happened_on, "happened_on")
    done = rules.check_words(done, "done")
    if not (said.strip() or done):
        raise RuleBroken("dunning.words", N_("请写下对方说了什么，或我们做了什么。"), field="said")
    case = take(community_id, case_id)
    row = queries.case(community_id, case_id, clock.today())
    stage = _reminder(row, kind, happened_on) if as_step else None
    act = DunningAct(
        community_id=community_id,
        case_id=case_id,
        kind=kind,
        happened_on=happened_on,
        stage_no=stage.no if stage else None,
        said=said.strip(),
        done=done,
        created_at=clock.now(),
        created_by=audit.actor().account_id,
    )
    db.session.add(act)
    if stage:
        step(case, stage.no, happened_on, stage.answer_days)
    db.session.flush()
    if kind == "acknowledgement":
        restart(community_id, [d.bill_id for d in row.debts], kind, happened_on, f"act:{act.id}")
    _record("dunning:act", act, {"kind": kind, "step": stage.no if stage else None})
    return act


def _reminder(row: CaseRow, kind: str, on: date) -> rules.Stage:
    if row.standing:
        reason = rules.left_out(row.standing, row.next_step, on)
        raise Conflict(f"dunning.{reason}", rules.LEFT_OUT[reason or "paused"])
    coming = row.next_step
    if (
        coming is None
        or coming.stage.kind != "reminder"
        or kind not in {"phone", "visit", "message"}
    ):
        raise Conflict("dunning.written", N_("下一步要用书面函件，请到“制作催告函”。"))
    return rules.check_step(coming, coming.stage.no, on)


def step(case: DunningCase, stage_no: int, on: date, answer_days: int) -> None:
    """Count a step as taken."""
    case.stage_no, case.stepped_on = stage_no, on
    case.answer_until = on + timedelta(days=answer_days)


def restart(community_id: int, bill_ids: Iterable[int], ground: str, on: date, source: str) -> None:
    """Write down that these bills' three years begin anew, and why."""
    for bill_id in bill_ids:
        db.session.add(
            LimitationRestart(
                community_id=community_id,
                bill_id=bill_id,
                ground=ground,
                restarted_on=on,
                source=source,
                created_at=clock.now(),
            )
        )
    db.session.flush()


def pause(community_id: int, case_id: int, reason: str, words: str, until_on: date) -> DunningPause:
    """Stop reminding until a day, for hardship above all; at most a year at a time."""
    today = clock.today()
    if reason not in PAUSE_REASONS:
        raise RuleBroken("dunning.pause_reason", N_("请选择暂缓的原因。"), field="reason")
    words = rules.check_words(words, "words")
    if not words:
        raise RuleBroken("dunning.pause_words", N_("请写明为什么暂缓。"), field="words")
    if not today <= until_on <= today + timedelta(days=rules.LONGEST_PAUSE_DAYS):
        raise RuleBroken(
            "dunning.pause_days", N_("暂缓到期日应在今天之后一年以内。"), field="until_on"
        )
    take(community_id, case_id)
    if any(one.ended_on is None and one.until_on >= today for one in _pauses(case_id)):
        raise Conflict("dunning.paused", N_("这件催告已经暂缓。"))
    made = DunningPause(
        community_id=community_id,
        case_id=case_id,
        reason=reason,
        words=words,
        starts_on=today,
        until_on=until_on,
        created_at=clock.now(),
        granted_by=audit.actor().account_id,
    )
    db.session.add(made)
    db.session.flush()
    _record("dunning:paused", made, {"reason": reason, "until": until_on.isoformat()})
    return made


def _pauses(case_id: int) -> list[DunningPause]:
    return list(db.session.query(DunningPause).filter_by(case_id=case_id))


def resume(community_id: int, pause_id: int) -> None:
    """End a pause before its day. Raises NotFound, Conflict."""
    found = db.session.get(DunningPause, (community_id, pause_id), with_for_update=True)
    if found is None:
        raise NotFound("dunning.no_pause", N_("没有这次暂缓。"))
    if found.ended_on is not None or found.until_on < clock.today():
        raise Conflict("dunning.pause_over", N_("这次暂缓已经结束。"))
    found.ended_on = clock.today()
    _record("dunning:resumed", found, {"pause": pause_id})


def object_to(community_id: int, case_id: int, kind: str, words: str) -> DunningObjection:
    """Take down what a payer objects to, or that they ask for instalments; pauses the case."""
    if kind not in {"objection", "instalments"}:
        raise RuleBroken("dunning.kind", N_("请选择是提出异议还是申请分期。"), field="kind")
    if not words.strip():
        raise RuleBroken("dunning.objection_words", N_("请写下您的理由或请求。"), field="words")
    take(community_id, case_id)
    known = db.session.query(DunningObjection).filter_by(
        community_id=community_id, case_id=case_id, kind=kind, answered_on=None
    )
    if known.first() is not None:
        raise Conflict("dunning.objected", N_("已经收到您的请求，正在等待答复。"))
    made = DunningObjection(
        community_id=community_id,
        case_id=case_id,
        kind=kind,
        words=words.strip(),
        made_on=clock.today(),
        created_at=clock.now(),
        made_by=audit.actor().account_id,
    )
    db.session.add(made)
    db.session.flush()
    _record("dunning:objected", made, {"kind": kind})
    return made


def answer(community_id: int, objection_id: int, words: str) -> None:
    """Answer an objection or request; dunning goes on from then. Raises NotFound, Conflict."""
    words = rules.check_words(words, "answer")
    if not words:
        raise RuleBroken("dunning.answer", N_("请写下答复，业主会看到。"), field="answer")
    found = db.session.get(DunningObjection, (community_id, objection_id), with_for_update=True)
    if found is None:
        raise NotFound("dunning.no_objection", N_("没有这条异议。"))
    if found.answered_on is not None:
        raise Conflict("dunning.answered", N_("这条异议已经答复。"))
    found.answer, found.answered_on = words, clock.today()
    found.answered_by = audit.actor().account_id
    db.session.flush()
    _record("dunning:answered", found, {"objection": objection_id})


def take(community_id: int, case_id: int) -> DunningCase:
    """A case, locked until the transaction ends. Raises NotFound, Conflict when it is closed."""
    found = db.session.get(
        DunningCase, (community_id, case_id), with_for_update=True, populate_existing=True
    )
    if found is None:
        raise NotFound("dunning.none", N_("没有这件催告。"))
    if found.closed_on is not None:
        raise Conflict("dunning.closed", N_("这件催告已经结束。"))
    return found


def check_day(day: date, field: str) -> None:
    """Raises RuleBroken for a day to come, or one more than a year ago."""
    today = clock.today()
    if not today - timedelta(days=366) <= day <= today:
        raise RuleBroken("dunning.day", N_("日期应在过去一年之内，不能晚于今天。"), field=field)


def _record(
    act: str, row: DunningAct | DunningPause | DunningObjection, facts: dict[str, object]
) -> None:
    audit.record(act, f"dunning:{row.case_id}", community_id=row.community_id, after=facts)
    outbox.tell(row.community_id, act, {"case_id": str(row.case_id)})

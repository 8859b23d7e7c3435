"""Letters made together, delivered one by one; a letter counts from its delivery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import delete

from app.billing.dunning import rules
from app.billing.dunning.models import (
    DELIVERIES,
    DunningCase,
    DunningLetter,
    DunningLetterBill,
    DunningRun,
    LimitationRestart,
)
from app.billing.dunning.queries import cases as queries
from app.billing.dunning.rows import CaseRow
from app.billing.dunning.service.cases import check_day, restart, step, take
from app.kernel import audit, clock, counters, outbox, queue
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken

JOB = "dunning:print-letters"
LARGEST_RUN = 2000


def make_run(community_id: int, case_ids: Sequence[int], language: str) -> DunningRun:
    """Make the next letter of every case named that may get one now, and order their paper.

    Cases that became paused, promised or paid since the preview are left out. Raises
    RuleBroken when none is left.
    """
    today = clock.today()
    for case_id in sorted(set(case_ids)):
        take(community_id, case_id)
    ready = [
        one
        for one in queries.cases(community_id, today, ids=sorted(set(case_ids)))
        if one.left_out is None and one.debts
    ]
    if not 0 < len(ready) <= LARGEST_RUN:
        raise RuleBroken("dunning.nothing", N_("选中的催告里没有现在可以发函的。"))
    run = DunningRun(
        community_id=community_id,
        made_on=today,
        letter_count=len(ready),
        open_fen=sum(one.open_fen for one in ready),
        language="en" if language.startswith("en") else "zh_Hans_CN",
        created_at=clock.now(),
        created_by=audit.actor().account_id,
    )
    db.session.add(run)
    db.session.flush()
    first = counters.reserve(community_id, "reminder", len(ready))
    for serial, one in enumerate(ready, first):
        _letter(run, one, f"{today:%Y%m%d}-{serial:04d}")
    task = queue.enqueue(JOB, community_id, {"run_id": run.id}, key=f"run-{run.id}")
    run.task_id = task.id
    db.session.flush()
    _tell("dunning:run_made", run, {"letters": run.letter_count, "open_fen": run.open_fen})
    return run


def _letter(run: DunningRun, one: CaseRow, number: str) -> None:
    coming = one.next_step
    assert coming is not None, "a case with a letter to come has a step to come"
    letter = DunningLetter(
        community_id=run.community_id,
        run_id=run.id,
        case_id=one.id,
        number=number,
        stage_no=coming.stage.no,
        stage_kind=coming.stage.kind,
        signer=coming.stage.signer,
        made_on=run.made_on,
        answer_days=coming.stage.answer_days,
        open_fen=one.open_fen,
        created_at=clock.now(),
    )
    db.session.add(letter)
    db.session.flush()
    for debt in one.debts:
        db.session.add(
            DunningLetterBill(
                community_id=run.community_id,
                letter_id=letter.id,
                bill_id=debt.bill_id,
                open_fen=debt.open_fen,
            )
        )
    db.session.flush()


def fetched(community_id: int, run_id: int) -> DunningRun:
    """Someone fetches the paper: from now on the batch cannot be undone."""
    run = _run(community_id, run_id)
    if run.undone_at is not None:
        raise Conflict("dunning.undone", N_("这批催告函已经撤销。"))
    if run.fetched_at is None:
        run.fetched_at = clock.now()
        _tell("dunning:run_fetched", run, {})
    return run


def undo_run(community_id: int, run_id: int) -> None:
    """Undo a batch nobody has fetched: its letters are cancelled, nothing counted."""
    run = _run(community_id, run_id)
    if run.undone_at is not None:
        raise Conflict("dunning.undone", N_("这批催告函已经撤销。"))
    if run.fetched_at is not None:
        raise Conflict("dunning.fetched", N_("这批催告函已经下载，不能撤销；没送出的可登记退回。"))
    run.undone_at = clock.now()
    db.session.query(DunningLetter).filter_by(
        community_id=community_id, run_id=run_id, status="made"
    ).update({"status": "cancelled"})
    db.session.flush()
    _tell("dunning:run_undone", run, {})


def deliver(community_id: int, letter_ids: Iterable[int], delivered_on: date, how: str) -> int:
    """Record that letters reached their addressees: the step counts, the three years restart.

    Gives how many; those recorded before are passed over. Raises NotFound, RuleBroken.
    Source: Civil Code 195(1); 诉讼时效规定 8 (a demand counts when it reaches the debtor).
    """
    if how not in DELIVERIES:
        raise RuleBroken("dunning.how", N_("请选择送达方式。"), field="how")
    check_day(delivered_on, "delivered_on")
    found = _letters(community_id, letter_ids)
    for letter in found:
        if delivered_on < letter.made_on:
            raise RuleBroken("dunning.before", N_("送达日不能早于制函日。"), field="delivered_on")
        letter.status, letter.delivered_on, letter.delivered_how = "delivered", delivered_on, how
        case = db.session.get_one(DunningCase, (community_id, letter.case_id), with_for_update=True)
        if case.closed_on is None:  # paid meanwhile: the letter came all the same
            step(case, letter.stage_no, delivered_on, letter.answer_days)
        bills = db.session.query(DunningLetterBill).filter_by(
            community_id=community_id, letter_id=letter.id
        )
        restart(
            community_id,
            [one.bill_id for one in bills],
            "demand",
            delivered_on,
            f"letter:{letter.id}",
        )
        audit.record(
            "dunning:delivered",
            f"dunning:{letter.case_id}",
            community_id=community_id,
            after={"number": letter.number, "how": how, "on": delivered_on.isoformat()},
        )
    return len(found)


def give_back(community_id: int, letter_ids: Iterable[int]) -> int:
    """Record that letters came back or were never sent: they count for nothing."""
    found = _letters(community_id, letter_ids)
    for letter in found:
        letter.status = "returned"
        db.session.execute(
            delete(LimitationRestart).where(
                LimitationRestart.community_id == community_id,
                LimitationRestart.source == f"letter:{letter.id}",
            )
        )
        audit.record(
            "dunning:returned",
            f"dunning:{letter.case_id}",
            community_id=community_id,
            after={"number": letter.number},
        )
    db.session.flush()
    return len(found)


def _letters(community_id: int, letter_ids: Iterable[int]) -> list[DunningLetter]:
    """Letters waiting for word, locked. Raises NotFound for one that is not there."""
    wanted = sorted(set(letter_ids))
    rows = (
        db.session.query(DunningLetter)
        .filter(DunningLetter.community_id == community_id, DunningLetter.id.in_(wanted))
        .order_by(DunningLetter.id)
        .with_for_update()
        .all()
    )
    if not wanted or len(rows) != len(wanted):
        raise NotFound("dunning.no_letter", N_("请选择要登记的函件。"))
    return [one for one in rows if one.status == "made"]


def _run(community_id: int, run_id: int) -> DunningRun:
    found = db.session.get(
        DunningRun, (community_id, run_id), with_for_update=True, populate_existing=True
    )
    if found is None:
        raise NotFound("dunning.no_run", N_("没有这批催告函。"))
    return found


def _tell(act: str, run: DunningRun, facts: dict[str, object]) -> None:
    audit.record(act, f"dunning_run:{run.id}", community_id=run.community_id, after=facts)
    outbox.tell(run.community_id, act, {"run_id": str(run.id)})


def plan_letters(rows: Iterable[CaseRow]) -> tuple[list[CaseRow], list[CaseRow]]:
    """Cases that get a letter now, and those left out; see `rules.LEFT_OUT`."""
    every = [one for one in rows if one.debts]
    return (
        [one for one in every if one.left_out is None],
        [one for one in every if one.left_out in rules.LEFT_OUT],
    )

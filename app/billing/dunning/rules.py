"""When a step may be taken, when a claim ends, whether a promise or plan is kept. Pure.

Dates are legal days in China; sums are fen. Nothing here reads a clock or a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from app.kernel.apportion import apportion
from app.kernel.errors import N_, Conflict, RuleBroken
from app.kernel.money import Fen
from app.kernel.period import Month, add_years
from app.kernel.source import Source

DUNNING = Source("民法典", "944")  # written demand, a reasonable period; never cut supplies
LIMITATION = Source("民法典", "188、195、201、202")
LIMITATION_YEARS = 3
WARNING_DAYS = (180, 90, 30)
PLAN_GRACE_DAYS = 7  # an instalment this late is late, later it is broken; design
LARGEST_PLAN = 36  # instalments; design
LONGEST_PAUSE_DAYS = 366  # a pause for hardship is looked at again within a year; design
# What renews a claim that has run out already: consent to pay (诉讼时效规定 19), no mere demand.
REVIVING = frozenset({"promise", "plan"})
KIND_ORDER = ("reminder", "demand", "last_notice")
REASONABLE_DAYS = 15  # RULES C8, design


@dataclass(frozen=True)
class Stage:
    """A step: after how many days past due, how long to answer it, who signs."""

    no: int
    kind: str
    channel: str
    days_after_due: int
    answer_days: int
    signer: str = ""


DEFAULT_STAGES = (
    Stage(1, "reminder", "message", 7, 7),
    Stage(2, "demand", "paper", 30, 15),
    Stage(3, "last_notice", "paper", 90, 15),
)


def check_stages(stages: Sequence[Stage]) -> None:
    """Raises RuleBroken unless the steps go from friendly to last, each later than the one before.

    A last notice needs a written demand before it, and both leave fifteen days at least.
    Source: Civil Code 944; RULES C8.
    """
    if not stages:
        raise RuleBroken("stages.none", N_("至少要有一个催告步骤。"))
    ranks = [KIND_ORDER.index(stage.kind) for stage in stages]
    if ranks != sorted(ranks):
        raise RuleBroken("stages.order", N_("步骤应从提醒、书面催告到最后通知依次进行。"))
    if 2 in ranks and 1 not in ranks:
        raise RuleBroken("stages.demand", N_("最后通知之前必须有书面催告。"))
    days = [stage.days_after_due for stage in stages]
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise RuleBroken("stages.days", N_("后一步的天数应大于前一步。"))
    for stage in stages:
        if stage.kind != "reminder" and stage.answer_days < REASONABLE_DAYS:
            raise RuleBroken("stages.answer", N_("书面催告和最后通知至少给 15 天。"))
        if stage.kind != "reminder" and stage.channel != "paper":
            raise RuleBroken("stages.written", N_("催告和最后通知必须是书面的。"))


@dataclass(frozen=True)
class Step:
    """The step that comes next and the first day on which it may be taken."""

    stage: Stage
    earliest_on: date


def next_step(
    stages: Sequence[Stage], done_no: int, oldest_due_on: date, answer_until: date | None
) -> Step | None:
    """The step after the last one taken; None when all were taken.

    Never before its days after the due day, nor before the period to answer the last step ran
    out: a step is not skipped and a period not shortened. Source: Civil Code 944.
    """
    for stage in stages:
        if stage.no > done_no:
            earliest = oldest_due_on + timedelta(days=stage.days_after_due)
            if answer_until is not None:
                earliest = max(earliest, answer_until + timedelta(days=1))
            return Step(stage, earliest)
    return None


def check_step(step: Step | None, wanted_no: int, on: date) -> Stage:
    """The stage wanted, when it is the next and its day has come. Raises Conflict otherwise."""
    if step is None:
        raise Conflict("dunning.finished", N_("催告步骤都已做完，可以准备调解、仲裁或诉讼。"))
    if step.stage.no != wanted_no:
        raise Conflict("dunning.skipped", N_("催告要按顺序进行，不能跳过步骤。"))
    if on < step.earliest_on:
        raise Conflict(
            "dunning.too_early",
            N_("这一步最早可在 %(day)s进行。"),
            day=step.earliest_on.isoformat(),
        )
    return step.stage


@dataclass(frozen=True)
class Restart:
    """A day on which the three years may begin anew: a demand, a part payment, a promise …"""

    on: date
    ground: str


def limitation_ends(due_on: date, restarts: Iterable[Restart]) -> date:
    """The last day of a bill's three years; each month's bill is counted alone.

    The day that starts a period is not counted and the corresponding day ends it. A demand or
    part payment renews only a claim that has not run out; consent to pay (a promise, a plan)
    renews it even then. A weekend at the end is not added: the earlier day is the safer.
    Source: Civil Code 188, 195, 201, 202; 诉讼时效规定 19; RULES C9.
    """
    last = add_years(due_on, LIMITATION_YEARS)
    for restart in sorted(restarts, key=lambda one: one.on):
        if restart.on > due_on and (restart.on <= last or restart.ground in REVIVING):
            last = max(last, add_years(restart.on, LIMITATION_YEARS))
    return last


def warning(last_on: date, on: date) -> int | None:
    """180, 90 or 30 when so many days or fewer are left, 0 when none, None before."""
    left = (last_on - on).days
    if left < 0:
        return 0
    return min((days for days in WARNING_DAYS if left <= days), default=None)


@dataclass(frozen=True)
class Received:
    """Money laid on bills on a day; below zero what was taken back."""

    on: date
    amount_fen: Fen


def promise_state(amount_fen: Fen, pay_on: date, received: Iterable[Received], on: date) -> str:
    """`kept`, `late` (paid in full after its day), `standing` or `broken`."""
    money = list(received)
    if sum(one.amount_fen for one in money if one.on <= pay_on) >= amount_fen:
        return "kept"
    if sum(one.amount_fen for one in money) >= amount_fen:
        return "late"
    return "standing" if on <= pay_on else "broken"


@dataclass(frozen=True)
class Part:
    """One instalment: its number from 1, by when, how much."""

    no: int
    pay_on: date
    amount_fen: Fen


def instalments(total_fen: Fen, count: int, first_on: date) -> list[Part]:
    """A sum in equal monthly parts that add up exactly; the odd fen go to the first ones.

    The day of the month is the first part's; where a month is too short, its last day.
    Raises RuleBroken for a count that cannot be. Source: RULES, global arithmetic.
    """
    if not 2 <= count <= LARGEST_PLAN:
        raise RuleBroken("plan.count", N_("分期数应在 2 到 36 之间。"), field="count")
    if total_fen < count:
        raise RuleBroken("plan.total", N_("金额太小，不能分成这么多期。"), field="count")
    shares = apportion(total_fen, dict.fromkeys(range(1, count + 1), 1))
    month = Month.of(first_on)
    return [
        Part(no, _day_of(month.shift(no - 1), first_on.day), shares[no])
        for no in range(1, count + 1)
    ]


def _day_of(month: Month, day: int) -> date:
    return month.first.replace(day=min(day, month.days))


@dataclass(frozen=True)
class PlanState:
    """How a plan stands: `kept`, `late`, `broken` or `done`, and each part's own state."""

    state: str
    parts: tuple[str, ...]
    paid_fen: Fen
    due_fen: Fen  # what should have come in by now


def plan_state(
    parts: Sequence[Part], received: Iterable[Received], on: date, *, left_fen: Fen | None = None
) -> PlanState:
    """Compare what came in for a plan's bills with what each day asked for.

    A part is paid when everything up to it came in; `late` for seven days after its day, then
    `broken`, and the plan with it. A plan whose bills are all settled (`left_fen` 0) is done.
    """
    money = sorted(received, key=lambda one: one.on)
    paid = sum(one.amount_fen for one in money)
    asked, states = 0, []
    for part in parts:
        asked += part.amount_fen
        states.append(_part_state(part, asked, paid, money, on))
    due = sum(part.amount_fen for part in parts if part.pay_on <= on)
    if left_fen == 0 or paid >= asked:
        return PlanState("done", tuple(states), paid, due)
    state = next((one for one in ("broken", "late") if one in states), "kept")
    return PlanState(state, tuple(states), paid, due)


def _part_state(part: Part, asked: Fen, paid: Fen, money: Sequence[Received], on: date) -> str:
    if paid >= asked:
        in_time = sum(one.amount_fen for one in money if one.on <= part.pay_on) >= asked
        return "paid" if in_time else "paid_late"
    if on <= part.pay_on:
        return "open"
    return "late" if (on - part.pay_on).days <= PLAN_GRACE_DAYS else "broken"


# Why a case is left out of a batch, the first that applies.
LEFT_OUT: Mapping[str, str] = {
    "paused": N_("已暂缓"),
    "disputed": N_("有异议未答复"),
    "promise": N_("承诺付款期内"),
    "plan": N_("分期履行中"),
    "undelivered": N_("上一封信尚未登记送达"),
    "finished": N_("步骤已做完"),
    "too_early": N_("期限未到"),
}


def left_out(standing: Iterable[str], step: Step | None, on: date) -> str | None:
    """Why a case gets no letter on a day, or None when it does."""
    reasons = set(standing)
    if step is None:
        reasons.add("finished")
    elif on < step.earliest_on:
        reasons.add("too_early")
    return next((reason for reason in LEFT_OUT if reason in reasons), None)


# Verbs that cut, then at most a few small words, then what is cut or shut. A "not" before them
# makes them a promise, which is welcome.
_GAP = r"[了掉其他她户家业主的供用该]{0,4}"
_CUTS = re.compile(
    r"(?<![不未没勿])(?<!不得)(?<!不会)(?<!禁止)(?<!没有)(?:"
    rf"(?:停止|停|断|掐|切断|切|限制|限|关停|关闭){_GAP}(?:水|电(?!话|梯|子)|热|暖|煤?气|燃气|网)"
    r"|拉闸|(?:锁|换|封|堵)[了掉其他她户家业主的]{0,4}(?:门|锁)"
    r"|(?:停用|停|取消|注销|禁用|限制|关闭|关停)[了其他她户家业主的]{0,4}"
    r"(?:门禁|电梯|梯控|车闸|道闸|进出|出入|通行)"
    r"|不[让准许](?!为)[他她其业主]{0,3}(?:进|出|上楼|用电梯))"
)
_SUPPLIES = r"(?:水|电|热|暖气?|煤?气|燃气|网)"
_NEVER = re.compile(
    rf"(?:不得|不会|禁止|没有|[不未没勿])(?:停止?|断|掐|限制?)供?{_SUPPLIES}"
    rf"(?:[、，或和及]?(?:停止?|断|掐|限制?)?供?{_SUPPLIES})*"
)
_CUTS_EN = re.compile(
    r"\b(?:cut(?:ting)? off|disconnect|shut(?:ting)? off|turn(?:ing)? off|stop)\b[\w\s,']{0,24}"
    r"\b(?:water|power|electric\w*|heat\w*|gas)\b"
    r"|\block(?:ing)? (?:\w+ )?out\b|\bchange (?:the|his|her|their) locks?\b"
    r"|\b(?:deny|bar|block)\b[\w\s']{0,16}\b(?:access|entry|entering)\b",
    re.IGNORECASE,
)


def check_words(text: str, field: str | None = None) -> str:
    """The text, trimmed; raises RuleBroken when it speaks of cutting supplies or access.

    Source: Civil Code 944(3): the manager may not press for fees by stopping power, water,
    heat or gas; RULES C8 adds locks and access.
    """
    words = text.strip()
    if _CUTS.search(_NEVER.sub("", words)) or _CUTS_EN.search(words):
        raise RuleBroken(
            "dunning.unlawful",
            N_(
                "法律不允许以停水、停电、停热、停燃气或限制出入的方式催交物业费"
                "（民法典第 944 条）。请删去这样的内容。"
            ),
            field=field,
        )
    return words


def rate(collected_fen: Fen, billed_fen: Fen) -> Decimal | None:
    """Collected of billed as a share of one; None where nothing was billed."""
    return Decimal(collected_fen) / billed_fen if billed_fen else None

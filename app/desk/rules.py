"""What an overview should say, from figures alone: first steps, next things, warnings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from app.billing.subsidy import rules as subsidy
from app.kernel.errors import N_

STATE_WORDS = {
    "issued": N_("本月已出账"),
    "preview": N_("本月待复核"),
    "none": N_("本月未出账"),
}
STATE_TONES = {"issued": "good", "preview": "warn", "none": "plain"}


@dataclass(frozen=True)
class Standing:
    """How far a community is, as the overviews need it."""

    unit_count: int
    owner_count: int
    priced_count: int  # charges with a price in force
    has_scheme: bool
    has_preview: bool
    has_issue: bool


@dataclass(frozen=True)
class Step:
    """A step of getting started; `action` is what the reader must be allowed to do."""

    key: str
    title: str
    text: str
    path: str
    action: str
    done: bool
    optional: bool = False


@dataclass(frozen=True)
class Thing:
    """Something to do next: a sentence with places, where to, how urgent (tone)."""

    text: str
    path: str
    action: str
    tone: str = "plain"


def months_left(until: date | None, today: date) -> int | None:
    """Whole months from today to the first day without subsidy; 0 in the last month."""
    if until is None or until <= today:
        return None
    months = (until.year - today.year) * 12 + until.month - today.month
    return months if until.day >= today.day else months - 1


def warning(until: date | None, today: date) -> int | None:
    """The nearest of the 12, 6 and 3 months' warnings that holds today (D6)."""
    return None if until is None else min(subsidy.alerts_due(until, today), default=None)


def first_steps(standing: Standing) -> list[Step]:
    """From an empty community to its first month of bills, in order."""
    return [
        Step(
            "roll",
            N_("导入名册"),
            N_("用 Excel 带来楼栋、房屋和业主。先预览，核对后再写入；写错可以撤销。"),
            "imports",
            "roster.import",
            standing.unit_count > 0,
        ),
        Step(
            "tariff",
            N_("定收费标准"),
            N_("例如物业费每平方米每月 1.50 元，注明依据和文号。"),
            "tariffs",
            "tariff.edit",
            standing.priced_count > 0,
        ),
        Step(
            "subsidy",
            N_("登记补贴协议"),
            N_("街道每平方米补多少、补几年。没有补贴可以跳过。"),
            "subsidy",
            "subsidy.edit",
            standing.has_scheme,
            optional=True,
        ),
        Step(
            "preview",
            N_("试算一个月"),
            N_("先看合计、与上月的差别、漏了谁；试算不影响任何人。"),
            "runs",
            "run.prepare",
            standing.has_preview or standing.has_issue,
        ),
        Step(
            "issue",
            N_("复核并出账"),
            N_("由另一位同事复核后出账，住户就能看到账单。"),
            "runs",
            "run.confirm",
            standing.has_issue,
        ),
    ]


def next_step(steps: Iterable[Step]) -> Step | None:
    """The first step that is not done and may not be skipped, or None when all are."""
    return next((step for step in steps if not step.done and not step.optional), None)


def next_things(month_state: str, warned: int | None, overdue_fen: int) -> list[Thing]:
    """What wants doing in a community that already bills, the most urgent first."""
    things = []
    if month_state == "preview":
        things.append(Thing(N_("本月账单已试算，等待另一人复核"), "runs", "run.confirm", "warn"))
    if month_state == "none":
        things.append(Thing(N_("本月账单还没有试算"), "runs", "run.prepare", "warn"))
    if warned is not None:
        tone = "bad" if warned <= 6 else "warn"
        things.append(Thing(N_("补贴快到期了，提前告诉住户"), "subsidy", "subsidy.read", tone))
    if overdue_fen > 0:
        things.append(Thing(N_("有逾期未交的账单"), "arrears", "arrears.read"))
    return things

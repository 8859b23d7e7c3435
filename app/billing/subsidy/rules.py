"""What an agreement pays (D1–D4): its term, the rate of a day, who benefits, what is claimed.

Pure: days and figures in, days and fen out. A scheme's dates are computed once, when it is
recorded, by `term`; everything after asks only for days.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from app.kernel.errors import N_, RuleBroken
from app.kernel.money import Fen, round_to_fen
from app.kernel.period import DateRange, Month
from app.kernel.source import Dated, Source, in_force

INCLUSIVE_START, CIVIL_CODE_201 = "inclusive_start", "civil_code_201"

BY_AGREEMENT = Source("民法典", "204")
BY_CIVIL_CODE = Source("民法典", "201、202")
SURVEY = Source("老旧小区改造后长效管理调研报告", "三(四)", seen="quoted")
SHENZHEN_REPLY = Source("深圳市住房和建设局老旧小区改造答复(2023-05-31)", "三", seen="quoted")

# Yuan per m² and month; outside this range only with the document that overrides it (D1).
RATE_RANGE = (Dated((Decimal("0.50"), Decimal("1.00")), date(2000, 1, 1), SURVEY),)
# Yuan per m² invested that each class of works must reach.
CLASS_FLOORS = (
    Dated(
        {"basic": Decimal(400), "improved": Decimal(600), "extended": Decimal(800)},
        date(2000, 1, 1),
        SURVEY,
    ),
)
# Yuan per household where social capital takes part: a capital grant, never a fee subsidy.
CAPITAL_GRANT = (Dated(Decimal(20000), date(2023, 5, 31), SHENZHEN_REPLY),)
ALERT_MONTHS = (12, 6, 3)  # D6: when the people are told that it will end


@dataclass(frozen=True)
class Step:
    """The rate from a day on, in yuan per m² and month."""

    starts_on: date
    rate: Decimal


@dataclass(frozen=True)
class Scheme:
    """An agreement as the rules see it; `days` are its eligible days, already shortened."""

    id: int
    days: DateRange
    steps: tuple[Step, ...]
    unit_kinds: tuple[str, ...] = ("residential",)
    include_unsold: bool = False
    include_developer: bool = False
    excluded: frozenset[int] = frozenset()  # unit ids the agreement leaves out by name
    included: frozenset[int] = frozenset()  # unit ids it pays for whatever their kind


@dataclass(frozen=True)
class Span:
    """Days of a month on which one scheme pays one rate."""

    scheme_id: int
    days: DateRange
    rate: Decimal


def term(entered_on: date, term_months: int, convention: str) -> DateRange:
    """The eligible days of an agreement, counted from the manager's formal entry.

    INCLUSIVE_START counts the day of entry: entry … (entry − 1 day) + term, inclusive.
    CIVIL_CODE_201 begins the day after and ends with the corresponding day, inclusive. A day
    the last month lacks (29 February, 31) becomes its last day (Civil Code 202).
    Raises RuleBroken for an unknown convention or a term of no months.
    Source: RULES D2; Civil Code 201, 202, agreement prevails by 204.
    """
    if term_months < 1:
        raise RuleBroken("subsidy.term", N_("补贴期限至少为一个月。"), field="term_months")
    one = timedelta(days=1)
    if convention == INCLUSIVE_START:
        return DateRange(entered_on, corresponding_day(entered_on - one, term_months) + one)
    if convention == CIVIL_CODE_201:
        return DateRange(entered_on + one, corresponding_day(entered_on, term_months) + one)
    raise RuleBroken("subsidy.convention", N_("不认识的期限算法。"), field="convention")


def corresponding_day(day: date, months: int) -> date:
    """The same day so many months later, or that month's last. Source: Civil Code 202."""
    month = Month.of(day).shift(months)
    return month.first.replace(day=min(day.day, month.days))


def needs_override(rate: Decimal, on: date) -> bool:
    """Whether a rate lies outside what is usual and needs the document that overrides it (D1)."""
    lowest, highest = in_force(RATE_RANGE, on)
    return not lowest <= rate <= highest


def rate_on(steps: Iterable[Step], day: date) -> Decimal | None:
    """The rate in force on a day: that of the latest step begun; None before the first."""
    begun = [step for step in steps if step.starts_on <= day]
    return max(begun, key=lambda step: step.starts_on).rate if begun else None


def spans(schemes: Iterable[Scheme], month: Month) -> list[Span]:
    """The month's days cut wherever scheme or rate changes; days without a rate are left out."""
    found = []
    for scheme in schemes:
        days = scheme.days.overlap(month.range)
        if days is None:
            continue
        steps = sorted(scheme.steps, key=lambda step: step.starts_on)
        ends = [step.starts_on for step in steps[1:]] + [None]
        for step, end in zip(steps, ends, strict=True):
            part = days.overlap(DateRange(step.starts_on, end))
            if part is not None:
                found.append(Span(scheme.id, part, step.rate))
    return sorted(found, key=lambda span: span.days.start)


def benefits(scheme: Scheme, unit_id: int, *, kind: str, unsold: bool, developer: bool) -> bool:
    """Whether an agreement pays for a unit while this owner holds it (D3).

    What the agreement names, in or out, goes before its kinds. The benefit belongs to the
    home and passes with it, so it asks for the owner's kind and never for the owner.
    """
    if unit_id in scheme.excluded:
        return False
    if unit_id in scheme.included:
        return True
    return (
        kind in scheme.unit_kinds
        and (scheme.include_unsold or not unsold)
        and (scheme.include_developer or not developer)
    )


def eligible_days(scheme: Scheme, month: Month) -> int:
    """How many days of a month the agreement pays for, with a rate in force."""
    return sum(span.days.days_in(month) for span in spans([scheme], month))


def net(gross_fen: Fen, area_m2: Decimal, rate_days: Fraction | Decimal, month_days: int) -> Fen:
    """What is paid of one line: min(gross, round(area × Σ(rate × eligible days) ÷ month days)).

    Fen; `rate_days` in yuan per m² × days. One rounding however often the rate steps in the
    month; the resident's part, gross less this, is never below zero.
    Source: RULES D1; worked case F02.
    """
    full = round_to_fen(Fraction(area_m2) * Fraction(rate_days) / month_days)
    return min(gross_fen, full)


def months_left(ends_on: date, on: date) -> int:
    """Whole months from a day to the first unpaid day, rounded down; 0 when it has ended."""
    if ends_on <= on:
        return 0
    months = Month.of(on).months_to(Month.of(ends_on))
    return months if corresponding_day(on, months) <= ends_on else months - 1


def alerts_due(ends_on: date, on: date, told: Collection[int] = ()) -> list[int]:
    """Which of the 12, 6 and 3 months' warnings are due and not yet given (D6).

    A warning is due from the day that lies so many months before the first unpaid day. When
    several are due at once (a scheme recorded late) all are named, so that each is noted;
    nothing is due once the scheme has ended.
    """
    if ends_on <= on:
        return []
    return [m for m in ALERT_MONTHS if m not in told and corresponding_day(ends_on, -m) <= on]


def cliff(lines: Iterable[tuple[Fen, Fen]]) -> tuple[Fen, Fen]:
    """A bill as it is and as it will be: (resident's share now, the same without subsidy).

    Takes (gross, subsidy) of each line, fen. Source: RULES D6.
    """
    pairs = list(lines)
    return sum(gross - paid for gross, paid in pairs), sum(gross for gross, _ in pairs)


def claimable(
    lines: Mapping[str, Sequence[Fen]], removed: Collection[str] = ()
) -> tuple[dict[str, Fen], Fen]:
    """A quarter's claim: each unit's bill lines summed, and their total, fen.

    Always the sum of rounded lines, never total area × rate: the claim is what the bills
    netted. `removed` are units struck out on verification.
    Source: RULES D4; worked case S01.
    """
    by_unit = {unit: sum(fen) for unit, fen in lines.items() if unit not in removed}
    return by_unit, sum(by_unit.values())


def capital_grant(
    renovation_class: str, households: int, *, social_capital: bool, standard_met: bool, on: date
) -> Fen:
    """Shenzhen's 20,000 yuan a household towards the works, in fen: never towards a fee.

    Only where social capital takes part and improved or extended works reach the standard.
    Source: the housing bureau's reply of 2023-05-31; worked case S01.
    """
    if not (social_capital and standard_met and renovation_class in ("improved", "extended")):
        return 0
    return round_to_fen(in_force(CAPITAL_GRANT, on) * households)


def classes_met(invested: Decimal, area_m2: Decimal, on: date) -> list[str]:
    """The classes of works whose floor, yuan per m², an investment reaches (以上 includes it)."""
    floors = in_force(CLASS_FLOORS, on)
    return [name for name, floor in floors.items() if invested >= floor * area_m2]

"""A scheme: its rates, who benefits, when the people are told, what a bill will be after it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from app.billing.subsidy import rules
from app.billing.subsidy.rules import Scheme, Span, Step
from app.kernel.errors import RuleBroken
from app.kernel.period import DateRange, Month

YEARS = DateRange(date(2024, 1, 1), date(2027, 1, 1))
STEPS = (Step(date(2024, 1, 1), Decimal("1.00")), Step(date(2025, 6, 11), Decimal("0.50")))


def scheme(**more: object) -> Scheme:
    return Scheme(1, YEARS, STEPS, **more)  # type: ignore[arg-type]


def test_the_rate_is_that_of_the_latest_step_begun() -> None:
    assert rules.rate_on(STEPS, date(2023, 12, 31)) is None
    assert rules.rate_on(STEPS, date(2025, 6, 10)) == Decimal("1.00")
    assert rules.rate_on(STEPS, date(2025, 6, 11)) == Decimal("0.50")


def test_a_month_is_cut_where_the_rate_steps() -> None:
    june = [
        Span(1, DateRange(date(2025, 6, 1), date(2025, 6, 11)), Decimal("1.00")),
        Span(1, DateRange(date(2025, 6, 11), date(2025, 7, 1)), Decimal("0.50")),
    ]
    assert rules.spans([scheme()], Month(2025, 6)) == june
    assert rules.spans([scheme()], Month(2023, 12)) == []


def test_a_step_in_mid_month_is_rounded_once() -> None:
    """65.33 m²: ten days at 0.50 and twenty at 0.75 are 32.665 + … rounded as one sum."""
    rate_days = 10 * Decimal("0.50") + 20 * Decimal("0.75")
    assert rules.net(99999, Decimal("65.33"), rate_days, 30) == 4355  # 43.5533…
    apart = rules.net(9999, Decimal("65.33"), Decimal(5), 30) + rules.net(
        9999, Decimal("65.33"), Decimal(15), 30
    )
    assert apart == 1089 + 3267  # 10.8883… and 32.665: one fen more than the rule allows


def test_a_subsidy_never_passes_the_fee() -> None:
    assert rules.net(3000, Decimal("100.00"), Decimal(30), 30) == 3000


@pytest.mark.parametrize(
    ("more", "unit", "expected"),
    [
        ({}, {}, True),
        ({}, {"kind": "commercial"}, False),
        ({}, {"unsold": True}, False),
        ({}, {"developer": True}, False),
        ({"include_unsold": True}, {"unsold": True}, True),
        ({"include_developer": True}, {"developer": True}, True),
        ({"unit_kinds": ("residential", "commercial")}, {"kind": "commercial"}, True),
        ({"excluded": frozenset({7})}, {}, False),
        ({"included": frozenset({7})}, {"kind": "parking", "developer": True}, True),
    ],
)
def test_who_benefits(more: dict, unit: dict, expected: bool) -> None:
    usual = {"kind": "residential", "unsold": False, "developer": False}
    assert rules.benefits(scheme(**more), 7, **(usual | unit)) is expected


@pytest.mark.parametrize(
    ("rate", "needed"), [("0.49", True), ("0.50", False), ("1.00", False), ("1.01", True)]
)
def test_a_rate_outside_half_a_yuan_to_one_needs_a_document(rate: str, needed: bool) -> None:
    assert rules.needs_override(Decimal(rate), date(2026, 1, 1)) is needed


@pytest.mark.parametrize(
    ("on", "left", "due"),
    [
        (date(2025, 12, 31), 12, []),
        (date(2026, 1, 1), 12, [12]),
        (date(2026, 1, 2), 11, [12]),
        (date(2026, 7, 1), 6, [12, 6]),
        (date(2026, 10, 1), 3, [12, 6, 3]),
        (date(2026, 12, 31), 0, [12, 6, 3]),
        (date(2027, 1, 1), 0, []),
    ],
)
def test_the_people_are_told_twelve_six_and_three_months_before(
    on: date, left: int, due: list[int]
) -> None:
    assert rules.months_left(date(2027, 1, 1), on) == left
    assert rules.alerts_due(date(2027, 1, 1), on) == due
    assert rules.alerts_due(date(2027, 1, 1), on, told=due) == []


def test_a_bill_after_the_cliff_is_its_gross() -> None:
    assert rules.cliff([(11999, 4444), (800, 0)]) == (8355, 12799)


def test_a_term_needs_a_known_convention_and_at_least_a_month() -> None:
    for months, convention in ((0, "inclusive_start"), (36, "by_ear")):
        with pytest.raises(RuleBroken):
            rules.term(date(2025, 1, 1), months, convention)

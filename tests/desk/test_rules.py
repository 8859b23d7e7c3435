from __future__ import annotations

from datetime import date

import pytest

from app.desk import rules
from app.desk.rules import Standing

EMPTY = Standing(0, 0, 0, False, False, False)
ALL = Standing(10, 10, 1, True, False, True)


@pytest.mark.parametrize(
    ("until", "today", "left", "warned"),
    [
        # 2027-03-01 is the first day without: on 2026-03-01 exactly twelve months are left.
        (date(2027, 3, 1), date(2026, 2, 28), 12, None),
        (date(2027, 3, 1), date(2026, 3, 1), 12, 12),
        (date(2027, 3, 1), date(2026, 3, 2), 11, 12),
        (date(2027, 3, 1), date(2026, 9, 1), 6, 6),
        (date(2027, 3, 1), date(2026, 8, 31), 6, 12),
        (date(2027, 3, 1), date(2026, 12, 1), 3, 3),
        (date(2027, 3, 1), date(2027, 2, 28), 0, 3),
        (date(2027, 3, 1), date(2027, 3, 1), None, None),
        (None, date(2027, 3, 1), None, None),
        (date(2027, 5, 31), date(2027, 2, 28), 3, 3),
    ],
)
def test_how_long_the_subsidy_still_runs(
    until: date | None, today: date, left: int | None, warned: int | None
) -> None:
    assert rules.months_left(until, today) == left
    assert rules.warning(until, today) == warned


def test_an_empty_community_begins_with_its_roll() -> None:
    steps = rules.first_steps(EMPTY)
    assert [step.key for step in steps] == ["roll", "tariff", "subsidy", "preview", "issue"]
    assert not any(step.done for step in steps)
    first = rules.next_step(steps)
    assert first is not None
    assert first.key == "roll"


def test_a_community_without_a_subsidy_is_not_held_up_by_it() -> None:
    steps = rules.first_steps(Standing(10, 8, 1, False, False, False))
    following = rules.next_step(steps)
    assert following is not None
    assert following.key == "preview"


def test_once_issued_nothing_is_left() -> None:
    assert rules.next_step(rules.first_steps(ALL)) is None


def test_the_month_and_the_warning_come_before_arrears() -> None:
    things = rules.next_things("preview", 6, 100)
    assert [one.path for one in things] == ["runs", "subsidy", "arrears"]
    assert [one.tone for one in things] == ["warn", "bad", "plain"]
    assert rules.next_things("issued", None, 0) == []

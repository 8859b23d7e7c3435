"""Months and half-open ranges of days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.errors import NotFound, RuleBroken
from app.kernel.period import DateRange, Month, add_years
from app.kernel.source import Dated, Source, in_force

DAYS = st.dates(date(1950, 1, 1), date(2198, 12, 31))


def test_a_month_knows_its_days_in_leap_years_too():
    assert Month(2024, 2).days == 29
    assert Month(2100, 2).days == 28
    assert Month(2000, 2).last == date(2000, 2, 29)
    assert Month(2026, 12).range == DateRange(date(2026, 12, 1), date(2027, 1, 1))


@pytest.mark.parametrize("text", ["2026-03", "2026/3", "2026年3月", " 2026.03 ", "2026年03月"])
def test_months_are_read_as_people_write_them(text: str):
    assert Month.parse(text) == Month(2026, 3)


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-00", "0001-01", "3月", "2026-03-01"])
def test_what_is_no_month_is_refused(text: str):
    with pytest.raises(RuleBroken):
        Month.parse(text)


@given(DAYS, st.integers(-600, 600))
def test_shifting_there_and_back_is_where_one_was(day: date, months: int):
    month = Month.of(day)
    try:
        there = month.shift(months)
    except RuleBroken:
        return
    assert there.shift(-months) == month
    assert month.months_to(there) == months
    assert len(list(month.until(there))) == max(0, months + 1)


@given(DAYS, DAYS, st.none() | DAYS)
def test_days_in_a_month_are_those_counted_one_by_one(at: date, start: date, end):
    month = Month.of(at)
    if end is not None and end <= start:
        end = start + timedelta(days=1)
    held = DateRange(start, end)
    counted = sum(month.first + timedelta(days=n) in held for n in range(month.days))
    assert held.days_in(month) == counted


def test_ranges_are_half_open():
    held = DateRange(date(2026, 3, 5), date(2026, 3, 10))
    assert date(2026, 3, 5) in held
    assert date(2026, 3, 10) not in held
    assert held.overlap(DateRange(date(2026, 3, 10))) is None
    assert held.overlap(DateRange(date(2026, 3, 9))) == DateRange(
        date(2026, 3, 9), date(2026, 3, 10)
    )
    assert DateRange(date(2026, 1, 1)).overlap(DateRange(date(2026, 2, 1))) == DateRange(
        date(2026, 2, 1)
    )


def test_the_corresponding_day_of_29_february_is_the_last_of_the_month():
    """Civil Code art. 202: no corresponding day means the month's last."""
    assert add_years(date(2024, 2, 29), 3) == date(2027, 2, 28)
    assert add_years(date(2024, 2, 29), 4) == date(2028, 2, 29)
    assert add_years(date(2023, 3, 15), 3) == date(2026, 3, 15)


def test_the_number_in_force_is_the_one_of_the_day():
    source = Source("某办法", "第七条")
    old = Dated(5, date(2020, 1, 1), source, date(2024, 1, 1))
    new = Dated(8, date(2024, 1, 1), source)
    assert in_force([old, new], date(2023, 12, 31)) == 5
    assert in_force([old, new], date(2024, 1, 1)) == 8
    with pytest.raises(NotFound):
        in_force([old, new], date(2019, 12, 31))
    assert str(source) == "某办法 第七条"

"""Months and half-open ranges of days."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from app.kernel.errors import N_, RuleBroken

EARLIEST, LATEST = 1949, 2199


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month; bills, entries and closings belong to one."""

    year: int
    number: int

    def __post_init__(self) -> None:
        if not (EARLIEST <= self.year <= LATEST and 1 <= self.number <= 12):
            raise RuleBroken("month.unreal", N_("没有 %(month)s 这个月份。"), month=str(self))

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `2026-03`, `2026/3` or `2026年3月`. Raises RuleBroken with a sentence."""
        match = re.fullmatch(r"\s*(\d{4})\s*[-/.年]\s*(\d{1,2})\s*月?\s*", text)
        if not match:
            raise RuleBroken(
                "month.unreadable", N_("“%(text)s”不是月份，请写成 2026-03。"), text=text[:20]
            )
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Month:
        """The month a day lies in."""
        return cls(day.year, day.month)

    @property
    def first(self) -> date:
        """The first day."""
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """The last day, inclusive."""
        return date(self.year, self.number, self.days)

    @property
    def days(self) -> int:
        """How many days the month has."""
        return calendar.monthrange(self.year, self.number)[1]

    @property
    def range(self) -> DateRange:
        """All its days."""
        return DateRange(self.first, self.last + timedelta(days=1))

    def shift(self, months: int) -> Month:
        """The month so many months later (earlier when negative)."""
        index = self.year * 12 + self.number - 1 + months
        return Month(index // 12, index % 12 + 1)

    def until(self, end: Month) -> Iterator[Month]:
        """Each month from this one up to and including `end`."""
        month = self
        while month <= end:
            yield month
            month = month.shift(1)

    def months_to(self, other: Month) -> int:
        """How many months later `other` is."""
        return (other.year - self.year) * 12 + other.number - self.number


@dataclass(frozen=True)
class DateRange:
    """Days from `start` up to but not including `end`; no `end` means for good."""

    start: date
    end: date | None = None

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)

    def overlap(self, other: DateRange) -> DateRange | None:
        """The days both have, or None."""
        start = max(self.start, other.start)
        ends = [end for end in (self.end, other.end) if end is not None]
        end = min(ends) if ends else None
        return None if end is not None and end <= start else DateRange(start, end)

    def days_in(self, month: Month) -> int:
        """How many of its days lie in a month."""
        common = self.overlap(month.range)
        return 0 if common is None or common.end is None else (common.end - common.start).days


def add_years(day: date, years: int) -> date:
    """The corresponding day some years later; 29 February becomes 28 where it must.

    Source: Civil Code art. 202, which names the month's last day where there is no
    corresponding one.
    """
    year = day.year + years
    return date(year, day.month, min(day.day, calendar.monthrange(year, day.month)[1]))

"""The only place that asks the time, so that tests and histories can move it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")  # all of China keeps this time; legal days are its days

_offset: ContextVar[timedelta | None] = ContextVar("clock_offset", default=None)


def now() -> datetime:
    """This instant, in UTC."""
    offset = _offset.get()
    return datetime.now(UTC) + (offset if offset is not None else _offset_from_environment())


def today() -> date:
    """The legal day it is now, in China."""
    return now().astimezone(CHINA).date()


def local(instant: datetime) -> datetime:
    """An instant on a Chinese wall clock."""
    return instant.astimezone(CHINA)


@contextmanager
def moved_to(instant: datetime | date) -> Iterator[None]:
    """Let the clock run on from another instant (noon in China for a bare date)."""
    if not isinstance(instant, datetime):
        instant = datetime(instant.year, instant.month, instant.day, 12, tzinfo=CHINA)
    token = _offset.set(instant.astimezone(UTC) - datetime.now(UTC))
    try:
        yield
    finally:
        _offset.reset(token)


def _offset_from_environment() -> timedelta:
    seconds = os.environ.get("LINLI_CLOCK_OFFSET_SECONDS")
    return timedelta(seconds=float(seconds)) if seconds else timedelta()

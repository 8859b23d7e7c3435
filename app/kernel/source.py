"""Where a number comes from: document, article, and the days it is in force."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from app.kernel.errors import N_, NotFound

T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """A citation. `seen` tells how sure we are: text, quoted, memory or design."""

    document: str
    article: str = ""
    seen: str = "text"

    def __str__(self) -> str:
        return f"{self.document} {self.article}".strip()


@dataclass(frozen=True)
class Dated(Generic[T]):
    """A value in force from `starts_on` until `ends_on` (exclusive; None: still)."""

    value: T
    starts_on: date
    source: Source
    ends_on: date | None = None


def in_force(rows: Iterable[Dated[T]], on: date) -> T:
    """The value in force on a day. Raises NotFound when no row covers it."""
    for row in rows:
        if row.starts_on <= on and (row.ends_on is None or on < row.ends_on):
            return row.value
    raise NotFound("source.none", N_("%(on)s 没有有效的规定。"), on=on.isoformat())

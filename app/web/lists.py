"""Lists: search, filter, sort and page from the address; the same rows as a sheet.

A room describes its list once and answers with it:

    UNITS = Listing("units", columns=(Column("label", N_("房号"), Unit.sort_key), …), …)

    @pages.get("/c/<int:community_id>/units")
    @needs("roster.read")
    def units(community_id: int) -> Any:
        return UNITS.answer(queries.units(community_id), "registry/units.html")

Only the columns, filters and orders named here are ever read from the address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from flask import Response, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import ColumnElement, Select, func, select

from app.kernel.db import db
from app.kernel.errors import HouseError
from app.kernel.period import Month
from app.web import sheets
from app.web.fields import plain

PER_PAGE = (25, 50, 100, 200)
DEEPEST_ROW = 1_000_000  # past it, a page is asked for by nobody but a robot
LONGEST_WORD = 60


@dataclass(frozen=True)
class Column:
    """A column: the row's attribute, its heading (msgid), how to sort by it, how to write it.

    `kind` is one of `formats.KINDS` or `text`; `words` turns a code into a msgid; `shown`
    False keeps a column for the sheet alone; `exported` False for the page alone.
    """

    key: str
    label: str
    sort: ColumnElement[Any] | Any | None = None
    kind: str = "text"
    words: Mapping[str, str] | None = None
    shown: bool = True
    exported: bool = True

    @property
    def heading(self) -> str:
        """The heading in the reader's language."""
        return gettext(self.label)


Apply = Callable[[Select[Any], Any], Select[Any]]


@dataclass(frozen=True)
class Filter:
    """A filter of the address: `kind` choice, text, month or date; `apply` narrows the select.

    `choices` are codes and msgids, or a function giving values and words at the time.
    A value that cannot be read is as if it were not given.
    """

    name: str
    label: str
    apply: Apply
    kind: str = "choice"
    choices: Mapping[str, str] | Callable[[], Mapping[str, str]] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """The label in the reader's language."""
        return gettext(self.label)

    def options(self) -> list[tuple[str, str]]:
        """Values and words to choose from."""
        if callable(self.choices):
            return list(self.choices().items())
        return [(value, gettext(word)) for value, word in self.choices.items()]

    def read(self, text: str) -> Any:
        """The value meant by the address, or None."""
        word = plain(text)[:LONGEST_WORD]
        if not word or "\x00" in word:
            return None
        try:
            if self.kind == "month":
                return Month.parse(word)
            if self.kind == "date":
                return date.fromisoformat(word)
        except (HouseError, ValueError):
            return None
        if self.kind == "choice" and word not in dict(self.options()):
            return None
        return word


@dataclass(frozen=True)
class Asked:
    """What the address asks for, already cleaned."""

    search: str
    sort: str
    descending: bool
    number: int
    per_page: int
    filters: Mapping[str, Any]


@dataclass
class Page:
    """One page of a list, as a template shows it."""

    listing: Listing
    asked: Asked
    rows: list[Any]
    total: int
    every: list[Any] = field(default_factory=list)

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // self.asked.per_page))

    @property
    def first(self) -> int:
        """The number of the first row shown; 0 when there is none."""
        return (self.asked.number - 1) * self.asked.per_page + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return self.first + len(self.rows) - 1 if self.rows else 0

    @property
    def columns(self) -> list[Column]:
        """The columns a page shows."""
        return [column for column in self.listing.columns if column.shown]

    @property
    def narrowed(self) -> bool:
        """Whether a search or filter is at work (an empty list then means: no match)."""
        return bool(self.asked.search or self.asked.filters)

    def url(self, **changes: Any) -> str:
        """This list's address with something changed; None takes a word out."""
        kept = {name: value for name, value in request.args.items() if name not in {"lang"}}
        kept.update({key: value for key, value in changes.items() if value is not None})
        for name, value in changes.items():
            if value is None:
                kept.pop(name, None)
        return url_for(str(request.endpoint), **{**(request.view_args or {}), **kept})

    def sort_url(self, column: Column) -> str:
        """The address sorted by a column; the other way round where it is sorted already."""
        turn = self.asked.sort == column.key and not self.asked.descending
        return self.url(sort=f"-{column.key}" if turn else column.key, page=None)

    def sorted_by(self, column: Column) -> str | None:
        """`ascending`, `descending` or None, for aria-sort."""
        if self.asked.sort != column.key:
            return None
        return "descending" if self.asked.descending else "ascending"

    def around(self) -> list[int | None]:
        """Numbers for the pager: the first, the last and those around; None for a gap."""
        near = range(self.asked.number - 2, self.asked.number + 3)
        wanted = sorted({1, self.pages, *(n for n in near if 1 <= n <= self.pages)})
        shown: list[int | None] = []
        for number in wanted:
            if shown and shown[-1] is not None and number > shown[-1] + 1:
                shown.append(None)
            shown.append(number)
        return shown


@dataclass(frozen=True)
class Listing:
    """A list of a room. `search(select, word)` narrows by what is typed into the search box.

    `tiebreak` makes the order total, so that no row shows twice or never. `default_sort`
    names a column, with `-` before it for descending.
    """

    name: str
    columns: tuple[Column, ...]
    default_sort: str
    tiebreak: ColumnElement[Any] | Any
    filters: tuple[Filter, ...] = ()
    search: Apply | None = None
    search_label: str = ""
    per_page: int = 50

    def asked(self) -> Asked:
        """Read the present address."""
        args = request.args
        sortable = {column.key for column in self.columns if column.sort is not None}
        wish = args.get("sort", self.default_sort)
        if wish.removeprefix("-") not in sortable:
            wish = self.default_sort
        per_page = args.get("per_page", self.per_page, int)
        found = {one.name: one.read(args[one.name]) for one in self.filters if one.name in args}
        word = plain(args.get("q", ""))[:LONGEST_WORD].replace("\x00", "")
        per_page = per_page if per_page in PER_PAGE else self.per_page
        return Asked(
            search=word if self.search else "",
            sort=wish.removeprefix("-"),
            descending=wish.startswith("-"),
            number=min(max(1, args.get("page", 1, int)), DEEPEST_ROW // per_page),
            per_page=per_page,
            filters={name: value for name, value in found.items() if value is not None},
        )

    def narrow(self, rows: Select[Any], asked: Asked) -> Select[Any]:
        """The rows that match search and filters."""
        if asked.search and self.search is not None:
            rows = self.search(rows, asked.search)
        for one in self.filters:
            if one.name in asked.filters:
                rows = one.apply(rows, asked.filters[one.name])
        return rows

    def ordered(self, rows: Select[Any], asked: Asked) -> Select[Any]:
        """In the order asked for, ties broken."""
        sort: Any = next(column.sort for column in self.columns if column.key == asked.sort)
        return rows.order_by(
            sort.desc().nulls_last() if asked.descending else sort.asc().nulls_last(), self.tiebreak
        )

    def page(self, rows: Select[Any]) -> Page:
        """The page asked for: two statements. A page past the last shows the last."""
        asked = self.asked()
        narrowed = self.narrow(rows, asked)
        total = db.session.execute(
            select(func.count()).select_from(narrowed.order_by(None).subquery())
        ).scalar_one()
        last = max(1, -(-total // asked.per_page))
        if asked.number > last:
            asked = replace(asked, number=last)
        wanted = self.ordered(narrowed, asked).limit(asked.per_page)
        found = db.session.execute(wanted.offset((asked.number - 1) * asked.per_page)).all()
        return Page(self, asked, list(found), total)

    def answer(self, rows: Select[Any], template: str, **context: Any) -> str | Response:
        """The page, or with `?format=xlsx` or `csv` every matching row as a file."""
        form = request.args.get("format")
        if form in sheets.WRITERS:
            return self.export(rows, form)
        return render_template(template, page=self.page(rows), **context)

    def export(self, rows: Select[Any], form: str) -> Response:
        """Every row that matches, streamed from a temporary file."""
        asked = self.asked()
        wanted = self.ordered(self.narrow(rows, asked), asked)
        found = db.session.execute(wanted.execution_options(yield_per=1000))
        columns = [column for column in self.columns if column.exported]
        return sheets.answer(self.name, columns, found, form)


def page_of(rows: Iterable[Any], listing: Listing) -> Page:
    """The page asked for of rows already at hand, sorted by attribute; `every` has them all.

    For lists a page needs whole anyway, to add them up. `sort` and `tiebreak` are names of
    attributes here. Rows without a value come last.
    """
    asked = listing.asked()
    known = sorted(rows, key=lambda row: getattr(row, listing.tiebreak))
    having = [row for row in known if getattr(row, asked.sort) is not None]
    having.sort(key=lambda row: getattr(row, asked.sort), reverse=asked.descending)
    every = having + [row for row in known if getattr(row, asked.sort) is None]
    last = max(1, -(-len(every) // asked.per_page))
    asked = replace(asked, number=min(asked.number, last))
    first = (asked.number - 1) * asked.per_page
    return Page(listing, asked, every[first : first + asked.per_page], len(every), every)

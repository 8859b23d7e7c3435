"""A person's word on which column is which, kept with an account and used for its next file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.kernel.errors import N_
from app.payments.statements import headings
from app.payments.statements.cells import clean, is_blank
from app.payments.statements.grid import SEARCHED_ROWS, Head, Table, word
from app.payments.statements.lines import StatementError

DATE_ORDERS = ("ymd", "dmy", "mdy")
DECIMALS = (".", ",")


@dataclass(frozen=True)
class Mapping:
    """Which column, from 0, means what; fit to be stored as JSON.

    `headers` is the heading row the columns belong to, empty for a file without one. `columns`
    maps a field of `headings.FIELDS` to a column; a day is needed, and a sum: one signed
    column (or one with `flag`, where the words of direction stand), or income and expense.
    """

    headers: tuple[str, ...] = ()
    columns: dict[str, int] = field(default_factory=dict)
    date_order: str = "ymd"
    decimal: str = "."

    @property
    def missing(self) -> tuple[str, ...]:
        """Fields still to be named before a file can be read: `date`, `amount`."""
        lacking = [] if "date" in self.columns else ["date"]
        if "amount" not in self.columns and not {"income", "expense"} <= set(self.columns):
            lacking.append("amount")
        return tuple(lacking)

    def as_json(self) -> dict[str, Any]:
        """For a JSON column."""
        return {
            "headers": list(self.headers),
            "columns": dict(self.columns),
            "date_order": self.date_order,
            "decimal": self.decimal,
        }

    @classmethod
    def from_json(cls, stored: Any) -> Mapping:
        """Back from JSON, or from a form's answers. Raises StatementError when it is not one."""
        try:
            made = cls(
                headers=tuple(str(one) for one in stored.get("headers", ())),
                columns={str(key): int(at) for key, at in stored["columns"].items()},
                date_order=str(stored.get("date_order", "ymd")),
                decimal=str(stored.get("decimal", ".")),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            raise _unusable() from None
        known = set(made.columns) <= set(headings.FIELDS)
        if not known or any(not 0 <= at < 200 for at in made.columns.values()):
            raise _unusable()
        if made.date_order not in DATE_ORDERS or made.decimal not in DECIMALS:
            raise _unusable()
        return made

    def head(self, table: Table) -> Head:
        """Where in a table the mapped heading stands. Raises StatementError when it does not."""
        if self.missing:
            raise StatementError(
                "statement.mapping_incomplete",
                N_("列的对应还不完整：请指明哪一列是日期，哪一列是金额（或收入、支出两列）。"),
            )
        if not self.headers:
            return Head(-1, (), self.columns, self.date_order, self.decimal)
        wanted = [word(one) for one in self.headers]
        for at, (_number, row) in enumerate(table.rows[:SEARCHED_ROWS]):
            if _trimmed([word(one) for one in row]) == _trimmed(wanted):
                titles = tuple(clean(one) for one in row)
                return Head(at, titles, self.columns, self.date_order, self.decimal)
        raise StatementError(
            "statement.mapping_differs",
            N_("文件的表头与所记的列对应不一致，可能换了格式。请重新指明各列。"),
        )


def guess_mapping(titles: Sequence[str], rows: Sequence[Sequence[str]] = ()) -> Mapping:
    """A first proposal from the heading's words and some rows; look at `missing`."""
    columns = headings.match(titles)
    days = _column(rows, columns.get("date"))
    sums = [
        cell
        for key in ("amount", "income", "expense", "balance")
        for cell in _column(rows, columns.get(key))
    ]
    return Mapping(
        headers=tuple(clean(one) for one in titles),
        columns=columns,
        date_order=_date_order(days),
        decimal="," if _ends_with_comma(sums) else ".",
    )


def sample(table: Table, count: int = 20) -> tuple[tuple[str, ...], list[list[str]]]:
    """A heading and rows to show a person who maps columns: the likeliest row and what follows.

    Where no known words are, the heading is the first of the widest rows.
    """
    known = headings.find_heading(table)
    if known is not None:
        at = known.at
    else:
        widths = [sum(1 for one in row if one.strip()) for _n, row in table.rows[:SEARCHED_ROWS]]
        at = widths.index(max(widths)) if widths else 0
    titles = tuple(clean(one) for one in table.rows[at][1]) if table.rows else ()
    return titles, [[clean(one) for one in row] for _n, row in table.rows[at + 1 : at + 1 + count]]


def with_sampled_forms(head: Head, table: Table) -> Head:
    """A heading known by its words, with the forms of day and sum its rows show."""
    rows = [row for _number, row in table.rows[head.at + 1 : head.at + 201]]
    guessed = guess_mapping(head.titles, rows)
    return Head(
        head.at,
        head.titles,
        head.columns,
        guessed.date_order,
        guessed.decimal,
        headings.text_columns(head.titles),
    )


def _column(rows: Sequence[Sequence[str]], index: int | None) -> list[str]:
    if index is None:
        return []
    cells = [unicodedata.normalize("NFKC", clean(row[index])) for row in rows if index < len(row)]
    return [cell for cell in cells if not is_blank(cell)]


def _date_order(days: Sequence[str]) -> str:
    """Day first unless some second number is past 12; year first where four digits lead."""
    pairs = [
        (int(found[1]), int(found[2]))
        for day in days
        if (found := re.match(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}", day))
    ]
    if not pairs or len(pairs) * 2 < len(days):
        return "ymd"
    return "mdy" if any(second > 12 for _first, second in pairs) else "dmy"


def _ends_with_comma(sums: Sequence[str]) -> bool:
    """Whether a comma ends the units: 1.234,56 and 4,50 but not 1,234 or 1,234.50."""
    commas = sum(bool(re.search(r",\d{1,2}\D*$", one)) for one in sums)
    points = sum(bool(re.search(r"\.\d{1,2}\D*$", one)) for one in sums)
    return commas > points


def _trimmed(words: list[str]) -> list[str]:
    while words and not words[-1]:
        words = words[:-1]
    return words


def _unusable() -> StatementError:
    return StatementError("statement.mapping_unusable", N_("列的对应无法使用，请重新指明各列。"))

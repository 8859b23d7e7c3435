"""A table of cells out of an opened file: the sheet to read and its first rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook

from app.kernel.tables import guard, sheets
from app.kernel.tables.sheets import Row
from app.registry.imports.columns import Header, find_header


@dataclass(frozen=True)
class Table:
    """What is to be read: the sheet's name, all sheets' names, and its rows from row 1."""

    name: str
    names: tuple[str, ...]
    rows: Any  # re-iterable, of (row number from 1, cells)
    first: tuple[Row, ...]

    def header(self) -> Header | None:
        """The heading row, if one is recognised."""
        return find_header(self.first)


def open_table(path: Path, sheet_name: str | None = None) -> Table:
    """The named sheet, or the one that looks most like a roster. Raises Refused."""
    kind = guard.kind_of_file(path)
    if kind == "csv":
        rows = sheets.CsvRows(path, sheets.encoding_of(path))
        return Table("", (), rows, _head(rows))
    book = sheets.open_book(path)
    table = _best(book, sheet_name)
    sheets.refuse_formulas(path, kind, table.name, book.sheet_names.index(table.name))
    return table


def _best(book: CalamineWorkbook, sheet_name: str | None) -> Table:
    names = sheets.visible_names(book)
    if sheet_name in names:
        return _sheet_table(book, str(sheet_name), names)
    tables = [_sheet_table(book, name, names) for name in names[:20]]

    def likeness(table: Table) -> int:
        header = table.header()
        return len(header.columns) if header else 0

    return max(tables, key=likeness)  # the first of equals


def _sheet_table(book: CalamineWorkbook, name: str, names: Sequence[str]) -> Table:
    rows = sheets.rows_of(book, name)
    return Table(name, tuple(names), rows, _head(rows))


def _head(rows: Any) -> tuple[Row, ...]:
    first: list[Row] = []
    for number, row in rows:
        while len(first) < number - 1:
            first.append(())
        first.append(row)
        if number >= 45:
            break
    return tuple(first)

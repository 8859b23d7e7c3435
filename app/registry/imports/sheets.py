"""A table of cells out of an opened file: the sheet to read, its rows, merged cells filled."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import python_calamine
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

from app.kernel.errors import N_
from app.registry.imports import compound, guard
from app.registry.imports.columns import MOST_COLUMNS, Header, find_header, letter
from app.registry.imports.refusals import Refused

DELIMITERS = ",\t;|"
Row = Sequence[Any]


@dataclass(frozen=True)
class Table:
    """What is to be read: the sheet's name, all sheets' names, and its rows from row 1."""

    name: str
    names: tuple[str, ...]
    rows: Any  # re-iterable, of (row number from 1, cells)
    first: tuple[Row, ...]
    position: int = 0  # among all sheets, hidden ones too

    def header(self) -> Header | None:
        """The heading row, if one is recognised."""
        return find_header(self.first)


def open_table(path: Path, sheet_name: str | None = None) -> Table:
    """The named sheet, or the one that looks most like a roster. Raises Refused."""
    kind = guard.kind_of_file(path)
    if kind == "csv":
        return _csv_table(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
    except PasswordError:
        raise Refused(N_("文件有密码。请取消密码后再上传。")) from None
    except (CalamineError, OSError, ValueError):
        raise _unreadable() from None
    table = _best(book, sheet_name)
    cells = _formula_cells(path, kind, table)
    if cells:
        raise Refused(
            N_(
                "工作表“%(sheet)s”的这些单元格是公式：%(cells)s。请全选、复制，"
                "再“选择性粘贴”为数值后重新上传。"
            ),
            sheet=table.name,
            cells="、".join(cells),
        )
    return table


def _best(book: CalamineWorkbook, sheet_name: str | None) -> Table:
    names = tuple(
        one.name
        for one in book.sheets_metadata
        if one.typ == python_calamine.SheetTypeEnum.WorkSheet
        and one.visible == python_calamine.SheetVisibleEnum.Visible
    )
    if not names:
        raise Refused(N_("文件里没有工作表。"))
    if sheet_name in names:
        return _sheet_table(book, str(sheet_name), names)
    tables = [_sheet_table(book, name, names) for name in names[:20]]

    def likeness(table: Table) -> int:
        header = table.header()
        return len(header.columns) if header else 0

    return max(tables, key=likeness)  # the first of equals


def _sheet_table(book: CalamineWorkbook, name: str, names: tuple[str, ...]) -> Table:
    try:
        sheet = book.get_sheet_by_name(name)
    except (CalamineError, ValueError):
        raise _unreadable() from None
    rows = _SheetRows(sheet)
    return Table(name, names, rows, _head(rows), book.sheet_names.index(name))


class _SheetRows:
    """A sheet's rows with their numbers as Excel shows them."""

    def __init__(self, sheet: CalamineSheet) -> None:
        self.sheet = sheet
        # Rows come from the very first, columns from the first that holds anything.
        self.start_column = sheet.start[1] if sheet.start else 0
        self.merged: dict[int, list[tuple[int, int]]] = {}
        for (top, left), (bottom, _right) in sheet.merged_cell_ranges or ():
            if bottom > top and left < MOST_COLUMNS:
                self.merged.setdefault(top, []).append((left, bottom))

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        if self.sheet.start is None:
            return
        padding = [""] * self.start_column
        filling: dict[int, tuple[int, Any]] = {}
        for index, cells in enumerate(self.sheet.iter_rows()):
            row = padding + cells[: MOST_COLUMNS - self.start_column]
            if filling or index in self.merged:
                self._fill(index, row, filling)
            yield index + 1, row

    def _fill(self, index: int, row: list[Any], filling: dict[int, tuple[int, Any]]) -> None:
        for column, bottom in self.merged.get(index, ()):
            if column < len(row):
                filling[column] = (bottom, row[column])
        for column, (bottom, value) in list(filling.items()):
            if index > bottom:
                del filling[column]
            elif column < len(row) and row[column] == "":
                row[column] = value


def _csv_table(path: Path) -> Table:
    rows = _CsvRows(path, _encoding(path))
    first = _head(rows)
    return Table("", (), rows, first)


class _CsvRows:
    """A text file's rows, numbered by record as a spreadsheet would show them."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.path, self.encoding = path, encoding
        csv.field_size_limit(100_000)
        with self._open() as file:
            lines = [line for line in (file.readline(20_000) for _ in range(40)) if line]
        self.delimiter = _delimiter(lines)

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        formulas: list[str] = []
        with self._open() as file:
            try:
                for number, row in enumerate(csv.reader(file, delimiter=self.delimiter), start=1):
                    formulas += [
                        f"{letter(column)}{number}"
                        for column, cell in enumerate(row)
                        if cell[:1] == "=" and len(formulas) < guard.SHOWN_FORMULAS
                    ]
                    yield number, row[:MOST_COLUMNS]
            except csv.Error:
                raise Refused(
                    N_("文本文件里有引号没有成对，读不下去。请另存为 .xlsx 再上传。")
                ) from None
        if formulas:
            raise Refused(
                N_("这些单元格是公式：%(cells)s。请改成数值后重新上传。"), cells="、".join(formulas)
            )

    def _open(self) -> io.TextIOWrapper:
        return self.path.open(encoding=self.encoding, newline="")


def _delimiter(lines: Sequence[str]) -> str:
    """The separator that most lines have the same number of, at least once."""

    def evenness(mark: str) -> tuple[int, int]:
        counts = [line.count(mark) for line in lines if line.strip()]
        usual = max(set(counts), key=lambda n: (counts.count(n) if n else 0, n), default=0)
        return (counts.count(usual) if usual else 0, usual)

    return max(DELIMITERS, key=evenness)


def _encoding(path: Path) -> str:
    """UTF-8, UTF-16 by its mark, or GB18030 (which reads GBK and GB2312). Raises Refused."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    else:
        candidates = ["utf-8-sig", "gb18030"]
    for encoding in candidates:
        if _reads_as(path, encoding):
            return encoding
    raise Refused(N_("认不出文件的编码，也不是表格。请在 Excel 中另存为 .xlsx 再上传。"))


def _reads_as(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while chunk := file.read(1 << 20):
                if "\x00" in chunk:
                    return False
    except (UnicodeError, LookupError):
        return False
    return True


def _head(rows: Any) -> tuple[Row, ...]:
    first: list[Row] = []
    for number, row in rows:
        while len(first) < number - 1:
            first.append(())
        first.append(row)
        if number >= 45:
            break
    return tuple(first)


def _formula_cells(path: Path, kind: str, table: Table) -> list[str]:
    if kind == "xlsx":
        return guard.formulas(path, table.name)
    return [f"{letter(column)}{row + 1}" for row, column in compound.formulas(path, table.position)]


def _unreadable() -> Refused:
    return Refused(N_("文件已损坏，打不开。请在 Excel 中重新另存为 .xlsx 再上传。"))

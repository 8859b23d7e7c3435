"""An opened file's rows: sheets with merged cells filled, delimited text in its own encoding."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import python_calamine
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

from app.kernel.errors import N_
from app.kernel.tables import compound, guard
from app.kernel.tables.refusals import Refused

DELIMITERS = ",\t;|"
MOST_COLUMNS = 200
Row = Sequence[Any]


def open_book(path: Path) -> CalamineWorkbook:
    """A workbook that `guard.kind_of_file` has let through. Raises Refused."""
    try:
        return CalamineWorkbook.from_path(str(path))
    except PasswordError:
        raise Refused(N_("文件有密码。请取消密码后再上传。")) from None
    except (CalamineError, OSError, ValueError):
        raise unreadable() from None


def visible_names(book: CalamineWorkbook) -> tuple[str, ...]:
    """The worksheets a person sees, in order. Raises Refused when there is none."""
    names = tuple(
        one.name
        for one in book.sheets_metadata
        if one.typ == python_calamine.SheetTypeEnum.WorkSheet
        and one.visible == python_calamine.SheetVisibleEnum.Visible
    )
    if not names:
        raise Refused(N_("文件里没有工作表。"))
    return names


def rows_of(book: CalamineWorkbook, name: str) -> SheetRows:
    """A sheet's rows. Raises Refused."""
    try:
        return SheetRows(book.get_sheet_by_name(name))
    except (CalamineError, ValueError):
        raise unreadable() from None


def refuse_formulas(path: Path, kind: str, name: str, position: int) -> None:
    """Refuse a sheet some of whose cells are formulas; `position` counts hidden sheets too."""
    if kind == "xlsx":
        cells = guard.formulas(path, name)
    else:
        cells = [f"{letter(at)}{row + 1}" for row, at in compound.formulas(path, position)]
    if cells:
        raise Refused(
            N_(
                "工作表“%(sheet)s”的这些单元格是公式：%(cells)s。请全选、复制，"
                "再“选择性粘贴”为数值后重新上传。"
            ),
            sheet=name,
            cells="、".join(cells),
        )


class SheetRows:
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


class CsvRows:
    """A text file's rows, numbered by record as a spreadsheet would show them."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.path, self.encoding = path, encoding
        csv.field_size_limit(100_000)
        with self._open() as file:
            lines = [line for line in (file.readline(20_000) for _ in range(40)) if line]
        self.delimiter = delimiter_of(lines)

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


def delimiter_of(lines: Sequence[str]) -> str:
    """The separator that most lines have the same number of, at least once."""

    def evenness(mark: str) -> tuple[int, int]:
        counts = [line.count(mark) for line in lines if line.strip()]
        usual = max(set(counts), key=lambda n: (counts.count(n) if n else 0, n), default=0)
        return (counts.count(usual) if usual else 0, usual)

    return max(DELIMITERS, key=evenness)


def encoding_of(path: Path) -> str:
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


def unreadable() -> Refused:
    """The refusal of a file that cannot be opened."""
    return Refused(N_("文件已损坏，打不开。请在 Excel 中重新另存为 .xlsx 再上传。"))


def letter(index: int) -> str:
    """A column as spreadsheets call it: 0 is A, 26 is AA."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name

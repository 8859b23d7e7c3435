"""Rows as a spreadsheet or CSV: exact, in the reader's language, harmless when opened."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any, Protocol

import xlsxwriter
from flask import Response, send_file
from flask_babel import gettext

from app.kernel import clock
from app.kernel.money import to_yuan
from app.kernel.period import Month
from app.web import formats

LARGEST_SHEET = 1_000_000  # rows; Excel ends at 1,048,576
# A cell that begins so is run as a formula by some program that opens a CSV.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Heading(Protocol):
    """What a sheet needs to know of a column; see `lists.Column`."""

    @property
    def key(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def words(self) -> Any: ...

    @property
    def heading(self) -> str: ...


def neutral(text: str) -> str:
    """Text that no program mistakes for a formula: a quote goes before what could be one."""
    return f"'{text}" if text.startswith(DANGEROUS) else text


def answer(name: str, columns: Sequence[Heading], rows: Iterable[Any], form: str) -> Response:
    """A file to download, named by list and day, sent from a temporary file."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed, and so removed, with the response
    WRITERS[form](file, columns, rows)
    file.seek(0)
    kind = XLSX if form == "xlsx" else "text/csv; charset=utf-8"
    filename = f"{name}-{clock.today().isoformat()}.{form}"
    return send_file(file, mimetype=kind, as_attachment=True, download_name=filename, max_age=0)


def write_xlsx(file: IO[bytes], columns: Sequence[Heading], rows: Iterable[Any]) -> None:
    """Write a workbook row by row, in constant memory; a further sheet past a million rows."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        look = _looks(book)
        sheet, line = None, LARGEST_SHEET
        for row in rows:
            if line >= LARGEST_SHEET:
                sheet, line = _sheet(book, columns, look), 0
            line += 1
            assert sheet is not None
            for at, column in enumerate(columns):
                _write_cell(sheet, (line, at), value_of(row, column), column.kind, look)
        if sheet is None:
            _sheet(book, columns, look)


def write_csv(file: IO[bytes], columns: Sequence[Heading], rows: Iterable[Any]) -> None:
    """Write CSV that Excel opens as UTF-8."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow([neutral(_titled(column)) for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(value_of(row, column)) for column in columns])
    text.flush()
    text.detach()


def value_of(row: Any, column: Heading) -> Any:
    """A cell's value: money in yuan, codes in words, months as text, instants on China's clock."""
    value = getattr(row, column.key)
    if value is None:
        return None
    if column.kind == "money":
        return to_yuan(value)
    if column.words is not None:
        return formats.word(value, column.words)
    if column.kind == "month" and isinstance(value, date):
        return str(Month.of(value))
    if isinstance(value, datetime):
        return clock.local(value).replace(tzinfo=None)
    return value


WRITERS = {"xlsx": write_xlsx, "csv": write_csv}
WIDTHS = {"money": 14, "area": 11, "number": 10, "date": 12, "day": 12, "instant": 18, "month": 10}


def _titled(column: Heading) -> str:
    if column.kind == "money":
        return gettext("%(heading)s（元）", heading=column.heading)
    if column.kind == "area":
        return gettext("%(heading)s（m²）", heading=column.heading)
    return column.heading


def _looks(book: Any) -> dict[str, Any]:
    figure = {"num_format": "#,##0.00;[Red]-#,##0.00"}
    return {
        "heading": book.add_format({"bold": True, "bg_color": "#EFE7DA", "bottom": 1}),
        "money": book.add_format(figure),
        "area": book.add_format({"num_format": "#,##0.00"}),
        "quoted": book.add_format({"quote_prefix": True}),
        "percent": book.add_format({"num_format": "0.0%"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        "instant": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
    }


def _sheet(book: Any, columns: Sequence[Heading], look: dict[str, Any]) -> Any:
    sheet = book.add_worksheet()
    for at, column in enumerate(columns):
        sheet.set_column(at, at, WIDTHS.get(column.kind, 16))
        sheet.write_string(0, at, _titled(column), look["heading"])
    sheet.freeze_panes(1, 0)
    return sheet


def _write_cell(sheet: Any, at: tuple[int, int], value: Any, kind: str, look: Any) -> None:
    if value is None:
        return
    if isinstance(value, datetime):
        sheet.write_datetime(*at, value, look["instant"])
    elif isinstance(value, date):
        sheet.write_datetime(*at, datetime.combine(value, time()), look["date"])
    elif isinstance(value, (int, Decimal, float)) and not isinstance(value, bool):
        sheet.write_number(*at, value, look.get(kind))
    else:
        text = str(value)
        # A string cell is never run; the prefix keeps it so when someone edits or copies it.
        sheet.write_string(*at, text, look["quoted"] if text.startswith(DANGEROUS) else None)


def _csv_cell(value: Any) -> Any:
    if isinstance(value, (int, Decimal, date)) or value is None:
        return value
    return neutral(str(value))

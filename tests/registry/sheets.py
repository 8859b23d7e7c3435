"""Rosters as people have them: small spreadsheets made for a test."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter

from app.kernel.db import db
from app.registry.imports import apply, preview
from app.registry.models import RosterImport, RosterImportRow

HEADINGS = ("楼栋", "单元", "房号", "建筑面积", "业主", "电话")
STARTS_ON = date(2025, 1, 1)


def workbook(
    rows: Sequence[Sequence[Any]],
    headings: Sequence[str] = HEADINGS,
    *,
    title: str = "",
    sheet: str = "名册",
    then: Any = None,
) -> bytes:
    """An .xlsx of some rows below their headings; `then(book, sheet)` may add to it."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    page = book.add_worksheet(sheet)
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    at = 0
    if title:
        page.merge_range(0, 0, 0, len(headings) - 1, title)
        at = 1
    for index, row in enumerate([headings, *rows]):
        for column, value in enumerate(row):
            if isinstance(value, date):
                page.write_datetime(at + index, column, value, day)
            elif value is not None:
                page.write(at + index, column, value)
    if then is not None:
        then(book, page)
    book.close()
    return buffer.getvalue()


def preview_of(
    town: Any, content: bytes, name: str = "名册.xlsx", day: date = STARTS_ON, **wishes: Any
) -> RosterImport:
    """Upload and read a file as a person would; the import as it stands then."""
    made = preview.receive(town.community_id, name, content, day)
    return preview.read_file(town.community_id, made.id, **wishes)


def applied(town: Any, content: bytes, **wishes: Any) -> RosterImport:
    """Upload, read and apply."""
    made = preview_of(town, content, **wishes)
    assert made.status == "ready", (made.status, made.refusal, made.mapping)
    return apply.apply_roster(town.community_id, made.id)


def rows_of(made: RosterImport, action: str) -> list[RosterImportRow]:
    """The rows of an import that would do this."""
    return (
        db.session.query(RosterImportRow)
        .filter_by(community_id=made.community_id, import_id=made.id, action=action)
        .order_by(RosterImportRow.row_no)
        .all()
    )


def sentences(made: RosterImport) -> dict[int, list[str]]:
    """What is wrong, by row number."""
    return {
        row.row_no: [one["message"] % one["params"] for one in row.errors]
        for row in rows_of(made, "error")
    }


def counts(made: RosterImport) -> tuple[int, int, int, int]:
    """New, changed, unchanged, error."""
    return made.new_count, made.changed_count, made.unchanged_count, made.error_count


def saved(folder: Path, content: bytes, name: str = "file") -> Path:
    """The bytes as a file."""
    path = folder / name
    path.write_bytes(content)
    return path

"""Rosters: upload a file, read the preview, say which column is which, apply, undo.

Small files are read and applied within the request; for a large one the answer is `reading`
or `applying`, `task` tells how far it is, and asking again tells when it is done.
"""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.kernel.db import db
from app.kernel.errors import N_, Conflict, Invalid, RuleBroken
from app.registry.api import api
from app.registry.imports import preview, undo, work, workbooks
from app.registry.imports.columns import TITLES
from app.registry.models import IMPORT_STATUSES, RosterImport
from app.registry.pages.imports import IMPORTS, ROWS, import_rows, refusal_of, roster_rows
from app.registry.schemas import RosterUpload
from app.registry.service.common import row_of
from app.registry.words import IMPORT_ACTION_WORDS
from app.web import listed
from app.web.api import list_of
from app.web.door import needs
from app.web.fields import Choice, Flag, Id, OneOf, Schema, Text, Whole
from app.web.forms import read_form

AT = "/communities/<int:community_id>/imports"
ONE = f"{AT}/<int:import_id>"
MOST_COLUMNS = 200
ImportArguments = listed.asking(IMPORTS)


class ImportOut(Schema):
    """A roster in a list."""

    id = Id(required=True)
    filename = fields.String(required=True)
    status = fields.String(required=True, validate=OneOf(IMPORT_STATUSES))
    new_count = fields.Integer(required=True)
    changed_count = fields.Integer(required=True)
    error_count = fields.Integer(required=True)
    created_at = fields.DateTime(required=True)


class TaskOut(Schema):
    """Work on a large file, and how far it is."""

    id = Id(required=True)
    status = fields.String(required=True, validate=OneOf(("queued", "running", "done", "failed")))
    progress_done = fields.Integer(required=True)
    progress_total = fields.Integer(required=True)


class FullImportOut(ImportOut):
    """A roster as it stands. With `uploaded`, a mapping is wanted: see `headers`."""

    starts_on = fields.Date(required=True)
    unchanged_count = fields.Integer(required=True)
    missing_count = fields.Integer(
        required=True, metadata={"description": "Units on the roll that the file does not have."}
    )
    refusal = fields.String(
        required=True, metadata={"description": "Why it was not accepted or applied, or empty."}
    )
    sheet = fields.String(required=True, allow_none=True)
    headers = fields.List(fields.String(), required=True)
    columns = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "Meaning → index of its column, from 0."},
    )
    applied_at = fields.DateTime(required=True, allow_none=True)
    undone_at = fields.DateTime(required=True, allow_none=True)
    task = fields.Nested(TaskOut, required=True, allow_none=True)


class ImportRowArguments(listed.asking(ROWS)):  # type: ignore[misc] -- made from the page's list
    """Which rows of the preview."""

    action = Choice(IMPORT_ACTION_WORDS, load_default="error")


class ImportRowOut(Schema):
    """A row of the sheet: what it would do, or every sentence on what is wrong with it."""

    row_no = fields.Integer(required=True)
    label = fields.String(required=True, allow_none=True)
    unit_id = Id(required=True, allow_none=True)
    errors = fields.List(fields.String(), required=True)


class MappingIn(Schema):
    """Which column is which, from 0. Another `sheet` is read afresh by its own headings."""

    sheet = Text(most=100, load_default=None, allow_none=True)
    columns = fields.Dict(
        keys=fields.String(validate=OneOf(list(TITLES))),
        values=Whole(most=MOST_COLUMNS),
        load_default=dict,
        metadata={"description": "Meaning → index, from 0; `room` must be among them."},
    )


class ApplyIn(Schema):
    """Whether to leave out the rows with errors; else one error refuses the whole."""

    skip_errors = Flag()


@api.route(AT)
@needs("roster.import")
@api.arguments(ImportArguments, location="query")
@api.response(200, list_of(ImportOut))
def imports(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """Every roster that was uploaded, by default the latest first."""
    return listed.answer(IMPORTS, import_rows(community_id), arguments)


@api.route(AT, methods=["POST"])
@needs("roster.import")
@api.doc(
    requestBody={
        "required": True,
        "content": {"multipart/form-data": {"schema": RosterUpload}},
    }
)
@api.response(201, FullImportOut)
def upload(community_id: int) -> Any:
    """Upload a roster (XLSX, XLS, CSV) and read it; nothing is written to the roll yet."""
    form = read_form(RosterUpload)
    if not form.ok:
        raise Invalid(form.errors)
    file = form["file"]
    made = preview.receive(community_id, file.filename, file.read(), form["starts_on"])
    work.begin_reading(community_id, made.id)
    return _shown(made)


@api.route(ONE)
@needs("roster.import")
@api.response(200, FullImportOut)
def roster(community_id: int, import_id: int) -> Any:
    """One roster as it stands: being read, to be mapped, previewed, refused, applied, undone."""
    return _shown(row_of(RosterImport, community_id, import_id))


@api.route(f"{ONE}/rows")
@needs("roster.import")
@api.arguments(ImportRowArguments, location="query")
@api.response(200, list_of(ImportRowOut))
def import_rows_of(arguments: dict[str, Any], community_id: int, import_id: int) -> dict[str, Any]:
    """The preview's rows that would do one thing; by default those with errors."""
    made = row_of(RosterImport, community_id, import_id)
    page = listed.answer(ROWS, roster_rows(made, arguments["action"]), arguments)
    page["items"] = [
        {
            "row_no": row.row_no,
            "label": row.label,
            "unit_id": row.unit_id,
            "errors": workbooks.sentences(row.errors or (), made.mapping),
        }
        for row in page["items"]
    ]
    return page


@api.route(f"{ONE}/mapping", methods=["POST"])
@needs("roster.import")
@api.arguments(MappingIn)
@api.response(201, FullImportOut)
def map_columns(wanted: dict[str, Any], community_id: int, import_id: int) -> Any:
    """Say which column is which and read again; remembered for the same headings."""
    made = row_of(RosterImport, community_id, import_id)
    details = made.mapping or {}
    if made.status not in ("uploaded", "ready") or "headers" not in details:
        raise Conflict("roster.read", N_("这份名册已经处理过，请重新上传。"))
    sheet = wanted["sheet"] or details.get("sheet") or None
    if sheet != (details.get("sheet") or None):
        work.begin_reading(community_id, import_id, sheet=sheet)
    else:
        columns = _checked(wanted["columns"], len(details["headers"]))
        work.begin_reading(community_id, import_id, sheet=sheet, columns=columns)
    return _shown(made)


@api.route(f"{ONE}/application", methods=["POST"])
@needs("roster.import")
@api.arguments(ApplyIn)
@api.response(201, FullImportOut)
def apply_import(wanted: dict[str, Any], community_id: int, import_id: int) -> Any:
    """Write a previewed roster into the roll, whole or not at all."""
    work.begin_applying(community_id, import_id, skip_errors=wanted["skip_errors"])
    return _shown(row_of(RosterImport, community_id, import_id))


@api.route(f"{ONE}/reversal", methods=["POST"])
@needs("roster.import")
@api.response(201, FullImportOut)
def undo_import(community_id: int, import_id: int) -> Any:
    """Put the roll back as it was before this roster, while nothing depends on it."""
    return _shown(undo.undo_roster(community_id, import_id))


def _checked(columns: dict[str, int], count: int) -> dict[str, int]:
    if "room" not in columns:
        raise RuleBroken("roster.room", N_("请指出哪一列是房号。"), field="columns")
    if max(columns.values()) >= count:
        raise RuleBroken("roster.columns", N_("文件里没有这一列。"), field="columns")
    return columns


def _shown(made: RosterImport) -> dict[str, Any]:
    db.session.flush()
    db.session.refresh(made)
    details = made.mapping or {}
    busy = made.status in ("reading", "applying")
    facts = {name: getattr(made, name) for name in _KEPT}
    return {
        **facts,
        "missing_count": details.get("missing_units", 0),
        "refusal": refusal_of(made),
        "sheet": details.get("sheet"),
        "headers": [str(one) for one in details.get("headers") or []],
        "columns": details.get("columns") or {},
        "task": work.task_of(made.community_id, made.id) if busy else None,
    }


_KEPT = (
    "id",
    "filename",
    "status",
    "starts_on",
    "new_count",
    "changed_count",
    "unchanged_count",
    "error_count",
    "created_at",
    "applied_at",
    "undone_at",
)

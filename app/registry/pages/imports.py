"""Rosters: upload, tell the columns, look, apply, undo; a template and the rows that were wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext
from sqlalchemy import Select, column, select, text

from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import N_, HouseError
from app.kernel.tables.sheets import letter
from app.registry import queries, words
from app.registry.imports import columns, preview, undo, work, workbooks
from app.registry.imports.preview import MISSING
from app.registry.models import RosterImport, RosterImportRow
from app.registry.pages import pages
from app.registry.pages.common import Ask, Words, show_form
from app.registry.schemas import RosterUpload
from app.registry.service.common import row_of
from app.web import sheets
from app.web.door import needs
from app.web.errors import sentence
from app.web.forms import blank_form, read_form
from app.web.lists import Column, Listing

AT = "/c/<int:community_id>/imports"
ONE = f"{AT}/<int:import_id>"
TABS = ("new", "changed", "unchanged", "error", "missing")

IMPORTS = Listing(
    "imports",
    columns=(
        Column("filename", N_("文件名"), RosterImport.filename),
        Column("status", N_("状态"), RosterImport.status, words=words.IMPORT_STATUS_WORDS),
        Column("new_count", N_("新增"), kind="number"),
        Column("changed_count", N_("变更"), kind="number"),
        Column("error_count", N_("有错"), kind="number"),
        Column("created_at", N_("上传时间"), RosterImport.created_at, "instant"),
    ),
    default_sort="-created_at",
    tiebreak=RosterImport.id.desc(),
)

ROWS = Listing(
    "rows",
    columns=(
        Column("row_no", N_("行号"), RosterImportRow.row_no, "number"),
        Column("label", N_("房号")),
        Column("said", N_("文件中"), exported=False),
    ),
    default_sort="row_no",
    tiebreak=RosterImportRow.row_no,
    per_page=25,
)


@pages.get(AT)
@needs("roster.import")
def imports(community_id: int) -> Any:
    """Every roster that was uploaded."""
    return IMPORTS.answer(import_rows(community_id), "registry/imports.html")


def import_rows(community_id: int) -> Select[Any]:
    """Rosters and what they would do or did."""
    return select(
        RosterImport.id,
        RosterImport.filename,
        RosterImport.status,
        RosterImport.new_count,
        RosterImport.changed_count,
        RosterImport.error_count,
        RosterImport.created_at,
    ).where(RosterImport.community_id == community_id)


@pages.route(f"{AT}/new", methods=["GET", "POST"])
@needs("roster.import")
def new_import(community_id: int) -> Any:
    """Upload a roster."""
    entered = queries.community(community_id).entered_on
    first = queries.counts(community_id).unit_count == 0
    form = blank_form(RosterUpload, starts_on=(entered if first and entered else clock.today()))
    if request.method == "POST":
        form = read_form(RosterUpload)
        if form.ok:
            try:
                made = preview.receive(
                    community_id,
                    form["file"].filename,
                    form["file"].read(),
                    form["starts_on"],
                )
                work.begin_reading(community_id, made.id)
            except HouseError as error:
                form.take(error)
            else:
                return redirect(_page(community_id, made.id), 303)
    asks = (
        Ask("file", gettext("名册文件"), "file",
            gettext("Excel（.xlsx、.xls）或 CSV，最大 20 MB，最多 20 万行。")),
        Ask("starts_on", gettext("产权起始日"), "date",
            gettext("文件没写产权起始日的业主，从这一天起算；换了业主的，也从这一天过户。")),
    )  # fmt: skip
    return show_form(
        form,
        asks,
        Words(
            gettext("导入名册"),
            gettext("上传并预览"),
            _list(community_id),
            gettext("先预览：新增、变更和有错的行都列出来，确认后才写入；写入后也能整批撤销。"),
            [(gettext("导入名册"), _list(community_id))],
            upload=True,
        ),
    )


@pages.get(f"{AT}/template.xlsx")
@needs("roster.import")
def template(community_id: int) -> Any:
    """An empty roster to fill in."""
    del community_id
    return _sheet(workbooks.template(), gettext("名册模板"))


@pages.get(ONE)
@needs("roster.import")
def roster(community_id: int, import_id: int) -> Any:
    """One roster as it stands: being read, to be mapped, previewed, refused or applied."""
    made = row_of(RosterImport, community_id, import_id)
    if made.status in ("reading", "applying"):
        return render_template(
            "registry/import_progress.html",
            made=made,
            task=work.task_of(community_id, import_id),
            url=request.path,
        )
    if made.status == "uploaded":
        return redirect(url_for("registry.mapping", community_id=community_id, import_id=import_id))
    if made.status == "refused":
        return render_template("registry/import_refused.html", made=made, refusal=refusal_of(made))
    tab = request.args.get("tab", "")
    tab = tab if tab in TABS else _first_tab(made)
    rows = _missing(made) if tab == "missing" else roster_rows(made, tab)
    page = (MISSING_UNITS if tab == "missing" else ROWS).page(rows)
    return render_template(
        "registry/import.html",
        made=made,
        page=page,
        tab=tab,
        entries=_tabs(made, tab),
        refusal=refusal_of(made),
        words=words,
        sentences=lambda errors: workbooks.sentences(errors or (), made.mapping),
        can_undo=made.status == "applied",
    )


MISSING_UNITS = Listing(
    "missing",
    columns=(Column("label", N_("房号"), column("sort_key")),),
    default_sort="label",
    tiebreak=column("label"),
    per_page=100,
)


def roster_rows(made: RosterImport, action: str) -> Select[Any]:
    """The sheet's rows that would do one thing: add, change, nothing, or are wrong."""
    return select(
        RosterImportRow.row_no,
        RosterImportRow.values,
        RosterImportRow.before,
        RosterImportRow.errors,
        RosterImportRow.unit_id,
        RosterImportRow.values["label"].astext.label("label"),
    ).where(
        RosterImportRow.community_id == made.community_id,
        RosterImportRow.import_id == made.id,
        RosterImportRow.action == action,
    )


def _missing(made: RosterImport) -> Select[Any]:
    found = (
        text(MISSING)
        .bindparams(c=made.community_id, i=made.id)
        .columns(id=RosterImportRow.unit_id.type, label=RosterImport.filename.type,
                 sort_key=RosterImport.filename.type)
        .subquery("missing")
    )  # fmt: skip
    return select(found.c.id, found.c.label, found.c.sort_key)


def _tabs(made: RosterImport, current: str) -> list[tuple[str, str, bool]]:
    counts = {
        "new": made.new_count,
        "changed": made.changed_count,
        "unchanged": made.unchanged_count,
        "error": made.error_count,
        "missing": (made.mapping or {}).get("missing_units", 0),
    }
    titles = {**words.IMPORT_ACTION_WORDS, "missing": N_("文件里没有")}
    return [
        (
            f"{gettext(titles[name])} {counts[name]:,}",
            url_for("registry.roster", community_id=made.community_id, import_id=made.id, tab=name),
            name == current,
        )
        for name in TABS
    ]


def _first_tab(made: RosterImport) -> str:
    return next(
        (
            name
            for name, count in (
                ("error", made.error_count),
                ("changed", made.changed_count),
                ("new", made.new_count),
            )
            if count
        ),
        "unchanged",
    )


@pages.route(f"{ONE}/mapping", methods=["GET", "POST"])
@needs("roster.import")
def mapping(community_id: int, import_id: int) -> Any:
    """Say which column is which; remembered for the next file with the same headings."""
    made = row_of(RosterImport, community_id, import_id)
    details = made.mapping or {}
    if made.status not in ("uploaded", "ready") or "headers" not in details:
        return redirect(_page(community_id, import_id), 303)
    problem = ""
    if request.method == "POST":
        chosen = _chosen(details["headers"])
        if "room" not in chosen:
            problem = gettext("请指出哪一列是房号。")
        else:
            sheet = request.form.get("sheet") or details.get("sheet") or None
            if sheet != (details.get("sheet") or None):
                work.begin_reading(community_id, import_id, sheet=sheet)
            else:
                work.begin_reading(community_id, import_id, sheet=sheet, columns=chosen)
            return redirect(_page(community_id, import_id), 303)
    page = render_template(
        "registry/import_mapping.html",
        made=made,
        details=details,
        titles=columns.TITLES,
        needed=columns.NEEDED,
        letter=letter,
        chosen={index: key for key, index in details["columns"].items()},
        problem=problem,
    )
    return page, 422 if problem else 200


def _chosen(headers: list[str]) -> dict[str, int]:
    """The mapping a person made: at most one column for each meaning, the first one chosen."""
    found: dict[str, int] = {}
    for index in range(len(headers)):
        key = request.form.get(f"column-{index}", "")
        if key in columns.TITLES:
            found.setdefault(key, index)
    return found


@pages.post(f"{ONE}/apply")
@needs("roster.import")
def apply_import(community_id: int, import_id: int) -> Any:
    """Write a previewed roster into the roll."""
    try:
        with db.session.begin_nested():
            task = work.begin_applying(
                community_id, import_id, skip_errors=request.form.get("skip_errors") == "on"
            )
    except HouseError as error:
        flash(sentence(error), "error")
        return redirect(_page(community_id, import_id), 303)
    if task is None:
        flash(gettext("名册已导入。"))
    return redirect(_page(community_id, import_id), 303)


@pages.route(f"{ONE}/undo", methods=["GET", "POST"])
@needs("roster.import")
def undo_import(community_id: int, import_id: int) -> Any:
    """Take an applied roster back, after asking."""
    made = row_of(RosterImport, community_id, import_id)
    refusal = ""
    if request.method == "POST":
        try:
            with db.session.begin_nested():
                undo.undo_roster(community_id, import_id)
        except HouseError as error:
            refusal = sentence(error)
        else:
            flash(gettext("已撤销这次导入，名册恢复到导入之前。"))
            return redirect(_page(community_id, import_id), 303)
    page = render_template("registry/import_undo.html", made=made, refusal=refusal)
    return page, 422 if refusal else 200


@pages.get(f"{ONE}/errors.xlsx")
@needs("roster.import")
def import_errors(community_id: int, import_id: int) -> Any:
    """The rows with errors, to put right and upload again."""
    made = row_of(RosterImport, community_id, import_id)
    return _sheet(workbooks.wrong_rows(made), gettext("需更正的行"))


def refusal_of(made: RosterImport) -> str:
    """Why a roster was not accepted or applied, in the reader's language."""
    if not made.refusal:
        return ""
    params: Mapping[str, Any] = (made.mapping or {}).get("refusal_params") or {}
    said = gettext(made.refusal)
    return said % params if params else said


def _sheet(file: Any, name: str) -> Any:
    return send_file(
        file,
        mimetype=sheets.XLSX,
        as_attachment=True,
        download_name=f"{name}-{clock.today().isoformat()}.xlsx",
        max_age=0,
    )


def _page(community_id: int, import_id: int) -> str:
    return url_for("registry.roster", community_id=community_id, import_id=import_id)


def _list(community_id: int) -> str:
    return url_for("registry.imports", community_id=community_id)

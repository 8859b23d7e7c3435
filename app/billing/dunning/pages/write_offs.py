"""Write-offs: asked for with a resolution, decided by a second person, listed by year."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext

from app.billing.dunning import service
from app.billing.dunning.pages.common import Ask, act_on, form_page, may, pages
from app.billing.dunning.queries import write_offs as queries
from app.billing.dunning.schemas import CameIn, NewWriteOff
from app.billing.dunning.words import WRITE_OFF_WORDS
from app.kernel import audit, files
from app.kernel.db import db
from app.kernel.errors import N_, HouseError, NotFound
from app.kernel.files import StoredFile
from app.registry import queries as registry
from app.web import formats, sheets
from app.web.door import needs
from app.web.forms import blank_form, read_form
from app.web.lists import Column

COLUMNS = (
    Column("unit_label", N_("房号")),
    Column("status", N_("状态"), words=WRITE_OFF_WORDS),
    Column("resolution_no", N_("决议文号")),
    Column("resolution_on", N_("决议日期"), kind="date"),
    Column("resolution_body", N_("作出决议的机构")),
    Column("reason", N_("原因")),
    Column("amount_fen", N_("核销金额"), kind="money"),
    Column("reversed_fen", N_("之后收回"), kind="money"),
)


@pages.get("/c/<int:community_id>/dunning/write-offs")
@needs("arrears.work")
def write_offs(community_id: int) -> Any:
    """All write-offs and their totals by year."""
    rows = queries.write_offs(community_id)
    if request.args.get("format") in sheets.WRITERS:
        return sheets.answer("write-offs", COLUMNS, rows, request.args["format"])
    return render_template(
        "dunning/write_offs.html",
        rows=rows,
        years=queries.by_year(rows),
        WRITE_OFF_WORDS=WRITE_OFF_WORDS,
    )


@pages.route("/c/<int:community_id>/units/<int:unit_id>/write-off", methods=["GET", "POST"])
@needs("arrears.write_off")
def new_write_off(community_id: int, unit_id: int) -> Any:
    """Ask to write off bills of a home."""
    unit = registry.unit(community_id, unit_id)
    back = url_for("dunning.write_offs", community_id=community_id)
    form: Any = blank_form(NewWriteOff)
    if request.method == "POST":
        form = act_on(
            NewWriteOff,
            lambda values: _asked(community_id, unit_id, dict(values)),
            gettext("已提交，等待另一位同事批准。"),
            back,
        )
        if not hasattr(form, "errors"):
            return form
    open_fen = queries.open_bills(community_id, unit_id, None)
    months = queries.months(community_id, list(open_fen))
    options = [
        (str(key), f"{formats.month(months[key])}  {formats.yuan(fen)}")
        for key, fen in open_fen.items()
    ]
    waives = gettext("不勾选：核销只是不再挂账，不免除债务，仍可继续追收。")
    asks = [
        Ask("bill_ids", gettext("核销的账单"), "checkboxes", options=options),
        Ask("reason", gettext("原因"), "textarea"),
        Ask("resolution_no", gettext("决议文号")),
        Ask("resolution_on", gettext("决议日期"), "date"),
        Ask("resolution_body", gettext("作出决议的机构"), hint=gettext("如业主大会、公司董事会。")),
        Ask("document", gettext("决议文件"), "file", gettext("PDF 或照片，最大 10 MB。")),
        Ask("waives", gettext("决议同时免除了这笔债务"), "checkbox", waives),
    ]
    lead = gettext("核销必须有决议，由一人申请、另一人批准。")
    return form_page(
        form,
        gettext("申请核销 %(room)s", room=unit.label),
        asks,
        back,
        lead=lead,
        where=gettext("核销"),
        submit=gettext("提交申请"),
    )


def _asked(community_id: int, unit_id: int, values: dict[str, Any]) -> str:
    upload = values.pop("document")
    made = service.request_write_off(
        community_id,
        unit_id,
        values.pop("bill_ids"),
        document=upload.read(),
        document_name=str(upload.filename or ""),
        **values,
    )
    return url_for("dunning.write_off", community_id=community_id, write_off_id=made.id)


@pages.route("/c/<int:community_id>/dunning/write-offs/<int:write_off_id>", methods=["GET", "POST"])
@needs("arrears.write_off")
def write_off(community_id: int, write_off_id: int) -> Any:
    """One write-off: decide it, or put back what came in after all."""
    found = queries.write_off(community_id, write_off_id)
    form = blank_form(CameIn)
    if request.method == "POST":
        form = read_form(CameIn)
        if form.ok:
            try:
                service.come_in(community_id, write_off_id, **form.values)
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("已转回账单，请照常收款。"))
                return redirect(request.path, 303)
    who = audit.actor().account_id
    page = render_template(
        "dunning/write_off.html",
        row=found,
        form=form,
        names=audit.names(
            community_id, {one for one in (found.requested_by, found.decided_by) if one}
        ),
        own=who == found.requested_by,
        bills=[
            (str(one.bill_id), f"{formats.month(one.month)}")
            for one in found.bills
            if one.amount_fen > one.reversed_fen
        ],
        may=may,
        WRITE_OFF_WORDS=WRITE_OFF_WORDS,
    )
    return page, 422 if form.errors else 200


@pages.post("/c/<int:community_id>/dunning/write-offs/<int:write_off_id>/decision")
@needs("arrears.write_off")
def decide_write_off(community_id: int, write_off_id: int) -> Any:
    """Approve or refuse a request."""
    approve = request.form.get("approve") == "1"
    service.decide(community_id, write_off_id, approve=approve)
    flash(gettext("已核销。") if approve else gettext("没有批准，账单不变。"))
    return redirect(
        url_for("dunning.write_off", community_id=community_id, write_off_id=write_off_id), 303
    )


@pages.get("/c/<int:community_id>/dunning/write-offs/<int:write_off_id>/document")
@needs("arrears.work")
def write_off_document(community_id: int, write_off_id: int) -> Any:
    """The resolution."""
    found = queries.write_off(community_id, write_off_id)
    file = db.session.get(StoredFile, (community_id, found.file_id))
    if file is None:
        raise NotFound("write_off.none", N_("没有这项核销。"))
    answer = send_file(
        files.location(file),
        mimetype=file.content_type,
        as_attachment=True,
        download_name=file.name,
    )
    answer.headers["Cache-Control"] = "no-store, private"
    return answer

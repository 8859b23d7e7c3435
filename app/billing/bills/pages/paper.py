"""Bills on paper for staff: one at once, a month as a task with its progress."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from flask_babel import get_locale, gettext

from app.billing.bills.pages.common import pages, pdf
from app.billing.bills.print import press, sheets
from app.billing.bills.queries import lists, sheet
from app.billing.bills.schemas import PrintOrder
from app.kernel import clock, files, queue
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.files import StoredFile
from app.kernel.period import Month
from app.kernel.queue import Task
from app.web.door import needs
from app.web.forms import blank_form, read_form
from app.web.navigation import BILLS as SECTION
from app.web.navigation import NavItem, register

JOB = "billing:print-bills"


@pages.get("/c/<int:community_id>/bills/<int:bill_id>/bill.pdf")
@needs("bill.print")
def bill_pdf(community_id: int, bill_id: int) -> Any:
    """One bill on paper, `?paper=a4` in larger type."""
    full = sheet.bill(community_id, bill_id)
    document = sheets.document([full], paper=request.args.get("paper", "a5"))
    name = f"{full.bill.month} {full.bill.unit_label}.pdf"
    return pdf(press.compile_pdf("bill.typ", document), name)


@pages.route("/c/<int:community_id>/bills/print", methods=["GET", "POST"])
@needs("bill.print")
def print_order(community_id: int) -> Any:
    """Order a month's bills on paper: a building, or all."""
    months = lists.months(community_id)
    buildings = lists.buildings(community_id)
    form = blank_form(
        PrintOrder,
        month=months[0] if months else Month.of(clock.today()),
        paper="a5",
        files="building",
    )
    if request.method == "POST":
        form = read_form(PrintOrder)
        if form.ok:
            task = _order(community_id, form.values)
            return redirect(
                url_for("bills.print_task", community_id=community_id, task_id=task.id), 303
            )
    words = [(str(month), str(month)) for month in months]
    places = [(str(key), gettext("%(building)s 栋", building=code)) for key, code in buildings]
    page = render_template("bills/print.html", form=form, months=words, buildings=places)
    return page, 422 if form.errors else 200


def _order(community_id: int, values: Any) -> Task:
    return queue.enqueue(
        JOB,
        community_id,
        {
            "month": str(values["month"]),
            "building_id": values["building_id"],
            "paper": values["paper"],
            "each": values["files"] == "each",
            "language": str(get_locale()),
        },
    )


@pages.get("/c/<int:community_id>/bills/print/<int:task_id>")
@needs("bill.print")
def print_task(community_id: int, task_id: int) -> Any:
    """How far the printing is, and the file when it is done."""
    return render_template("bills/print_task.html", task=_task(community_id, task_id))


@pages.get("/c/<int:community_id>/bills/print/<int:task_id>/file")
@needs("bill.print")
def print_file(community_id: int, task_id: int) -> Any:
    """The printed file, kept for a week."""
    task = _task(community_id, task_id)
    file = db.session.get(StoredFile, (community_id, (task.result or {}).get("file_id") or 0))
    if file is None or (file.expires_at is not None and file.expires_at < clock.now()):
        flash(gettext("这份文件已过期，请重新打印。"), "warning")
        return redirect(url_for("bills.print_order", community_id=community_id), 303)
    answer = send_file(
        files.location(file),
        mimetype=file.content_type,
        as_attachment=True,
        download_name=file.name,
    )
    answer.headers["Cache-Control"] = "no-store, private"
    return answer


def _task(community_id: int, task_id: int) -> Task:
    task = db.session.get(Task, (community_id, task_id))
    if task is None or task.name != JOB:
        raise NotFound("print.none", N_("没有这次打印。"))
    return task


register(NavItem(SECTION, "bills.print_order", N_("打印账单"), "printer", "bill.print", 30))

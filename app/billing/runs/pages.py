"""Pages of runs: compute a month, look at it, have a second person confirm, issue, withdraw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.billing.models import BillRun
from app.billing.runs import queries, service
from app.billing.runs.queries import REASONS, STATUSES, LeftOut, RunFacts
from app.billing.runs.schemas import RunNew, RunWithdrawal
from app.billing.tariffs.pages.common import attempt, may
from app.identity.permissions import ROLES
from app.identity.queries.names import account_names, staff_who_may
from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, HouseError
from app.kernel.period import Month
from app.web import sheets
from app.web.door import needs
from app.web.errors import sentence
from app.web.forms import Form, blank_form, read_form
from app.web.lists import Column, Filter, Listing, Page
from app.web.navigation import BILLS, NavItem, register

pages = Blueprint("runs", __name__, template_folder="templates")
AT = "/c/<int:community_id>/runs"
EVERY_LINE = 1_000_000
SHOWN_LEFT_OUT = 60

register(NavItem(BILLS, "runs.index", N_("出账"), "calculator", "run.read", 5))

RUNS = Listing(
    "runs",
    columns=(
        Column("month", N_("月份"), BillRun.month, "month"),
        Column("status", N_("状态"), BillRun.status, words=STATUSES),
        Column("bill_count", N_("账单"), BillRun.bill_count, "number"),
        Column("gross_fen", N_("应收"), BillRun.gross_fen, "money"),
        Column("subsidy_fen", N_("补贴"), BillRun.subsidy_fen, "money"),
        Column("resident_fen", N_("住户应付"), BillRun.resident_fen, "money"),
        Column("prepared_by", N_("试算"), exported=False),
        Column("confirmed_by", N_("复核"), exported=False),
        Column("issued_at", N_("出账时间"), BillRun.issued_at, "instant"),
    ),
    default_sort="-month",
    tiebreak=BillRun.id.desc(),
    filters=(
        Filter(
            "status",
            N_("状态"),
            lambda rows, value: rows.where(BillRun.status == value),
            choices=STATUSES,
        ),
        Filter(
            "month",
            N_("月份"),
            lambda rows, value: rows.where(BillRun.month == value.first),
            "month",
        ),
    ),
)

LINES = Listing(
    "lines",
    columns=(
        Column("label", N_("房号"), "label"),
        Column("tariff_name", N_("收费项目")),
        Column("quantity", N_("数量"), kind="number"),
        Column("price", N_("单价"), kind="price"),
        Column("days", N_("天数"), kind="number"),
        Column("gross_fen", N_("应收"), kind="money"),
        Column("subsidy_fen", N_("补贴"), kind="money"),
        Column("resident_fen", N_("住户应付"), kind="money"),
    ),
    default_sort="label",
    tiebreak="unit_id",
    search=lambda rows, word: rows,
    search_label=N_("房号"),
)


@pages.get(AT)
@needs("run.read")
def index(community_id: int) -> Any:
    """All runs, the latest month first."""
    rows = queries.runs(community_id)
    if request.args.get("format") in sheets.WRITERS:
        return RUNS.answer(rows, "runs/index.html")
    page = RUNS.page(rows)
    names = account_names(one for row in page.rows for one in (row.prepared_by, row.confirmed_by))
    return _show("index.html", page=page, names=names)


@pages.route(f"{AT}/new", methods=["GET", "POST"])
@needs("run.prepare")
def new_run(community_id: int) -> Any:
    """Compute a month, without issuing anything."""
    form = blank_form(RunNew, month=Month.of(clock.today()))
    if request.method == "POST":
        form = read_form(RunNew)
        made = attempt(
            form, lambda: service.preview_run(community_id, form["month"], due_on=form["due_on"])
        )
        if made is not None:
            return _to(community_id, made.id)
    return _show("new.html", form)


@pages.get(f"{AT}/<int:run_id>")
@needs("run.read")
def run(community_id: int, run_id: int) -> Any:
    """A run as it stands: what to look at before confirming, or what was issued."""
    row = queries.run(community_id, run_id)
    me = audit.actor().account_id
    waits = row.status == "preview"
    others = [
        (name, ROLES[role])
        for account, name, role in (
            staff_who_may(community_id, "run.confirm", clock.today()) if waits else ()
        )
        if account != row.prepared_by
    ]
    return _show(
        "run.html",
        row=row,
        names=account_names([row.prepared_by, row.confirmed_by, row.withdrawn_by]),
        mine=row.prepared_by is not None and row.prepared_by == me,
        others=others,
        left_out=[(one, _mend(community_id, row, one)) for one in row.left_out[:SHOWN_LEFT_OUT]],
        left_out_total=sum(row.left_out_counts.values()),
        links=_links(community_id, row),
    )


@pages.get(f"{AT}/<int:run_id>/lines")
@needs("run.read")
def lines(community_id: int, run_id: int) -> Any:
    """A preview's lines, computed again, paged and searched; as a sheet: all of them."""
    row = queries.run(community_id, run_id)
    if row.status != "preview":
        return _to(community_id, run_id)
    form = request.args.get("format")
    if form in sheets.WRITERS:
        every, _ = service.preview_lines(community_id, run_id, limit=EVERY_LINE)
        return sheets.answer(f"preview-{row.month}", _headings(), every, form)
    return _show("lines.html", row=row, page=_lines(community_id, run_id))


@pages.route(f"{AT}/<int:run_id>/confirm", methods=["GET", "POST"])
@needs("run.confirm")
def confirm(community_id: int, run_id: int) -> Any:
    """Issue what was looked at, by another person than who prepared it."""
    row = queries.run(community_id, run_id)
    if row.status != "preview":
        flash(gettext("这个批次已不是试算，看看它现在的样子。"), "warning")
        return _to(community_id, run_id)
    if request.method == "POST":
        answer = _tried(lambda: service.confirm_run(community_id, run_id))
        if answer is None:
            flash(gettext("已出账：%(month)s 的账单住户现在就能看到。", month=row.month))
            return _to(community_id, run_id)
        page, _ = _show("confirm.html", row=row, refusal=answer[0], mine=False)
        return page, answer[1]
    mine = row.prepared_by is not None and row.prepared_by == audit.actor().account_id
    return _show("confirm.html", row=row, refusal=None, mine=mine)


@pages.post(f"{AT}/<int:run_id>/discard")
@needs("run.prepare")
def discard(community_id: int, run_id: int) -> Any:
    """Put a preview aside."""
    row = queries.run(community_id, run_id)
    answer = _tried(lambda: service.discard_preview(community_id, run_id))
    if answer is not None:
        flash(answer[0], "error")
        return _to(community_id, run_id)
    flash(gettext("%(month)s 的试算已作废，没有产生任何账单。", month=row.month))
    return redirect(url_for("runs.index", community_id=community_id), 303)


@pages.route(f"{AT}/<int:run_id>/withdraw", methods=["GET", "POST"])
@needs("run.withdraw")
def withdraw(community_id: int, run_id: int) -> Any:
    """Take back an issued run on which nothing was paid or noted."""
    row = queries.run(community_id, run_id)
    if row.status != "issued":
        flash(gettext("只有已出账的批次才能撤回。"), "warning")
        return _to(community_id, run_id)
    form = blank_form(RunWithdrawal)
    if request.method == "POST":
        form = read_form(RunWithdrawal)
        made = attempt(form, lambda: service.withdraw_run(community_id, run_id, form["reason"]))
        if made is not None:
            flash(gettext("%(month)s 的账单已全部撤回，记账也已冲回。", month=row.month))
            return _to(community_id, run_id)
    return _show("withdraw.html", form, row=row)


def _show(template: str, form: Form | None = None, **context: Any) -> Any:
    status = 200 if form is None or form.ok else 422
    words = {"STATUSES": STATUSES, "REASONS": REASONS, "may": may}
    return render_template(f"runs/{template}", form=form, **words, **context), status


def _to(community_id: int, run_id: int) -> Any:
    return redirect(url_for("runs.run", community_id=community_id, run_id=run_id), 303)


def _tried(act: Callable[[], object]) -> tuple[str, int] | None:
    """Nothing when a verb succeeded; else its sentence and status, with everything undone."""
    try:
        act()
    except HouseError as error:
        if error.status == 404:
            raise
        db.session.rollback()
        return sentence(error), error.status
    return None


def _headings() -> list[Column]:
    return [column for column in LINES.columns if column.exported]


def _lines(community_id: int, run_id: int) -> Page:
    """A page of a preview's lines; a search goes through all of them."""
    asked = LINES.asked()
    word = asked.search.upper()
    offset = 0 if word else (asked.number - 1) * asked.per_page
    limit = EVERY_LINE if word else asked.per_page
    rows, total = service.preview_lines(community_id, run_id, offset=offset, limit=limit)
    found = list(rows)
    if word:
        matching = [row for row in found if row.label.upper().startswith(word)]
        first = (asked.number - 1) * asked.per_page
        found, total = matching[first : first + asked.per_page], len(matching)
    return Page(LINES, asked, found, total)


def _link(endpoint: str, **values: Any) -> str | None:
    """An address of another room, where that room has opened it."""
    known = endpoint in current_app.view_functions
    return url_for(endpoint, **values) if known else None


def _links(community_id: int, row: RunFacts) -> dict[str, str | None]:
    """Where to go on from an issued run."""
    c = community_id
    return {
        "bills": _link("bills.bills", community_id=c, month=str(row.month)),
        "print": _link("bills.print_order", community_id=c, month=str(row.month)),
        "entry": _entry(c, row.entry_id),
        "reversal": _entry(c, row.reversal_id),
    }


def _entry(community_id: int, entry_id: int | None) -> str | None:
    if entry_id is None:
        return None
    return _link("ledger.entry_by_number", community_id=community_id, entry_id=entry_id)


def _mend(community_id: int, row: RunFacts, one: LeftOut) -> tuple[str, str] | None:
    """Where a unit's reason is mended: (address, what to do)."""
    c = community_id
    unit = _link("registry.unit", community_id=c, unit_id=one.unit_id)
    if one.reason == "no_tariff":
        return url_for("tariffs.index", community_id=c), gettext("看收费标准")
    if one.reason == "no_price" and one.tariff_id:
        url = url_for("tariffs.tariff", community_id=c, tariff_id=one.tariff_id)
        return url, gettext("补上价格")
    if one.reason == "no_reading":
        url = url_for("tariffs.meter_list", community_id=c, q=one.label, missing=str(row.month))
        return url, gettext("录入读数")
    if one.reason == "fully_reduced":
        return url_for("tariffs.reduction_list", community_id=c, q=one.label), gettext("看减免")
    return (unit, gettext("看房屋资料")) if unit else None

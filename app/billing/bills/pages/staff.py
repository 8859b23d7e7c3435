"""Staff's face: the list of bills, one bill with its history, corrections, a unit's account."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext

from app.billing.bills import service
from app.billing.bills.explain import explain
from app.billing.bills.pages.common import (
    EVENTS,
    asked_days,
    event_words,
    pages,
    timeline,
)
from app.billing.bills.print.sheets import outlook_words
from app.billing.bills.queries import accounts, lists, sheet
from app.billing.bills.schemas import STATUS_WORDS, NewNote
from app.billing.models import Bill
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import N_, HouseError
from app.kernel.period import Month
from app.registry import queries as registry
from app.web import formats, sheets
from app.web.door import needs
from app.web.forms import blank_form, read_form
from app.web.lists import Column, Filter, Listing, Page
from app.web.navigation import BILLS as SECTION
from app.web.navigation import NavItem, register
from app.web.reader import allowed_actions, place

FILTER_STATUS = {**STATUS_WORDS, "overdue": N_("已逾期")}
COLLECTION_MONTHS = 13


def _building_choices() -> Mapping[str, str]:
    if "building_choices" not in g:
        assert request.view_args is not None
        g.building_choices = {
            str(key): code for key, code in lists.buildings(request.view_args["community_id"])
        }
    known: dict[str, str] = g.building_choices
    return known


BILLS = Listing(
    "bills",
    columns=(
        Column("unit_label", N_("房号"), lists.BY_ROOM),
        Column("month", N_("账期"), Bill.month, "month"),
        Column("payer_name", N_("付款人"), lists.BY_PAYER),
        Column("gross_fen", N_("应收总额"), Bill.gross_fen, "money"),
        Column("subsidy_fen", N_("补贴"), Bill.subsidy_fen, "money"),
        Column("notes_fen", N_("调整"), Bill.notes_fen, "money", shown=False),
        Column("total_fen", N_("业主应付"), lists.TOTAL_FEN, "money"),
        Column("paid_fen", N_("已付"), Bill.paid_fen, "money", shown=False),
        Column("open_fen", N_("未付"), Bill.open_fen, "money"),
        Column("due_on", N_("缴费期限"), Bill.due_on, "date"),
        Column("status", N_("状态"), words=STATUS_WORDS),
    ),
    default_sort="-month",
    tiebreak=lists.BY_ROOM,
    filters=(
        Filter(
            "month",
            N_("账期"),
            lambda rows, month: rows.where(Bill.month == month.first),
            kind="month",
        ),
        Filter(
            "building",
            N_("楼栋"),
            lambda rows, key: lists.of_building(rows, int(key)),
            choices=_building_choices,
        ),
        Filter(
            "status",
            N_("状态"),
            lambda rows, status: lists.with_status(rows, status, clock.today()),
            choices=FILTER_STATUS,
        ),
    ),
    search=lists.matching,
    search_label=N_("房号、付款人或手机尾号"),
)


COLLECTION = (
    Column("month", N_("缴费月份"), kind="month"),
    Column("bill_count", N_("账单数"), kind="number"),
    Column("billed_fen", N_("应付"), kind="money"),
    Column("collected_fen", N_("已收"), kind="money"),
    Column("rate", N_("收缴率"), kind="percent"),
)


@pages.get("/c/<int:community_id>/bills")
@needs("bill.read")
def bills(community_id: int) -> Any:
    """All bills, searched and filtered; with the totals of what matches and collection."""
    rows = lists.bills(community_id)
    if request.args.get("format") in sheets.WRITERS:
        return BILLS.answer(rows, "bills/bills.html")
    asked = BILLS.asked()
    narrowed = BILLS.narrow(rows, asked)
    totals = lists.totals(narrowed)
    wanted = BILLS.ordered(narrowed, asked).limit(asked.per_page)
    found = db.session.execute(wanted.offset((asked.number - 1) * asked.per_page)).all()
    page = Page(BILLS, asked, list(found), totals.count)  # the totals counted already
    return render_template("bills/bills.html", page=page, totals=totals)


@pages.get("/c/<int:community_id>/collection")
@needs("bill.read")
def collection(community_id: int) -> Any:
    """What was billed and what has come in, by due month."""
    this = Month.of(clock.today())
    months = lists.collection(community_id, this.shift(1 - COLLECTION_MONTHS), this)
    if request.args.get("format") in sheets.WRITERS:
        return sheets.answer("collection", COLLECTION, months, request.args["format"])
    return render_template("bills/collection.html", months=months)


@pages.get("/c/<int:community_id>/bills/<int:bill_id>")
@needs("bill.read")
def bill(community_id: int, bill_id: int) -> Any:
    """One bill: lines in words, what happened to it."""
    full = sheet.bill(community_id, bill_id)
    return render_template(
        "bills/bill.html",
        full=full,
        bill=full.bill,
        lines=[explain(line) for line in full.lines],
        outlook=outlook_words(full),
        events=timeline(accounts.history(community_id, full.bill.unit_id, bill_id)),
        STATUS_WORDS=STATUS_WORDS,
        may_print="bill.print" in allowed_actions(place()),
        may_correct="bill.correct" in allowed_actions(place()),
    )


@pages.route("/c/<int:community_id>/bills/<int:bill_id>/correct", methods=["GET", "POST"])
@needs("bill.correct")
def correct(community_id: int, bill_id: int) -> Any:
    """Add a credit or debit note to a bill."""
    form = blank_form(NewNote, kind="credit", ground="correction", key=secrets.token_hex(8))
    if request.method == "POST":
        form = read_form(NewNote)
        if form.ok:
            try:
                _correct(community_id, bill_id, form.values)
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("调整单已记入，账单已更新。"))
                return redirect(
                    url_for("bills.bill", community_id=community_id, bill_id=bill_id), 303
                )
    found = sheet.bill(community_id, bill_id).bill
    status = 422 if form.errors else 200
    return render_template("bills/correct.html", form=form, bill=found), status


def _correct(community_id: int, bill_id: int, values: Mapping[str, Any]) -> None:
    key = values["key"]
    service.correct(
        community_id,
        bill_id,
        values["kind"],
        values["amount_fen"],
        values["reason"],
        ground=values["ground"],
        key=f"form:{bill_id}:{key}" if key else None,
    )


STATEMENT_COLUMNS = (
    Column("on", N_("日期"), kind="date"),
    Column("kind", N_("事项"), words=EVENTS),
    Column("words", N_("说明")),
    Column("amount_fen", N_("金额"), kind="money"),
    Column("balance_fen", N_("余额"), kind="money"),
)


@pages.get("/c/<int:community_id>/units/<int:unit_id>/statement")
@needs("bill.read")
def statement(community_id: int, unit_id: int) -> Any:
    """A unit's account over some days, to read, print or take away as a sheet."""
    unit = registry.unit(community_id, unit_id)
    since, until = asked_days()
    found = accounts.statement(community_id, unit_id, since, until)
    rows = [{"event": one, "words": event_words(one)} for one in found.events]
    form = request.args.get("format")
    if form in sheets.WRITERS:
        flat = [_Row(one, event_words(one)) for one in found.events]
        name = f"statement-{unit.label}"
        return sheets.answer(name, STATEMENT_COLUMNS, flat, str(form))
    return render_template(
        "bills/statement.html",
        unit=unit,
        statement=found,
        rows=rows,
        since=since,
        until=until,
        EVENTS=EVENTS,
        period=_period_words(since, until),
    )


class _Row:
    """An event as a row of a sheet."""

    def __init__(self, event: Any, words: str) -> None:
        self.on, self.kind, self.words = event.on, event.kind, words
        self.amount_fen, self.balance_fen = event.amount_fen, event.balance_fen


def _period_words(since: Any, until: Any) -> str:
    if since and until:
        return gettext(
            "%(start)s 至 %(end)s", start=formats.short_day(since), end=formats.short_day(until)
        )
    if since:
        return gettext("从 %(start)s 开始", start=formats.short_day(since))
    if until:
        return gettext("截至 %(end)s", end=formats.short_day(until))
    return gettext("全部")


register(
    NavItem(SECTION, "bills.bills", N_("账单"), "receipt", "bill.read", 20),
    NavItem(SECTION, "bills.collection", N_("收缴率"), "chart-bar", "bill.read", 50),
)

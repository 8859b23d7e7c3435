"""Requests for fapiao for staff: the queue, its sheet for the tax system, issued or refused."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.kernel import clock
from app.kernel.errors import N_, HouseError
from app.payments.receipts import fapiao, queries
from app.payments.receipts.models import FapiaoRequest, Receipt
from app.payments.receipts.pages.common import pages
from app.payments.receipts.schemas import (
    FAPIAO_WORDS,
    TITLE_WORDS,
    AskFapiao,
    IssueFapiao,
    RefuseFapiao,
)
from app.web.door import needs
from app.web.forms import blank_form, read_form
from app.web.lists import Column, Filter, Listing
from app.web.navigation import BILLS as SECTION
from app.web.navigation import NavItem, register
from app.web.reader import allowed_actions, place

# In the order the tax system's import sheet is filled in: who, what for, how much.
REQUESTS = Listing(
    "fapiao",
    columns=(
        Column("created_at", N_("申请时间"), FapiaoRequest.created_at, "instant"),
        Column("unit_label", N_("房号"), Receipt.unit_label),
        Column("title_kind", N_("抬头类型"), words=TITLE_WORDS, shown=False),
        Column("title", N_("发票抬头"), FapiaoRequest.title),
        Column("tax_number", N_("纳税人识别号")),
        Column("email", N_("接收邮箱"), shown=False),
        Column("written", N_("收据号"), queries.BY_NUMBER),
        Column("received_on", N_("收款日期"), Receipt.received_on, "date", shown=False),
        Column("months", N_("费用所属月份"), shown=False),
        Column("amount_fen", N_("住户自付（开票金额）"), FapiaoRequest.amount_fen, "money"),
        Column("subsidy_fen", N_("政府补贴（不在本票内）"), kind="money", shown=False),
        Column("status", N_("状态"), words=FAPIAO_WORDS),
        Column("fapiao_number", N_("发票号码"), shown=False),
        Column("issued_on", N_("开票日期"), kind="date", shown=False),
        Column("reason", N_("退回原因"), shown=False),
    ),
    default_sort="created_at",
    tiebreak=FapiaoRequest.id,
    filters=(
        Filter(
            "status",
            N_("状态"),
            lambda rows, code: rows.where(FapiaoRequest.status == code),
            choices=FAPIAO_WORDS,
        ),
    ),
    search=queries.requests_matching,
    search_label=N_("收据号、房号或抬头"),
)


@pages.get("/c/<int:community_id>/fapiao")
@needs("receipt.read")
def requests(community_id: int) -> Any:
    """The queue, and as a sheet for the tax system."""
    return REQUESTS.answer(
        queries.requests(community_id), "receipts/requests.html", FAPIAO_WORDS=FAPIAO_WORDS
    )


@pages.get("/c/<int:community_id>/fapiao/<int:request_id>")
@needs("receipt.read")
def fapiao_request(community_id: int, request_id: int) -> Any:
    """One request, with the forms that settle it."""
    return _page(community_id, request_id)


@pages.post("/c/<int:community_id>/fapiao/<int:request_id>/issue")
@needs("fapiao.edit")
def issue_fapiao(community_id: int, request_id: int) -> Any:
    """Note the number under which it was issued."""
    form = read_form(IssueFapiao)
    if form.ok:
        try:
            fapiao.issue(community_id, request_id, **form.values)
        except HouseError as error:
            form.take(error)
        else:
            flash(gettext("已登记发票号码。"))
            return redirect(url_for("receipts.requests", community_id=community_id), 303)
    return _page(community_id, request_id, issue_form=form)


@pages.post("/c/<int:community_id>/fapiao/<int:request_id>/refuse")
@needs("fapiao.edit")
def refuse_fapiao(community_id: int, request_id: int) -> Any:
    """Send a request back with a reason."""
    form = read_form(RefuseFapiao)
    if form.ok:
        try:
            fapiao.refuse(community_id, request_id, **form.values)
        except HouseError as error:
            form.take(error)
        else:
            flash(gettext("已退回申请。"))
            return redirect(url_for("receipts.requests", community_id=community_id), 303)
    return _page(community_id, request_id, refuse_form=form)


@pages.route("/c/<int:community_id>/receipts/<int:receipt_id>/fapiao", methods=["GET", "POST"])
@needs("fapiao.edit")
def ask_fapiao(community_id: int, receipt_id: int) -> Any:
    """Ask for a fapiao on a receipt for somebody at the counter."""
    row = queries.receipt(community_id, receipt_id)
    back = url_for("receipts.receipt", community_id=community_id, receipt_id=receipt_id)
    form = blank_form(AskFapiao, title_kind="person", title=row.payer_name)
    if request.method == "POST":
        form = read_form(AskFapiao)
        if form.ok:
            try:
                fapiao.ask(community_id, receipt_id, **form.values)
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("已记下发票申请。"))
                return redirect(back, 303)
    page = render_template("receipts/ask_fapiao.html", form=form, row=row, back=back)
    return page, 422 if form.errors else 200


def _page(community_id: int, request_id: int, **forms: Any) -> Any:
    one = queries.request(community_id, request_id)
    page = render_template(
        "receipts/request.html",
        one=one,
        row=queries.receipt(community_id, one.receipt_id),
        issue_form=forms.get("issue_form") or blank_form(IssueFapiao, issued_on=clock.today()),
        refuse_form=forms.get("refuse_form") or blank_form(RefuseFapiao),
        may_edit="fapiao.edit" in allowed_actions(place()),
        FAPIAO_WORDS=FAPIAO_WORDS,
        TITLE_WORDS=TITLE_WORDS,
    )
    return page, 422 if forms else 200


register(NavItem(SECTION, "receipts.requests", N_("发票申请"), "file-invoice", "receipt.read", 45))

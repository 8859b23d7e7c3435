"""Pages made of every component, for tests and for looking at."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext
from sqlalchemy import Integer, column, values

from app.kernel.errors import N_, Conflict, RuleBroken
from app.web import fields, forms
from app.web.door import needs, public, signed_in
from app.web.lists import Column, Filter, Listing
from app.web.navigation import BILLS, OVERVIEW, RESIDENT, ROLL, NavItem, register

pages = Blueprint("kitchen", __name__, template_folder="templates")
STATUS_WORDS = {"occupied": N_("已入住"), "vacant": N_("空置")}
NUMBERS = values(column("n", Integer), name="numbers").data([(n,) for n in range(1, 121)])
N = NUMBERS.c.n

LIST = Listing(
    "kitchen",
    columns=(
        Column("n", N_("序号"), N, "number"),
        Column("label", N_("房号"), N),
        Column("open_fen", N_("欠费"), N * -1, "money"),
        Column("area_m2", N_("面积"), None, "area"),
        Column("status", N_("状态"), None, words=STATUS_WORDS),
    ),
    default_sort="n",
    tiebreak=N,
    filters=(
        Filter(
            "status",
            N_("状态"),
            lambda rows, wanted: rows.where((0 if wanted == "vacant" else 1) == N % 2),
            choices=STATUS_WORDS,
        ),
    ),
    search=lambda rows, text: rows.where((int(text) == N) if text.isdigit() else (N == -1)),
    search_label=N_("房号"),
)


class Everything(fields.Schema):
    """One of each kind of field."""

    name = fields.Text(required=True, least=1, most=20)
    amount_fen = fields.Money(required=True, least=1)
    area_m2 = fields.Area(required=True)
    price = fields.Price(load_default=None, allow_none=True)
    month = fields.Month(required=True)
    day = fields.Date(load_default=None, allow_none=True)
    phone = fields.Phone(load_default=None, allow_none=True)
    status = fields.Choice(STATUS_WORDS, required=True)
    kinds = fields.Choices(STATUS_WORDS, load_default=list)
    remark = fields.Text(most=500, lines=True, load_default="")
    agreed = fields.Flag()
    file = fields.Upload(endings=(".xlsx", ".csv"), load_default=None)


LABELS = {"name": "姓名", "amount_fen": "金额"}


def rows() -> Any:
    """A hundred and twenty made-up homes."""
    from sqlalchemy import case, literal, select

    return select(
        N.label("n"),
        (literal("3-2-") + N.cast(__import__("sqlalchemy").Text)).label("label"),
        (N * 12345 * case((N % 7 == 0, -1), else_=1)).label("open_fen"),
        literal(Decimal("88.47")).label("area_m2"),
        case((N % 2 == 0, "vacant"), else_="occupied").label("status"),
    )


@pages.get("/c/<int:community_id>/kitchen")
@needs("community.read")
def overview(community_id: int) -> str:
    return render_template("kitchen/overview.html", task=task("running"), day=date(2026, 3, 5))


@pages.get("/c/<int:community_id>/kitchen/list")
@needs("roster.read")
def listing(community_id: int) -> Any:
    return LIST.answer(rows(), "kitchen/list.html")


@pages.get("/c/<int:community_id>/my/kitchen")
@needs("community.read")
def mine(community_id: int) -> str:
    return render_template("kitchen/overview.html", task=task("done"), day=date(2026, 3, 5))


@pages.route("/kitchen/form", methods=["GET", "POST"])
@public
def form() -> Any:
    shown = forms.blank_form(Everything, amount_fen=123450, status="vacant")
    if request.method == "POST":
        shown = forms.read_form(Everything)
        if shown.ok:
            flash(gettext("已保存。"))
            return redirect("/kitchen/form")
    return render_template("kitchen/form.html", form=shown), 200 if shown.ok else 422


@pages.get("/kitchen/confirm")
@signed_in
def confirm() -> str:
    return render_template("kitchen/confirm.html")


@pages.get("/kitchen/trouble/<kind>")
@public
def trouble(kind: str) -> str:
    if kind == "rule":
        raise RuleBroken(
            "kitchen.rule", N_("“%(text)s”不是金额，请填写如 1234.50 的数字。"), text="a"
        )
    if kind == "conflict":
        raise Conflict("kitchen.moved", N_("数据已被他人更新，请刷新后重试。"), field="name")
    raise ZeroDivisionError


def task(status: str) -> SimpleNamespace:
    """A task as the queue keeps it."""
    return SimpleNamespace(id=7, status=status, progress_done=340, progress_total=1000, error=None)


register(
    NavItem(OVERVIEW, "kitchen.overview", N_("概况"), "building-community", "community.read", 1),
    NavItem(ROLL, "kitchen.listing", N_("房屋"), "home", "roster.read", 2),
    NavItem(BILLS, "kitchen.forbidden", N_("账单"), "file-invoice", "bill.read", 3),
    NavItem("", "kitchen.mine", N_("账单"), "receipt", "community.read", 1, RESIDENT),
)

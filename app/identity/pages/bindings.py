"""Residents' accounts of a community, for its staff: list, end, new codes."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request
from flask_babel import gettext

from app.identity import queries, rules
from app.identity.models import Account, UnitBinding
from app.identity.pages.common import go, pages, shown_once
from app.identity.queries.bindings import UNIT
from app.identity.schemas import RenewCodeForm
from app.identity.service import bindings as verbs
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.web.door import needs
from app.web.forms import blank_form, read_form
from app.web.lists import Column, Listing
from app.web.navigation import MANAGE, NavItem, register

BINDINGS = Listing(
    "bindings",
    columns=(
        Column("label", N_("房号"), UNIT.c.sort_key),
        Column("account_name", N_("住户"), Account.name, "name", exported=False),
        Column("bound_at", N_("绑定时间"), UnitBinding.created_at, "instant"),
        Column("accounts", N_("此户账号数"), None, "number"),
        Column("id", N_("操作"), exported=False),
    ),
    default_sort="label",
    tiebreak=UnitBinding.id,
    search=lambda rows, word: rows.where(UNIT.c.label.startswith(word, autoescape=True)),
    search_label=N_("房号"),
)


@pages.get("/c/<int:community_id>/bindings")
@needs("binding.edit")
def bindings(community_id: int) -> Any:
    """Which accounts see which units; names masked."""
    return BINDINGS.answer(queries.bindings_of(community_id), "identity/bindings.html")


@pages.route("/c/<int:community_id>/bindings/<int:binding_id>/end", methods=["GET", "POST"])
@needs("binding.edit")
def end_binding(community_id: int, binding_id: int) -> Any:
    """Ask, then end a binding."""
    query = queries.bindings_of(community_id).where(UnitBinding.id == binding_id)
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound("binding.unknown", N_("没有找到这个绑定。"))
    if request.method == "POST":
        verbs.end_by_staff(community_id, binding_id)
        flash(gettext("已解除 %(unit)s 的一个绑定。", unit=row.label))
        return go(f"/c/{community_id}/bindings")
    return render_template("identity/end_binding.html", row=row)


@pages.route("/c/<int:community_id>/units/<int:unit_id>/binding-code", methods=["GET", "POST"])
@needs("binding.edit")
def renew_binding_code(community_id: int, unit_id: int) -> Any:
    """Ask, then give a unit a new code and show it."""
    label = queries.unit_label(community_id, unit_id)
    if label is None:
        raise NotFound("unit.unknown", N_("没有找到这套房屋。"))
    if request.method == "GET":
        form = blank_form(RenewCodeForm)
        return render_template("identity/renew_code.html", form=form, label=label, code="")
    form = read_form(RenewCodeForm)
    code = verbs.renew_code(community_id, unit_id, end_bindings=bool(form.values["end_bindings"]))
    printed = rules.printed_code(community_id, code)
    return shown_once(
        render_template("identity/renew_code.html", form=form, label=label, code=printed)
    )


register(NavItem(MANAGE, "identity.bindings", N_("住户绑定"), "link", "binding.edit", 75))

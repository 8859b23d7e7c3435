"""A month's sums: shared costs with their exact division, one-off charges."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext, ngettext

from app.billing.models import OneOffCharge, Tariff
from app.billing.tariffs import queries, service
from app.billing.tariffs.pages import pages
from app.billing.tariffs.pages.common import WORDS, attempt, done, named_units, show
from app.billing.tariffs.pages.tariffs import AT
from app.billing.tariffs.queries import SharePreview
from app.billing.tariffs.schemas import OneOffNew, SharedCostNew
from app.kernel import clock
from app.kernel.errors import N_
from app.kernel.period import Month
from app.registry import queries as registry
from app.registry.queries.many import UNITS, label_begins
from app.web.door import needs
from app.web.forms import Form, blank_form, read_form
from app.web.lists import Column, Filter, Listing

STATES = {"waiting": N_("待出账"), "billed": N_("已出账"), "cancelled": N_("已取消")}


def _by_state(rows: Any, value: str) -> Any:
    billed = rows.selected_columns["billed"]
    if value == "cancelled":
        return rows.where(OneOffCharge.cancelled_at.is_not(None))
    kept = rows.where(OneOffCharge.cancelled_at.is_(None))
    return kept.where(billed if value == "billed" else ~billed)


ONE_OFFS = Listing(
    "one-off",
    columns=(
        Column("label", N_("房号"), UNITS.c.sort_key),
        Column("month", N_("月份"), OneOffCharge.month, "month"),
        Column("tariff_name", N_("收费项目"), Tariff.position),
        Column("description", N_("说明")),
        Column("amount_fen", N_("金额"), OneOffCharge.amount_fen, "money"),
        Column("state", N_("状态"), exported=False),
    ),
    default_sort="-month",
    tiebreak=OneOffCharge.id,
    filters=(
        Filter(
            "month",
            N_("月份"),
            lambda rows, value: rows.where(OneOffCharge.month == value.first),
            "month",
        ),
        Filter("state", N_("状态"), _by_state, choices=STATES),
    ),
    search=lambda rows, word: rows.where(label_begins(word)),
    search_label=N_("房号"),
)


@pages.get(f"{AT}/shared-costs")
@needs("tariff.read")
def cost_list(community_id: int) -> Any:
    """The common costs of all months, the latest first."""
    return show("shared_costs.html", rows=queries.shared_costs(community_id))


@pages.route(f"{AT}/shared-costs/new", methods=["GET", "POST"])
@needs("tariff.edit")
def new_cost(community_id: int) -> Any:
    """Write down a common cost; “look first” shows how it falls on each unit."""
    tariffs = queries.names(community_id, "shared")
    form = blank_form(
        SharedCostNew,
        month=Month.of(clock.today()),
        allocation="area",
        tariff_id=tariffs[0][0] if len(tariffs) == 1 else None,
    )
    preview = None
    if request.method == "POST":
        form = read_form(SharedCostNew)
        if "look" in request.form:
            preview = attempt(form, lambda: _divide(community_id, form))
        else:
            made = attempt(form, lambda: service.add_shared_cost(community_id, **form.values))
            if made is not None:
                return done(gettext("公摊已登记。"), "cost_list", community_id=community_id)
    buildings = {one.id: one.code for one in registry.buildings(community_id)}
    stairs = registry.entrances(community_id)
    entrances = [(one.id, _stair(buildings[one.building_id], one.code)) for one in stairs]
    return show(
        "shared_cost_form.html",
        form,
        tariffs=tariffs,
        buildings=[(one, gettext("%(code)s 栋", code=code)) for one, code in buildings.items()],
        entrances=entrances,
        preview=preview,
    )


@pages.post(f"{AT}/shared-costs/<int:cost_id>/cancel")
@needs("tariff.edit")
def cancel_cost(community_id: int, cost_id: int) -> Any:
    """Strike out a common cost that is not billed."""
    service.cancel_shared_cost(community_id, cost_id)
    return done(gettext("已取消这笔公摊。"), "cost_list", community_id=community_id)


@pages.get(f"{AT}/one-off")
@needs("tariff.read")
def one_off_list(community_id: int) -> Any:
    """Single sums of units."""
    return ONE_OFFS.answer(
        queries.one_offs(community_id), "tariffs/one_offs.html", STATES=STATES, **WORDS
    )


@pages.route(f"{AT}/one-off/new", methods=["GET", "POST"])
@needs("tariff.edit")
def new_one_off(community_id: int) -> Any:
    """Write the same sum for one unit or many."""
    tariffs = queries.names(community_id, "one_off")
    form = blank_form(
        OneOffNew,
        month=Month.of(clock.today()),
        tariff_id=tariffs[0][0] if len(tariffs) == 1 else None,
    )
    if request.method == "POST":
        form = read_form(OneOffNew)
        units = named_units(community_id, form)
        given = {key: value for key, value in form.values.items() if key != "units"}
        made = attempt(
            form,
            lambda: service.charge_units(
                community_id, unit_ids=[unit.id for unit in units], **given
            ),
        )
        if made is not None:
            sentence = ngettext("已登记 %(num)s 户。", "已登记 %(num)s 户。", len(made))
            return done(sentence, "one_off_list", community_id=community_id)
    return show("one_off_form.html", form, tariffs=tariffs)


@pages.post(f"{AT}/one-off/<int:charge_id>/cancel")
@needs("tariff.edit")
def cancel_one_off(community_id: int, charge_id: int) -> Any:
    """Strike out a single sum that is not billed."""
    service.cancel_one_off(community_id, charge_id)
    return done(gettext("已取消这笔收费。"), "one_off_list", community_id=community_id)


def _stair(building: str, code: str) -> str:
    return str(gettext("%(building)s 栋 %(code)s 单元", building=building, code=code))


def _divide(community_id: int, form: Form) -> SharePreview:
    tariff = queries.tariff(community_id, form["tariff_id"], clock.today())
    preview = queries.share_preview(
        community_id,
        tariff,
        form["month"],
        form["amount_fen"],
        allocation=form["allocation"],
        building_id=form["building_id"],
        entrance_id=form["entrance_id"],
    )
    if not preview.rows:
        form.refuse("building_id", gettext("这个范围里没有可分摊的房屋。"))
    return preview

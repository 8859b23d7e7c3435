"""A charge's prices: set one, take one back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import gettext

from app.billing.tariffs import queries, service
from app.billing.tariffs.pages import pages
from app.billing.tariffs.pages.common import attempt, done, show
from app.billing.tariffs.pages.tariffs import AT
from app.billing.tariffs.rules import check_price, plain, typical
from app.billing.tariffs.schemas import PriceNew
from app.kernel import clock
from app.kernel.errors import N_, Conflict, NotFound
from app.kernel.period import Month
from app.web.door import needs
from app.web.forms import Form, blank_form, read_form


@pages.route(f"{AT}/<int:tariff_id>/prices/new", methods=["GET", "POST"])
@needs("tariff.edit")
def new_price(community_id: int, tariff_id: int) -> Any:
    """Set a price from a day on; “look first” shows what a usual home will pay."""
    row = queries.tariff(community_id, tariff_id, clock.today())
    before = row.present or row.coming
    starts_on = Month.of(clock.today()).shift(1 if before else 0).first
    form = blank_form(PriceNew, starts_on=starts_on, **_like(before))
    if request.method == "POST":
        form = read_form(PriceNew)
        if "look" in request.form:
            attempt(form, lambda: check_price(row.basis, form["made"]))
        else:
            made = attempt(form, lambda: service.set_price(community_id, tariff_id, form["made"]))
            if made is not None:
                sentence = gettext("价格已设定，从 %(day)s 起执行。", day=made.starts_on)
                return done(sentence, "tariff", community_id=community_id, tariff_id=tariff_id)
    return show("price_form.html", form, row=row, before=before, typical=_typical(row.basis, form))


@pages.route(f"{AT}/<int:tariff_id>/prices/<int:version_id>/withdraw", methods=["GET", "POST"])
@needs("tariff.edit")
def withdraw_price(community_id: int, tariff_id: int, version_id: int) -> Any:
    """Take back a price that has billed nothing."""
    row = queries.tariff(community_id, tariff_id, clock.today())
    version = next((one for one in row.versions if one.id == version_id), None)
    if version is None:
        raise NotFound("tariff.no_version", N_("没有这个价格。"))
    if request.method == "POST":
        service.withdraw_price(community_id, version_id)
        sentence = gettext("已撤回从 %(day)s 起的价格。", day=version.starts_on)
        return done(sentence, "tariff", community_id=community_id, tariff_id=tariff_id)
    if version.billed:
        raise Conflict(
            "tariff.version_billed", N_("这个价格已用于账单，不能撤回；请设定新的价格接续它。")
        )
    before = next((one for one in row.versions if one.ends_on == version.starts_on), None)
    return show("withdraw_price.html", row=row, version=version, before=before)


def _like(before: queries.VersionRow | None) -> dict[str, Any]:
    """A new price begins as a copy of the present one, all but its paper."""
    if before is None:
        return {"price_basis": "contract"}
    steps: dict[str, Any] = {}
    for name, one in zip(("second", "third"), before.steps, strict=False):
        steps |= {f"{name}_from": Decimal(plain(one.from_quantity)), f"{name}_price": one.price}
    return {
        "price": before.price,
        "price_basis": before.price_basis,
        "ceiling": before.ceiling,
        **steps,
    }


def _typical(basis: str, form: Form) -> tuple[Any, int] | None:
    """What a usual home will pay at the price in the form; nothing while it cannot be read."""
    made = form.values.get("made")
    return typical(basis, made.price, made.steps) if made is not None else None

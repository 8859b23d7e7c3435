"""The list of charges, one charge, opening, editing and ending it, a set to begin with."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import request
from flask_babel import gettext, ngettext

from app.billing.tariffs import queries, service
from app.billing.tariffs.pages import pages
from app.billing.tariffs.pages.common import asked, attempt, done, show
from app.billing.tariffs.pages.history import events
from app.billing.tariffs.queries import TariffFacts
from app.billing.tariffs.rules import Price, typical
from app.billing.tariffs.schemas import LastDay, TariffEdit, TariffNew
from app.billing.tariffs.schemas.starter import StarterSet
from app.billing.tariffs.starter import SUGGESTIONS
from app.billing.tariffs.words import BASES, VERSIONED
from app.kernel import clock
from app.kernel.period import Month
from app.ledger.chart import BY_KEY
from app.registry import queries as registry
from app.web.door import needs
from app.web.forms import Form, blank_form, read_form

AT = "/c/<int:community_id>/tariffs"


@pages.get(AT)
@needs("tariff.read")
def index(community_id: int) -> Any:
    """All charges: what is measured, the price today, the next one."""
    on = clock.today()
    rows = queries.tariffs(community_id, on)
    missing = [
        row for row in rows if row.basis in VERSIONED and not row.ended(on) and not row.present
    ]
    return show("index.html", rows=rows, on=on, missing=missing)


@pages.get(f"{AT}/<int:tariff_id>")
@needs("tariff.read")
def tariff(community_id: int, tariff_id: int) -> Any:
    """One charge: who bears it, its prices through time, what was done to it and by whom."""
    on = clock.today()
    row = queries.tariff(community_id, tariff_id, on)
    return show(
        "tariff.html",
        row=row,
        on=on,
        typical=_typical(row),
        account=BY_KEY["service", row.income_code].name,
        acts=events(queries.history(community_id, f"tariff:{tariff_id}")),
        priced=row.basis in VERSIONED,
    )


@pages.route(f"{AT}/new", methods=["GET", "POST"])
@needs("tariff.edit")
def new_tariff(community_id: int) -> Any:
    """Open a charge; its price comes on the next page."""
    blank = blank_form(TariffNew, basis="area", unit_kinds=["residential"], income_code="6001")
    form, made = asked(
        TariffNew,
        lambda read: service.create_tariff(community_id, **read.values),
        blank,
        posted=request.method == "POST",
    )
    if made is None:
        return _tariff_form(community_id, form, None)
    if made.basis in VERSIONED:
        sentence = gettext("已开设“%(name)s”，请设定价格。", name=made.name)
        return done(sentence, "new_price", community_id=community_id, tariff_id=made.id)
    sentence = gettext("已开设“%(name)s”。", name=made.name)
    return done(sentence, "tariff", community_id=community_id, tariff_id=made.id)


@pages.route(f"{AT}/<int:tariff_id>/edit", methods=["GET", "POST"])
@needs("tariff.edit")
def edit_tariff(community_id: int, tariff_id: int) -> Any:
    """Change what is safe to change."""
    row = queries.tariff(community_id, tariff_id, clock.today())
    kept = (
        "name",
        "unit_kinds",
        "building_ids",
        "subsidised",
        "income_code",
        "measure",
        "position",
    )
    blank = blank_form(TariffEdit, **{name: getattr(row, name) for name in kept})
    form, made = asked(
        TariffEdit,
        lambda read: service.edit_tariff(community_id, tariff_id, **read.values),
        blank,
        posted=request.method == "POST",
    )
    if made is None:
        return _tariff_form(community_id, form, row)
    sentence = gettext("已保存。以后的账单按新的设置计算，已出的账单不变。")
    return done(sentence, "tariff", community_id=community_id, tariff_id=tariff_id)


@pages.route(f"{AT}/<int:tariff_id>/end", methods=["GET", "POST"])
@needs("tariff.edit")
def end_tariff(community_id: int, tariff_id: int) -> Any:
    """Stop charging after a day."""
    row = queries.tariff(community_id, tariff_id, clock.today())
    form, made = asked(
        LastDay,
        lambda read: service.end_tariff(community_id, tariff_id, read["last_day"]),
        blank_form(LastDay, last_day=Month.of(clock.today()).last),
        posted=request.method == "POST",
    )
    if made is None:
        return show("end_tariff.html", form, row=row)
    sentence = gettext("“%(name)s”将不再收取，历史账单不变。", name=row.name)
    return done(sentence, "tariff", community_id=community_id, tariff_id=tariff_id)


@pages.route(f"{AT}/starter", methods=["GET", "POST"])
@needs("tariff.edit")
def starter(community_id: int) -> Any:
    """A usual set for a renovated old community, to choose from and price."""
    taken = {row.name for row in queries.tariffs(community_id, clock.today())}
    offers = [one for one in SUGGESTIONS.values() if gettext(one.name) not in taken]
    first = Month.of(clock.today()).first
    form = blank_form(StarterSet, starts_on=first, price_basis="contract", chosen=list(SUGGESTIONS))
    if request.method == "POST":
        form = read_form(StarterSet)
        prices = _starter_prices(form)
        made = attempt(form, lambda: service.create_starter(community_id, prices))
        if made is not None:
            sentence = ngettext("已开设 %(num)s 项收费。", "已开设 %(num)s 项收费。", len(made))
            return done(sentence, "index", community_id=community_id)
    return show("starter.html", form, offers=offers, bases=BASES, VERSIONED=VERSIONED)


def _starter_prices(form: Form) -> list[tuple[str, Price | None]]:
    """The chosen suggestions with the price beside each; a missing one is told."""
    chosen = []
    for key in form.values.get("chosen", []) if form.ok else []:
        price = None
        if SUGGESTIONS[key].basis in VERSIONED:
            typed = form.values[f"price_{key}"]
            if typed is None:
                form.refuse(f"price_{key}", gettext("请填写单价，或不勾选这一项。"))
                continue
            price = Price(form["starts_on"], typed, form["price_basis"], form["document_no"])
        chosen.append((key, price))
    if form.ok and not chosen:
        form.refuse("chosen", gettext("请至少勾选一项。"))
    return chosen


def _tariff_form(community_id: int, form: Form, row: TariffFacts | None) -> Any:
    bases = [(code, gettext(one.name), gettext(one.example)) for code, one in BASES.items()]
    buildings = [
        (one.id, gettext("%(code)s 栋", code=one.code)) for one in registry.buildings(community_id)
    ]
    return show("tariff_form.html", form, row=row, bases=bases, buildings=buildings)


def _typical(row: TariffFacts) -> tuple[Decimal, int] | None:
    if row.present is None:
        return None
    try:
        return typical(row.basis, row.present.price, row.present.steps)
    except InvalidOperation:
        return None

"""How many of a charge each unit has: list, set for some, paste many lines, end one."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import request
from flask_babel import gettext, ngettext

from app.billing.models import TariffQuantity
from app.billing.tariffs import queries, service
from app.billing.tariffs.pages import pages
from app.billing.tariffs.pages.common import WORDS, asked, attempt, done, named_units, show
from app.billing.tariffs.pages.tariffs import AT
from app.billing.tariffs.schemas import LastDay, QuantitiesNew
from app.billing.tariffs.service.quantities import Quantity
from app.kernel import clock
from app.kernel.errors import N_
from app.kernel.period import Month
from app.registry.queries.many import UNITS, label_begins, units_by_label
from app.web.door import needs
from app.web.fields import plain
from app.web.forms import Form, blank_form, read_form
from app.web.lists import Column, Filter, Listing

QUANTITIES = Listing(
    "quantities",
    columns=(
        Column("label", N_("房号"), UNITS.c.sort_key),
        Column("quantity", N_("数量"), TariffQuantity.quantity, "number"),
        Column("starts_on", N_("从"), TariffQuantity.starts_on, "date"),
        Column("ends_on", N_("到（不含）"), TariffQuantity.ends_on, "date"),
    ),
    default_sort="label",
    tiebreak=TariffQuantity.id,
    filters=(
        Filter(
            "now",
            N_("现况"),
            lambda rows, value: rows.where(
                TariffQuantity.ends_on.is_(None)
                if value == "yes"
                else TariffQuantity.ends_on.is_not(None)
            ),
            choices={"yes": N_("现有"), "no": N_("已结束")},
        ),
    ),
    search=lambda rows, word: rows.where(label_begins(word)),
    search_label=N_("房号"),
)


@pages.get(f"{AT}/<int:tariff_id>/quantities")
@needs("tariff.read")
def quantity_list(community_id: int, tariff_id: int) -> Any:
    """Which unit has how many."""
    row = queries.tariff(community_id, tariff_id, clock.today())
    rows = queries.quantities(community_id, tariff_id)
    return QUANTITIES.answer(rows, "tariffs/quantities.html", row=row, **WORDS)


@pages.route(f"{AT}/<int:tariff_id>/quantities/new", methods=["GET", "POST"])
@needs("tariff.edit")
def new_quantities(community_id: int, tariff_id: int) -> Any:
    """Give units their number from a day on: the same for all, or line by line."""
    row = queries.tariff(community_id, tariff_id, clock.today())
    form = blank_form(QuantitiesNew, starts_on=Month.of(clock.today()).first, quantity=Decimal(1))
    if request.method == "POST":
        form = read_form(QuantitiesNew)
        given = _given(community_id, form) if form.ok else []
        changed = attempt(
            form,
            lambda: service.set_quantities(community_id, tariff_id, form["starts_on"], given),
        )
        if changed is not None:
            sentence = ngettext("已登记，%(num)s 户有变化。", "已登记，%(num)s 户有变化。", changed)
            return done(sentence, "quantity_list", community_id=community_id, tariff_id=tariff_id)
    return show("quantity_form.html", form, row=row)


@pages.route(f"{AT}/<int:tariff_id>/quantities/<int:quantity_id>/end", methods=["GET", "POST"])
@needs("tariff.edit")
def end_quantity(community_id: int, tariff_id: int, quantity_id: int) -> Any:
    """Say that a unit has its number no longer."""
    row = queries.tariff(community_id, tariff_id, clock.today())
    form, made = asked(
        LastDay,
        lambda read: service.end_quantity(community_id, quantity_id, read["last_day"]),
        blank_form(LastDay, last_day=Month.of(clock.today()).last),
        posted=request.method == "POST",
    )
    if made is None:
        return show("end_quantity.html", form, row=row)
    sentence = gettext("已登记结束。")
    return done(sentence, "quantity_list", community_id=community_id, tariff_id=tariff_id)


def _given(community_id: int, form: Form) -> list[Quantity]:
    if not form["lines"]:
        return [Quantity(unit.id, form["quantity"]) for unit in named_units(community_id, form)]
    return _pasted(community_id, form)


def _pasted(community_id: int, form: Form) -> list[Quantity]:
    """Lines of `unit quantity` as copied from a sheet; a line that cannot be read is told."""
    written: dict[str, Decimal] = {}
    for number, line in enumerate(form["lines"].splitlines(), 1):
        parts = [one for one in re.split(r"[\s,，;；]+", plain(line)) if one]
        if not parts:
            continue
        value = _number(parts[-1]) if len(parts) == 2 else None
        if value is None or parts[0] in written:
            said = gettext("第 %(line)s 行应写成“房号 数量”，一户一行。", line=number)
            form.refuse("lines", said)
            continue
        written[parts[0]] = value
    units = units_by_label(community_id, written)
    for label in written:
        if label not in units:
            form.refuse("lines", gettext("没有房屋“%(label)s”。", label=label[:30]))
    return [Quantity(units[label].id, value) for label, value in written.items() if label in units]


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < 10_000 else None

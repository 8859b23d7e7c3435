"""Meters: list, register, one meter with its readings, replace, remove."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import gettext

from app.billing.models import Meter, Tariff
from app.billing.tariffs import queries, service
from app.billing.tariffs.pages import pages
from app.billing.tariffs.pages.common import WORDS, asked, attempt, done, named_units, show
from app.billing.tariffs.pages.tariffs import AT
from app.billing.tariffs.schemas import MeterNew, MeterRemove, MeterReplace
from app.kernel import clock
from app.kernel.errors import N_
from app.kernel.period import Month
from app.registry.queries.many import UNITS, label_begins
from app.web.door import needs
from app.web.forms import blank_form, read_form
from app.web.lists import Column, Filter, Listing

METERS = Listing(
    "meters",
    columns=(
        Column("label", N_("房号"), UNITS.c.sort_key),
        Column("tariff_name", N_("收费项目"), Tariff.position),
        Column("serial", N_("表号"), Meter.serial),
        Column("multiplier", N_("倍率"), kind="number"),
        Column("last_month", N_("最近抄表"), kind="month"),
        Column("last_reading", N_("读数"), kind="number"),
        Column("installed_on", N_("安装"), kind="date", shown=False),
        Column("removed_on", N_("拆除"), Meter.removed_on, "date"),
    ),
    default_sort="label",
    tiebreak=Meter.id,
    filters=(
        Filter("missing", N_("缺读数的月份"), queries.unread, "month"),
        Filter(
            "state",
            N_("状态"),
            lambda rows, value: rows.where(
                Meter.removed_on.is_(None) if value == "in_use" else Meter.removed_on.is_not(None)
            ),
            choices={"in_use": N_("在用"), "removed": N_("已拆除")},
        ),
    ),
    search=lambda rows, word: rows.where(label_begins(word) | (Meter.serial == word)),
    search_label=N_("房号或表号"),
)


@pages.get(f"{AT}/meters")
@needs("tariff.read")
def meter_list(community_id: int) -> Any:
    """All meters, and how many still wait for this month's reading."""
    month = Month.of(clock.today())
    return METERS.answer(
        queries.meters(community_id),
        "tariffs/meters.html",
        month=month,
        missing=queries.missing_count(community_id, month),
        tariffs=queries.names(community_id, "metered"),
        **WORDS,
    )


@pages.route(f"{AT}/meters/new", methods=["GET", "POST"])
@needs("tariff.edit")
def new_meter(community_id: int) -> Any:
    """Register a meter."""
    tariffs = queries.names(community_id, "metered")
    form = blank_form(
        MeterNew,
        installed_on=clock.today(),
        multiplier=Decimal(1),
        initial=Decimal(0),
        tariff_id=tariffs[0][0] if len(tariffs) == 1 else None,
    )
    if request.method == "POST":
        form = read_form(MeterNew)
        found = named_units(community_id, form, "unit")
        given = {key: value for key, value in form.values.items() if key != "unit"}
        made = attempt(
            form, lambda: service.register_meter(community_id, unit_id=found[0].id, **given)
        )
        if made is not None:
            sentence = gettext("表 %(serial)s 已登记。", serial=made.serial)
            return done(sentence, "meter_list", community_id=community_id)
    return show("meter_form.html", form, tariffs=tariffs)


@pages.get(f"{AT}/meters/<int:meter_id>")
@needs("tariff.read")
def meter(community_id: int, meter_id: int) -> Any:
    """One meter and what it showed."""
    return show(
        "meter.html",
        row=queries.meter_facts(community_id, meter_id),
        readings=queries.reading_history(community_id, meter_id),
    )


@pages.route(f"{AT}/meters/<int:meter_id>/replace", methods=["GET", "POST"])
@needs("tariff.edit")
def replace_meter(community_id: int, meter_id: int) -> Any:
    """Swap a meter for a new one."""
    row = queries.meter_facts(community_id, meter_id)
    form, made = asked(
        MeterReplace,
        lambda read: service.replace_meter(community_id, meter_id, **read.values),
        blank_form(
            MeterReplace, replaced_on=clock.today(), initial=Decimal(0), multiplier=row.multiplier
        ),
        posted=request.method == "POST",
    )
    if made is None:
        return show("meter_replace.html", form, row=row)
    sentence = gettext("已换表，新表号 %(serial)s。", serial=made.serial)
    return done(sentence, "meter", community_id=community_id, meter_id=made.id)


@pages.route(f"{AT}/meters/<int:meter_id>/remove", methods=["GET", "POST"])
@needs("tariff.edit")
def remove_meter(community_id: int, meter_id: int) -> Any:
    """Take a meter away."""
    row = queries.meter_facts(community_id, meter_id)
    form, made = asked(
        MeterRemove,
        lambda read: service.remove_meter(community_id, meter_id, read["removed_on"]),
        blank_form(MeterRemove, removed_on=clock.today()),
        posted=request.method == "POST",
    )
    if made is None:
        return show("meter_remove.html", form, row=row)
    sentence = gettext("表 %(serial)s 已登记拆除。", serial=made.serial)
    return done(sentence, "meter_list", community_id=community_id)

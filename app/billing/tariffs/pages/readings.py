"""A month's readings: the grid of a building, and a sheet to upload."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext, ngettext

from app.billing.tariffs import queries, service, sheets
from app.billing.tariffs.pages import pages
from app.billing.tariffs.pages.common import attempt, done, show
from app.billing.tariffs.pages.tariffs import AT
from app.billing.tariffs.queries import GridRow
from app.billing.tariffs.schemas import ReadingsFile
from app.billing.tariffs.service.readings import Reading
from app.kernel import clock
from app.kernel.errors import N_, HouseError, Invalid
from app.kernel.period import Month
from app.registry import queries as registry
from app.web import sheets as files
from app.web.door import needs
from app.web.fields import plain
from app.web.forms import Form, blank_form, read_form
from app.web.lists import Column

TEMPLATE = (
    Column("label", N_("房号")),
    Column("tariff_name", N_("收费项目")),
    Column("serial", N_("表号")),
    Column("previous", N_("上次读数"), kind="number"),
    Column("reading", N_("本次读数"), kind="number"),
)


@pages.route(f"{AT}/meters/readings", methods=["GET", "POST"])
@needs("tariff.edit")
def reading_grid(community_id: int) -> Any:
    """Type a building's readings of a month, one after the other."""
    month, buildings = _month(), registry.buildings(community_id)
    building_id = request.args.get("building", type=int) or (buildings[0].id if buildings else None)
    grid = queries.reading_grid(community_id, month, building_id)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        readings, errors = _typed(grid)
        if not errors:
            try:
                changed = service.record_readings(community_id, month, readings)
            except Invalid as refusal:
                errors = dict(refusal.errors)
            else:
                sentence = ngettext("已保存 %(num)s 个读数。", "已保存 %(num)s 个读数。", changed)
                return done(
                    sentence,
                    "reading_grid",
                    community_id=community_id,
                    month=month,
                    building=building_id,
                )
    page = show(
        "readings.html",
        month=month,
        months=[month.shift(-1), month.shift(1)],
        building_tabs=[
            (
                gettext("%(code)s 栋", code=one.code),
                url_for(
                    "tariffs.reading_grid",
                    community_id=community_id,
                    month=month,
                    building=one.id,
                ),
                one.id == building_id,
            )
            for one in buildings
        ],
        building_id=building_id,
        grid=grid,
        errors=errors,
        typed=request.form,
        confirmable={row.meter_id for row in grid if _went_on(row)},
    )
    return page[0], 422 if errors else 200


@pages.get(f"{AT}/meters/readings/template.xlsx")
@needs("tariff.read")
def reading_template(community_id: int) -> Response:
    """A sheet of all meters in use with their last readings, to fill in outside."""
    rows = queries.reading_grid(community_id, _month(), None, request.args.get("tariff", type=int))
    return files.answer("readings", TEMPLATE, rows, "xlsx")


@pages.route(f"{AT}/meters/readings/import", methods=["GET", "POST"])
@needs("tariff.edit")
def import_readings(community_id: int) -> Any:
    """Take a month's readings from a sheet: all of it, or nothing with every reason."""
    tariffs = queries.names(community_id, "metered")
    form = blank_form(
        ReadingsFile, month=_month(), tariff_id=tariffs[0][0] if len(tariffs) == 1 else None
    )
    wrong: list[str] = []
    if request.method == "POST":
        form = read_form(ReadingsFile)
        changed = attempt(form, lambda: _import(community_id, form, wrong))
        if changed is not None and not wrong:
            sentence = ngettext("已导入 %(num)s 个读数。", "已导入 %(num)s 个读数。", changed)
            return done(sentence, "meter_list", community_id=community_id)
    page = show("readings_import.html", form, tariffs=tariffs, wrong=wrong)
    return page[0], 422 if wrong else page[1]


def _import(community_id: int, form: Form, wrong: list[str]) -> int:
    """How many readings changed; what is wrong with the sheet's rows goes to `wrong`."""
    rows = sheets.readings_of(form["file"])
    try:
        return service.import_readings(
            community_id, form["month"], form["tariff_id"], rows, checked=form["checked"]
        )
    except Invalid as refusal:
        wrong += [sentence for each in refusal.errors.values() for sentence in each]
        return 0


def _month() -> Month:
    """The month asked for, or the present one."""
    try:
        return Month.parse(plain(request.args.get("month", "")))
    except HouseError:
        return Month.of(clock.today())


def _went_on(row: GridRow) -> bool:
    """Whether what was typed is past the last reading: then it may be odd and still right."""
    value = _number(request.form.get(f"reading-{row.meter_id}", ""))
    return value is not None and value >= row.previous


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(plain(text).replace(",", ""))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _typed(grid: list[GridRow]) -> tuple[list[Reading], dict[str, list[str]]]:
    """What was typed into the grid; an empty cell leaves its meter unread."""
    readings: list[Reading] = []
    errors: dict[str, list[str]] = {}
    for row in grid:
        text = request.form.get(f"reading-{row.meter_id}", "").strip()
        if not text or row.later:
            continue
        value = _number(text)
        if value is None:
            errors[f"reading-{row.meter_id}"] = [gettext("“%(text)s”不是读数。", text=text[:20])]
            continue
        readings.append(
            Reading(
                row.meter_id,
                value,
                estimated=f"estimated-{row.meter_id}" in request.form,
                checked=f"checked-{row.meter_id}" in request.form,
            )
        )
    return readings, errors

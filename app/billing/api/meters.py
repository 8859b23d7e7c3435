"""Meters and a month's readings, sent as numbers or as a sheet."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from app.billing.api import api
from app.billing.api.common import units_named
from app.billing.api.measures import ChangedOut
from app.billing.tariffs import queries, service, sheets
from app.billing.tariffs.pages.meters import METERS
from app.billing.tariffs.schemas import MeterNew, MeterRemove, MeterReplace, ReadingsFile
from app.billing.tariffs.service.readings import Reading
from app.kernel.errors import N_, Invalid
from app.web import listed
from app.web.api import PageArguments, list_of, slice_of
from app.web.door import needs
from app.web.fields import Exact, Flag, Id, Length, Month, Schema
from app.web.forms import read_form

ONE = "/meters/<int:meter_id>"
MOST_READINGS = 5000
MeterArguments = listed.asking(METERS)


class MeterOut(Schema):
    """A meter with its last reading. `removed_on` is the day it was taken away."""

    id = Id(required=True)
    unit_id = Id(required=True)
    unit_label = fields.String(required=True, attribute="label")
    tariff_name = fields.String(required=True)
    serial = fields.String(required=True)
    multiplier = Exact(required=True)
    installed_on = fields.Date(required=True, allow_none=True)
    removed_on = fields.Date(required=True, allow_none=True)
    last_month = Month(required=True, allow_none=True)
    last_reading = Exact(required=True, allow_none=True)


class MeterFactsOut(Schema):
    """A meter with its unit and charge; `initial` is what it showed when it was hung."""

    id = Id(required=True)
    tariff_id = Id(required=True)
    tariff_name = fields.String(required=True)
    unit_id = Id(required=True)
    unit_label = fields.String(required=True, attribute="label")
    serial = fields.String(required=True)
    multiplier = Exact(required=True)
    initial = Exact(required=True)
    installed_on = fields.Date(required=True, allow_none=True)
    removed_on = fields.Date(required=True, allow_none=True)


class ReadingOut(Schema):
    """A month's reading; used = (reading − previous) × multiplier."""

    month = Month(required=True)
    previous = Exact(required=True)
    reading = Exact(required=True)
    used = Exact(required=True)
    read_on = fields.Date(required=True)
    estimated = fields.Boolean(required=True)


class GridArguments(PageArguments):
    """Which meters of a month."""

    month = Month(required=True)
    building_id = Id()
    tariff_id = Id()


class GridOut(Schema):
    """A meter in a month: what it showed before, its usual use, what was read."""

    meter_id = Id(required=True)
    unit_id = Id(required=True)
    unit_label = fields.String(required=True, attribute="label")
    tariff_name = fields.String(required=True)
    measure = fields.String(required=True)
    serial = fields.String(required=True)
    previous = Exact(required=True)
    usual = Exact(required=True, allow_none=True)
    reading = Exact(required=True, allow_none=True)
    estimated = fields.Boolean(required=True)
    later = fields.Boolean(
        required=True, metadata={"description": "A later month was read: this one is closed."}
    )


class ReadingIn(Schema):
    """What a meter shows. `checked`: a person confirmed that an odd one is right."""

    meter_id = Id(required=True)
    reading = Exact(places=3, most="99999999999", required=True)
    estimated = Flag()
    checked = Flag()


class ReadingsIn(Schema):
    """A month's readings, each meter once: all are kept, or none with a sentence for each."""

    month = Month(required=True)
    readings = fields.List(
        fields.Nested(ReadingIn), required=True, validate=Length(min=1, max=MOST_READINGS)
    )

    @validates_schema(skip_on_field_errors=True)
    def _each_once(self, data: dict[str, Any], **_: Any) -> None:
        told = data["readings"]
        if len({one["meter_id"] for one in told}) < len(told):
            raise ValidationError(N_("同一块表写了两次。"), "readings")


@api.route("/meters")
@needs("tariff.read")
@api.arguments(MeterArguments, location="query")
@api.response(200, list_of(MeterOut))
def meters(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """All meters; `missing` names a month and leaves those without a reading for it."""
    return listed.answer(METERS, queries.meters(community_id), arguments)


@api.route("/meters", methods=["POST"])
@needs("tariff.edit")
@api.arguments(MeterNew)
@api.response(201, MeterFactsOut)
def register_meter(wanted: dict[str, Any], community_id: int) -> Any:
    """Hang a meter on a unit for a metered charge."""
    (unit_id,) = units_named(community_id, [wanted.pop("unit")], "unit")
    made = service.register_meter(community_id, unit_id=unit_id, **wanted)
    return queries.meter_facts(community_id, made.id)


@api.route(ONE)
@needs("tariff.read")
@api.response(200, MeterFactsOut)
def meter(community_id: int, meter_id: int) -> Any:
    """One meter."""
    return queries.meter_facts(community_id, meter_id)


@api.route(f"{ONE}/readings")
@needs("tariff.read")
@api.response(200, ReadingOut(many=True))
def meter_readings(community_id: int, meter_id: int) -> Any:
    """What a meter showed in the last three years, the latest first."""
    queries.meter_facts(community_id, meter_id)
    return queries.reading_history(community_id, meter_id)


@api.route(f"{ONE}/replacement", methods=["POST"])
@needs("tariff.edit")
@api.arguments(MeterReplace)
@api.response(201, MeterFactsOut)
def replace_meter(wanted: dict[str, Any], community_id: int, meter_id: int) -> Any:
    """Swap a meter for a new one, given back; the old one's last reading is kept."""
    made = service.replace_meter(community_id, meter_id, **wanted)
    return queries.meter_facts(community_id, made.id)


@api.route(f"{ONE}/removal", methods=["POST"])
@needs("tariff.edit")
@api.arguments(MeterRemove)
@api.response(201, MeterFactsOut)
def remove_meter(wanted: dict[str, Any], community_id: int, meter_id: int) -> Any:
    """Take a meter away; its readings stay."""
    service.remove_meter(community_id, meter_id, wanted["removed_on"])
    return queries.meter_facts(community_id, meter_id)


@api.route("/readings")
@needs("tariff.read")
@api.arguments(GridArguments, location="query")
@api.response(200, list_of(GridOut))
def readings(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """The meters in use in a month with what was read, in the order people walk."""
    rows = queries.reading_grid(
        community_id, arguments["month"], arguments.get("building_id"), arguments.get("tariff_id")
    )
    return slice_of(rows, arguments["page"], arguments["per_page"])


@api.route("/readings", methods=["POST"])
@needs("tariff.edit")
@api.arguments(ReadingsIn)
@api.response(201, ChangedOut)
def record_readings(wanted: dict[str, Any], community_id: int) -> dict[str, int]:
    """Keep a month's readings; sending one again corrects it until it is billed."""
    given = [Reading(**one) for one in wanted["readings"]]
    return {"changed": service.record_readings(community_id, wanted["month"], given)}


@api.route("/readings/sheet", methods=["POST"])
@needs("tariff.edit")
@api.doc(
    requestBody={
        "required": True,
        "content": {"multipart/form-data": {"schema": ReadingsFile}},
    }
)
@api.response(201, ChangedOut)
def import_readings(community_id: int) -> dict[str, int]:
    """Take a month's readings from a sheet of serial numbers: all of it, or nothing."""
    form = read_form(ReadingsFile)
    if not form.ok:
        raise Invalid(form.errors)
    rows = sheets.readings_of(form["file"])
    changed = service.import_readings(
        community_id, form["month"], form["tariff_id"], rows, checked=form["checked"]
    )
    return {"changed": changed}

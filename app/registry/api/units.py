"""Units: the list with search and order, one, entering, changing, closing."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.registry import queries, service
from app.registry.api import api
from app.registry.models import UNIT_KINDS, UNIT_STATUSES
from app.registry.pages.units import UNITS, unit_rows
from app.registry.schemas import UnitClose, UnitIn
from app.web import listed
from app.web.api import list_of, patch_of, slice_of
from app.web.door import needs
from app.web.fields import Area, Id, OneOf, Schema, Text

AT = "/communities/<int:community_id>/units"
ONE = f"{AT}/<int:unit_id>"


class UnitOut(Schema):
    """A unit. `billable_until` is the first day no longer billed."""

    id = Id(required=True)
    label = fields.String(required=True)
    building_id = Id(required=True)
    building_code = fields.String(required=True)
    entrance_id = Id(required=True, allow_none=True)
    entrance_code = fields.String(required=True)
    room = fields.String(required=True)
    floor = fields.Integer(required=True, allow_none=True)
    kind = fields.String(required=True, validate=OneOf(UNIT_KINDS))
    status = fields.String(required=True, validate=OneOf(UNIT_STATUSES))
    area_m2 = Area(required=True)
    billable_from = fields.Date(required=True, allow_none=True)
    billable_until = fields.Date(required=True, allow_none=True)
    remark = fields.String(required=True)


class UnitArguments(listed.asking(UNITS)):  # type: ignore[misc] -- made from the page's list
    """Which units. Without `roster.people`, `q` finds no names or phones."""

    class Meta(Schema.Meta):
        exclude = ("building",)

    building_id = Id()
    label = Text(most=40, metadata={"description": "Exactly this label, such as 3-2-501."})


@api.route(AT)
@needs("roster.read")
@api.arguments(UnitArguments, location="query")
@api.response(200, list_of(UnitOut))
def units(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """A community's units, by default in the order people count them."""
    label = arguments.pop("label", None)
    if label:
        found = queries.unit_by_label(community_id, label)
        rows = [] if found is None else [found]
        return slice_of(rows, arguments["page"], arguments["per_page"])
    if "building_id" in arguments:
        arguments["building"] = arguments.pop("building_id")
    page = listed.answer(UNITS, unit_rows(community_id, masked=True), arguments)
    ids = [row.id for row in page["items"]]
    known = {one.id: one for one in queries.units(community_id, ids)}
    return {**page, "items": [known[one] for one in ids]}


@api.route(AT, methods=["POST"])
@needs("roster.edit")
@api.arguments(UnitIn)
@api.response(201, UnitOut)
def add_unit(wanted: dict[str, Any], community_id: int) -> Any:
    """Enter a unit; its label follows from building, entrance and room."""
    return queries.unit(community_id, service.add_unit(community_id, **wanted).id)


@api.route(ONE)
@needs("roster.read")
@api.response(200, UnitOut)
def unit(community_id: int, unit_id: int) -> Any:
    """One unit."""
    return queries.unit(community_id, unit_id)


@api.route(ONE, methods=["PATCH"])
@needs("roster.edit")
@api.arguments(patch_of(UnitIn))
@api.response(200, UnitOut)
def edit_unit(wanted: dict[str, Any], community_id: int, unit_id: int) -> Any:
    """Change some facts of a unit from the next run on; bills already issued stay."""
    service.edit_unit(community_id, unit_id, **wanted)
    return queries.unit(community_id, unit_id)


@api.route(f"{ONE}/closure", methods=["POST"])
@needs("roster.edit")
@api.arguments(UnitClose)
@api.response(201, UnitOut)
def close_unit(wanted: dict[str, Any], community_id: int, unit_id: int) -> Any:
    """Take a unit out of use: billed no longer from a day on, its past stays."""
    service.close_unit(community_id, unit_id, wanted["on"], wanted["reason"])
    return queries.unit(community_id, unit_id)

"""The roll for programs: communities, buildings, units, owners. Reading only."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.kernel import clock
from app.kernel.tenancy import NOWHERE, scope
from app.registry import queries
from app.registry.models import FEE_MODES, UNIT_KINDS, UNIT_STATUSES
from app.registry.queries import many
from app.web.api import PREFIX, ApiBlueprint, PageArguments, list_of, slice_of
from app.web.door import needs
from app.web.fields import Area, Id, OneOf, Schema, Text

api = ApiBlueprint(
    "roll",
    __name__,
    url_prefix=PREFIX,
    description="Communities, buildings, units and their owners.",
)


class CommunityOut(Schema):
    """A community in a list."""

    id = Id(required=True)
    name = fields.String(required=True)
    region_id = Id(required=True)
    region_name = fields.String(required=True)
    year_renovated = fields.Integer(required=True, allow_none=True)
    entered_on = fields.Date(
        required=True,
        allow_none=True,
        metadata={"description": "The day the manager formally entered."},
    )


class CommunityFactsOut(Schema):
    """All that is on a community's card."""

    id = Id(required=True)
    name = fields.String(required=True)
    region_id = Id(required=True)
    address = fields.String(required=True)
    year_built = fields.Integer(required=True, allow_none=True)
    year_renovated = fields.Integer(required=True, allow_none=True)
    renovation_class = fields.String(required=True, allow_none=True)
    entered_on = fields.Date(required=True, allow_none=True)
    fee_mode = fields.String(required=True, validate=OneOf(FEE_MODES))
    transfer_policy = fields.String(required=True)
    due_day = fields.Integer(required=True)
    service_phone = fields.String(required=True)


class BuildingOut(Schema):
    """A building and how much is in it."""

    id = Id(required=True)
    code = fields.String(required=True)
    address = fields.String(required=True)
    entrance_count = fields.Integer(required=True)
    unit_count = fields.Integer(required=True)
    area_m2 = Area(required=True)


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


class OwnerOut(Schema):
    """An owner of a unit today. The phone is given by its last digits only."""

    person_id = Id(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    phone_tail = fields.String(required=True, allow_none=True)
    share_numerator = fields.Integer(required=True)
    share_denominator = fields.Integer(required=True)
    starts_on = fields.Date(required=True)


class UnitArguments(PageArguments):
    """Which units."""

    building_id = Id()
    label = Text(most=40, metadata={"description": "Exactly this label, such as 3-2-501."})


@api.route("/communities")
@needs("community.read")
@api.arguments(PageArguments, location="query")
@api.response(200, list_of(CommunityOut))
def communities(arguments: dict[str, Any]) -> dict[str, Any]:
    """The communities this token reaches."""
    return slice_of(queries.communities(scope() - {NOWHERE}), **arguments)


@api.route("/communities/<int:community_id>")
@needs("community.read")
@api.response(200, CommunityFactsOut)
def community(community_id: int) -> Any:
    """A community's facts."""
    return queries.community(community_id)


@api.route("/communities/<int:community_id>/buildings")
@needs("roster.read")
@api.response(200, BuildingOut(many=True))
def buildings(community_id: int) -> Any:
    """A community's buildings."""
    return queries.buildings(community_id)


@api.route("/communities/<int:community_id>/units")
@needs("roster.read")
@api.arguments(UnitArguments, location="query")
@api.response(200, list_of(UnitOut))
def units(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """A community's units in the order people count them."""
    label = arguments.pop("label", None)
    building_id = arguments.pop("building_id", None)
    if label:
        found = queries.unit_by_label(community_id, label)
        rows = [] if found is None else [found]
    else:
        rows = many.all_units(community_id, building_id)
    return slice_of(rows, **arguments)


@api.route("/communities/<int:community_id>/units/<int:unit_id>")
@needs("roster.read")
@api.response(200, UnitOut)
def unit(community_id: int, unit_id: int) -> Any:
    """One unit."""
    return queries.unit(community_id, unit_id)


@api.route("/communities/<int:community_id>/units/<int:unit_id>/owners")
@needs("roster.people")
@api.response(200, OwnerOut(many=True))
def owners(community_id: int, unit_id: int) -> Any:
    """Who owns a unit today."""
    queries.unit(community_id, unit_id)
    return queries.owners_of(community_id, unit_id, clock.today())

"""Subsidy agreements: record, whom they pay for, end early, withdraw."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.billing.api import api
from app.billing.api.common import units_named
from app.billing.api.measures import ChangedOut
from app.billing.schemas import SchemeOut
from app.billing.subsidy import queries, service
from app.billing.subsidy.queries import GROUNDS
from app.billing.subsidy.schemas import SchemeEnd, SchemeNew, UnitsNamed
from app.kernel import clock
from app.web.api import PageArguments, list_of, slice_of
from app.web.door import needs
from app.web.fields import Area, Flag, Id, OneOf, Schema

ONE = "/subsidies/<int:scheme_id>"


class FullSchemeOut(SchemeOut):
    """An agreement with its payer and whom it takes in."""

    payer_region_id = Id(required=True)
    signed_on = fields.Date(required=True, allow_none=True)
    include_unsold = fields.Boolean(required=True)
    include_developer = fields.Boolean(required=True)
    terminated_on = fields.Date(
        required=True,
        allow_none=True,
        metadata={"description": "The first day not paid, where it ended before its term."},
    )
    termination_reason = fields.String(required=True)


class GroundArguments(PageArguments):
    """Which units of an agreement."""

    paid = Flag(load_default=None, allow_none=True)


class GroundOut(Schema):
    """Whether an agreement pays for a unit today, and why; `reason` where it was named."""

    unit_id = Id(required=True, attribute="id")
    unit_label = fields.String(required=True, attribute="label")
    kind = fields.String(required=True)
    area_m2 = Area(required=True)
    paid = fields.Boolean(required=True)
    ground = fields.String(required=True, validate=OneOf(GROUNDS))
    reason = fields.String(required=True)


@api.route("/subsidies")
@needs("subsidy.read")
@api.response(200, SchemeOut(many=True))
def subsidies(community_id: int) -> Any:
    """The agreements by which a street pays part of the fee."""
    return queries.schemes(community_id)


@api.route("/subsidies", methods=["POST"])
@needs("subsidy.edit")
@api.arguments(SchemeNew)
@api.response(201, FullSchemeOut)
def record_scheme(wanted: dict[str, Any], community_id: int) -> Any:
    """Record what a street agreed to pay; its days and yearly steps are computed once."""
    return queries.scheme(community_id, service.record_scheme(community_id, wanted["made"]).id)


@api.route(ONE)
@needs("subsidy.read")
@api.response(200, FullSchemeOut)
def scheme(community_id: int, scheme_id: int) -> Any:
    """One agreement with its yearly rates."""
    return queries.scheme(community_id, scheme_id)


@api.route(ONE, methods=["DELETE"])
@needs("subsidy.edit")
@api.response(204)
def withdraw_scheme(community_id: int, scheme_id: int) -> None:
    """Take back an agreement recorded by mistake that no bill rests on."""
    service.withdraw_scheme(community_id, scheme_id)


@api.route(f"{ONE}/units")
@needs("subsidy.read")
@api.arguments(GroundArguments, location="query")
@api.response(200, list_of(GroundOut))
def scheme_units(arguments: dict[str, Any], community_id: int, scheme_id: int) -> dict[str, Any]:
    """Every unit: whether the agreement pays for it today, and why."""
    row = queries.scheme(community_id, scheme_id)
    rows = queries.units(community_id, row, clock.today())
    paid = arguments.pop("paid")
    return slice_of([one for one in rows if paid is None or one.paid == paid], **arguments)


@api.route(f"{ONE}/units", methods=["POST"])
@needs("subsidy.edit")
@api.arguments(UnitsNamed)
@api.response(201, ChangedOut)
def name_units(wanted: dict[str, Any], community_id: int, scheme_id: int) -> dict[str, int]:
    """Leave units out, take them in after all, or let the terms decide again."""
    units, naming = units_named(community_id, wanted["units"]), wanted["naming"]
    if naming == "clear":
        return {"changed": service.unname_units(community_id, scheme_id, units)}
    changed = service.name_units(
        community_id, scheme_id, units, included=naming == "include", reason=wanted["reason"]
    )
    return {"changed": changed}


@api.route(f"{ONE}/termination", methods=["POST"])
@needs("subsidy.edit")
@api.arguments(SchemeEnd)
@api.response(201, FullSchemeOut)
def terminate_scheme(wanted: dict[str, Any], community_id: int, scheme_id: int) -> Any:
    """End an agreement before its term, after a day, with the reason."""
    service.terminate_scheme(community_id, scheme_id, wanted["last_day"], wanted["reason"])
    return queries.scheme(community_id, scheme_id)

"""What lessens or multiplies a charge, unit by unit: quantities and reductions."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.billing.api import api
from app.billing.api.common import only, units_named
from app.billing.models import Reduction, TariffQuantity
from app.billing.tariffs import queries, service
from app.billing.tariffs.pages.quantities import QUANTITIES
from app.billing.tariffs.pages.reductions import REDUCTIONS
from app.billing.tariffs.schemas import LastDay, ReductionNew
from app.billing.tariffs.schemas.fields import UnitLabels
from app.billing.tariffs.service.quantities import Quantity
from app.billing.tariffs.words import REDUCTION_KINDS
from app.kernel import clock
from app.kernel.db import db
from app.web import listed
from app.web.api import list_of
from app.web.door import needs
from app.web.fields import Date, Exact, Id, OneOf, Schema

AT = "/tariffs/<int:tariff_id>/quantities"
QuantityArguments = listed.asking(QUANTITIES)
ReductionArguments = listed.asking(REDUCTIONS)


class QuantityOut(Schema):
    """How many of a charge a unit has. `ends_on` is the first day no longer."""

    id = Id(required=True)
    unit_id = Id(required=True)
    unit_label = fields.String(required=True, attribute="label")
    quantity = Exact(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, allow_none=True)


class QuantitiesIn(Schema):
    """One number for all units named, from a day on; 0: none any more."""

    starts_on = Date(required=True)
    units = UnitLabels(required=True)
    quantity = Exact(places=2, most="9999", required=True)


class ChangedOut(Schema):
    """How many changed."""

    changed = fields.Integer(required=True)


class ReductionOut(Schema):
    """A percentage off a unit's charges. No tariff: every charge by area or per unit."""

    id = Id(required=True)
    unit_id = Id(required=True)
    unit_label = fields.String(required=True, attribute="label")
    tariff_name = fields.String(required=True, allow_none=True)
    kind = fields.String(required=True, validate=OneOf(REDUCTION_KINDS))
    percent = Exact(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(
        required=True, allow_none=True, metadata={"description": "The first day without it."}
    )
    document_no = fields.String(required=True)


@api.route(AT)
@needs("tariff.read")
@api.arguments(QuantityArguments, location="query")
@api.response(200, list_of(QuantityOut))
def quantities(arguments: dict[str, Any], community_id: int, tariff_id: int) -> dict[str, Any]:
    """Which unit has how many of a charge by number, such as parking spaces."""
    queries.tariff(community_id, tariff_id, clock.today())
    return listed.answer(QUANTITIES, queries.quantities(community_id, tariff_id), arguments)


@api.route(AT, methods=["POST"])
@needs("tariff.edit")
@api.arguments(QuantitiesIn)
@api.response(201, ChangedOut)
def set_quantities(wanted: dict[str, Any], community_id: int, tariff_id: int) -> dict[str, int]:
    """Give units their number from a day on; what they had ends the day before."""
    given = [
        Quantity(unit_id, wanted["quantity"])
        for unit_id in units_named(community_id, wanted["units"])
    ]
    changed = service.set_quantities(community_id, tariff_id, wanted["starts_on"], given)
    return {"changed": changed}


@api.route(f"{AT}/<int:quantity_id>/termination", methods=["POST"])
@needs("tariff.edit")
@api.arguments(LastDay)
@api.response(201, QuantityOut)
def end_quantity(
    wanted: dict[str, Any], community_id: int, tariff_id: int, quantity_id: int
) -> Any:
    """Say that a unit has its number no longer after a day."""
    one = queries.quantities(community_id, tariff_id).where(TariffQuantity.id == quantity_id)
    only(one)
    service.end_quantity(community_id, quantity_id, wanted["last_day"])
    return only(one)


@api.route("/reductions")
@needs("tariff.read")
@api.arguments(ReductionArguments, location="query")
@api.response(200, list_of(ReductionOut))
def reductions(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """Who pays less, why, and on what paper."""
    return listed.answer(REDUCTIONS, queries.reductions(community_id), arguments)


@api.route("/reductions", methods=["POST"])
@needs("tariff.edit")
@api.arguments(ReductionNew)
@api.response(201, ReductionOut(many=True))
def grant_reductions(wanted: dict[str, Any], community_id: int) -> Any:
    """Grant a reduction to some units, only on a local rule or the contract (C5)."""
    units = units_named(community_id, wanted.pop("units"))
    made = service.grant_reductions(community_id, unit_ids=units, **wanted)
    ids = [one.id for one in made]
    rows = queries.reductions(community_id).where(Reduction.id.in_(ids)).order_by(Reduction.id)
    return db.session.execute(rows).all()


@api.route("/reductions/<int:reduction_id>/termination", methods=["POST"])
@needs("tariff.edit")
@api.arguments(LastDay)
@api.response(201, ReductionOut)
def end_reduction(wanted: dict[str, Any], community_id: int, reduction_id: int) -> Any:
    """End a reduction early."""
    service.end_reduction(community_id, reduction_id, wanted["last_day"])
    return only(queries.reductions(community_id).where(Reduction.id == reduction_id))

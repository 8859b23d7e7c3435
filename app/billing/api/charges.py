"""A month's sums that the next run divides or bills: shared costs and one-off charges."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.billing.api import api
from app.billing.api.common import units_named
from app.billing.models import OneOffCharge
from app.billing.schemas import Sum
from app.billing.tariffs import queries, service
from app.billing.tariffs.pages.charges import ONE_OFFS
from app.billing.tariffs.schemas import OneOffNew, SharedCostNew
from app.billing.tariffs.words import ALLOCATIONS
from app.kernel.db import db
from app.web import listed
from app.web.api import list_of
from app.web.door import needs
from app.web.fields import Id, Month, OneOf, Schema
from app.web.idempotency import idempotent

ChargeArguments = listed.asking(ONE_OFFS)


class MonthArguments(Schema):
    """Which month; without it the latest 200."""

    month = Month()


class SharedCostOut(Schema):
    """A common cost of a month. No building: the whole community."""

    id = Id(required=True)
    tariff_id = Id(required=True)
    tariff_name = fields.String(required=True)
    month = Month(required=True)
    amount_fen = Sum()
    allocation = fields.String(required=True, validate=OneOf(ALLOCATIONS))
    building_code = fields.String(required=True, allow_none=True)
    entrance_code = fields.String(required=True, allow_none=True)
    document_no = fields.String(required=True)
    billed = fields.Boolean(required=True)


class ChargeOut(Schema):
    """A single sum of a unit, waiting for its month's run, billed or cancelled."""

    id = Id(required=True)
    unit_id = Id(required=True)
    unit_label = fields.String(required=True, attribute="label")
    tariff_name = fields.String(required=True)
    month = Month(required=True)
    description = fields.String(required=True)
    amount_fen = Sum()
    cancelled_at = fields.DateTime(required=True, allow_none=True)
    billed = fields.Boolean(required=True)


@api.route("/shared-costs")
@needs("tariff.read")
@api.arguments(MonthArguments, location="query")
@api.response(200, SharedCostOut(many=True))
def shared_costs(arguments: dict[str, Any], community_id: int) -> Any:
    """The common costs of a month, or the latest 200."""
    return queries.shared_costs(community_id, arguments.get("month"))


@api.route("/shared-costs", methods=["POST"])
@idempotent(api)
@needs("tariff.edit")
@api.arguments(SharedCostNew)
@api.response(201, SharedCostOut)
def add_shared_cost(wanted: dict[str, Any], community_id: int) -> Any:
    """Write down what a common thing cost in a month; the run divides it exactly."""
    made = service.add_shared_cost(community_id, **wanted)
    rows = queries.shared_costs(community_id, wanted["month"])
    return next(one for one in rows if one.id == made.id)


@api.route("/shared-costs/<int:cost_id>", methods=["DELETE"])
@needs("tariff.edit")
@api.response(204)
def cancel_shared_cost(community_id: int, cost_id: int) -> None:
    """Strike out a common cost that is not billed."""
    service.cancel_shared_cost(community_id, cost_id)


@api.route("/one-off-charges")
@needs("tariff.read")
@api.arguments(ChargeArguments, location="query")
@api.response(200, list_of(ChargeOut))
def one_off_charges(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """Single sums of units, by default the latest month first."""
    return listed.answer(ONE_OFFS, queries.one_offs(community_id), arguments)


@api.route("/one-off-charges", methods=["POST"])
@idempotent(api)
@needs("tariff.edit")
@api.arguments(OneOffNew)
@api.response(201, ChargeOut(many=True))
def charge_units(wanted: dict[str, Any], community_id: int) -> Any:
    """Write the same sum for one unit or many, to be taken into a month's run."""
    units = units_named(community_id, wanted.pop("units"))
    made = service.charge_units(community_id, unit_ids=units, **wanted)
    ids = [one.id for one in made]
    rows = queries.one_offs(community_id).where(OneOffCharge.id.in_(ids))
    return db.session.execute(rows.order_by(OneOffCharge.id)).all()


@api.route("/one-off-charges/<int:charge_id>", methods=["DELETE"])
@needs("tariff.edit")
@api.response(204)
def cancel_one_off(community_id: int, charge_id: int) -> None:
    """Strike out a single sum that is on no living bill."""
    service.cancel_one_off(community_id, charge_id)

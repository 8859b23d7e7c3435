"""Tariffs with their dated prices; what the contract says on late payment."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.billing.api import api
from app.billing.schemas import PriceOut, TariffOut
from app.billing.tariffs import queries, service
from app.billing.tariffs.schemas import (
    LastDay,
    LateTermsEnd,
    LateTermsNew,
    PriceNew,
    TariffEdit,
    TariffNew,
)
from app.kernel import clock
from app.kernel.errors import N_, NotFound
from app.web.api import patch_of
from app.web.door import needs
from app.web.fields import Exact, Id, Price, Schema

ONE = "/tariffs/<int:tariff_id>"
EDITABLE = (
    "name",
    "unit_kinds",
    "building_ids",
    "subsidised",
    "income_code",
    "measure",
    "position",
)


class TierOut(Schema):
    """What is used beyond a quantity in a month, and its price."""

    from_quantity = Exact(required=True)
    price = Price(required=True)


class VersionOut(PriceOut):
    """A price with its steps; `billed`: bill lines rest on it."""

    billed = fields.Boolean(required=True)
    steps = fields.List(fields.Nested(TierOut), required=True)


class FullTariffOut(TariffOut):
    """A charge with all its prices, the latest first."""

    position = fields.Integer(required=True)
    versions = fields.List(fields.Nested(VersionOut), required=True)


class LateTermsOut(Schema):
    """Late damages; `daily_rate` is a fraction of the sum a day, `ends_on` not included."""

    id = Id(required=True)
    daily_rate = Exact(places=6, required=True)
    grace_days = fields.Integer(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, allow_none=True)
    document_no = fields.String(required=True)


@api.route("/tariffs")
@needs("tariff.read")
@api.response(200, TariffOut(many=True))
def list_tariffs(community_id: int) -> Any:
    """The community's charges with their price today and the next one."""
    return queries.tariffs(community_id, clock.today())


@api.route("/tariffs", methods=["POST"])
@needs("tariff.edit")
@api.arguments(TariffNew)
@api.response(201, FullTariffOut)
def create_tariff(wanted: dict[str, Any], community_id: int) -> Any:
    """Open a charge; its price comes by its own request."""
    return _tariff(community_id, service.create_tariff(community_id, **wanted).id)


@api.route(ONE)
@needs("tariff.read")
@api.response(200, FullTariffOut)
def tariff(community_id: int, tariff_id: int) -> Any:
    """One charge with all its prices."""
    return _tariff(community_id, tariff_id)


@api.route(ONE, methods=["PATCH"])
@needs("tariff.edit")
@api.arguments(patch_of(TariffEdit))
@api.response(200, FullTariffOut)
def edit_tariff(wanted: dict[str, Any], community_id: int, tariff_id: int) -> Any:
    """Change what is safe to change; bills already issued keep theirs."""
    found = _tariff(community_id, tariff_id)
    facts = {name: getattr(found, name) for name in EDITABLE}
    service.edit_tariff(community_id, tariff_id, **{**facts, **wanted})
    return _tariff(community_id, tariff_id)


@api.route(f"{ONE}/termination", methods=["POST"])
@needs("tariff.edit")
@api.arguments(LastDay)
@api.response(201, FullTariffOut)
def end_tariff(wanted: dict[str, Any], community_id: int, tariff_id: int) -> Any:
    """Stop charging after a day; what was billed stays."""
    service.end_tariff(community_id, tariff_id, wanted["last_day"])
    return _tariff(community_id, tariff_id)


@api.route(f"{ONE}/prices", methods=["POST"])
@needs("tariff.edit")
@api.arguments(PriceNew)
@api.response(201, VersionOut)
def set_price(wanted: dict[str, Any], community_id: int, tariff_id: int) -> Any:
    """Give a charge a price from a day on; the one in force ends the day before."""
    made = service.set_price(community_id, tariff_id, wanted["made"])
    return _version(community_id, tariff_id, made.id)


@api.route(f"{ONE}/prices/<int:version_id>", methods=["DELETE"])
@needs("tariff.edit")
@api.response(204)
def withdraw_price(community_id: int, tariff_id: int, version_id: int) -> None:
    """Take back a price that has billed nothing; the one before runs on in its place."""
    _version(community_id, tariff_id, version_id)
    service.withdraw_price(community_id, version_id)


@api.route("/late-terms")
@needs("tariff.read")
@api.response(200, LateTermsOut(many=True))
def late_terms(community_id: int) -> Any:
    """What the contract says on late payment, the latest first; none: no late damages."""
    return queries.late_terms(community_id)


@api.route("/late-terms", methods=["POST"])
@needs("tariff.edit")
@api.arguments(LateTermsNew(exclude=("lpr",)))
@api.response(201, LateTermsOut)
def set_late_terms(wanted: dict[str, Any], community_id: int) -> Any:
    """Write down a contract's late damages from a day on."""
    rate = wanted.pop("daily_permille") / 1000
    made = service.set_late_terms(community_id, daily_rate=rate, **wanted)
    return next(one for one in queries.late_terms(community_id) if one.id == made.id)


@api.route("/late-terms/<int:terms_id>/termination", methods=["POST"])
@needs("tariff.edit")
@api.arguments(LateTermsEnd)
@api.response(201, LateTermsOut(many=True))
def end_late_terms(wanted: dict[str, Any], community_id: int, terms_id: int) -> Any:
    """Stop late damages after a day; terms that never began are struck out."""
    service.end_late_terms(community_id, terms_id, wanted["last_day"])
    return queries.late_terms(community_id)


def _tariff(community_id: int, tariff_id: int) -> queries.TariffFacts:
    return queries.tariff(community_id, tariff_id, clock.today())


def _version(community_id: int, tariff_id: int, version_id: int) -> queries.VersionRow:
    for one in _tariff(community_id, tariff_id).versions:
        if one.id == version_id:
            return one
    raise NotFound("tariff.no_version", N_("没有这个价格。"))

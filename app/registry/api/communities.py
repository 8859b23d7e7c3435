"""Communities, their facts, and which company has the mandate over them."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.kernel import clock
from app.kernel.errors import N_, RuleBroken
from app.kernel.tenancy import NOWHERE, scope
from app.registry import queries, rules, service
from app.registry.api import api
from app.registry.models import FEE_MODES
from app.registry.schemas import CommunityFactsIn, MandateEnd, MandateNew
from app.web.api import PageArguments, list_of, patch_of, slice_of
from app.web.door import needs
from app.web.fields import Id, OneOf, Schema

ONE = "/communities/<int:community_id>"


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


class MandateOut(Schema):
    """A company's appointment. `ends_on` is the first day without access."""

    id = Id(required=True)
    organization_id = Id(required=True)
    organization_name = fields.String(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, allow_none=True)
    document_no = fields.String(required=True)
    end_reason = fields.String(required=True)


@api.route("/communities")
@needs("community.read")
@api.arguments(PageArguments, location="query")
@api.response(200, list_of(CommunityOut))
def communities(arguments: dict[str, Any]) -> dict[str, Any]:
    """The communities this token reaches."""
    return slice_of(queries.communities(scope() - {NOWHERE}), **arguments)


@api.route(ONE)
@needs("community.read")
@api.response(200, CommunityFactsOut)
def community(community_id: int) -> Any:
    """A community's facts."""
    return queries.community(community_id)


@api.route(ONE, methods=["PATCH"])
@needs("community.edit")
@api.arguments(patch_of(CommunityFactsIn))
@api.response(200, CommunityFactsOut)
def edit_community(wanted: dict[str, Any], community_id: int) -> Any:
    """Change some of a community's facts."""
    service.edit_community(community_id, **wanted)
    return queries.community(community_id)


@api.route(f"{ONE}/mandates")
@needs("mandate.read")
@api.response(200, MandateOut(many=True))
def mandates(community_id: int) -> Any:
    """Every appointment over a community, the latest first."""
    return queries.mandates(community_id)


@api.route(f"{ONE}/mandates", methods=["POST"])
@needs("mandate.edit")
@api.arguments(MandateNew)
@api.response(201, MandateOut)
def begin_mandate(wanted: dict[str, Any], community_id: int) -> Any:
    """Appoint a property company from a day on."""
    made = service.begin_mandate(
        community_id, wanted.pop("organization_id"), wanted.pop("starts_on"), **wanted
    )
    return _mandate(community_id, made.id)


@api.route(f"{ONE}/mandates/<int:mandate_id>/termination", methods=["POST"])
@needs("mandate.edit")
@api.arguments(MandateEnd)
@api.response(201, MandateOut)
def end_mandate(wanted: dict[str, Any], community_id: int, mandate_id: int) -> Any:
    """End an appointment; with less than sixty days' notice only if `sure` (Civil Code 946)."""
    if rules.notice_is_short(clock.today(), wanted["ends_on"]) and not wanted["sure"]:
        raise RuleBroken(
            "mandate.notice", N_("提前通知不足 60 日，请确认已另有约定。"), field="sure"
        )
    service.end_mandate(community_id, mandate_id, wanted["ends_on"], wanted["reason"])
    return _mandate(community_id, mandate_id)


def _mandate(community_id: int, mandate_id: int) -> queries.MandateRow:
    return next(one for one in queries.mandates(community_id) if one.id == mandate_id)

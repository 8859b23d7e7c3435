"""Members of a community or a company: list, give a role, end one."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, jsonify, url_for
from marshmallow import fields

from app.identity import queries, rules
from app.identity.api import api
from app.identity.pages.common import caller
from app.identity.pages.members import MEMBERS, _granter
from app.identity.permissions import ROLES
from app.identity.schemas import GrantForm
from app.identity.service import members
from app.identity.service.members import Spot
from app.kernel import clock
from app.kernel.errors import N_, Forbidden
from app.kernel.masking import mask_email, mask_phone
from app.web import listed
from app.web.api import list_of
from app.web.door import needs
from app.web.fields import Id, OneOf, Schema

IN_COMMUNITY = "/communities/<int:community_id>/members"
IN_COMPANY = "/organizations/<int:organization_id>/members"
MemberArguments = listed.asking(MEMBERS)


class MemberOut(Schema):
    """A role held here, in force or to come. `ends_on` is the first day without it."""

    id = Id(required=True)
    account_id = Id(required=True)
    name = fields.String(required=True)
    login = fields.Function(
        lambda row: mask_phone(row.phone) or mask_email(row.email) or "",
        required=True,
        metadata={"type": "string", "description": "Phone or e-mail, masked."},
    )
    role = fields.String(required=True, validate=OneOf(ROLES))
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, allow_none=True)


class GrantedOut(Schema):
    """A role given. `password_link` sets a new account's first password; it is told this once."""

    id = Id(required=True)
    account_id = Id(required=True)
    password_link = fields.String(required=True, allow_none=True)


@api.route(IN_COMMUNITY)
@needs("member.read")
@api.arguments(MemberArguments, location="query")
@api.response(200, list_of(MemberOut))
def community_members(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """Who has a role in the community itself; company staff are the company's members."""
    return _list(Spot(rules.COMMUNITY, community_id), arguments)


@api.route(IN_COMMUNITY, methods=["POST"])
@needs("member.edit")
@api.arguments(GrantForm)
@api.response(201, GrantedOut)
def grant_in_community(wanted: dict[str, Any], community_id: int) -> Response:
    """Give a role in the community; opens an account for a phone or e-mail that has none."""
    return _give(Spot(rules.COMMUNITY, community_id), wanted)


@api.route(f"{IN_COMMUNITY}/<int:membership_id>", methods=["DELETE"])
@needs("member.edit")
@api.response(204)
def end_in_community(community_id: int, membership_id: int) -> None:
    """End a role today; from the next request on it opens nothing."""
    spot = Spot(rules.COMMUNITY, community_id)
    members.end(spot, _granter(spot), membership_id)


@api.route(IN_COMPANY)
@needs("company.edit")
@api.arguments(MemberArguments, location="query")
@api.response(200, list_of(MemberOut))
def company_members(arguments: dict[str, Any], organization_id: int) -> dict[str, Any]:
    """A company's people and their roles."""
    return _list(Spot(rules.ORGANIZATION, organization_id), arguments)


@api.route(IN_COMPANY, methods=["POST"])
@needs("company.edit")
@api.arguments(GrantForm)
@api.response(201, GrantedOut)
def grant_in_company(wanted: dict[str, Any], organization_id: int) -> Response:
    """Give a role in the company, over every community of its mandates."""
    _refuse_limited()
    return _give(Spot(rules.ORGANIZATION, organization_id), wanted)


@api.route(f"{IN_COMPANY}/<int:membership_id>", methods=["DELETE"])
@needs("company.edit")
@api.response(204)
def end_in_company(organization_id: int, membership_id: int) -> None:
    """End a role in the company today."""
    _refuse_limited()
    spot = Spot(rules.ORGANIZATION, organization_id)
    members.end(spot, _granter(spot), membership_id)


def _list(spot: Spot, arguments: dict[str, Any]) -> dict[str, Any]:
    rows = queries.members_at(spot.kind, spot.id, clock.today())
    return listed.answer(MEMBERS, rows, arguments)


def _give(spot: Spot, wanted: dict[str, Any]) -> Response:
    """The answer may hold a secret: nothing on its way keeps it."""
    granted = members.grant(spot, _granter(spot), **wanted)
    link = granted.link and url_for("identity.set_password", token=granted.link, _external=True)
    told = {"id": granted.membership_id, "account_id": granted.account_id, "password_link": link}
    response = current_app.make_response((jsonify(GrantedOut().dump(told)), 201))
    response.headers["Cache-Control"] = "no-store"
    return response


def _refuse_limited() -> None:
    """A company's roles reach all its communities; a token of some does not hand them out."""
    if caller().community_ids is not None:
        raise Forbidden("token.limited", N_("这个令牌只限部分小区，不能管理公司人员。"))

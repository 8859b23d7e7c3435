"""Who is calling, what they reach, and their tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import fields

from app.identity import queries
from app.identity.api import api
from app.identity.pages.common import caller, gate
from app.identity.permissions import ROLES
from app.identity.queries import Reach, TokenRow
from app.identity.rules import covers
from app.identity.service import api_tokens
from app.kernel import clock
from app.kernel.errors import N_, NotFound
from app.web.api import PageArguments, list_of, slice_of
from app.web.door import identified
from app.web.fields import Id, OneOf, Schema

MOST_COMMUNITIES = 200  # `/communities` pages through all


class TokenOut(Schema):
    """A token, without the token. No `community_ids`: every community of the account."""

    id = Id(required=True)
    name = fields.String(required=True)
    actions = fields.List(fields.String(), required=True)
    community_ids = fields.List(Id(), required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(required=True)
    last_used_at = fields.DateTime(required=True, allow_none=True)
    revoked_at = fields.DateTime(required=True, allow_none=True)


class RoleOut(Schema):
    """A role held today and where; a `platform` role is held at no place."""

    role = fields.String(required=True, validate=OneOf(ROLES))
    kind = fields.String(
        required=True, validate=OneOf(("community", "organization", "region", "platform"))
    )
    place_id = Id(required=True, allow_none=True)
    name = fields.String(required=True)


class ReachedOut(Schema):
    """A community within reach, and the roles by which."""

    id = Id(required=True)
    name = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)


class MeOut(Schema):
    """The account behind a token (or a sign-in: then `token` is null)."""

    account_id = Id(required=True)
    name = fields.String(required=True)
    language = fields.String(required=True)
    token = fields.Nested(TokenOut, required=True, allow_none=True)
    actions = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "What may be done somewhere: the roles' actions the token has."},
    )
    roles = fields.List(fields.Nested(RoleOut), required=True)
    communities = fields.List(
        fields.Nested(ReachedOut),
        required=True,
        metadata={"description": f"The first {MOST_COMMUNITIES} by name."},
    )
    community_count = fields.Integer(required=True)


@api.route("/me")
@identified
@api.response(200, MeOut)
def me() -> dict[str, Any]:
    """Who this token is: its account, its limits, the roles and communities it reaches."""
    who = caller()
    reached = _reached(gate().communities())
    names = queries.community_names(reached)
    limits = who.community_ids
    return {
        "account_id": who.account_id,
        "name": who.name,
        "language": who.language,
        "token": next((one for one in _tokens() if one.id == who.token_id), None),
        "actions": sorted(gate().allowed_actions()),
        "roles": [
            {"role": one.role, "kind": one.kind, "place_id": one.place_id or None, "name": one.name}
            for one in queries.named_memberships(who.account_id, clock.today())
            if limits is None or one.kind != "community" or one.place_id in limits
        ],
        "communities": [
            {"id": community_id, "name": name, "roles": reached[community_id]}
            for community_id, name in list(names.items())[:MOST_COMMUNITIES]
        ],
        "community_count": len(reached),
    }


@api.route("/me/tokens")
@identified
@api.arguments(PageArguments, location="query")
@api.response(200, list_of(TokenOut))
def own_tokens(arguments: dict[str, Any]) -> dict[str, Any]:
    """The account's tokens that reach no further than this one, the newest first."""
    return slice_of(_tokens(), **arguments)


@api.route("/me/tokens/<int:token_id>", methods=["DELETE"])
@identified
@api.response(204)
def revoke_token(token_id: int) -> None:
    """Make a token void at once: itself, or one that reaches no further."""
    if token_id not in {one.id for one in _tokens()}:
        raise NotFound("token.unknown", N_("没有找到这个令牌。"))
    api_tokens.revoke(caller().account_id, token_id)


def _tokens() -> list[TokenRow]:
    """The tokens in view: all of a person's; of a program's those it could have been itself."""
    who = caller()
    rows = queries.tokens_of(who.account_id)
    if not who.by_program:
        return list(rows)
    return [
        one
        for one in rows
        if one.id == who.token_id
        or covers(who.actions, who.community_ids, one.actions, one.community_ids)
    ]


def _reached(rows: Iterable[Reach]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for one in rows:
        roles = found.setdefault(one.community_id, [])
        if one.role not in roles:
            roles.append(one.role)
    return found

"""People as a community knows them."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.registry import queries, service
from app.registry.api import api
from app.registry.pages.people import PEOPLE, people_rows
from app.registry.schemas import Merge, PersonIn
from app.registry.words import PERSON_KIND_WORDS
from app.web import listed
from app.web.api import list_of, patch_of
from app.web.door import needs
from app.web.fields import Id, OneOf, Schema

AT = "/communities/<int:community_id>/people"
ONE = f"{AT}/<int:person_id>"
PeopleArguments = listed.asking(PEOPLE)


class PersonOut(Schema):
    """A person in a list. The phone is given by its last digits only."""

    id = Id(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, validate=OneOf(PERSON_KIND_WORDS))
    phone_tail = fields.String(required=True, allow_none=True)
    unit_count = fields.Integer(
        required=True, metadata={"description": "How many units are theirs now."}
    )


class FullPersonOut(PersonOut):
    """A person; `has_id` tells that an identity number is known, never which."""

    has_id = fields.Boolean(required=True)


@api.route(AT)
@needs("roster.people")
@api.arguments(PeopleArguments, location="query")
@api.response(200, list_of(PersonOut))
def people(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """Everyone a community knows; `q` is the beginning of a name or a phone's last digits."""
    return listed.answer(PEOPLE, people_rows(community_id), arguments)


@api.route(AT, methods=["POST"])
@needs("roster.edit")
@api.arguments(PersonIn)
@api.response(201, FullPersonOut)
def add_person(wanted: dict[str, Any], community_id: int) -> Any:
    """Enter a person, or get the one already known by identity or by name and phone."""
    return queries.person(community_id, service.add_person(community_id, **wanted).id)


@api.route(ONE)
@needs("roster.people")
@api.response(200, FullPersonOut)
def person(community_id: int, person_id: int) -> Any:
    """One person."""
    return queries.person(community_id, person_id)


@api.route(ONE, methods=["PATCH"])
@needs("roster.edit")
@api.arguments(patch_of(PersonIn))
@api.response(200, FullPersonOut)
def edit_person(wanted: dict[str, Any], community_id: int, person_id: int) -> Any:
    """Change some of a person's facts; an empty phone or identity number is removed."""
    service.edit_person(community_id, person_id, **wanted)
    return queries.person(community_id, person_id)


@api.route(f"{ONE}/merger", methods=["POST"])
@needs("roster.edit")
@api.arguments(Merge)
@api.response(201, FullPersonOut)
def merge(wanted: dict[str, Any], community_id: int, person_id: int) -> Any:
    """Two entries are one person: what the dropped one owns passes to this; not undone."""
    service.merge_people(community_id, person_id, wanted["drop_id"])
    return queries.person(community_id, person_id)

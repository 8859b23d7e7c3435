"""Who owns and who lives in a unit: first and co-owners, sales, corrections, moving in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from app.kernel import clock
from app.kernel.errors import N_, NotFound, RuleBroken
from app.registry import queries, service
from app.registry.api import api
from app.registry.pages.common import share_of
from app.registry.rules import Share, likely_kind
from app.registry.schemas import Correction, OccupantEnd, OccupantNew, OwnerNew, PersonIn, Transfer
from app.registry.service import NewOwner
from app.registry.words import OCCUPANT_KIND_WORDS, PERSON_KIND_WORDS
from app.web.door import needs
from app.web.fields import Choice, Date, Id, Length, OneOf, Schema, Text

ONE = "/communities/<int:community_id>/units/<int:unit_id>"
MOST_OWNERS = 50


class OwnerOut(Schema):
    """A part of a unit and whose it is. The phone is given by its last digits only.

    `ends_on` is the first day it is no longer theirs.
    """

    id = Id(required=True)
    person_id = Id(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, validate=OneOf(PERSON_KIND_WORDS))
    phone_tail = fields.String(required=True, allow_none=True)
    share_numerator = fields.Integer(required=True)
    share_denominator = fields.Integer(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, allow_none=True)
    document_no = fields.String(required=True)


class OccupantOut(Schema):
    """Who lives in a unit without owning it. `ends_on` is the first day they no longer do."""

    id = Id(required=True)
    person_id = Id(required=True)
    name = fields.String(required=True)
    phone_tail = fields.String(required=True, allow_none=True)
    kind = fields.String(required=True, validate=OneOf(OCCUPANT_KIND_WORDS))
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, allow_none=True)


class TransferOwner(PersonIn):
    """An owner after a transfer: a person known by number, or told by name."""

    name = Text(load_default="", most=100)
    kind = Choice(PERSON_KIND_WORDS, load_default=None, allow_none=True)
    person_id = Id(load_default=None, allow_none=True)
    share = Text(load_default="", most=11, metadata={"description": "Such as 1/2 or 50%."})

    @validates_schema(skip_on_field_errors=True)
    def _somebody(self, data: dict[str, Any], **_: Any) -> None:
        if (data["person_id"] is None) == (not data["name"]):
            raise ValidationError(N_("请在 name 与 person_id 中填写一个。"), "name")


class TransferIn(Transfer):
    """A unit passes to others: all owners from that day on, those who stay among them."""

    owners = fields.List(
        fields.Nested(TransferOwner),
        required=True,
        validate=Length(min=1, max=MOST_OWNERS),
        metadata={"description": "Without shares, equal parts."},
    )
    on = Date(required=True, metadata={"description": "The first day the new owners hold it."})


@api.route(f"{ONE}/owners")
@needs("roster.people")
@api.response(200, OwnerOut(many=True))
def owners(community_id: int, unit_id: int) -> Any:
    """Who owns a unit today."""
    queries.unit(community_id, unit_id)
    return queries.owners_of(community_id, unit_id, clock.today())


@api.route(f"{ONE}/ownerships")
@needs("roster.people")
@api.response(200, OwnerOut(many=True))
def ownerships(community_id: int, unit_id: int) -> Any:
    """All who ever owned a unit, the latest first."""
    queries.unit(community_id, unit_id)
    return queries.ownership_history(community_id, unit_id)


@api.route(f"{ONE}/owners", methods=["POST"])
@needs("roster.edit")
@api.arguments(OwnerNew)
@api.response(201, OwnerOut)
def add_owner(wanted: dict[str, Any], community_id: int, unit_id: int) -> Any:
    """Enter an owner beside whoever owns the rest; for a sale make a transfer."""
    queries.unit(community_id, unit_id)
    share, person = share_of(wanted["share"]), _person(community_id, wanted)
    made = service.add_owner(
        community_id,
        unit_id,
        person,
        wanted["starts_on"],
        share=share,
        document_no=wanted["document_no"],
    )
    return _part(community_id, unit_id, made.id)


@api.route(f"{ONE}/transfers", methods=["POST"])
@needs("roster.edit")
@api.arguments(TransferIn)
@api.response(201, OwnerOut(many=True))
def transfer(wanted: dict[str, Any], community_id: int, unit_id: int) -> Any:
    """Pass a unit to its owners of a day on: old parts end and new begin in one act."""
    queries.unit(community_id, unit_id)
    told = _new_owners(community_id, wanted["owners"])
    service.transfer_unit(
        community_id, unit_id, told, wanted["on"], document_no=wanted["document_no"]
    )
    return queries.owners_of(community_id, unit_id, wanted["on"])


@api.route(f"{ONE}/ownerships/<int:ownership_id>/correction", methods=["POST"])
@needs("roster.edit")
@api.arguments(Correction)
@api.response(201, OwnerOut)
def correct(wanted: dict[str, Any], community_id: int, unit_id: int, ownership_id: int) -> Any:
    """Put right an ownership that was entered wrongly, with the reason; bills stay."""
    _part(community_id, unit_id, ownership_id)
    service.correct_ownership(
        community_id, ownership_id, **{**wanted, "share": share_of(wanted["share"])}
    )
    return _part(community_id, unit_id, ownership_id)


@api.route(f"{ONE}/occupants")
@needs("roster.people")
@api.response(200, OccupantOut(many=True))
def occupants(community_id: int, unit_id: int) -> Any:
    """All who live or lived in a unit without owning it, the latest first."""
    queries.unit(community_id, unit_id)
    return queries.occupants_of(community_id, unit_id)


@api.route(f"{ONE}/occupants", methods=["POST"])
@needs("roster.edit")
@api.arguments(OccupantNew)
@api.response(201, OccupantOut)
def add_occupant(wanted: dict[str, Any], community_id: int, unit_id: int) -> Any:
    """Someone moves in."""
    queries.unit(community_id, unit_id)
    made = service.add_occupant(
        community_id,
        unit_id,
        _person(community_id, wanted),
        wanted["relation"],
        wanted["starts_on"],
    )
    return _occupant(community_id, unit_id, made.id)


@api.route(f"{ONE}/occupants/<int:occupant_id>/departure", methods=["POST"])
@needs("roster.edit")
@api.arguments(OccupantEnd)
@api.response(201, OccupantOut)
def end_occupant(wanted: dict[str, Any], community_id: int, unit_id: int, occupant_id: int) -> Any:
    """Someone moved out; the day is the first they no longer live there."""
    _occupant(community_id, unit_id, occupant_id)
    service.end_occupant(community_id, occupant_id, wanted["ends_on"])
    return _occupant(community_id, unit_id, occupant_id)


def _new_owners(community_id: int, told: Sequence[dict[str, Any]]) -> list[NewOwner]:
    """Either every owner has a share or none: then they divide the unit evenly."""
    given = [one for one in told if one["share"]]
    if given and len(given) < len(told):
        raise RuleBroken(
            "owners.shares", N_("有的业主填了产权比例，有的没有，请补齐或都不填。"), field="owners"
        )
    return [
        NewOwner(
            one["person_id"] or _person(community_id, one),
            share_of(one["share"]) if one["share"] else Share(1, len(told)),
        )
        for one in told
    ]


def _person(community_id: int, told: dict[str, Any]) -> int:
    return service.add_person(
        community_id,
        told["name"],
        kind=told["kind"] or likely_kind(told["name"]),
        phone=told["phone"],
        id_number=told["id_number"],
    ).id


def _part(community_id: int, unit_id: int, ownership_id: int) -> queries.OwnerRow:
    rows = queries.ownership_history(community_id, unit_id)
    return _one([one for one in rows if one.id == ownership_id])


def _occupant(community_id: int, unit_id: int, occupant_id: int) -> queries.OccupantRow:
    rows = queries.occupants_of(community_id, unit_id)
    return _one([one for one in rows if one.id == occupant_id])


def _one(rows: list[Any]) -> Any:
    if not rows:
        raise NotFound("registry.unknown", N_("没有找到这条记录，或者您无权查看。"))
    return rows[0]

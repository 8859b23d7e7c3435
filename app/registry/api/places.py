"""Buildings and their entrances."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.kernel.errors import N_, NotFound
from app.registry import queries, service
from app.registry.api import api
from app.registry.schemas import BuildingIn, EntranceIn
from app.web.api import patch_of
from app.web.door import needs
from app.web.fields import Area, Id, Schema

AT = "/communities/<int:community_id>/buildings"
STAIRS = "/communities/<int:community_id>/entrances"


class BuildingOut(Schema):
    """A building and how much is in it."""

    id = Id(required=True)
    code = fields.String(required=True)
    address = fields.String(required=True)
    entrance_count = fields.Integer(required=True)
    unit_count = fields.Integer(required=True)
    area_m2 = Area(required=True)


class EntranceOut(Schema):
    """A stair of a building."""

    id = Id(required=True)
    building_id = Id(required=True)
    code = fields.String(required=True)
    unit_count = fields.Integer(required=True)


@api.route(AT)
@needs("roster.read")
@api.response(200, BuildingOut(many=True))
def buildings(community_id: int) -> Any:
    """A community's buildings."""
    return queries.buildings(community_id)


@api.route(AT, methods=["POST"])
@needs("roster.edit")
@api.arguments(BuildingIn)
@api.response(201, BuildingOut)
def add_building(wanted: dict[str, Any], community_id: int) -> Any:
    """Enter a building."""
    return _building(community_id, service.add_building(community_id, **wanted).id)


@api.route(f"{AT}/<int:building_id>", methods=["PATCH"])
@needs("roster.edit")
@api.arguments(patch_of(BuildingIn))
@api.response(200, BuildingOut)
def edit_building(wanted: dict[str, Any], community_id: int, building_id: int) -> Any:
    """Rename a building; the labels of its units follow."""
    found = _building(community_id, building_id)
    facts = {"code": found.code, "address": found.address, **wanted}
    service.edit_building(community_id, building_id, **facts)
    return _building(community_id, building_id)


@api.route(STAIRS)
@needs("roster.read")
@api.response(200, EntranceOut(many=True))
def entrances(community_id: int) -> Any:
    """The stairs of all buildings."""
    return queries.entrances(community_id)


@api.route(f"{AT}/<int:building_id>/entrances", methods=["POST"])
@needs("roster.edit")
@api.arguments(EntranceIn)
@api.response(201, EntranceOut)
def add_entrance(wanted: dict[str, Any], community_id: int, building_id: int) -> Any:
    """Enter a stair of a building."""
    return _entrance(
        community_id, service.add_entrance(community_id, building_id, wanted["code"]).id
    )


@api.route(f"{STAIRS}/<int:entrance_id>", methods=["PATCH"])
@needs("roster.edit")
@api.arguments(EntranceIn)
@api.response(200, EntranceOut)
def edit_entrance(wanted: dict[str, Any], community_id: int, entrance_id: int) -> Any:
    """Rename a stair; the labels of its units follow."""
    service.edit_entrance(community_id, entrance_id, wanted["code"])
    return _entrance(community_id, entrance_id)


def _building(community_id: int, building_id: int) -> queries.BuildingRow:
    found = {one.id: one for one in queries.buildings(community_id)}.get(building_id)
    if found is None:
        raise NotFound("registry.unknown", N_("没有找到这条记录，或者您无权查看。"))
    return found


def _entrance(community_id: int, entrance_id: int) -> queries.EntranceRow:
    return next(one for one in queries.entrances(community_id) if one.id == entrance_id)

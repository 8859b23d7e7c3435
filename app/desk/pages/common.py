"""The blueprint, and how a page is told what its place is called."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g
from flask.blueprints import BlueprintSetupState

from app.registry import queries as registry
from app.web import shell
from app.web.door import Place

pages = Blueprint("desk", "app.desk", template_folder="templates")


@pages.record_once
def _name_places(state: BlueprintSetupState) -> None:
    shell.name_places_with(state.app, place_name)


def place_name(place: Place) -> str:
    """What a community, company or region is called; read at most once a request."""
    known: dict[Place, str] = g.setdefault("place_names", {})
    if place not in known:
        known[place] = _read_name(place)
    return known[place]


def know_place(place: Place, name: str) -> None:
    """Say the name of a place that this request has read already."""
    g.setdefault("place_names", {})[place] = name


def _read_name(place: Place) -> str:
    found: Any
    if place.community_id is not None:
        found = registry.communities([place.community_id])
        return found[0].name if found else ""
    if place.organization_id is not None:
        return registry.organization(place.organization_id).name
    if place.region_id is not None:
        return registry.region(place.region_id).name
    return ""

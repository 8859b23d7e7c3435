"""Whole buildings and lists of units at once, for rooms that lay figures beside them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, select, text

from app.kernel.db import db
from app.registry.models import Unit
from app.registry.queries.units import LAST, UNIT_ROWS, UnitRow
from app.registry.rules import normal_code, sort_key


def all_units(community_id: int, building_id: int | None = None) -> list[UnitRow]:
    """Every unit of a community, or of one of its buildings, in the order people count."""
    rows = db.session.execute(
        text(
            f"{UNIT_ROWS} AND (CAST(:b AS bigint) IS NULL OR u.building_id = :b)"
            " ORDER BY u.sort_key, u.id"
        ),
        {"c": community_id, "b": building_id},
    )
    return [UnitRow(**row._mapping) for row in rows]


def units_by_label(community_id: int, labels: Iterable[str]) -> dict[str, UnitRow]:
    """Units by their labels as they were written; a label that is nobody's is missing."""
    written = {label: normal_code(label) for label in labels}
    rows = db.session.execute(
        text(f"{UNIT_ROWS} AND u.label = ANY (:labels)"),
        {"c": community_id, "labels": list(set(written.values()))},
    )
    found = {row.label: UnitRow(**row._mapping) for row in rows}
    return {label: found[code] for label, code in written.items() if code in found}


# Units as a table that a list of another room may join, sort and search by.
UNITS = select(
    Unit.community_id,
    Unit.id,
    Unit.label,
    Unit.sort_key,
    Unit.building_id,
    Unit.kind,
    Unit.status,
    Unit.area_m2,
).subquery("roll")


def label_begins(word: str) -> ColumnElement[bool]:
    """Whether a unit of `UNITS` has a label that begins so: `3-2` finds all of that stair."""
    key = sort_key(normal_code(word))
    return and_(UNITS.c.sort_key >= key, UNITS.c.sort_key < key + LAST)

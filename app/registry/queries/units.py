"""Buildings, entrances, units, and how many there are.

Searches go by equality and by ranges of prepared columns: row-level security keeps LIKE and
its kin from using an index (RELIABILITY, traps).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.registry.rules import normal_code, sort_key

LAST = "\U0010ffff"  # after every text that begins as the prefix does


@dataclass(frozen=True)
class UnitRow:
    """A unit and where it stands; area in m²."""

    id: int
    label: str
    sort_key: str
    building_id: int
    building_code: str
    entrance_id: int | None
    entrance_code: str
    room: str
    floor: int | None
    kind: str
    status: str
    area_m2: Decimal
    billable_from: date | None
    billable_until: date | None
    remark: str


@dataclass(frozen=True)
class BuildingRow:
    """A building and how much is in it."""

    id: int
    code: str
    address: str
    entrance_count: int
    unit_count: int
    area_m2: Decimal


@dataclass(frozen=True)
class EntranceRow:
    """A stair of a building."""

    id: int
    building_id: int
    code: str
    unit_count: int


@dataclass(frozen=True)
class RollCounts:
    """A community in numbers; demolished units are not counted."""

    building_count: int
    unit_count: int
    area_m2: Decimal
    residential_count: int
    without_owner_count: int


UNIT_ROWS = (
    "SELECT u.id, u.label, u.sort_key, u.building_id, b.code AS building_code, u.entrance_id,"
    " coalesce(e.code, '') AS entrance_code, u.room, u.floor, u.kind, u.status, u.area_m2,"
    " u.billable_from, u.billable_until, u.remark FROM unit u"
    " JOIN building b ON b.community_id = u.community_id AND b.id = u.building_id"
    " LEFT JOIN entrance e ON e.community_id = u.community_id AND e.id = u.entrance_id"
    " WHERE u.community_id = :c"
)


def unit(community_id: int, unit_id: int) -> UnitRow:
    """One unit. Raises NotFound."""
    found = units(community_id, [unit_id])
    if not found:
        raise NotFound("unit.unknown", N_("没有找到这套房屋，或者您无权查看。"))
    return found[0]


def units(community_id: int, ids: Iterable[int]) -> list[UnitRow]:
    """Some units, in the order people count."""
    rows = db.session.execute(
        text(f"{UNIT_ROWS} AND u.id = ANY (:ids) ORDER BY u.sort_key, u.id"),
        {"c": community_id, "ids": list(ids)},
    )
    return [UnitRow(**row._mapping) for row in rows]


def unit_by_label(community_id: int, label: str) -> UnitRow | None:
    """The unit of this label, if there is one."""
    row = db.session.execute(
        text(f"{UNIT_ROWS} AND u.label = :label"),
        {"c": community_id, "label": normal_code(label)},
    ).one_or_none()
    return None if row is None else UnitRow(**row._mapping)


# Whoever a word may mean: a label or its beginning, a room, an owner or occupant by the
# beginning of the name or the end of the phone. Each branch uses an index of its own.
MATCHING_UNITS = (
    "SELECT x.id FROM unit x WHERE x.community_id = :c"
    " AND x.sort_key >= :key AND x.sort_key < :key_end"
    " UNION SELECT x.id FROM unit x WHERE x.community_id = :c AND x.room = :room"
    " UNION SELECT h.unit_id FROM person p"
    " JOIN (SELECT community_id, unit_id, person_id FROM ownership WHERE ends_on IS NULL"
    "       UNION ALL SELECT community_id, unit_id, person_id FROM occupant"
    "       WHERE ends_on IS NULL) h"
    " ON h.community_id = p.community_id AND h.person_id = p.id WHERE p.community_id = :c"
    " AND ((p.name >= :name AND p.name < :name_end) OR p.phone_tail = :tail)"
)


def search_parameters(word: str) -> dict[str, str]:
    """What `MATCHING_UNITS` needs for a word that a person typed."""
    code = normal_code(word)
    digits = re.sub(r"\D", "", code)
    return {
        "key": sort_key(code),
        "key_end": sort_key(code) + LAST,
        "room": code,
        "name": word.strip(),
        "name_end": word.strip() + LAST,
        "tail": digits[-4:] if len(digits) in (4, 11) else "-",
    }


def search_units(community_id: int, word: str, limit: int = 20) -> list[UnitRow]:
    """Units that a word may mean: label, room, owner's name or the phone's last four digits."""
    if not word.strip():
        return []
    rows = db.session.execute(
        text(f"{UNIT_ROWS} AND u.id IN ({MATCHING_UNITS}) ORDER BY u.sort_key, u.id LIMIT :limit"),
        {"c": community_id, "limit": limit, **search_parameters(word)},
    )
    return [UnitRow(**row._mapping) for row in rows]


def buildings(community_id: int) -> list[BuildingRow]:
    """All buildings, in the order people count."""
    rows = db.session.execute(
        text(
            "SELECT b.id, b.code, b.address, (SELECT count(*) FROM entrance e"
            "  WHERE e.community_id = b.community_id AND e.building_id = b.id) AS entrance_count,"
            " count(u.id) AS unit_count, coalesce(sum(u.area_m2), 0) AS area_m2"
            " FROM building b LEFT JOIN unit u ON u.community_id = b.community_id"
            "  AND u.building_id = b.id AND u.status <> 'demolished'"
            " WHERE b.community_id = :c GROUP BY b.community_id, b.id, b.code, b.address"
        ),
        {"c": community_id},
    )
    found = [BuildingRow(**row._mapping) for row in rows]
    return sorted(found, key=lambda one: sort_key(one.code))


def entrances(community_id: int, building_id: int | None = None) -> list[EntranceRow]:
    """The stairs of a building, or of all."""
    rows = db.session.execute(
        text(
            "SELECT e.id, e.building_id, e.code, count(u.id) AS unit_count FROM entrance e"
            " LEFT JOIN unit u ON u.community_id = e.community_id AND u.entrance_id = e.id"
            " WHERE e.community_id = :c AND (CAST(:b AS bigint) IS NULL OR e.building_id = :b)"
            " GROUP BY e.id, e.building_id, e.code"
        ),
        {"c": community_id, "b": building_id},
    )
    found = [EntranceRow(**row._mapping) for row in rows]
    return sorted(found, key=lambda one: (one.building_id, sort_key(one.code)))


def counts(community_id: int) -> RollCounts:
    """A community in numbers."""
    row = db.session.execute(
        text(
            "SELECT (SELECT count(*) FROM building WHERE community_id = :c) AS building_count,"
            " count(*) AS unit_count, coalesce(sum(u.area_m2), 0) AS area_m2,"
            " count(*) FILTER (WHERE u.kind = 'residential') AS residential_count,"
            " count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM ownership o"
            "  WHERE o.community_id = u.community_id AND o.unit_id = u.id"
            "  AND o.ends_on IS NULL)) AS without_owner_count"
            " FROM unit u WHERE u.community_id = :c AND u.status <> 'demolished'"
        ),
        {"c": community_id},
    ).one()
    return RollCounts(**row._mapping)

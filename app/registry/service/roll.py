"""Buildings, entrances and units; a unit's label always agrees with where it stands."""

from __future__ import annotations

import secrets
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.kernel import audit
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, RuleBroken
from app.registry import rules
from app.registry.models import Building, Entrance, Unit
from app.registry.service.common import change, needed, row_of

# No 0, 1, I, O: the code is read from paper by elderly eyes.
BINDING_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
BINDING_LENGTH = 8
LARGEST_AREA_M2 = Decimal("1000000")


def fresh_binding_code() -> str:
    """A code for the bill by which the first resident binds an account; 40 random bits."""
    return "".join(secrets.choice(BINDING_ALPHABET) for _ in range(BINDING_LENGTH))


def add_building(community_id: int, code: str, address: str = "") -> Building:
    """Enter a building. Raises Conflict when the community has one of that name."""
    code = needed(rules.building_code(code), "code")
    _refuse_same_building(community_id, code)
    building = Building(community_id=community_id, code=code, address=address.strip())
    db.session.add(building)
    db.session.flush()
    audit.record(
        "registry:add-building",
        f"building:{building.id}",
        community_id=community_id,
        after={"code": code, "address": building.address},
    )
    return building


def edit_building(community_id: int, building_id: int, code: str, address: str = "") -> Building:
    """Rename a building; the labels of its units follow. Raises Conflict, NotFound."""
    building = row_of(Building, community_id, building_id, lock=True)
    code = needed(rules.building_code(code), "code")
    if code != building.code:
        _refuse_same_building(community_id, code)
    before, after = change(building, {"code": code, "address": address.strip()})
    if "code" in after:
        _relabel(community_id, Unit.building_id == building_id)
    if after:
        audit.record(
            "registry:edit-building",
            f"building:{building_id}",
            community_id=community_id,
            before=before,
            after=after,
        )
    db.session.flush()
    return building


def add_entrance(community_id: int, building_id: int, code: str) -> Entrance:
    """Enter a stair of a building. Raises Conflict, NotFound."""
    row_of(Building, community_id, building_id)
    code = needed(rules.entrance_code(code), "code")
    _refuse_same_entrance(community_id, building_id, code)
    entrance = Entrance(community_id=community_id, building_id=building_id, code=code)
    db.session.add(entrance)
    db.session.flush()
    audit.record(
        "registry:add-entrance",
        f"entrance:{entrance.id}",
        community_id=community_id,
        after={"building_id": building_id, "code": code},
    )
    return entrance


def edit_entrance(community_id: int, entrance_id: int, code: str) -> Entrance:
    """Rename a stair; the labels of its units follow. Raises Conflict, NotFound."""
    entrance = row_of(Entrance, community_id, entrance_id, lock=True)
    code = needed(rules.entrance_code(code), "code")
    if code != entrance.code:
        _refuse_same_entrance(community_id, entrance.building_id, code)
    before, after = change(entrance, {"code": code})
    if after:
        _relabel(community_id, Unit.entrance_id == entrance_id)
        audit.record(
            "registry:edit-entrance",
            f"entrance:{entrance_id}",
            community_id=community_id,
            before=before,
            after=after,
        )
    db.session.flush()
    return entrance


def add_unit(
    community_id: int,
    building_id: int,
    room: str,
    area_m2: Decimal,
    *,
    entrance_id: int | None = None,
    **columns: Any,
) -> Unit:
    """Enter a unit. `columns`: floor, kind, status, billable_from, billable_until, remark.

    Area in m², two decimals. Raises Conflict when the label is taken, RuleBroken, NotFound.
    """
    room = needed(rules.room_code(room), "room")
    _check_area(area_m2)
    _check_billable(columns.get("billable_from"), columns.get("billable_until"))
    label = _label(community_id, building_id, entrance_id, room)
    _refuse_same_label(community_id, label)
    unit = Unit(
        community_id=community_id,
        building_id=building_id,
        entrance_id=entrance_id,
        room=room,
        label=label,
        sort_key=rules.sort_key(label),
        area_m2=area_m2,
        binding_code=fresh_binding_code(),
        **columns,
    )
    db.session.add(unit)
    db.session.flush()
    audit.record(
        "registry:add-unit",
        f"unit:{unit.id}",
        community_id=community_id,
        after={"label": label, "area_m2": str(area_m2), "kind": unit.kind, "status": unit.status},
    )
    return unit


def edit_unit(community_id: int, unit_id: int, **changes: Any) -> Unit:
    """Change facts of a unit, where it stands included; its label follows.

    Raises Conflict when the new label is taken, RuleBroken, NotFound.
    """
    unit = row_of(Unit, community_id, unit_id, lock=True)
    if "room" in changes:
        changes["room"] = needed(rules.room_code(changes["room"]), "room")
    if "area_m2" in changes:
        _check_area(changes["area_m2"])
    _check_billable(
        changes.get("billable_from", unit.billable_from),
        changes.get("billable_until", unit.billable_until),
    )
    label = _label(
        community_id,
        changes.get("building_id", unit.building_id),
        changes.get("entrance_id", unit.entrance_id),
        changes.get("room", unit.room),
    )
    if label != unit.label:
        _refuse_same_label(community_id, label)
        changes |= {"label": label, "sort_key": rules.sort_key(label)}
    before, after = change(unit, changes)
    if after:
        audit.record(
            "registry:edit-unit",
            f"unit:{unit_id}",
            community_id=community_id,
            before=before,
            after=after,
        )
    db.session.flush()
    return unit


def close_unit(community_id: int, unit_id: int, on: date, reason: str) -> Unit:
    """Take a unit out of use: demolished, and billed no longer from `on`; its past stays.

    Raises RuleBroken, Conflict when it is closed already, NotFound.
    """
    unit = row_of(Unit, community_id, unit_id, lock=True)
    if unit.status == "demolished":
        raise Conflict("unit.closed", N_("此户已注销。"))
    _check_billable(unit.billable_from, on)
    reason = needed(reason, "reason")
    before, after = change(unit, {"status": "demolished", "billable_until": on})
    audit.record(
        "registry:close-unit",
        f"unit:{unit_id}",
        community_id=community_id,
        before=before,
        after={**after, "reason": reason},
    )
    db.session.flush()
    return unit


def _label(community_id: int, building_id: int, entrance_id: int | None, room: str) -> str:
    building = row_of(Building, community_id, building_id)
    if entrance_id is None:
        return rules.unit_label(building.code, "", room)
    entrance = row_of(Entrance, community_id, entrance_id)
    if entrance.building_id != building_id:
        raise RuleBroken("unit.entrance", N_("所选单元不在所选楼栋里。"), field="entrance_id")
    return rules.unit_label(building.code, entrance.code, room)


def _relabel(community_id: int, where: Any) -> None:
    db.session.flush()
    rows = db.session.execute(
        select(Unit, Building.code, Entrance.code)
        .join(
            Building,
            (Building.community_id == Unit.community_id) & (Building.id == Unit.building_id),
        )
        .outerjoin(
            Entrance,
            (Entrance.community_id == Unit.community_id) & (Entrance.id == Unit.entrance_id),
        )
        .where(Unit.community_id == community_id, where)
    ).all()
    labels = {unit.id: rules.unit_label(b, e or "", unit.room) for unit, b, e in rows}
    taken = db.session.scalars(
        select(Unit.label).where(
            Unit.community_id == community_id,
            Unit.label.in_(labels.values()),
            Unit.id.not_in(labels),
        )
    ).first()
    if taken is not None:
        raise _label_taken(taken)
    for unit, _building, _entrance in rows:
        unit.label = labels[unit.id]
        unit.sort_key = rules.sort_key(unit.label)


def _refuse_same_building(community_id: int, code: str) -> None:
    if db.session.scalar(
        select(Building.id).where(Building.community_id == community_id, Building.code == code)
    ):
        raise Conflict("building.known", N_("已有楼栋“%(name)s”。"), field="code", name=code)


def _refuse_same_entrance(community_id: int, building_id: int, code: str) -> None:
    if db.session.scalar(
        select(Entrance.id).where(
            Entrance.community_id == community_id,
            Entrance.building_id == building_id,
            Entrance.code == code,
        )
    ):
        raise Conflict("entrance.known", N_("该楼栋已有单元“%(name)s”。"), field="code", name=code)


def _refuse_same_label(community_id: int, label: str) -> None:
    if db.session.scalar(
        select(Unit.id).where(Unit.community_id == community_id, Unit.label == label)
    ):
        raise _label_taken(label)


def _label_taken(label: str) -> Conflict:
    return Conflict("unit.known", N_("已有房屋“%(label)s”。"), field="room", label=label)


def _check_area(area_m2: Decimal) -> None:
    if not 0 <= area_m2 <= LARGEST_AREA_M2 or area_m2 != round(area_m2, 2):
        raise RuleBroken(
            "unit.area", N_("面积应为不小于 0、最多两位小数的数字（平方米）。"), field="area_m2"
        )


def _check_billable(start: date | None, end: date | None) -> None:
    if start is not None and end is not None and end <= start:
        raise RuleBroken(
            "unit.billable", N_("停止计费日应晚于开始计费日。"), field="billable_until"
        )

"""Buildings and their entrances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, url_for
from flask_babel import gettext

from app.kernel.errors import N_, NotFound
from app.registry import queries, service
from app.registry.pages import pages
from app.registry.pages.common import Ask, Words, answer_form, may
from app.registry.schemas import BuildingIn, EntranceIn
from app.web.door import needs

AT = "/c/<int:community_id>/buildings"


@pages.get(AT)
@needs("roster.read")
def buildings(community_id: int) -> Any:
    """All buildings with their entrances."""
    stairs: dict[int, list[queries.EntranceRow]] = {}
    for one in queries.entrances(community_id):
        stairs.setdefault(one.building_id, []).append(one)
    return render_template(
        "registry/buildings.html",
        buildings=queries.buildings(community_id),
        stairs=stairs,
        can_edit=may("roster.edit"),
    )


@pages.route(f"{AT}/new", methods=["GET", "POST"])
@needs("roster.edit")
def new_building(community_id: int) -> Any:
    """Enter a building."""

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        made = service.add_building(community_id, **values)
        return _list(community_id), gettext("已添加 %(code)s 栋。", code=made.code)

    return answer_form(
        BuildingIn,
        _asks(),
        Words(
            gettext("新增楼栋"), gettext("添加"), _list(community_id), steps=_steps(community_id)
        ),
        act,
    )


@pages.route(f"{AT}/<int:building_id>/edit", methods=["GET", "POST"])
@needs("roster.edit")
def edit_building(community_id: int, building_id: int) -> Any:
    """Rename a building; its units follow."""
    found = _building(community_id, building_id)

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        changed = service.edit_building(community_id, building_id, **values)
        return _list(community_id), gettext("已保存 %(code)s 栋。", code=changed.code)

    return answer_form(
        BuildingIn,
        _asks(),
        Words(
            gettext("修改 %(code)s 栋", code=found.code),
            gettext("保存"),
            _list(community_id),
            gettext("改了叫法，其中各户的房号随之改变。"),
            _steps(community_id),
        ),
        act,
        code=found.code,
        address=found.address,
    )


@pages.route(f"{AT}/<int:building_id>/entrances/new", methods=["GET", "POST"])
@needs("roster.edit")
def new_entrance(community_id: int, building_id: int) -> Any:
    """Enter a stair."""
    found = _building(community_id, building_id)

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        made = service.add_entrance(community_id, building_id, values["code"])
        return _list(community_id), gettext("已添加 %(code)s 单元。", code=made.code)

    return answer_form(
        EntranceIn,
        (Ask("code", gettext("单元"), hint=gettext("如 1、2 或 A。")),),
        Words(
            gettext("给 %(code)s 栋添加单元", code=found.code),
            gettext("添加"),
            _list(community_id),
            steps=_steps(community_id),
        ),
        act,
    )


@pages.route("/c/<int:community_id>/entrances/<int:entrance_id>/edit", methods=["GET", "POST"])
@needs("roster.edit")
def edit_entrance(community_id: int, entrance_id: int) -> Any:
    """Rename a stair; its units follow."""
    found = {one.id: one for one in queries.entrances(community_id)}.get(entrance_id)
    if found is None:
        raise NotFound("registry.unknown", N_("没有找到这条记录，或者您无权查看。"))

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        changed = service.edit_entrance(community_id, entrance_id, values["code"])
        return _list(community_id), gettext("已保存 %(code)s 单元。", code=changed.code)

    return answer_form(
        EntranceIn,
        (Ask("code", gettext("单元")),),
        Words(
            gettext("修改 %(code)s 单元", code=found.code),
            gettext("保存"),
            _list(community_id),
            gettext("改了叫法，其中各户的房号随之改变。"),
            _steps(community_id),
        ),
        act,
        code=found.code,
    )


def _asks() -> tuple[Ask, ...]:
    return (
        Ask("code", gettext("楼栋"), hint=gettext("住户怎么叫就怎么写，如 3 或 12A，不必写“栋”。")),
        Ask("address", gettext("门牌地址")),
    )


def _building(community_id: int, building_id: int) -> queries.BuildingRow:
    found = {one.id: one for one in queries.buildings(community_id)}.get(building_id)
    if found is None:
        raise NotFound("registry.unknown", N_("没有找到这条记录，或者您无权查看。"))
    return found


def _list(community_id: int) -> str:
    return url_for("registry.buildings", community_id=community_id)


def _steps(community_id: int) -> list[tuple[str, str]]:
    return [(gettext("楼栋一览"), _list(community_id))]

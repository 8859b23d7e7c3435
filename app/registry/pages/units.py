"""Units: the list, one unit with its history, and changing its facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app, render_template, request, send_file, url_for
from flask_babel import gettext
from sqlalchemy import Select, and_, case, func, literal, select, text

from app.kernel import clock
from app.kernel.errors import N_
from app.registry import queries, service, words
from app.registry.imports import workbooks
from app.registry.models import Ownership, Person, Unit
from app.registry.pages import pages
from app.registry.pages.common import Ask, Words, answer_form, may
from app.registry.queries.units import LAST, MATCHING_UNITS, search_parameters
from app.registry.rules import normal_code, sort_key
from app.registry.schemas import UnitClose, UnitIn
from app.web import sheets
from app.web.door import needs
from app.web.lists import Column, Filter, Listing

AT = "/c/<int:community_id>/units"
ONE = f"{AT}/<int:unit_id>"


def _search(rows: Select[Any], word: str) -> Select[Any]:
    """By label, room, name or phone; who may not see names cannot search for them either."""
    if not may("roster.people"):
        key = sort_key(normal_code(word))
        by_label = and_(Unit.sort_key >= key, Unit.sort_key < key + LAST)
        return rows.where(by_label | (Unit.room == normal_code(word)))
    values = {"c": (request.view_args or {})["community_id"], **search_parameters(word)}
    found = text(MATCHING_UNITS).bindparams(**values).columns(Unit.id).subquery()
    return rows.where(Unit.id.in_(select(found.c.id)))


def _buildings() -> Mapping[str, str]:
    community_id = (request.view_args or {})["community_id"]
    return {str(one.id): one.code for one in queries.buildings(community_id)}


def _by_owner(rows: Select[Any], value: str) -> Select[Any]:
    owned = _owned().exists()
    return rows.where(owned if value == "known" else ~owned)


def _owned() -> Any:
    return select(Ownership.id).where(
        Ownership.community_id == Unit.community_id,
        Ownership.unit_id == Unit.id,
        Ownership.ends_on.is_(None),
    )


UNITS = Listing(
    "units",
    columns=(
        Column("label", N_("房号"), Unit.sort_key),
        Column("area_m2", N_("建筑面积"), Unit.area_m2, "area"),
        Column("kind", N_("用途"), Unit.kind, words=words.UNIT_KIND_WORDS),
        Column("status", N_("状态"), Unit.status, words=words.UNIT_STATUS_WORDS),
        Column("owners", N_("业主")),
        Column("floor", N_("楼层"), Unit.floor, shown=False),
        Column("billable_from", N_("开始计费日"), shown=False),
        Column("billable_until", N_("停止计费日"), shown=False),
        Column("remark", N_("备注"), shown=False),
    ),
    default_sort="label",
    tiebreak=Unit.id,
    filters=(
        Filter(
            "building",
            N_("楼栋"),
            lambda rows, value: rows.where(Unit.building_id == int(value)),
            choices=_buildings,
        ),
        Filter(
            "kind",
            N_("用途"),
            lambda rows, value: rows.where(Unit.kind == value),
            choices=words.UNIT_KIND_WORDS,
        ),
        Filter(
            "status",
            N_("状态"),
            lambda rows, value: rows.where(Unit.status == value),
            choices=words.UNIT_STATUS_WORDS,
        ),
        Filter(
            "owner",
            N_("业主"),
            _by_owner,
            choices={"known": N_("已登记"), "unknown": N_("不详")},
        ),
    ),
    search=_search,
    search_label=N_("房号、姓名或电话后四位"),
)


def unit_rows(community_id: int, *, masked: bool) -> Select[Any]:
    """Units with their owners of now in one cell."""
    name = (
        case(
            (Person.kind == "natural", func.left(Person.name, 1) + literal("**")), else_=Person.name
        )
        if masked
        else Person.name
    )
    owners = (
        select(func.string_agg(name, literal("、")))
        .select_from(Ownership)
        .join(
            Person,
            and_(Person.community_id == Ownership.community_id, Person.id == Ownership.person_id),
        )
        .where(
            Ownership.community_id == Unit.community_id,
            Ownership.unit_id == Unit.id,
            Ownership.ends_on.is_(None),
        )
        .scalar_subquery()
    )
    return select(
        Unit.id,
        Unit.label,
        Unit.area_m2,
        Unit.kind,
        Unit.status,
        Unit.floor,
        Unit.billable_from,
        Unit.billable_until,
        Unit.remark,
        owners.label("owners"),
    ).where(Unit.community_id == community_id)


@pages.get(AT)
@needs("roster.read")
def units(community_id: int) -> Any:
    """All units of a community."""
    rows = unit_rows(community_id, masked=not may("roster.people"))
    return UNITS.answer(
        rows,
        "registry/units.html",
        can_add=may("roster.edit"),
        can_import=may("roster.import"),
        can_export=may("roster.people"),
        can_search_names=may("roster.people"),
    )


@pages.get(f"{AT}/roll.xlsx")
@needs("roster.people")
def roll(community_id: int) -> Any:
    """The whole roll as a roster that can be imported again; recorded, for it opens phones."""
    name = f"{queries.community(community_id).name}-{clock.today().isoformat()}.xlsx"
    return send_file(
        workbooks.whole_roll(community_id),
        mimetype=sheets.XLSX,
        as_attachment=True,
        download_name=name,
        max_age=0,
    )


@pages.get(ONE)
@needs("roster.read")
def unit(community_id: int, unit_id: int) -> Any:
    """One unit: facts, owners by date, who lives there."""
    found = queries.unit(community_id, unit_id)
    today = clock.today()
    history = queries.ownership_history(community_id, unit_id)
    return render_template(
        "registry/unit.html",
        unit=found,
        owners=[one for one in history if one.ends_on is None or one.ends_on > today],
        past=[one for one in history if one.ends_on is not None and one.ends_on <= today],
        occupants=queries.occupants_of(community_id, unit_id),
        today=today,
        can_edit=may("roster.edit") and found.status != "demolished",
        open_names=may("roster.people"),
        links=_links(community_id, unit_id),
        words=words,
    )


def _links(community_id: int, unit_id: int) -> list[tuple[str, str, str]]:
    """Pages of rooms above about this unit, as far as they exist and the reader may see them."""
    known = (
        ("bills.statement", gettext("对账单"), "receipt", "bill.read"),
        ("arrears.unit", gettext("欠费"), "alert-circle", "bill.read"),
        ("identity.renew_binding_code", gettext("绑定码"), "key", "binding.edit"),
    )
    return [
        (url_for(endpoint, community_id=community_id, unit_id=unit_id), label, icon)
        for endpoint, label, icon, action in known
        if endpoint in current_app.view_functions and may(action)
    ]


@pages.route(f"{AT}/new", methods=["GET", "POST"])
@needs("roster.edit")
def new_unit(community_id: int) -> Any:
    """Enter a unit."""

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        made = service.add_unit(community_id, **values)
        return _page(community_id, made.id), gettext("已添加 %(label)s。", label=made.label)

    return answer_form(
        UnitIn,
        _unit_asks(community_id),
        Words(
            gettext("新增房屋"), gettext("添加"), _list(community_id), steps=_steps(community_id)
        ),
        act,
        kind="residential",
        status="occupied",
    )


@pages.route(f"{ONE}/edit", methods=["GET", "POST"])
@needs("roster.edit")
def edit_unit(community_id: int, unit_id: int) -> Any:
    """Change a unit's facts."""
    found = queries.unit(community_id, unit_id)

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        changed = service.edit_unit(community_id, unit_id, **values)
        return _page(community_id, unit_id), gettext("已保存 %(label)s。", label=changed.label)

    return answer_form(
        UnitIn,
        _unit_asks(community_id),
        Words(
            gettext("修改 %(label)s", label=found.label),
            gettext("保存"),
            _page(community_id, unit_id),
            steps=_steps(community_id, found),
            warning=gettext("改动从下一次出账起生效；已出的账单不变，需要时开调整单。"),
        ),
        act,
        **{name: getattr(found, name) for name in UnitIn._declared_fields},
    )


@pages.route(f"{ONE}/close", methods=["GET", "POST"])
@needs("roster.edit")
def close_unit(community_id: int, unit_id: int) -> Any:
    """Take a unit out of use."""
    found = queries.unit(community_id, unit_id)

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        service.close_unit(community_id, unit_id, values["on"], values["reason"])
        return _page(community_id, unit_id), gettext("%(label)s 已注销。", label=found.label)

    return answer_form(
        UnitClose,
        (
            Ask("on", gettext("停止计费日"), "date", gettext("从这一天起不再计费。")),
            Ask("reason", gettext("原因"), "textarea"),
        ),
        Words(
            gettext("注销 %(label)s", label=found.label),
            gettext("注销"),
            _page(community_id, unit_id),
            steps=_steps(community_id, found),
            warning=gettext("房屋标为已拆除，账单和产权历史都保留。"),
            look="danger",
        ),
        act,
        on=clock.today(),
    )


def _unit_asks(community_id: int) -> tuple[Ask, ...]:
    buildings = queries.buildings(community_id)
    codes = {one.id: one.code for one in buildings}
    stairs = [
        (str(one.id), gettext("%(building)s 栋 %(entrance)s 单元",
                              building=codes[one.building_id], entrance=one.code))
        for one in queries.entrances(community_id)
    ]  # fmt: skip
    return (
        Ask("building_id", gettext("楼栋"), "select",
            options=[(str(one.id), one.code) for one in buildings]),
        Ask("entrance_id", gettext("单元"), "select", gettext("没有单元的楼栋不用选。"), stairs),
        Ask("room", gettext("房号"), hint=gettext("如 501；楼栋和单元已在上面选好。")),
        Ask("area_m2", gettext("建筑面积"), "area", gettext("以产权证为准，没有时用实测面积。")),
        Ask("floor", gettext("楼层"), "number"),
        Ask("kind", gettext("用途"), "select"),
        Ask("status", gettext("状态"), "select"),
        Ask("billable_from", gettext("开始计费日"), "date", gettext("留空：一直计费。")),
        Ask("billable_until", gettext("停止计费日"), "date", gettext("从这一天起不再计费。")),
        Ask("remark", gettext("备注")),
    )  # fmt: skip


def _list(community_id: int) -> str:
    return url_for("registry.units", community_id=community_id)


def _page(community_id: int, unit_id: int) -> str:
    return url_for("registry.unit", community_id=community_id, unit_id=unit_id)


def _steps(community_id: int, found: queries.UnitRow | None = None) -> list[tuple[str, str]]:
    steps = [(gettext("房屋"), _list(community_id))]
    return steps + ([(found.label, _page(community_id, found.id))] if found else [])

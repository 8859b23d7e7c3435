"""Who owns and who lives in a unit: transfer, first owner, correction, moving in and out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import url_for
from flask_babel import gettext

from app.kernel import clock
from app.kernel.errors import N_, NotFound, RuleBroken
from app.registry import queries, service
from app.registry.pages import pages
from app.registry.pages.common import Ask, Words, answer_form, share_of
from app.registry.pages.units import ONE, _page, _steps
from app.registry.rules import Share, likely_kind
from app.registry.schemas import Correction, OccupantEnd, OccupantNew, OwnerNew, Transfer
from app.registry.service import NewOwner
from app.web.door import needs


@pages.route(f"{ONE}/transfer", methods=["GET", "POST"])
@needs("roster.edit")
def transfer(community_id: int, unit_id: int) -> Any:
    """Pass a unit to other owners from a day on."""
    found = queries.unit(community_id, unit_id)
    held = queries.owners_of(community_id, unit_id, clock.today())

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        owners = _new_owners(community_id, values["owners"])
        service.transfer_unit(
            community_id, unit_id, owners, values["on"], document_no=values["document_no"]
        )
        return _page(community_id, unit_id), gettext("%(label)s 已过户。", label=found.label)

    example = gettext(
        "每行一位：姓名，产权比例，电话，证件号；后三项可以不填。例如：张三，1/2，13800138000"
    )
    return answer_form(
        Transfer,
        (
            Ask("on", gettext("过户日"), "date", gettext("新业主从这一天起拥有此户并承担费用。")),
            Ask("owners", gettext("过户后的全体业主"), "textarea", example),
            Ask("document_no", gettext("产权证号")),
        ),
        Words(
            gettext("%(label)s 过户", label=found.label),
            gettext("办理过户"),
            _page(community_id, unit_id),
            gettext("现业主：%(names)s", names="、".join(map(_with_share, held)) or "—"),
            _steps(community_id, found),
            gettext("请写全过户之后的业主；比例不变、继续共有的人也要写上。"),
        ),
        act,
        on=clock.today(),
    )


def _with_share(owner: queries.OwnerRow) -> str:
    return owner.name if owner.share == 1 else f"{owner.name} {owner.share}"


def _new_owners(community_id: int, lines: str) -> list[NewOwner]:
    """Each line a person; people without a share divide the unit evenly."""
    parsed = [_line(line) for line in lines.splitlines() if line.strip()]
    given = [share for _name, share, _phone, _id in parsed if share is not None]
    if given and len(given) < len(parsed):
        raise RuleBroken(
            "owners.shares", N_("有的业主填了产权比例，有的没有，请补齐或都不填。"), field="owners"
        )
    owners = []
    for name, share, phone, id_number in parsed:
        person = service.add_person(
            community_id, name, kind=likely_kind(name), phone=phone, id_number=id_number
        )
        owners.append(NewOwner(person.id, share or Share(1, len(parsed))))
    return owners


def _line(line: str) -> tuple[str, Share | None, str, str]:
    parts = [part.strip() for part in re.split(r"[,，\t]", line)]
    if not parts[0] or len(parts) > 4:
        raise RuleBroken(
            "owners.line", N_("每行写：姓名，产权比例，电话，证件号。"), field="owners"
        )
    parts += [""] * (4 - len(parts))
    return parts[0], share_of(parts[1]) if parts[1] else None, parts[2], parts[3]


@pages.route(f"{ONE}/owners/new", methods=["GET", "POST"])
@needs("roster.edit")
def new_owner(community_id: int, unit_id: int) -> Any:
    """Enter an owner beside whoever owns the rest."""
    found = queries.unit(community_id, unit_id)

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        share = share_of(values["share"])
        person = service.add_person(
            community_id,
            values["name"],
            kind=values["kind"],
            phone=values["phone"],
            id_number=values["id_number"],
        )
        service.add_owner(
            community_id,
            unit_id,
            person.id,
            values["starts_on"],
            share=share,
            document_no=values["document_no"],
        )
        return _page(community_id, unit_id), gettext("已登记业主 %(name)s。", name=person.name)

    return answer_form(
        OwnerNew,
        (
            *person_asks(),
            Ask("share", gettext("产权比例"), hint=gettext("如 1/2、50% 或 1。")),
            Ask("starts_on", gettext("产权起始"), "date"),
            Ask("document_no", gettext("产权证号")),
        ),
        Words(
            gettext("登记 %(label)s 的业主", label=found.label),
            gettext("登记"),
            _page(community_id, unit_id),
            gettext("房屋卖给别人时，请用“过户”。"),
            _steps(community_id, found),
        ),
        act,
        share="1",
        kind="natural",
    )


@pages.route(f"{ONE}/owners/<int:ownership_id>/correct", methods=["GET", "POST"])
@needs("roster.edit")
def correct_owner(community_id: int, unit_id: int, ownership_id: int) -> Any:
    """Put an ownership right that was entered wrongly."""
    found = queries.unit(community_id, unit_id)
    rows = {one.id: one for one in queries.ownership_history(community_id, unit_id)}
    if ownership_id not in rows:
        raise NotFound("registry.unknown", N_("没有找到这条记录，或者您无权查看。"))
    row = rows[ownership_id]

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        service.correct_ownership(
            community_id,
            ownership_id,
            share=share_of(values["share"]),
            starts_on=values["starts_on"],
            ends_on=values["ends_on"],
            document_no=values["document_no"],
            reason=values["reason"],
        )
        return _page(community_id, unit_id), gettext("已更正 %(name)s 的产权。", name=row.name)

    return answer_form(
        Correction,
        (
            Ask("share", gettext("产权比例")),
            Ask("starts_on", gettext("产权起始"), "date"),
            Ask(
                "ends_on",
                gettext("产权截止"),
                "date",
                gettext("从这一天起不再是业主；仍是业主就留空。"),
            ),
            Ask("document_no", gettext("产权证号")),
            Ask("reason", gettext("更正原因"), "textarea", gettext("会记入操作记录。")),
        ),
        Words(
            gettext("更正 %(name)s 的产权", name=row.name),
            gettext("更正此项"),
            _page(community_id, unit_id),
            gettext("只用于改正录入错误；买卖、继承请用“过户”。"),
            _steps(community_id, found),
            gettext("已出的账单不会自动改变。"),
        ),
        act,
        share=f"{row.share_numerator}/{row.share_denominator}",
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        document_no=row.document_no,
    )


@pages.route(f"{ONE}/occupants/new", methods=["GET", "POST"])
@needs("roster.edit")
def new_occupant(community_id: int, unit_id: int) -> Any:
    """Someone moves in."""
    found = queries.unit(community_id, unit_id)

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        person = service.add_person(
            community_id,
            values["name"],
            kind=values["kind"],
            phone=values["phone"],
            id_number=values["id_number"],
        )
        service.add_occupant(
            community_id, unit_id, person.id, values["relation"], values["starts_on"]
        )
        return _page(community_id, unit_id), gettext("已登记住户 %(name)s。", name=person.name)

    return answer_form(
        OccupantNew,
        (
            *person_asks(),
            Ask("relation", gettext("身份"), "radios"),
            Ask("starts_on", gettext("入住日"), "date"),
        ),
        Words(
            gettext("登记 %(label)s 的住户", label=found.label),
            gettext("登记"),
            _page(community_id, unit_id),
            gettext("租户和家人可以查账单、交费，但不能投票。"),
            _steps(community_id, found),
        ),
        act,
        relation="tenant",
        kind="natural",
        starts_on=clock.today(),
    )


@pages.route(f"{ONE}/occupants/<int:occupant_id>/end", methods=["GET", "POST"])
@needs("roster.edit")
def end_occupant(community_id: int, unit_id: int, occupant_id: int) -> Any:
    """Someone moved out."""
    found = queries.unit(community_id, unit_id)
    rows = {one.id: one for one in queries.occupants_of(community_id, unit_id)}
    if occupant_id not in rows:
        raise NotFound("registry.unknown", N_("没有找到这条记录，或者您无权查看。"))

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        service.end_occupant(community_id, occupant_id, values["ends_on"])
        return _page(community_id, unit_id), gettext("已登记搬出。")

    return answer_form(
        OccupantEnd,
        (Ask("ends_on", gettext("搬出日"), "date", gettext("从这一天起不再住在这里。")),),
        Words(
            gettext("%(name)s 搬出", name=rows[occupant_id].name),
            gettext("登记搬出"),
            _page(community_id, unit_id),
            steps=_steps(community_id, found),
        ),
        act,
        ends_on=clock.today(),
    )


def person_asks() -> tuple[Ask, ...]:
    """A person's own fields."""
    return (
        Ask("name", gettext("姓名")),
        Ask("kind", gettext("类型"), "select"),
        Ask("phone", gettext("电话"), "phone"),
        Ask(
            "id_number",
            gettext("证件号"),
            hint=gettext("身份证、护照或统一社会信用代码；加密保存。"),
        ),
    )


def person_url(community_id: int, person_id: int) -> str:
    """A person's page."""
    return url_for("registry.person", community_id=community_id, person_id=person_id)

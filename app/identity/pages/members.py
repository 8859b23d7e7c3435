"""Members of a community, a company, a region or the platform: list, give, end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext

from app.identity import queries, rules
from app.identity.gate import EVERYWHERE
from app.identity.models import Account, Membership
from app.identity.pages.common import caller, gate, go, pages, shown_once
from app.identity.permissions import ACTIONS, ALLOWED, MONEY, ROLES
from app.identity.schemas import GrantForm
from app.identity.service import members
from app.identity.service.members import Granter, Spot
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import N_, HouseError, NotFound
from app.web import navigation
from app.web.door import Place, needs
from app.web.forms import blank_form, read_form
from app.web.lists import Column, Filter, Listing

MEMBERS = Listing(
    "members",
    columns=(
        Column("name", N_("姓名"), Account.name),
        Column("login", N_("手机号／邮箱"), exported=False),
        Column("role", N_("角色"), Membership.role, words=ROLES),
        Column("starts_on", N_("开始"), Membership.starts_on, "date"),
        Column("ends_on", N_("结束（不含）"), Membership.ends_on, "date"),
        Column("state", N_("状态"), exported=False),
        Column("id", N_("操作"), exported=False),
    ),
    default_sort="role",
    tiebreak=Membership.id,
    filters=(
        Filter(
            "role",
            N_("角色"),
            lambda rows, value: rows.where(Membership.role == value),
            choices=ROLES,
        ),
    ),
    search=lambda rows, word: rows.where(Account.name.startswith(word, autoescape=True)),
    search_label=N_("姓名"),
)


@dataclass(frozen=True)
class Kind:
    """A kind of place: its addresses, and what its pages need."""

    name: str
    prefix: str
    read: str
    edit: str
    where: str
    section: str = ""

    def address(self, spot: Spot, rest: str = "") -> str:
        """An address below the place's members."""
        return self.prefix.replace(f"<int:{self.name}_id>", str(spot.id)) + "/members" + rest


KINDS = (
    Kind(
        rules.COMMUNITY,
        "/c/<int:community_id>",
        "member.read",
        "member.edit",
        navigation.COMMUNITY,
        navigation.MANAGE,
    ),
    Kind(
        rules.ORGANIZATION,
        "/o/<int:organization_id>",
        "company.edit",
        "company.edit",
        navigation.COMPANY,
    ),
    Kind(rules.REGION, "/regions/<int:region_id>", "region.edit", "region.edit", navigation.REGION),
    Kind(rules.PLATFORM, "/platform", "platform.run", "platform.run", navigation.ANYWHERE),
)


def _list(kind: Kind, spot: Spot) -> Any:
    """Who has which role here."""
    granter = _granter(spot)
    region_kind = queries.region_kind(spot.id) if spot.kind == rules.REGION else None
    edits = kind.edit in gate().allowed_actions(_place(spot))
    today = clock.today()
    community = spot.kind == rules.COMMUNITY
    return MEMBERS.answer(
        queries.members_at(spot.kind, spot.id, today),
        "identity/members.html",
        kind=kind,
        spot=spot,
        gives=edits and rules.appointable(granter.roles, spot.kind, region_kind),
        ends=rules.dismissable(granter.roles, spot.kind, region_kind) if edits else (),
        mine=granter.account_id,
        edits=edits,
        today=today,
        staff=queries.staff_reaching(spot.id, today) if community else (),
        ROLES=ROLES,
    )


def _give(kind: Kind, spot: Spot) -> Any:
    """Give a role; the link for a new account's password is shown once."""
    granter = _granter(spot)
    region_kind = queries.region_kind(spot.id) if spot.kind == rules.REGION else None
    roles = rules.appointable(granter.roles, spot.kind, region_kind)
    form = blank_form(GrantForm, starts_on=clock.today())
    if request.method == "POST":
        form = read_form(GrantForm)
        if form.ok:
            try:
                granted = members.grant(spot, granter, **form.values)
            except HouseError as error:
                form.take(error)
            else:
                name = form["name"]
                if granted.link is not None:
                    return _show_link(kind, spot, name, granted.link)
                flash(gettext("已授予 %(name)s 角色。", name=name))
                return go(kind.address(spot))
    page = render_template(
        "identity/grant.html",
        form=form,
        kind=kind,
        spot=spot,
        roles=[(role, gettext(ROLES[role]), _reach_in_words(role)) for role in roles],
    )
    return page, 200 if form.ok else 422


def _end(kind: Kind, spot: Spot, membership_id: int) -> Any:
    """Ask, then end a role."""
    row = _row(spot, membership_id)
    if request.method == "POST":
        members.end(spot, _granter(spot), membership_id)
        flash(gettext("已收回 %(name)s 的角色，立即生效。", name=row.name))
        return go(kind.address(spot))
    return render_template(
        "identity/end_role.html", kind=kind, spot=spot, row=row, role=ROLES[row.role]
    )


def _link(kind: Kind, spot: Spot, membership_id: int) -> Any:
    """A new set-password link for a member, shown once."""
    row = _row(spot, membership_id)
    link = members.member_password_link(spot, membership_id)
    return _show_link(kind, spot, row.name, link)


def _row(spot: Spot, membership_id: int) -> Any:
    query = queries.members_at(spot.kind, spot.id, clock.today())
    row = db.session.execute(query.where(Membership.id == membership_id)).one_or_none()
    if row is None:
        raise NotFound("membership.unknown", N_("没有找到这个角色，或者它已经结束。"))
    return row


def _show_link(kind: Kind, spot: Spot, name: str, token: str) -> Any:
    link = url_for("identity.set_password", token=token, _external=True)
    page = render_template(
        "identity/password_link.html", name=name, link=link, back=kind.address(spot)
    )
    return shown_once(page)


def _place(spot: Spot) -> Place:
    return EVERYWHERE if spot.kind == rules.PLATFORM else Place(**{f"{spot.kind}_id": spot.id})


def _granter(spot: Spot) -> Granter:
    """The caller with the roles held at this very place."""
    roles = gate().roles(_place(spot))
    if spot.kind == rules.PLATFORM:
        roles &= {"operator"}
    return Granter(caller().account_id, roles)


def _reach_in_words(role: str) -> str:
    """What a role may do, in a line below it."""
    money = MONEY & ALLOWED[role]
    telling = sorted(money or ALLOWED[role], key=lambda action: (action.endswith(".read"), action))
    words = [gettext(ACTIONS[action]) for action in telling]
    line = gettext("、").join(words[:5]) + (gettext("等") if len(words) > 5 else "")
    return gettext("涉及资金，须两步验证：%(list)s", list=line) if money else line


def _hang(kind: Kind) -> None:
    """The four addresses of a kind of place."""

    def at(view: Callable[..., Any]) -> Callable[..., Any]:
        def opened(membership_id: int | None = None, **place: int) -> Any:
            spot = Spot(kind.name, next(iter(place.values()), 0))
            more = () if membership_id is None else (membership_id,)
            return view(kind, spot, *more)

        opened.__doc__ = view.__doc__
        return opened

    base = f"{kind.prefix}/members"
    one = f"{base}/<int:membership_id>"
    both = ["GET", "POST"]
    hung = (
        (base, "members", kind.read, _list, ["GET"]),
        (f"{base}/new", "grant", kind.edit, _give, both),
        (f"{one}/end", "end_role", kind.edit, _end, both),
        (f"{one}/password-link", "password_link", kind.edit, _link, ["POST"]),
    )
    for rule, name, action, view, methods in hung:
        pages.add_url_rule(rule, f"{kind.name}_{name}", needs(action)(at(view)), methods=methods)
    navigation.register(
        navigation.NavItem(
            kind.section,
            f"identity.{kind.name}_members",
            N_("人员与权限"),
            "users",
            kind.read,
            70,
            kind.where,
        )
    )


for _kind in KINDS:
    _hang(_kind)

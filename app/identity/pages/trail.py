"""The audit trail of a community, and of the platform."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from flask_babel import gettext

from app.identity import queries
from app.identity.pages.common import pages
from app.identity.trail_words import ACTS, FIELDS, SUBJECTS, VALUES, VIAS
from app.kernel import clock
from app.kernel.audit import AuditEvent
from app.kernel.errors import N_
from app.kernel.masking import mask_text
from app.kernel.tenancy import NOWHERE
from app.web.door import needs
from app.web.formats import yuan
from app.web.lists import Column, Filter, Listing
from app.web.navigation import ANYWHERE, MANAGE, NavItem, register


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.CHINA)


def _by(rows: Any, word: str) -> Any:
    """Acts of an account's number, or of a name that begins so."""
    if word.isdecimal() and len(word) <= 18:
        return rows.where(AuditEvent.account_id == int(word))
    return rows.where(AuditEvent.actor_name.startswith(word, autoescape=True))


def _about(rows: Any, word: str) -> Any:
    """Acts on one subject (`unit:12`) or on a kind of subject (`unit`)."""
    if ":" in word:
        return rows.where(AuditEvent.subject == word)
    return rows.where(AuditEvent.subject.startswith(word + ":", autoescape=True))


TRAIL = Listing(
    "audit",
    columns=(
        Column("at", N_("时间"), AuditEvent.at, "instant"),
        Column("actor_name", N_("操作人")),
        Column("account_id", N_("账号编号"), None, "number", shown=False),
        Column("action", N_("操作"), AuditEvent.action, words=ACTS),
        Column("subject", N_("对象")),
        Column("change", N_("改动"), exported=False),
        Column("before", N_("改前"), shown=False),
        Column("after", N_("改后"), shown=False),
        Column("via", N_("途径"), words=VIAS, shown=False),
        Column("address", N_("网络地址"), shown=False),
        Column("request_id", N_("请求编号"), shown=False),
    ),
    default_sort="-at",
    tiebreak=AuditEvent.id.desc(),
    filters=(
        Filter("who", N_("操作人（姓名或账号编号）"), _by, "text"),
        Filter(
            "action",
            N_("操作"),
            lambda rows, value: rows.where(AuditEvent.action == value),
            choices=ACTS,
        ),
        Filter("subject", N_("对象"), _about, "text"),
        Filter(
            "since",
            N_("从"),
            lambda rows, day: rows.where(AuditEvent.at >= _midnight(day)),
            "date",
        ),
        Filter(
            "until",
            N_("到（含）"),
            lambda rows, day: rows.where(AuditEvent.at < _midnight(day + timedelta(days=1))),
            "date",
        ),
    ),
)


@pages.get("/c/<int:community_id>/audit")
@needs("audit.read")
def community_trail(community_id: int) -> Any:
    """Who did what in this community."""
    return _answer(community_id)


@pages.get("/platform/audit")
@needs("platform.run")
def platform_trail() -> Any:
    """Sign-ins, accounts, companies and regions: acts that belong to no community."""
    return _answer(NOWHERE)


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Any]:
    """What an act changed, as (field, before, after), values masked once more."""
    before, after = before or {}, after or {}
    names = [*before, *(name for name in after if name not in before)]
    return [
        (gettext(FIELDS.get(name, name)), _said(name, before), _said(name, after))
        for name in names
        if before.get(name) != after.get(name)
    ]


def subject_in_words(subject: str) -> str:
    """`unit:12` as “房屋 12”."""
    kind, _, number = subject.partition(":")
    return f"{gettext(SUBJECTS.get(kind, kind))} {number}".strip()


def _answer(community_id: int) -> Any:
    return TRAIL.answer(
        queries.trail(community_id),
        "identity/trail.html",
        changes=changes,
        subject_in_words=subject_in_words,
    )


def _said(name: str, values: Mapping[str, Any]) -> str:
    value = values.get(name)
    money = name.endswith("_fen") and isinstance(value, int) and not isinstance(value, bool)
    return yuan(value) if money else _plain(value)


def _plain(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return gettext("是") if value else gettext("否")
    if isinstance(value, list):
        return gettext("、").join(_plain(one) for one in value)
    if isinstance(value, dict):
        return gettext("；").join(f"{key} {_plain(one)}" for key, one in value.items())
    kind, colon, number = str(value).partition(":")
    if colon and kind in SUBJECTS and number.isdecimal():
        return subject_in_words(str(value))
    return gettext(VALUES[str(value)]) if value in VALUES else mask_text(str(value))


register(
    NavItem(MANAGE, "identity.community_trail", N_("操作记录"), "history", "audit.read", 90),
    NavItem("", "identity.platform_trail", N_("操作记录"), "history", "platform.run", 90, ANYWHERE),
)

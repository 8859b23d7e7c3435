"""Accounts, for whoever runs the platform: find, close, help back in."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import or_

from app.identity import queries, rules
from app.identity.models import Account
from app.identity.pages.common import go, pages, shown_once
from app.identity.permissions import ROLES
from app.identity.service import accounts as verbs
from app.identity.service import second_factor
from app.identity.service.common import account_by_id, masked_login
from app.kernel import clock
from app.kernel.errors import N_
from app.kernel.seal import digest
from app.web.door import needs
from app.web.lists import Column, Filter, Listing
from app.web.navigation import ANYWHERE, NavItem, register


def _called(rows: Any, word: str) -> Any:
    """An exact phone or e-mail, or the beginning of a name."""
    name = rules.login_name(word)
    if name is not None:
        found = digest(name.text)
        return rows.where(or_(Account.phone_digest == found, Account.email_digest == found))
    return rows.where(Account.name.startswith(word, autoescape=True))


ACCOUNTS = Listing(
    "accounts",
    columns=(
        Column("id", N_("账号编号"), Account.id),
        Column("name", N_("姓名"), None, "name"),
        Column("login", N_("手机号／邮箱"), exported=False),
        Column("created_at", N_("开立时间"), Account.created_at, "instant"),
        Column("state", N_("状态"), exported=False),
    ),
    default_sort="-id",
    tiebreak=Account.id,
    filters=(
        Filter(
            "state",
            N_("状态"),
            lambda rows, value: rows.where(
                Account.disabled_at.is_not(None)
                if value == "disabled"
                else Account.disabled_at.is_(None)
            ),
            choices={"open": N_("正常"), "disabled": N_("已停用")},
        ),
    ),
    search=_called,
    search_label=N_("完整手机号、邮箱，或姓名"),
)


@pages.get("/platform/accounts")
@needs("platform.run")
def accounts() -> Any:
    """All accounts; names and phones masked."""
    return ACCOUNTS.answer(queries.account_rows(), "identity/accounts.html")


@pages.get("/platform/accounts/<int:account_id>")
@needs("platform.run")
def one_account(account_id: int) -> Any:
    """One account: what it holds, and how to help."""
    row = account_by_id(account_id)
    return render_template(
        "identity/one_account.html",
        row=row,
        login=masked_login(row),
        roles=sorted(queries.roles_held(account_id, clock.today())),
        ROLES=ROLES,
    )


@pages.post("/platform/accounts/<int:account_id>/state")
@needs("platform.run")
def change_account(account_id: int) -> Any:
    """Close or open an account, or take a lost second factor off."""
    act = request.form.get("act", "")
    acts = {
        "disable": (verbs.disable, N_("账号已停用，立即生效。")),
        "enable": (verbs.enable, N_("账号已恢复。")),
        "reset-second-factor": (
            second_factor.reset,
            N_("两步验证已重置，此人下次登录时重新开启。"),
        ),
    }
    if act in acts:
        act_now, sentence = acts[act]
        act_now(account_id)
        flash(gettext(sentence))
    return go(url_for("identity.one_account", account_id=account_id))


@pages.post("/platform/accounts/<int:account_id>/password-link")
@needs("platform.run")
def account_password_link(account_id: int) -> Any:
    """A set-password link, after seeing who asks; shown once."""
    link = url_for("identity.set_password", token=verbs.password_link(account_id), _external=True)
    back = url_for("identity.one_account", account_id=account_id)
    name = account_by_id(account_id).name
    return shown_once(
        render_template("identity/password_link.html", name=name, link=link, back=back)
    )


register(
    NavItem("", "identity.accounts", N_("账号"), "users", "platform.run", 60, ANYWHERE),
)

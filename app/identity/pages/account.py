"""One's own account: profile, password, browsers signed in, homes."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request
from flask_babel import gettext, refresh

from app.identity import queries
from app.identity.gate import IDLE, finishes_sign_in
from app.identity.pages.common import begin_session, caller, go, pages
from app.identity.permissions import ROLES
from app.identity.schemas import ChangePasswordForm, ProfileForm
from app.identity.service import accounts, sign_ins
from app.identity.service.common import account_by_id, masked_login
from app.kernel import clock
from app.kernel.errors import HouseError
from app.web import shell
from app.web.door import keep_despite_error, signed_in
from app.web.forms import blank_form, read_form


@pages.route("/account", methods=["GET", "POST"])
@signed_in
def account() -> Any:
    """Name, language and elder mode; what one may do, and where."""
    row = account_by_id(caller().account_id)
    form = blank_form(ProfileForm, name=row.name, language=row.language, elder_mode=row.elder_mode)
    if request.method == "POST":
        form = read_form(ProfileForm)
        if form.ok:
            try:
                accounts.edit_profile(row.id, **form.values)
            except HouseError as error:
                form.take(error)
            else:
                refresh()
                flash(gettext("已保存。"))
                return go("/account")
    held = queries.named_memberships(row.id, clock.today())
    page = render_template(
        "identity/account.html",
        form=form,
        login=masked_login(row),
        held=[(one.role, one.name) for one in held],
        ROLES=ROLES,
    )
    return page, 200 if form.ok else 422


@pages.route("/account/password", methods=["GET", "POST"])
@signed_in
@finishes_sign_in
def change_password() -> Any:
    """A new password; all other browsers are signed out."""
    who = caller()
    form = blank_form(ChangePasswordForm)
    status = 200
    if request.method == "POST":
        form = read_form(ChangePasswordForm)
        status = 422
        if form.ok:
            try:
                accounts.change_password(
                    who.account_id, who.sign_in_id or 0, form["old"], form["password"]
                )
            except HouseError as error:
                keep_despite_error()
                form.take(error)
                status = error.status
            else:
                begin_session(who.account_id, sign_ins.renew_token(who.sign_in_id or 0))
                flash(gettext("密码已修改，其他设备已退出登录。"))
                return go("/account")
    if who.must_change_password:
        shell.use(shell.PLAIN)
    page = render_template(
        "identity/change_password.html",
        form=form,
        forced=who.must_change_password,
        shortest=accounts.shortest_for(who.account_id),
    )
    return page, status


@pages.get("/account/sign-ins")
@signed_in
def own_sign_ins() -> Any:
    """Where one is signed in."""
    who, now = caller(), clock.now()
    rows = queries.sign_ins_of(who.account_id, now, now - IDLE)
    return render_template("identity/sign_ins.html", rows=rows, here=who.sign_in_id)


@pages.post("/account/sign-ins/<int:sign_in_id>/revoke")
@signed_in
def revoke_sign_in(sign_in_id: int) -> Any:
    """Sign another browser out."""
    sign_ins.revoke(caller().account_id, sign_in_id)
    flash(gettext("已让该设备退出登录。"))
    return go("/account/sign-ins")


@pages.post("/account/sign-ins/revoke-others")
@signed_in
def revoke_other_sign_ins() -> Any:
    """Sign all other browsers out."""
    sign_ins.revoke_others(caller().account_id, caller().sign_in_id or 0)
    flash(gettext("其他设备已全部退出登录。"))
    return go("/account/sign-ins")

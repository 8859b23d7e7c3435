"""The second factor: its code, its set-up, its recovery codes."""

from __future__ import annotations

import io
from typing import Any

import segno
from flask import flash, redirect, render_template, request
from flask_babel import gettext
from markupsafe import Markup

from app.identity.gate import finishes_sign_in
from app.identity.pages.common import begin_session, caller, gate, go, pages, shown_once, way_back
from app.identity.schemas import CodeForm
from app.identity.service import second_factor as verbs
from app.identity.service.common import account_by_id, demonstration_is_on, is_demonstration
from app.kernel.errors import HouseError
from app.web import shell
from app.web.door import keep_despite_error, signed_in
from app.web.forms import Form, blank_form, read_form


@pages.route("/account/second-factor", methods=["GET", "POST"])
@signed_in
@finishes_sign_in
def second_factor() -> Any:
    """Ask for the code of this sign-in; afterwards, how the second factor stands."""
    who = caller()
    if not who.has_second_factor:
        return redirect("/account/second-factor/set-up?" + request.query_string.decode())
    if who.second_factor_done and request.method == "GET":
        return _standing(blank_form(CodeForm)) if way_back() == "/" else redirect(way_back())
    form = blank_form(CodeForm) if request.method == "GET" else read_form(CodeForm)
    status = 200 if form.ok else 422
    if request.method == "POST" and form.ok:
        try:
            token = verbs.verify(who.account_id, who.sign_in_id or 0, form["code"])
        except HouseError as error:
            keep_despite_error()  # the failed try is recorded
            form.take(error)
            status = error.status
        else:
            begin_session(who.account_id, token)
            return go(way_back())
    shell.use(shell.PLAIN)
    page = render_template(
        "identity/second_factor.html", form=form, demonstration_code=_demonstration_code()
    )
    return page, status


@pages.route("/account/second-factor/set-up", methods=["GET", "POST"])
@signed_in
def set_up_second_factor() -> Any:
    """Show the QR code, take the first code, show the recovery codes once."""
    who = caller()
    if who.has_second_factor:
        return redirect("/account/second-factor")
    uri = verbs.begin_set_up(who.account_id)
    form = blank_form(CodeForm) if request.method == "GET" else read_form(CodeForm)
    if request.method == "POST" and form.ok:
        try:
            token, codes = verbs.confirm_set_up(who.account_id, who.sign_in_id or 0, form["code"])
        except HouseError as error:
            form.take(error)
        else:
            begin_session(who.account_id, token)
            return _show_codes(codes)
    page = render_template(
        "identity/set_up_second_factor.html",
        form=form,
        qr=_qr(uri),
        secret=_in_fours(account_by_id(who.account_id).totp_secret or ""),
        needed=gate().needs_second_factor(),
        later=way_back(),
        demonstration_code=_demonstration_code(),
    )
    return page, 200 if form.ok else 422


@pages.post("/account/second-factor/recovery")
@signed_in
def renew_recovery_codes() -> Any:
    """Ten new recovery codes for a code of the app."""
    form = read_form(CodeForm)
    if form.ok:
        try:
            return _show_codes(verbs.renew_recovery_codes(caller().account_id, form["code"]))
        except HouseError as error:
            form.take(error)
    return _standing(form), 422


@pages.post("/account/second-factor/off")
@signed_in
def turn_off_second_factor() -> Any:
    """Take the second factor off, where no role moves money."""
    form = read_form(CodeForm)
    if form.ok:
        try:
            verbs.turn_off(
                caller().account_id, form["code"], moves_money=gate().needs_second_factor()
            )
        except HouseError as error:
            form.take(error)
        else:
            flash(gettext("两步验证已关闭。"))
            return go("/account")
    return _standing(form), 422


def _standing(form: Form) -> str:
    account = account_by_id(caller().account_id)
    return render_template(
        "identity/second_factor_standing.html",
        form=form,
        since=account.totp_confirmed_at,
        left=len(account.recovery_hashes),
        needed=gate().needs_second_factor(),
        demonstration_code=_demonstration_code(),
    )


def _show_codes(codes: list[str]) -> Any:
    return shown_once(
        render_template("identity/recovery_codes.html", codes=codes, onward=way_back("/account"))
    )


def _demonstration_code() -> str:
    """The present code of a demonstration account; of no other, and nowhere else."""
    account = account_by_id(caller().account_id)
    shows = demonstration_is_on() and is_demonstration(account) and account.totp_secret
    return verbs.current_code(account) if shows else ""


def _qr(uri: str) -> Markup:
    out = io.BytesIO()
    segno.make(uri, error="m").save(
        out, kind="svg", xmldecl=False, svgns=True, scale=5, border=3, light="#fff"
    )
    return Markup(out.getvalue().decode())  # noqa: S704 -- our own drawing of our own address


def _in_fours(secret: str) -> str:
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))

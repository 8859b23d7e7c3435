"""Signing in and out; passwords by link."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import current_app, flash, redirect, render_template, request
from flask_babel import gettext

from app.identity import demonstration
from app.identity.gate import SECOND_FACTOR, SIGN_IN, finishes_sign_in
from app.identity.pages.common import (
    address,
    begin_session,
    browser,
    caller,
    end_session,
    gate,
    go,
    pages,
    way_back,
)
from app.identity.permissions import ROLES
from app.identity.schemas import SetPasswordForm, SignInForm
from app.identity.service import accounts, sign_ins
from app.identity.service.sign_ins import Opened
from app.kernel.errors import HouseError
from app.web import shell
from app.web.door import keep_despite_error, public, signed_in
from app.web.forms import Form, blank_form, read_form

SET_UP = "/account/second-factor/set-up"


@pages.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> Any:
    """The first page a customer sees."""
    if request.method == "GET":
        if gate().caller() is not None:
            return redirect(way_back())
        return _page(blank_form(SignInForm)), 200
    form = read_form(SignInForm)
    if not form.ok:
        return _page(form), 422
    try:
        opened = sign_ins.sign_in(
            form["login"], form["password"], address=address(), browser=browser()
        )
    except HouseError as error:
        keep_despite_error()  # the failed try is recorded
        form.take(error)
        return _page(form), error.status
    return welcome(opened)


@pages.post("/sign-in/demonstration")
@public
def sign_in_demonstration() -> Any:
    """One click for a demonstration account; there is no such door elsewhere."""
    account_id = request.form.get("account_id", 0, int)
    opened = sign_ins.sign_in_demonstration(account_id, address=address(), browser=browser())
    return welcome(opened)


@pages.post("/sign-out")
@signed_in
@finishes_sign_in
def sign_out() -> Any:
    """End this sign-in, on the server too."""
    sign_in_id = caller().sign_in_id
    if sign_in_id is not None:
        sign_ins.sign_out(sign_in_id)
    end_session()
    flash(gettext("您已退出。"))
    return go(SIGN_IN)


@pages.route("/password/<token>", methods=["GET", "POST"])
@public
def set_password(token: str) -> Any:
    """Choose a password by a link, once."""
    account = accounts.account_of_link(token)
    form = blank_form(SetPasswordForm) if request.method == "GET" else read_form(SetPasswordForm)
    if request.method == "POST" and form.ok:
        try:
            account = accounts.set_password_by_link(token, form["password"])
        except HouseError as error:
            form.take(error)
        else:
            end_session()
            opened = sign_ins.sign_in_registered(account.id, address=address(), browser=browser())
            answer = welcome(opened)  # a new session; what is said must stand in it
            flash(gettext("密码已设置。下次请用手机号（邮箱）和密码登录。"))
            return answer
    shell.use(shell.PLAIN)
    shortest = accounts.shortest_for(account.id)
    page = render_template(
        "identity/set_password.html", form=form, name=account.name, shortest=shortest
    )
    return page, 200 if form.ok else 422


def welcome(opened: Opened) -> Any:
    """Begin the session and lead on: to the code, to its set-up, or where one wanted to go."""
    begin_session(opened.account_id, opened.token)
    back = way_back()
    onward = "?" + urlencode({"next": back}) if back != "/" else ""
    if opened.owes_code:
        return go(SECOND_FACTOR + onward)
    return go(SET_UP + onward if opened.should_set_up_second_factor else back)


def _page(form: Form) -> str:
    demo = bool(current_app.config.get("DEMO"))
    return render_template(
        "identity/sign_in.html",
        form=form,
        demonstration=demonstration.cards() if demo else (),
        ROLES=ROLES,
    )

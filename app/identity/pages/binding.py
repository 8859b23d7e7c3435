"""A resident's way in: the code on the bill, an account, the unit."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, session, url_for
from flask_babel import gettext

from app.identity import queries, rules
from app.identity.pages.common import (
    BINDING,
    address,
    browser,
    caller,
    gate,
    go,
    pages,
)
from app.identity.pages.sign_in import welcome
from app.identity.schemas import BindForm, SignUpForm
from app.identity.service import accounts, bindings, sign_ins
from app.identity.service.common import account_by_id
from app.identity.throttle import SIGN_UP_ADDRESS, throttle
from app.kernel.errors import N_, HouseError, RuleBroken
from app.kernel.tenancy import scoped
from app.web import shell
from app.web.door import public, signed_in
from app.web.forms import blank_form, read_form


@pages.route("/bind", methods=["GET", "POST"])
@public
def bind() -> Any:
    """Type the code printed on the bill."""
    form = blank_form(BindForm) if request.method == "GET" else read_form(BindForm)
    status = 200 if form.ok else 422
    if request.method == "POST" and form.ok:
        try:
            community_id, code = _read_code(form["code"])
            bindings.look_up(community_id, code, address=address())
        except HouseError as error:
            form.take(error)
            status = error.status
        else:
            session[BINDING] = {"community": community_id, "code": code}
            return go(url_for("identity.confirm_binding"))
    shell.use(shell.PLAIN)
    return render_template("identity/bind.html", form=form), status


@pages.get("/b/<int:community_id>/<code>")
@public
def bind_by_qr(community_id: int, code: str) -> Any:
    """Where the QR code on a bill leads."""
    try:
        bindings.look_up(community_id, code, address=address())
    except HouseError as error:
        form = blank_form(BindForm)
        form.take(error)
        shell.use(shell.PLAIN)
        return render_template("identity/bind.html", form=form), error.status
    session[BINDING] = {"community": community_id, "code": rules.normal_code(code)}
    return redirect(url_for("identity.confirm_binding"))


@pages.get("/invitation/<token>")
@public
def accept_invitation(token: str) -> Any:
    """Where a family member's invitation leads."""
    bindings.home_of_invitation(token)
    session[BINDING] = {"invitation": token}
    return redirect(url_for("identity.confirm_binding"))


@pages.route("/bind/confirm", methods=["GET", "POST"])
@public
def confirm_binding() -> Any:
    """Is this your home? Bind it, or get an account first."""
    home = _home()
    if home is None:
        return redirect(url_for("identity.bind"))
    who = gate().caller()
    if request.method == "POST":
        if who is None or who.owes_code:
            return go(url_for("identity.sign_in", next=url_for("identity.confirm_binding")))
        _bind_pending(account_by_id(who.account_id))
        flash(
            gettext(
                "已绑定 %(community)s %(unit)s。", community=home.community_name, unit=home.label
            )
        )
        return go(f"/c/{home.community_id}/my")
    shell.use(shell.PLAIN)
    return render_template("identity/confirm_binding.html", home=home, who=who)


@pages.route("/sign-up", methods=["GET", "POST"])
@public
def sign_up() -> Any:
    """An account for a resident who holds a code; bound and signed in at once."""
    home = _home()
    if home is None:
        return redirect(url_for("identity.bind"))
    form = blank_form(SignUpForm) if request.method == "GET" else read_form(SignUpForm)
    status = 200 if form.ok else 422
    if request.method == "POST" and form.ok:
        try:
            throttle().hit(SIGN_UP_ADDRESS, address())
            account = accounts.register(
                form["login"], form["name"], form["password"], language=shell.present().language
            )
        except HouseError as error:
            form.take(error)
            status = error.status
        else:
            _bind_pending(account)
            opened = sign_ins.sign_in_registered(account.id, address=address(), browser=browser())
            welcome(opened)
            flash(gettext("欢迎，%(name)s。您的房屋已绑定。", name=account.name))
            return go(f"/c/{home.community_id}/my")
    shell.use(shell.PLAIN)
    return render_template("identity/sign_up.html", form=form, home=home), status


@pages.get("/account/homes")
@signed_in
def own_homes() -> Any:
    """The homes one is bound to."""
    return render_template("identity/homes.html", homes=_homes(), invitation=None)


@pages.post("/account/homes/<int:community_id>/<int:binding_id>/invite")
@signed_in
def invite_family(community_id: int, binding_id: int) -> Any:
    """An invitation to hand to one family member."""
    token = bindings.invite_family(caller().account_id, community_id, binding_id)
    link = url_for("identity.accept_invitation", token=token, _external=True)
    return render_template("identity/homes.html", homes=_homes(), invitation=link)


@pages.route("/account/homes/<int:community_id>/<int:binding_id>/end", methods=["GET", "POST"])
@signed_in
def end_own_binding(community_id: int, binding_id: int) -> Any:
    """Let go of a home."""
    if request.method == "POST":
        bindings.end_own(caller().account_id, community_id, binding_id)
        flash(gettext("已解除绑定。"))
        return go("/account/homes")
    home = next((one for one in _homes() if one.binding_id == binding_id), None)
    if home is None or home.community_id != community_id:
        return redirect("/account/homes")
    return render_template("identity/end_own_binding.html", home=home)


def _read_code(text: str) -> tuple[int, str]:
    found = rules.read_printed_code(text)
    if found is None:
        raise RuleBroken(
            "binding.code_unreadable",
            N_("请把账单上的绑定码完整填写，如 12-AB3D-9K2M（横线前的数字是小区编号）。"),
            field="code",
        )
    return found


def _home() -> bindings.Home | None:
    """What the visitor came to bind, if it is still good."""
    wanted = session.get(BINDING) or {}
    try:
        if "invitation" in wanted:
            return bindings.home_of_invitation(wanted["invitation"])
        if "code" in wanted:
            return bindings.look_up(wanted["community"], wanted["code"], address=address())
    except HouseError:
        session.pop(BINDING, None)
    return None


def _bind_pending(account: Any) -> None:
    wanted = session.pop(BINDING)
    if "invitation" in wanted:
        bindings.bind_by_invitation(account, wanted["invitation"])
    else:
        bindings.bind_by_code(account, wanted["community"], wanted["code"], address=address())


def _homes() -> tuple[queries.HomeRow, ...]:
    reached = {one.community_id for one in gate().communities() if one.reached_by == "unit"}
    with scoped(reached):
        return queries.homes_of(caller().account_id)

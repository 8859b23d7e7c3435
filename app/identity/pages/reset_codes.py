"""A forgotten password: staff hand a resident a code, the resident chooses a password by it."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext

from app.identity import queries, rules
from app.identity.models import UnitBinding
from app.identity.pages.common import address, browser, caller, end_session, go, pages, shown_once
from app.identity.pages.sign_in import welcome
from app.identity.schemas import ResetForm
from app.identity.service import reset_codes, sign_ins
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import N_, HouseError, NotFound
from app.web import shell
from app.web.door import keep_despite_error, needs, public
from app.web.forms import blank_form, read_form


@pages.get("/c/<int:community_id>/people/<int:person_id>/accounts")
@needs("binding.edit")
def accounts_of_person(community_id: int, person_id: int) -> Any:
    """The accounts that see a person's homes, to help whoever forgot the password."""
    name = queries.person_name(community_id, person_id)
    if name is None:
        raise NotFound("person.unknown", N_("没有找到这个人。"))
    rows = queries.accounts_of_person(community_id, person_id, clock.today())
    return render_template(
        "identity/accounts_of_person.html", name=name, rows=rows, person_id=person_id
    )


@pages.route("/c/<int:community_id>/bindings/<int:binding_id>/reset-code", methods=["GET", "POST"])
@needs("binding.edit")
def issue_reset_code(community_id: int, binding_id: int) -> Any:
    """Ask, then show a reset code, once."""
    query = queries.bindings_of(community_id).where(UnitBinding.id == binding_id)
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound("binding.unknown", N_("没有找到这个绑定。"))
    if request.method == "GET":
        return render_template("identity/reset_code.html", row=row, issued=None)
    try:
        issued = reset_codes.issue(community_id, binding_id, issued_by=caller().account_id)
    except HouseError as error:
        flash(gettext(error.message) % error.params, "error")
        return go(url_for(".issue_reset_code", community_id=community_id, binding_id=binding_id))
    page = render_template(
        "identity/reset_code.html",
        row=row,
        issued=issued,
        code=rules.grouped_code(issued.code),
        where=url_for(".reset_password", _external=True),
    )
    return shown_once(page)


@pages.route("/password-reset", methods=["GET", "POST"])
@public
def reset_password() -> Any:
    """Choose a password by a code from the property office."""
    form = blank_form(ResetForm) if request.method == "GET" else read_form(ResetForm)
    status = 200 if form.ok else 422
    if request.method == "POST" and form.ok:
        try:
            account = reset_codes.redeem(
                form["login"], form["code"], form["password"], address=address()
            )
        except HouseError as error:
            keep_despite_error()  # the failed try is recorded
            form.take(error)
            status = error.status
        else:
            end_session()
            opened = sign_ins.sign_in_registered(account.id, address=address(), browser=browser())
            answer = welcome(opened)  # a new session; what is said must stand in it
            flash(gettext("密码已设置，其他设备已退出登录。"))
            return answer
    shell.use(shell.PLAIN)
    shortest = rules.SHORTEST
    return render_template("identity/reset_password.html", form=form, shortest=shortest), status

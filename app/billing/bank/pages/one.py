"""One bank line: what it may be, homes found by hand, what was done, and undoing it."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request
from flask_babel import gettext

from app.billing.bank import queries, service
from app.billing.bank.pages.common import AT, act, line_url, may, pages, reasons, words
from app.billing.bank.schemas import ToHome, ToKnown, Why
from app.billing.bank.service import HomePart
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import HouseError
from app.payments.bank import queries as bank
from app.payments.bank import rules
from app.registry import queries as registry
from app.web.door import needs
from app.web.errors import sentence
from app.web.forms import blank_form, read_form

ONE = f"{AT}/lines/<int:line_id>"


@pages.get(ONE)
@needs("bank.read")
def line(community_id: int, line_id: int) -> Any:
    """One line with its proposals, the homes searched for, and its history."""
    one, account = bank.line(community_id, line_id)
    matches = bank.matches(community_id, line_id)
    left = one.amount_fen - sum(m.amount_fen for m in matches if m.undone_at is None)
    open_now = bool(left) and one.status != "explained"
    people = may("roster.people")
    wanted = request.args.get("q", "").strip()[:40]
    proposals = []
    if open_now and people and not wanted:
        book = queries.book_of(community_id, account, one.booked_on, clock.today())
        proposals = rules.propose(queries.movement(one, left), book)
    return render_template(
        "matching/line.html",
        one=one,
        account=account,
        matches=matches,
        left_fen=left,
        open_now=open_now,
        proposals=proposals,
        stored=_same_as_stored(one.proposal, proposals),
        wanted=wanted,
        homes=_homes(community_id, wanted) if wanted and people else [],
        street=rules.is_subsidy(queries.movement(one)),
        may_match=may("bank.match"),
        may_people=people,
        reasons=reasons,
        **words(),
    )


def _same_as_stored(stored: dict[str, Any] | None, found: list[rules.Proposal]) -> bool:
    """Whether the first proposal is the one a click on “confirm” would carry out."""
    if not stored or not found:
        return False
    fresh = rules.as_json(found[0], together=bool(stored.get("together")))
    return {**stored, "score": 0, "reasons": []} == {**fresh, "score": 0, "reasons": []}


def _homes(community_id: int, wanted: str) -> list[queries.HomeChoice]:
    units = registry.search_units(community_id, wanted, limit=10)
    return queries.homes(community_id, [one.id for one in units], clock.today()) if units else []


@pages.post(f"{ONE}/confirm")
@needs("bank.match")
def confirm(community_id: int, line_id: int) -> Any:
    """Do what the proposal says."""
    return act(
        community_id,
        line_id,
        lambda: service.confirm_best(community_id, line_id),
        gettext("已确认。"),
    )


@pages.post(f"{ONE}/home")
@needs("bank.match")
def to_home(community_id: int, line_id: int) -> Any:
    """Lay a part of the line on a home chosen by hand; on bills ticked, or the oldest first."""
    form = read_form(ToHome)
    if not form.ok:
        flash(gettext("请填写大于 0 的金额。"), "error")
        return redirect(line_url(community_id, line_id), 303)
    ticked = tuple(int(one) for one in request.form.getlist("bill") if one.isdigit())[:120]
    part = HomePart(form["unit_id"], form["amount_fen"], ticked)
    return act(
        community_id,
        line_id,
        lambda: service.confirm_homes(community_id, line_id, [part]),
        gettext("已入账，并开出收据。"),
    )


@pages.post(f"{ONE}/known")
@needs("bank.match")
def to_known(community_id: int, line_id: int) -> Any:
    """Match the line to what the books have."""
    form = read_form(ToKnown)
    if not form.ok:
        flash(gettext("请从列出的选项中选择。"), "error")
        return redirect(line_url(community_id, line_id), 303)
    return act(
        community_id,
        line_id,
        lambda: service.match_known(community_id, line_id, form["kind"], form["target_id"]),
        gettext("已认领。"),
    )


@pages.post(f"{ONE}/fee")
@needs("bank.match")
def fee(community_id: int, line_id: int) -> Any:
    """Enter the line as a fee."""
    done = gettext("已记为手续费。")
    return act(community_id, line_id, lambda: service.enter_fee(community_id, line_id), done)


@pages.post(f"{ONE}/own")
@needs("bank.match")
def own(community_id: int, line_id: int) -> Any:
    """Enter the line as money that was in transit."""
    done = gettext("已记为在途资金到账。")
    return act(community_id, line_id, lambda: service.enter_own(community_id, line_id), done)


@pages.post(f"{ONE}/again")
@needs("bank.match")
def again(community_id: int, line_id: int) -> Any:
    """Withdraw an explanation."""
    done = gettext("说明已撤销。")
    return act(community_id, line_id, lambda: service.take_up_again(community_id, line_id), done)


@pages.route(f"{ONE}/explain", methods=["GET", "POST"])
@needs("bank.match")
def explain(community_id: int, line_id: int) -> Any:
    """Say why a line is matched to nothing."""
    one, _ = bank.line(community_id, line_id)
    form = blank_form(Why)
    if request.method == "POST":
        form = read_form(Why)
        if form.ok:
            try:
                service.explain(community_id, line_id, form["reason"])
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("已记下说明。"))
                return redirect(line_url(community_id, line_id), 303)
    page = render_template("matching/explain.html", one=one, form=form)
    return page, 200 if form.ok else 422


@pages.route(f"{ONE}/matches/<int:match_id>/undo", methods=["GET", "POST"])
@needs("bank.match")
def undo(community_id: int, line_id: int, match_id: int) -> Any:
    """Undo a match, after asking why."""
    one, _ = bank.line(community_id, line_id)
    match = next((m for m in bank.matches(community_id, line_id) if m.id == match_id), None)
    if match is None or match.undone_at is not None:
        return redirect(line_url(community_id, line_id), 303)
    form = blank_form(Why)
    if request.method == "POST":
        form = read_form(Why)
        if form.ok:
            try:
                with db.session.begin_nested():
                    service.undo(community_id, match_id, form["reason"])
            except HouseError as error:
                form.refuse("reason", sentence(error))
            else:
                flash(gettext("认领已撤销。"))
                return redirect(line_url(community_id, line_id), 303)
    page = render_template("matching/undo.html", one=one, match=match, form=form, **words())
    return page, 200 if form.ok else 422

"""Tokens by which programs act for an account."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request
from flask_babel import gettext

from app.identity import queries
from app.identity.pages.common import caller, gate, go, pages, shown_once
from app.identity.permissions import ACTIONS, MONEY
from app.identity.schemas import TokenForm
from app.identity.service import api_tokens
from app.kernel import clock
from app.kernel.errors import HouseError
from app.web.door import signed_in
from app.web.forms import blank_form, read_form

MOST_COMMUNITIES = 100  # more are not listed one by one: such a token is for all


@pages.get("/account/tokens")
@signed_in
def own_tokens() -> Any:
    """One's tokens, without the tokens."""
    return render_template(
        "identity/tokens.html",
        rows=queries.tokens_of(caller().account_id),
        now=clock.now(),
        ACTIONS=ACTIONS,
    )


@pages.route("/account/tokens/new", methods=["GET", "POST"])
@signed_in
def new_token() -> Any:
    """Make a token; it is shown this once."""
    who = caller()
    mine = gate().allowed_actions()
    reached = frozenset(one.community_id for one in gate().communities())
    form = blank_form(TokenForm, days=90)
    if request.method == "POST":
        form = read_form(TokenForm)
        if form.ok:
            owner = api_tokens.Owner(who.account_id, mine, reached, who.second_factor_done)
            try:
                row, token = api_tokens.create(
                    owner,
                    name=form["name"],
                    actions=form["actions"],
                    community_ids=form["community_ids"] or None,
                    days=form["days"],
                )
            except HouseError as error:
                form.take(error)
            else:
                return shown_once(
                    render_template("identity/new_token_made.html", row=row, token=token)
                )
    names = queries.community_names(reached) if len(reached) <= MOST_COMMUNITIES else {}
    offered = mine if who.second_factor_done else mine - MONEY
    page = render_template(
        "identity/new_token.html",
        form=form,
        actions=[(code, gettext(word)) for code, word in ACTIONS.items() if code in offered],
        communities=list(names.items()),
        withheld=bool(mine & MONEY) and not who.second_factor_done,
    )
    return page, 200 if form.ok else 422


@pages.post("/account/tokens/<int:token_id>/revoke")
@signed_in
def revoke_token(token_id: int) -> Any:
    """Make a token void."""
    api_tokens.revoke(caller().account_id, token_id)
    flash(gettext("令牌已撤销，立即失效。"))
    return go("/account/tokens")

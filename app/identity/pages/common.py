"""What the pages of this room share: the blueprint, the session, the way back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, request, session
from flask_login import login_user, logout_user

from app.identity.gate import Caller, Gate
from app.kernel.masking import mask_email
from app.web.preferences import safe_path

pages = Blueprint("identity", "app.identity", template_folder="templates")

pages.app_template_filter("mail")(lambda text: mask_email(text) or "—")

BINDING = "binding"  # what a visitor came to bind, kept until they have an account


def gate() -> Gate:
    """The gate of this application."""
    found: Gate = current_app.extensions["gatekeeper"]
    return found


def caller() -> Caller:
    """Who is calling, where the door has made sure that somebody is."""
    found = gate().caller()
    assert found is not None
    return found


def address() -> str:
    """Where the request comes from."""
    return request.remote_addr or ""


def browser() -> str:
    """What the browser calls itself."""
    return request.headers.get("User-Agent", "")[:200]


def begin_session(account_id: int, token: str) -> None:
    """Start a session over: nothing of the one before stays but what was to be bound."""
    binding = session.get(BINDING)
    session.clear()
    if binding is not None:
        session[BINDING] = binding
    session.permanent = True
    login_user(Caller(account_id=account_id, name="", language="", token=token))


def end_session() -> None:
    """Forget everything."""
    logout_user()
    session.clear()


def way_back(otherwise: str = "/") -> str:
    """Where `?next` leads, if it is a page of ours."""
    wish = request.args.get("next", "")
    return safe_path(wish) if wish else otherwise


def go(path: str) -> Response:
    """To another page after a POST."""
    return make_response(redirect(path, code=303))


def shown_once(page: str) -> Response:
    """A page with a secret on it: no cache and no history keeps it."""
    response: Any = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response

"""The door of every request: who, what, where; one transaction, committed once.

A view says what it needs (`needs`, `signed_in`, `identified`, `public`); a route that says
nothing does not open. The gatekeeper, given by the identity room at wiring, answers who the
caller is and whether the role allows the act in that community, company or region.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog
from flask import Flask, Response, current_app, g, request

from app.kernel import audit, tenancy
from app.kernel.db import db

View = TypeVar("View", bound=Callable[..., Any])
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Place:
    """Where an act happens, read from the route: at most one of the three."""

    community_id: int | None = None
    organization_id: int | None = None
    region_id: int | None = None


class Gatekeeper(Protocol):
    """What the door asks of the identity room.

    Faces also ask it, where it answers: `reader()`, `allowed_actions(place)` and
    `keep_preferences(language=…, elder_mode=…)`; see `web.reader` and `web.preferences`.
    """

    def actor(self) -> audit.Actor:
        """Who is calling (an anonymous actor when nobody signed in)."""

    def admit(self, action: str, place: Place) -> Iterable[int]:
        """The communities to put in view, or a HouseError when the act is not allowed."""


def public(view: View) -> View:
    """Anyone may open this, signed in or not; no community comes into view."""
    view.required_action = "public"  # type: ignore[attr-defined]
    return view


def signed_in(view: View) -> View:
    """Anyone with an account may open this."""
    view.required_action = "signed_in"  # type: ignore[attr-defined]
    return view


def identified(view: View) -> View:
    """Anyone with an account may open this, in a browser or by a program's token."""
    view.required_action = "identified"  # type: ignore[attr-defined]
    return view


def needs(action: str) -> Callable[[View], View]:
    """Only a role with this action may open this; see `identity.permissions`."""

    def mark(view: View) -> View:
        view.required_action = action  # type: ignore[attr-defined]
        return view

    return mark


def required_action(endpoint: str) -> str | None:
    """What a route asks of its caller; None when nobody said."""
    view: Any = current_app.view_functions[endpoint]
    per_method = getattr(getattr(view, "view_class", None), request.method.lower(), None)
    return getattr(per_method, "required_action", None) or getattr(view, "required_action", None)


def keep_despite_error() -> None:
    """Commit this request even though its answer is an error (a failed sign-in counts)."""
    g.keep_despite_error = True


def set_up(app: Flask, gatekeeper: Gatekeeper) -> None:
    """Hang the door, before everything else that looks at a request."""
    app.extensions["gatekeeper"] = gatekeeper
    app.before_request_funcs.setdefault(None, []).insert(0, _open)
    app.after_request(_close)
    app.teardown_request(_clear)


def _open() -> None:
    g.request_id = _request_id()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    tenancy.enter(())
    audit.set_actor(
        audit.Actor(
            address=request.remote_addr or "", request_id=g.request_id, name="anonymous", via="web"
        )
    )
    if request.endpoint is None or request.endpoint == "static":
        return
    action = required_action(request.endpoint)
    if action is None:
        raise RuntimeError(f"the route {request.endpoint} does not say who may open it")
    gatekeeper: Gatekeeper = current_app.extensions["gatekeeper"]
    audit.set_actor(gatekeeper.actor())
    values = request.view_args or {}
    place = Place(**{name: values[name] for name in Place.__dataclass_fields__ if name in values})
    tenancy.enter(gatekeeper.admit(action, place))


def _close(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if response.status_code < 400 or g.get("keep_despite_error"):
        try:
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            return current_app.make_response(current_app.handle_user_exception(error))
    else:
        db.session.rollback()
    return response


def _clear(_error: BaseException | None) -> None:
    tenancy.enter(())
    audit.set_actor(audit.Actor())


def _request_id() -> str:
    given = request.headers.get("X-Request-Id", "")
    usable = 8 <= len(given) <= 64 and given.replace("-", "").isalnum() and given.isascii()
    return given if usable else secrets.token_hex(8)

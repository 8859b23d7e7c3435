"""Who reads this page and how they like it: language and elder mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from flask import current_app, g, has_request_context, request

from app.web.door import Place

log = structlog.get_logger(__name__)

LANGUAGE_COOKIE = "linli_language"
ELDER_COOKIE = "linli_elder"
COOKIE_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class Reader:
    """The account before the page, as the identity room describes it."""

    account_id: int
    name: str
    language: str | None = None
    elder_mode: bool = False


def reader() -> Reader | None:
    """The signed-in reader, or None; asked of the gatekeeper once a request.

    The gatekeeper's `reader()` gives it. A page about an error must not fail for want of
    a reader, so a failing gatekeeper counts as nobody.
    """
    if not has_request_context():
        return None
    if "reader" not in g:
        g.reader = _ask("reader", None)
    known: Reader | None = g.reader
    return known


def elder_mode() -> bool:
    """Whether the reader wants large type, high contrast and one task a page."""
    who = reader()
    if who is not None:
        return who.elder_mode
    return has_request_context() and request.cookies.get(ELDER_COOKIE) == "1"


def allowed_actions(place: Place) -> frozenset[str]:
    """What the reader may do in a place, for choosing what to show; the door decides again."""
    found: frozenset[str] = _ask("allowed_actions", frozenset(), place)
    return found


def place() -> Place:
    """The place named by the present route."""
    values = (request.view_args or {}) if has_request_context() else {}
    return Place(**{name: values[name] for name in Place.__dataclass_fields__ if name in values})


def _ask(question: str, otherwise: Any, *words: Any) -> Any:
    answer = getattr(current_app.extensions.get("gatekeeper"), question, None)
    if answer is None:
        return otherwise
    try:
        return answer(*words)
    except Exception:
        log.exception("gatekeeper.silent", question=question)
        return otherwise

"""A reader's switches, on every page: language and elder mode."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, g, redirect, request

from app.config import LANGUAGES
from app.web import reader
from app.web.door import public
from app.web.languages import keep_cookie

pages = Blueprint("preferences", __name__)


@pages.post("/preferences")
@public
def change() -> Response:
    """Keep what was switched, in a cookie and with the account, and go back to the page.

    The gatekeeper's `keep_preferences(language=…, elder_mode=…)` keeps it with the account;
    None leaves a preference as it is.
    """
    language = request.form.get("language")
    elder = request.form.get("elder")
    response = redirect(safe_path(request.form.get("next", "/")))
    assert isinstance(response, Response)
    chosen = language if language in LANGUAGES else None
    mode = {"1": True, "0": False}.get(elder or "")
    if reader.reader() is not None:
        keep = getattr(current_app.extensions.get("gatekeeper"), "keep_preferences", None)
        if keep is not None:
            keep(language=chosen, elder_mode=mode)
    if chosen is not None:
        keep_cookie(response, reader.LANGUAGE_COOKIE, chosen)
    if mode is not None:
        keep_cookie(response, reader.ELDER_COOKIE, "1" if mode else "0")
    g.language_kept = True
    return response


def safe_path(target: str) -> str:
    """A path of this site to go to, or the front door: never another site's address."""
    parts = urlsplit(target)
    strange = parts.scheme or parts.netloc or not target.startswith("/")
    if strange or target.startswith("//") or "\\" in target or not target.isprintable():
        return "/"
    return target

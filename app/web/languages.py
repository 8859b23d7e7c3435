"""Languages: which one a page is written in, and where its sentences lie.

Sentences are Chinese in the code; each room keeps its own English catalogue in
`translations/en/LC_MESSAGES/messages.po`. Catalogues are compiled when the application
starts and one is newer than its compiled twin, which is never committed.
"""

from __future__ import annotations

import os
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, Response, current_app, g, has_request_context, request
from flask_babel import Babel, Domain, get_translations
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from app.config import LANGUAGES
from app.web import reader

HOUSE = Path(__file__).resolve().parent.parent
CHINESE, ENGLISH = "zh_Hans_CN", "en"
TAGS = {CHINESE: "zh-Hans", ENGLISH: "en"}  # for the lang attribute


def set_up(app: Flask) -> None:
    """Gather the rooms' catalogues, compile the stale ones, choose a language per request."""
    catalogues = sorted(HOUSE.glob("**/translations/*/LC_MESSAGES/messages.po"))
    for catalogue in catalogues:
        compile_if_stale(catalogue)
    folders = sorted({str(catalogue.parents[2]) for catalogue in catalogues})
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join(folders) or "translations"
    _HouseBabel(app, locale_selector=chosen)
    app.jinja_env.globals["ngettext"] = _counted
    app.after_request(_remember)


class _CountingDomain(Domain):
    """Writes the number of a plural with thousands commas: `1,008 户`."""

    def ngettext(self, singular: str, plural: str, num: int, **places: Any) -> str:
        words = self.get_translations().ungettext(singular, plural, num)
        return str(words % {"num": f"{num:,}", **places})


class _HouseBabel(Babel):
    @cached_property
    def domain_instance(self) -> Domain:
        return _CountingDomain(domain=self.domain)


@pass_context
def _counted(_context: Context, singular: str, plural: str, num: int, **places: Any) -> Markup:
    """The same for templates, whose `ngettext` escapes what it is given."""
    words = get_translations().ungettext(singular, plural, num)
    return Markup(words) % {"num": f"{num:,}", **places}  # noqa: S704 -- our own sentence


def compile_if_stale(catalogue: Path) -> bool:
    """Write the `.mo` beside a `.po` unless it is newer; tells whether it wrote.

    Written aside and put in place whole, for several processes start at once.
    """
    compiled = catalogue.with_suffix(".mo")
    if compiled.exists() and compiled.stat().st_mtime_ns > catalogue.stat().st_mtime_ns:
        return False
    with catalogue.open("rb") as source:
        messages = read_po(source, locale=catalogue.parents[1].name)
    handle, name = tempfile.mkstemp(dir=catalogue.parent, suffix=".mo.new")
    with os.fdopen(handle, "wb") as target:
        write_mo(target, messages)
    Path(name).chmod(0o644)
    Path(name).replace(compiled)
    return True


def chosen() -> str:
    """The language of this answer: `?lang`, the account's, the cookie's, the browser's, Chinese."""
    if not has_request_context():
        return str(current_app.config["BABEL_DEFAULT_LOCALE"])
    who = reader.reader()
    wishes = (
        request.args.get("lang"),
        who.language if who else None,
        request.cookies.get(reader.LANGUAGE_COOKIE),
    )
    for wish in wishes:
        if wish in LANGUAGES:
            return wish
    best = request.accept_languages.best_match(["zh", "zh-CN", "zh-Hans", "en", "en-US", "en-GB"])
    return ENGLISH if best is not None and best.startswith("en") else CHINESE


def _remember(response: Response) -> Response:
    """Keep a language asked for by `?lang` for the pages that follow."""
    asked = request.args.get("lang")
    if asked in LANGUAGES and not g.get("language_kept"):
        keep_cookie(response, reader.LANGUAGE_COOKIE, asked)
    return response


def keep_cookie(response: Response, name: str, value: str) -> None:
    """Set a preference cookie; it says nothing about the person."""
    response.set_cookie(
        name,
        value,
        max_age=reader.COOKIE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )

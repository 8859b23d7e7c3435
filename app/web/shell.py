"""What stands around a page: desk for staff, phone for residents, plain for strangers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Flask, current_app, g, has_request_context, request
from flask_babel import get_locale

from app.config import LANGUAGES
from app.web import navigation, reader, static_files
from app.web.door import Place
from app.web.languages import CHINESE, ENGLISH, TAGS
from app.web.navigation import Section

DESK, PHONE, PLAIN = "desk", "phone", "plain"


@dataclass(frozen=True)
class Shell:
    """The frame of one page."""

    kind: str
    place: Place
    place_name: str
    sections: list[Section]
    anywhere: list[Section]
    reader: reader.Reader | None
    language: str
    language_tag: str
    other_language: str
    other_language_name: str
    elder: bool
    here: str


def set_up(app: Flask) -> None:
    """Give every template a `shell` and the address of hashed static files."""
    static_files.set_up(app)
    app.context_processor(lambda: {"shell": present()})


def use(kind: str) -> None:
    """Choose the frame of this answer where the address does not tell (`PLAIN` for errors)."""
    g.shell_kind = kind


def name_places_with(app: Flask, name: Callable[[Place], str]) -> None:
    """Let a room above say what a place is called (a community's, company's, region's name)."""
    app.extensions["place_name"] = name


def present() -> Shell:
    """The frame of the present page, built once."""
    if has_request_context() and "shell" in g:
        known: Shell = g.shell
        if known.kind == g.get("shell_kind", known.kind):
            return known
    g.shell = _build()
    built: Shell = g.shell
    return built


def _build() -> Shell:
    place, who = reader.place(), reader.reader()
    where = navigation.where_of(place) if has_request_context() else navigation.ANYWHERE
    kind = g.get("shell_kind") or _kind(where, who)
    locale = get_locale()
    language = ENGLISH if locale is not None and locale.language == "en" else CHINESE
    other = CHINESE if language == ENGLISH else ENGLISH
    bare = kind == PLAIN or not has_request_context()
    nowhere = where == navigation.ANYWHERE
    return Shell(
        kind=kind,
        place=place,
        place_name="" if bare else _name(place),
        sections=[] if bare or nowhere else navigation.menu(place, where),
        anywhere=[] if bare else navigation.menu(Place(), navigation.ANYWHERE, asked_at=place),
        reader=who,
        language=language,
        language_tag=TAGS[language],
        other_language=other,
        other_language_name=LANGUAGES[other],
        elder=reader.elder_mode(),
        here=_here(),
    )


def _here() -> str:
    """This page's address, to come back to; a page that answers a POST has none."""
    if not has_request_context() or request.method != "GET":
        return "/"
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return request.path + ("?" + urlencode(kept) if kept else "")


def _kind(where: str, who: reader.Reader | None) -> str:
    if who is None:
        return PLAIN
    return PHONE if where == navigation.RESIDENT else DESK


def _name(place: Place) -> str:
    tell = current_app.extensions.get("place_name")
    if tell is None or place == Place() or request.endpoint is None:
        return ""
    text: str = tell(place)
    return text

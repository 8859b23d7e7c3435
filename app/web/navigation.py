"""The menu: rooms say what they offer, the reader's role decides what shows.

A room registers when its pages are imported:

    navigation.register(NavItem(ROLL, "registry.units", N_("房屋"), "home", "roster.read", 10))
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Flask, current_app, request, url_for
from flask_babel import gettext

from app.kernel.errors import N_
from app.web import reader
from app.web.door import Place

# Headings of a community's menu, in order.
OVERVIEW = N_("概况")
ROLL = N_("名册")
CHARGES = N_("收费")
BILLS = N_("账单")
BOOKS = N_("账簿")
MANAGE = N_("管理")
SECTIONS = (OVERVIEW, ROLL, CHARGES, BILLS, BOOKS, MANAGE)

# Whose menu an entry belongs to.
COMMUNITY, RESIDENT, COMPANY, REGION, ANYWHERE = (
    "community",
    "resident",
    "organization",
    "region",
    "anywhere",
)


@dataclass(frozen=True)
class NavItem:
    """An entry: under which heading, where it leads, what a reader must be allowed to do.

    `where` says in whose menu; the route's parameters are the place's own. `action` may be
    `public` or `signed_in`.
    """

    section: str
    endpoint: str
    label: str
    icon: str
    action: str
    order: int = 50
    where: str = COMMUNITY


@dataclass(frozen=True)
class Entry:
    """An entry as this reader sees it, in their language."""

    label: str
    url: str
    icon: str
    current: bool


@dataclass(frozen=True)
class Section:
    """Entries under a heading."""

    label: str
    entries: tuple[Entry, ...]


ITEMS: list[NavItem] = []


def register(*items: NavItem) -> None:
    """Offer entries; registering again changes nothing."""
    ITEMS.extend(item for item in items if item not in ITEMS)


def set_up(app: Flask) -> None:
    """Nothing to prepare yet: rooms register on import; here so that templates can ask."""
    app.jinja_env.globals["menu"] = menu


def menu(place: Place, where: str, *, asked_at: Place | None = None) -> list[Section]:
    """The reader's menu of a place, empty headings left out.

    `asked_at` takes what the reader may do from another place: the top bar goes by where the
    reader is, which the door has asked already, instead of asking anew about everywhere.
    """
    allowed = reader.allowed_actions(asked_at or place) | {"public"}
    if reader.reader() is not None:
        allowed |= {"signed_in"}
    items = sorted(
        (item for item in ITEMS if item.where == where and item.action in allowed),
        key=lambda item: item.order,
    )
    shown = [(item, url) for item in items if (url := _url(item, place)) is not None]
    here = _current(url for _, url in shown)
    sections = []
    for heading in dict.fromkeys((*SECTIONS, *(item.section for item, _ in shown))):
        entries = tuple(
            Entry(gettext(item.label), url, item.icon, url.rstrip("/") == here)
            for item, url in shown
            if item.section == heading
        )
        if entries:
            sections.append(Section(gettext(heading) if heading else "", entries))
    return sections


def where_of(place: Place) -> str:
    """Whose menu the present page shows."""
    if place.community_id is not None:
        residents = f"/c/{place.community_id}/my"
        own = request.path == residents or request.path.startswith(residents + "/")
        return RESIDENT if own else COMMUNITY
    if place.organization_id is not None:
        return COMPANY
    return REGION if place.region_id is not None else ANYWHERE


def _url(item: NavItem, place: Place) -> str | None:
    if item.endpoint not in current_app.view_functions:
        return None
    values = {
        name: value
        for name in Place.__dataclass_fields__
        if (value := getattr(place, name)) is not None
    }
    takes = next(current_app.url_map.iter_rules(item.endpoint)).arguments
    if not takes <= values.keys():
        return None
    return url_for(item.endpoint, **{name: values[name] for name in takes})


def _current(urls: Iterable[str]) -> str | None:
    """The entry we are at or below: the longest address that begins the present one.

    An entry above all others (a community's overview) is current on its own page only.
    """
    path = request.path.rstrip("/") + "/"
    listed = [url.rstrip("/") + "/" for url in urls]
    above = {
        one for one in listed if any(other != one and other.startswith(one) for other in listed)
    }
    found = [one for one in listed if path == one or (path.startswith(one) and one not in above)]
    longest = max(found, key=len, default=None)
    return None if longest is None else longest.rstrip("/")

"""Behind the front door: to the one place somebody has, or a choice of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template

from app.identity import queries
from app.identity.pages.common import caller, gate, pages
from app.identity.permissions import ROLES
from app.kernel import clock
from app.web.door import signed_in

MOST_SHOWN = 200


@dataclass(frozen=True)
class Doorway:
    """A place of the caller's."""

    url: str
    name: str
    roles: tuple[str, ...]
    kind: str


@pages.get("/start")
@signed_in
def front() -> Any:
    """Lead to the only place, or show all of them."""
    doorways = _doorways()
    if len(doorways) == 1:
        return redirect(doorways[0].url)
    return render_template("identity/front.html", doorways=doorways, ROLES=ROLES)


def _doorways() -> list[Doorway]:
    """Companies and regions first, then homes, then communities one belongs to directly."""
    found: dict[str, Doorway] = {}

    def add(url: str, name: str, role: str, kind: str) -> None:
        known = found.get(url)
        found[url] = Doorway(url, name, (*(known.roles if known else ()), role), kind)

    prefixes = {"organization": "o", "region": "regions"}
    for held in queries.named_memberships(caller().account_id, clock.today()):
        if held.kind in prefixes:
            add(f"/{prefixes[held.kind]}/{held.place_id}/", held.name, held.role, held.kind)
        elif held.kind == "platform":
            add("/platform/accounts", "", held.role, held.kind)
    reached = [one for one in gate().communities() if one.reached_by in ("unit", "community")]
    names = queries.community_names([one.community_id for one in reached][:MOST_SHOWN])
    for one in reached:
        if one.community_id in names and one.reached_by == "unit":
            add(f"/c/{one.community_id}/my", names[one.community_id], one.role, "home")
        elif one.community_id in names:
            add(f"/c/{one.community_id}/", names[one.community_id], one.role, "community")
    return list(found.values())

"""The roll for programs: communities, buildings, units, people, who owns and lives where, rosters.

The same verbs and schemas as the pages. A change is a PATCH with only what changes; what
ends is told by its own noun (a closure, a transfer, a departure) with its day. Phones are
given by their last digits only.
"""

from __future__ import annotations

from app.web.api import PREFIX, ApiBlueprint

api = ApiBlueprint(
    "roll",
    __name__,
    url_prefix=PREFIX,
    description="Communities, buildings, units, people, ownership, rosters.",
)

from app.registry.api import (  # noqa: E402 -- they hang their routes on `api`
    communities,
    imports,
    owners,
    people,
    places,
    units,
)

__all__ = ["api", "communities", "imports", "owners", "people", "places", "units"]

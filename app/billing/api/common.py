"""What the nouns of this room share: units by their labels, one row of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select

from app.kernel.db import db
from app.kernel.errors import N_, NotFound, RuleBroken
from app.registry.queries.many import units_by_label

MOST_NAMED = 5  # labels that are nobody's, named in one sentence


def units_named(community_id: int, labels: Sequence[str], field: str = "units") -> list[int]:
    """The units of some labels, each once. Raises RuleBroken naming those that are nobody's."""
    found = units_by_label(community_id, labels)
    missing = [label for label in labels if label not in found]
    if missing:
        shown = "、".join(missing[:MOST_NAMED]) + ("…" if len(missing) > MOST_NAMED else "")
        raise RuleBroken("units.unknown", N_("没有这些房屋：%(labels)s"), field=field, labels=shown)
    return list({unit.id: unit.id for unit in found.values()})


def only(rows: Select[Any]) -> Any:
    """The one row there is. Raises NotFound."""
    found = db.session.execute(rows).one_or_none()
    if found is None:
        raise NotFound("registry.unknown", N_("没有找到这条记录，或者您无权查看。"))
    return found

"""What the verbs of the roll share: fetching a row or saying it is not there, and what changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from app.kernel.db import Base, CommunityRow, db
from app.kernel.errors import N_, NotFound, RuleBroken

Row = TypeVar("Row", bound=CommunityRow)
Thing = TypeVar("Thing", bound=Base)
LARGEST_ID = 2**63 - 1


def row_of(model: type[Row], community_id: int, row_id: int, *, lock: bool = False) -> Row:
    """A row of a community. Raises NotFound for a foreign or unknown number."""
    found = (
        db.session.get(model, (community_id, row_id), with_for_update=lock)
        if 0 < row_id <= LARGEST_ID
        else None
    )
    if found is None:
        raise NotFound("registry.unknown", N_("没有找到这条记录，或者您无权查看。"))
    return found


def thing(model: type[Thing], row_id: int) -> Thing:
    """A row that belongs to no community. Raises NotFound."""
    found = db.session.get(model, row_id) if 0 < row_id <= LARGEST_ID else None
    if found is None:
        raise NotFound("registry.unknown", N_("没有找到这条记录，或者您无权查看。"))
    return found


def needed(text: str | None, field: str) -> str:
    """A text that must say something. Raises RuleBroken."""
    plain = (text or "").strip()
    if not plain:
        raise RuleBroken("registry.empty", N_("此项必须填写。"), field=field)
    return plain


def change(row: Any, changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Set columns; return before and after of those that really changed, fit for the audit."""
    moved = {name: value for name, value in changes.items() if getattr(row, name) != value}
    before = {name: plain(getattr(row, name)) for name in moved}
    for name, value in moved.items():
        setattr(row, name, value)
    return before, {name: plain(value) for name, value in moved.items()}


def plain(value: Any) -> Any:
    """A value as the audit keeps it."""
    return value.isoformat() if isinstance(value, date) else value

"""Jobs of the roll: reading and applying large rosters, forgetting old uploads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.kernel import queue
from app.registry.imports import work


@queue.job("registry:read-roster")
def read_roster(
    community_id: int,
    *,
    import_id: int,
    sheet: str | None = None,
    columns: Mapping[str, int] | None = None,
) -> Mapping[str, Any]:
    """Read an upload and write its preview."""
    return work.read(community_id, import_id, sheet=sheet, columns=columns)


@queue.job("registry:apply-roster")
def apply_roster(
    community_id: int, *, import_id: int, skip_errors: bool = False
) -> Mapping[str, Any]:
    """Apply a previewed roster, whole or not at all."""
    return work.apply(community_id, import_id, skip_errors=skip_errors)


@queue.job("registry:forget-uploads")
def forget_uploads(community_id: int) -> Mapping[str, Any]:
    """Delete uploaded rosters of a week ago."""
    return {"files": work.forget_uploads(community_id)}

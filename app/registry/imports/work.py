"""When a roster is read and applied: small ones at once, large ones by a job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.kernel import clock, queue
from app.kernel.db import db
from app.kernel.errors import HouseError
from app.kernel.queue import Task
from app.registry.imports import apply as applying
from app.registry.imports import preview
from app.registry.models import RosterImport
from app.registry.service.common import row_of

SMALL_BYTES = 300_000  # some 5,000 rows: read and applied within a request
SMALL_ROWS = 3_000
KEPT_DAYS = 7


def begin_reading(
    community_id: int,
    import_id: int,
    *,
    sheet: str | None = None,
    columns: Mapping[str, int] | None = None,
) -> Task | None:
    """Read an upload now if it is small, else ask for a job and return its task."""
    made = row_of(RosterImport, community_id, import_id)
    if preview.file_of(made).stat().st_size <= SMALL_BYTES:
        preview.read_file(community_id, import_id, sheet=sheet, columns=columns)
        return None
    made.status = "reading"
    args = {"import_id": import_id, "sheet": sheet, "columns": dict(columns) if columns else None}
    return queue.enqueue("registry:read-roster", community_id, args)


def begin_applying(community_id: int, import_id: int, *, skip_errors: bool) -> Task | None:
    """Apply a preview now if it is small, else ask for a job and return its task."""
    made = row_of(RosterImport, community_id, import_id, lock=True)
    if made.status != "ready" or made.new_count + made.changed_count <= SMALL_ROWS:
        applying.apply_roster(community_id, import_id, skip_errors=skip_errors)
        return None
    if not skip_errors:
        applying.refuse_errors(made)
    made.status = "applying"
    made.refusal = None
    return queue.enqueue(
        "registry:apply-roster",
        community_id,
        {"import_id": import_id, "skip_errors": skip_errors},
    )


def read(community_id: int, import_id: int, **wishes: Any) -> Mapping[str, Any]:
    """What the reading job does; a refusal of the file is its result, not its failure."""
    made = preview.read_file(community_id, import_id, **wishes)
    return {"import_id": import_id, "status": made.status}


def apply(community_id: int, import_id: int, *, skip_errors: bool) -> Mapping[str, Any]:
    """What the applying job does; when it is refused, the import waits again and says why."""
    try:
        with db.session.begin_nested():
            made = applying.apply_roster(community_id, import_id, skip_errors=skip_errors)
    except HouseError as refusal:
        made = row_of(RosterImport, community_id, import_id)
        if made.status == "applying":
            made.status, made.refusal = "ready", refusal.message
            made.mapping = {**(made.mapping or {}), "refusal_params": dict(refusal.params)}
    return {"import_id": import_id, "status": made.status}


def task_of(community_id: int, import_id: int) -> Task | None:
    """The latest job about an import."""
    return db.session.scalars(
        select(Task)
        .where(
            Task.community_id == community_id,
            Task.name.in_(("registry:read-roster", "registry:apply-roster")),
            Task.args["import_id"].as_integer() == import_id,
        )
        .order_by(Task.id.desc())
        .limit(1)
    ).first()


def forget_uploads(community_id: int) -> int:
    """Delete the files of imports a week old; what was read from them stays."""
    old = db.session.scalars(
        select(RosterImport).where(
            RosterImport.community_id == community_id,
            RosterImport.created_at < clock.now() - timedelta(days=KEPT_DAYS),
            RosterImport.created_at > clock.now() - timedelta(days=10 * KEPT_DAYS),
        )
    ).all()
    for made in old:
        preview.discard_file(made)
    return len(old)

"""What the checks of the books found, run by run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.kernel.db import db
from app.kernel.queue import Task

CHECK = "ledger:check"


@dataclass(frozen=True)
class FindingRow:
    """One finding as it was kept: `message` is a msgid with places for `params`."""

    invariant: str
    subject: str
    message: str
    params: Mapping[str, str]


@dataclass(frozen=True)
class CheckRun:
    """One run of all checks over a community's books; `count` is None while it runs."""

    id: int
    status: str
    asked_at: datetime
    finished_at: datetime | None
    requested_by: int | None
    count: int | None
    findings: tuple[FindingRow, ...]
    head_entry: int | None
    head_digest: str | None
    error: str | None
    progress_done: int = 0
    progress_total: int = 0

    @property
    def open(self) -> bool:
        """Whether it waits or runs."""
        return self.status in {"queued", "running"}


def last_checks(community_id: int, limit: int = 30) -> list[CheckRun]:
    """The latest runs, newest first."""
    tasks = (
        db.session.query(Task)
        .filter_by(community_id=community_id, name=CHECK)
        .order_by(Task.id.desc())
        .limit(limit)
    )
    return [_run(task) for task in tasks]


def _run(task: Task) -> CheckRun:
    result = task.result or {}
    return CheckRun(
        id=task.id,
        status=task.status,
        asked_at=task.created_at,
        finished_at=task.finished_at,
        requested_by=task.requested_by,
        count=result.get("count"),
        findings=tuple(FindingRow(**finding) for finding in result.get("findings", ())),
        head_entry=result.get("head_entry"),
        head_digest=result.get("head_digest"),
        error=task.error,
    )

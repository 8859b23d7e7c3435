"""Long work's progress, and the files it makes."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from flask import Response, render_template, send_file

from app.desk.pages.common import pages
from app.kernel import audit, clock, files
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.files import StoredFile
from app.kernel.queue import Task
from app.web import reader
from app.web.door import Place, needs

TASK_WORDS = {
    "billing:print-bills": N_("打印账单"),
    "billing:apply-credits": N_("用预存款抵账单"),
    "ledger:check": N_("核对账簿"),
}


@pages.get("/c/<int:community_id>/tasks/<int:task_id>")
@needs("community.read")
def task(community_id: int, task_id: int) -> str:
    """How far a task is, and where its result lies."""
    found = db.session.get(Task, (community_id, task_id)) if task_id < 2**63 else None
    if found is None:
        raise NotFound("task.unknown", N_("没有找到这项任务。"))
    return render_template(
        "desk/task.html", task=found, words=TASK_WORDS, file_id=(found.result or {}).get("file_id")
    )


@pages.get("/c/<int:community_id>/files/<int:file_id>")
@needs("community.read")
def file(community_id: int, file_id: int) -> Response:
    """A file of the community, for whoever may do what the file asks."""
    return _send(community_id, file_id)


@pages.get("/c/<int:community_id>/my/files/<int:file_id>")
@needs("own.read")
def my_file(community_id: int, file_id: int) -> Response:
    """A file a resident made."""
    return _send(community_id, file_id, own=True)


def _send(community_id: int, file_id: int, *, own: bool = False) -> Response:
    row = db.session.get(StoredFile, (community_id, file_id)) if file_id < 2**63 else None
    allowed = reader.allowed_actions(Place(community_id=community_id))
    foreign = own and (row is None or row.created_by != audit.actor().account_id)
    if row is None or row.action not in allowed or foreign:
        raise NotFound("file.unknown", N_("没有找到这个文件，或者您无权查看。"))
    if row.expires_at is not None and row.expires_at <= clock.now():
        raise NotFound("file.gone", N_("文件“%(name)s”已过期或已删除。"), name=row.name)
    response: Any = send_file(
        files.location(row).resolve(),
        mimetype=row.content_type,
        as_attachment=True,
        download_name=PurePath(row.name).name,
        max_age=0,
    )
    response.headers["Cache-Control"] = "no-store"
    made: Response = response
    return made

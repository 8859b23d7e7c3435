"""Upload, reading and preview: what the file would do, before anything is done."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import text

from app.kernel import audit
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.tables.guard import LARGEST_FILE_BYTES
from app.registry.imports import plan, reader, staging
from app.registry.imports.refusals import Refused
from app.registry.models import RosterImport
from app.registry.service.common import row_of

READABLE = ("uploaded", "reading", "ready")


def receive(community_id: int, filename: str, content: bytes, starts_on: date) -> RosterImport:
    """Keep an uploaded file until it is applied; `starts_on` is when ownership read from it begins.

    Raises RuleBroken when it is empty or larger than 20 MB.
    """
    if not content:
        raise RuleBroken("roster.empty", N_("请选择一个文件。"), field="file")
    if len(content) > LARGEST_FILE_BYTES:
        raise RuleBroken(
            "roster.too_large",
            N_("文件超过 20 MB。请按楼栋拆成几个文件分别导入。"),
            field="file",
        )
    relative = Path(str(community_id)) / "rosters" / secrets.token_hex(16)
    target = Path(current_app.config["STORAGE_DIR"]) / relative
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.write_bytes(content)
    target.chmod(0o600)
    made = RosterImport(
        community_id=community_id,
        filename=_plain_name(filename),
        sha256=hashlib.sha256(content).hexdigest(),
        file_path=str(relative),
        starts_on=starts_on,
        uploaded_by=audit.actor().account_id,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        "roster:upload",
        f"roster_import:{made.id}",
        community_id=community_id,
        after={"filename": made.filename, "sha256": made.sha256, "bytes": len(content)},
    )
    return made


def read_file(
    community_id: int,
    import_id: int,
    *,
    sheet: str | None = None,
    columns: Mapping[str, int] | None = None,
) -> RosterImport:
    """Read an uploaded file and write its preview; `columns` are a person's own mapping.

    Leaves the import `ready`, `refused` with its sentence, or `uploaded` with `mapping` to be
    completed. The roll is not touched. Raises Conflict when it is applied already, NotFound.
    """
    made = row_of(RosterImport, community_id, import_id, lock=True)
    if made.status not in READABLE:
        raise Conflict("roster.read", N_("这份名册已经处理过，请重新上传。"))
    path = file_of(made)
    wishes = {"sheet": sheet, "columns": columns, "remembered": _remembered(community_id)}
    try:
        with db.session.begin_nested():
            _forget_rows(made)
            plan.start()
            details, _count = staging.fill(reader.read(path, **wishes))
            _write_preview(made, details)
    except Refused as refused:
        made.status, made.refusal = "refused", refused.message
        made.mapping = {"refusal_params": refused.params}
        discard_file(made)
    except reader.MappingNeeded as needed:
        made.status, made.mapping = "uploaded", needed.details
    db.session.flush()
    return made


def file_of(made: RosterImport) -> Path:
    """Where the upload lies. Raises NotFound once it was discarded."""
    path = Path(current_app.config["STORAGE_DIR"]) / made.file_path
    if not path.is_file():
        raise NotFound("roster.gone", N_("上传的文件已清理，请重新上传。"))
    return path


def discard_file(made: RosterImport) -> None:
    """A roster holds a community's phones in clear: it goes as soon as it has served."""
    (Path(current_app.config["STORAGE_DIR"]) / made.file_path).unlink(missing_ok=True)


def _write_preview(made: RosterImport, details: dict[str, Any]) -> None:
    here = {"c": made.community_id, "i": made.id}
    plan.unfold()
    plan.compare(made.community_id, made.starts_on)
    db.session.execute(text(WRITE_ROWS), here)
    counts = db.session.execute(text(COUNT_ROWS), here).one()
    made.new_count, made.changed_count = counts.new, counts.changed
    made.unchanged_count, made.error_count = counts.unchanged, counts.error
    missing = db.session.execute(text(f"SELECT count(*) FROM ({MISSING}) x"), here).scalar_one()  # noqa: S608 -- constants of this room
    made.mapping = {**details, "missing_units": missing}
    made.status, made.refusal = "ready", None


def _forget_rows(made: RosterImport) -> None:
    db.session.execute(
        text("DELETE FROM roster_import_row WHERE community_id = :c AND import_id = :i"),
        {"c": made.community_id, "i": made.id},
    )


def _remembered(community_id: int) -> list[list[Any]]:
    """The mappings people made here, the latest first: used again for the same headings."""
    rows = db.session.execute(
        text(
            "SELECT mapping->'headers' AS headers, mapping->'columns' AS columns"
            " FROM roster_import WHERE community_id = :c AND mapping->'by_person' = 'true'"
            " ORDER BY id DESC LIMIT 5"
        ),
        {"c": community_id},
    )
    return [[row.headers, row.columns] for row in rows]


def _plain_name(filename: str) -> str:
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(one for one in name if one.isprintable()).strip()
    return kept[:120] or "roster"


WRITE_ROWS = f"""
INSERT INTO roster_import_row
       (community_id, import_id, row_no, action, values, before, errors, unit_id)
SELECT :c, :i, s.row_no, coalesce(p.action, 'error'),
       s.data, b.before, coalesce(s.errors, w.errors), p.unit_id
  FROM stage s
  LEFT JOIN plan p USING (row_no)
  LEFT JOIN (SELECT row_no, jsonb_agg(error) AS errors FROM wrong GROUP BY row_no) w USING (row_no)
  LEFT JOIN ({plan.BEFORE}) b USING (row_no)
"""  # noqa: S608 -- constants of this room

COUNT_ROWS = """
SELECT count(*) FILTER (WHERE action = 'new') AS new,
       count(*) FILTER (WHERE action = 'changed') AS changed,
       count(*) FILTER (WHERE action = 'unchanged') AS unchanged,
       count(*) FILTER (WHERE action = 'error') AS error
  FROM roster_import_row WHERE community_id = :c AND import_id = :i
"""

# On the roll, but not in the file: told, never deleted.
MISSING = """
SELECT u.id, u.label, u.sort_key FROM unit u
 WHERE u.community_id = :c AND u.status <> 'demolished'
   AND u.label NOT IN (SELECT values->>'label' FROM roster_import_row
                        WHERE community_id = :c AND import_id = :i AND values ? 'label')
"""

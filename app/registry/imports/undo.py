"""Takes an applied roster back, whole, as long as nothing has been built on it."""

from __future__ import annotations

from sqlalchemy import text

from app.kernel import audit, clock, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict
from app.registry import dependents
from app.registry.imports import plan
from app.registry.imports.apply import STATE
from app.registry.imports.preview import discard_file
from app.registry.models import RosterImport
from app.registry.service.common import row_of

SHOWN = 5


def undo_roster(community_id: int, import_id: int) -> RosterImport:
    """Put the roll back as it was before this roster was applied, in the present transaction.

    Raises Conflict naming what depends on it: later edits of the same units, bills, bindings
    and whatever else other rooms have written about them; NotFound.
    """
    made = row_of(RosterImport, community_id, import_id, lock=True)
    if made.status != "applied":
        raise Conflict("roster.not_applied", N_("这份名册没有导入，或已经撤销。"))
    db.session.execute(
        text("SELECT id FROM community WHERE id = :c FOR NO KEY UPDATE"), {"c": community_id}
    )
    for setting in plan.SETTINGS:
        db.session.execute(text(setting))
    db.session.execute(text("DROP TABLE IF EXISTS undo_row, undo_person"))
    here = {"c": community_id, "i": import_id}
    for sql in (UNDO_ROWS, "ANALYZE undo_row", UNDO_PEOPLE, "ANALYZE undo_person"):
        db.session.execute(text(sql), plan.named_in(sql, here))
    refuse_if_depended_on(made)
    places = made.made or {}
    values = {
        **here,
        "buildings": places.get("buildings", []),
        "entrances": places.get("entrances", []),
    }
    for sql in STEPS:
        db.session.execute(text(sql), plan.named_in(sql, values))
    made.status, made.undone_at = "undone", clock.now()
    discard_file(made)
    audit.record(
        "roster:undo",
        f"roster_import:{made.id}",
        community_id=community_id,
        before={"new": made.new_count, "changed": made.changed_count},
    )
    outbox.tell(community_id, "roster:undone", {"import_id": made.id})
    db.session.flush()
    return made


def refuse_if_depended_on(made: RosterImport) -> None:
    """Raise Conflict with what stands on the rows of this import. Needs the `undo_` tables."""
    here = {"c": made.community_id, "at": made.applied_at}
    edited = db.session.execute(text(EDITED), {"c": made.community_id}).scalars().all()
    if edited:
        raise Conflict(
            "roster.edited",
            N_("导入之后又改过这些房屋，不能撤销：%(labels)s。"),
            labels=_listed(list(edited)),
        )
    for one in dependents.pointers("unit"):
        _refuse_pointing(one, UNIT_IN_USE, {**here})
    for one in dependents.pointers("person"):
        _refuse_pointing(one, PERSON_IN_USE, {"c": made.community_id})
    owners = db.session.execute(text(OWNED_ELSEWHERE), {"c": made.community_id}).scalars().all()
    if owners:
        raise Conflict(
            "roster.people_used",
            N_("导入的人之后又登记到了这些房屋，不能撤销：%(labels)s。"),
            labels=_listed(list(owners)),
        )
    _refuse_places_in_use(made)


def _refuse_pointing(one: dependents.Pointer, sql: str, values: dict[str, object]) -> None:
    statement = sql.format(
        table=one.table_name,
        column=one.column_name,
        later="x.created_at > :at" if one.dated else "false",
    )
    labels = db.session.execute(text(statement), plan.named_in(statement, values)).scalars().all()
    if labels:
        raise Conflict(
            "roster.in_use",
            N_("这些房屋已有%(what)s，不能撤销：%(labels)s。"),
            what=one.word,
            labels=_listed(list(labels)),
        )


def _refuse_places_in_use(made: RosterImport) -> None:
    for kind in ("building", "entrance"):
        ids = (made.made or {}).get(f"{kind}s", [])
        for one in dependents.pointers(kind, own=True) if ids else ():
            if one.table_name == "entrance":
                clause = "NOT (x.id = ANY (:entrances))"
            elif one.table_name == "unit":
                clause = "x.id NOT IN (SELECT unit_id FROM undo_row WHERE action = 'new')"
            else:
                clause = "true"
            statement = (
                f"SELECT EXISTS (SELECT 1 FROM {one.table_name} x WHERE x.community_id = :c"  # noqa: S608 -- catalogue names
                f" AND x.{one.column_name} = ANY (:ids) AND {clause})"
            )
            values = {
                "c": made.community_id,
                "ids": ids,
                "entrances": (made.made or {}).get("entrances", []),
            }
            if db.session.execute(text(statement), plan.named_in(statement, values)).scalar():
                raise Conflict(
                    "roster.places_used",
                    N_("导入时新建的楼栋或单元之后又添加了内容，不能撤销。"),
                )


def _listed(labels: list[str]) -> str:
    more = "…" if len(labels) > SHOWN else ""
    return "、".join(labels[:SHOWN]) + more


UNDO_ROWS = """
CREATE TEMP TABLE undo_row ON COMMIT DROP AS
SELECT row_no, unit_id, action, before, made, values->>'label' AS label FROM roster_import_row
 WHERE community_id = :c AND import_id = :i AND action IN ('new', 'changed')
"""

UNDO_PEOPLE = """
CREATE TEMP TABLE undo_person ON COMMIT DROP AS
SELECT u.row_no, u.label, x.id::bigint AS person_id FROM undo_row u
 CROSS JOIN LATERAL jsonb_array_elements_text(u.made->'people') AS x(id)
"""

EDITED = f"""
SELECT r.label FROM undo_row r
  LEFT JOIN ({STATE.format(rows="undo_row")}) st USING (row_no)
 WHERE st.state IS DISTINCT FROM r.made->>'state' ORDER BY r.row_no LIMIT {SHOWN + 1}
"""  # noqa: S608 -- constants of this room

UNIT_IN_USE = f"""
SELECT DISTINCT r.label FROM {{table}} x JOIN undo_row r ON r.unit_id = x.{{column}}
 WHERE x.community_id = :c AND (r.action = 'new' OR {{later}}) LIMIT {SHOWN + 1}
"""  # noqa: S608 -- constants of this room

PERSON_IN_USE = f"""
SELECT DISTINCT r.label FROM {{table}} x JOIN undo_person r ON r.person_id = x.{{column}}
 WHERE x.community_id = :c LIMIT {SHOWN + 1}
"""  # noqa: S608 -- constants of this room

OWNED_ELSEWHERE = f"""
WITH link AS (
  SELECT 'ownership' AS kind, x.id::bigint AS id FROM undo_row
   CROSS JOIN LATERAL jsonb_array_elements_text(made->'owners') AS x(id)
  UNION ALL
  SELECT 'occupant', x.id::bigint FROM undo_row
   CROSS JOIN LATERAL jsonb_array_elements_text(made->'tenants') AS x(id)),
held AS (
  SELECT 'ownership' AS kind, id, unit_id, person_id FROM ownership WHERE community_id = :c
  UNION ALL
  SELECT 'occupant', id, unit_id, person_id FROM occupant WHERE community_id = :c)
SELECT DISTINCT u.label FROM held h JOIN undo_person p ON p.person_id = h.person_id
  JOIN unit u ON u.community_id = :c AND u.id = h.unit_id
  LEFT JOIN link l ON l.kind = h.kind AND l.id = h.id
 WHERE l.id IS NULL LIMIT {SHOWN + 1}
"""  # noqa: S608 -- constants of this module


def _drop_links(table: str, key: str) -> str:
    return (
        f"DELETE FROM {table} t USING undo_row r,"  # noqa: S608 -- constants of this module
        f" LATERAL jsonb_array_elements_text(r.made->'{key}') AS x(id)"
        " WHERE t.community_id = :c AND t.id = x.id::bigint"
    )


RESTORE_OWNERS = """
UPDATE ownership t SET ends_on = NULL, starts_on = o.since, share_numerator = o.n,
       share_denominator = o.d, document_no = o.document_no
  FROM undo_row r, LATERAL jsonb_to_recordset(r.before->'owners')
       AS o(link bigint, n int, d int, since date, document_no text)
 WHERE r.action = 'changed' AND t.community_id = :c AND t.id = o.link
   AND (t.ends_on, t.starts_on, t.document_no) IS DISTINCT FROM (NULL, o.since, o.document_no)
"""

RESTORE_TENANTS = """
UPDATE occupant t SET ends_on = NULL
  FROM undo_row r, LATERAL jsonb_to_recordset(r.before->'tenants') AS o(link bigint)
 WHERE r.action = 'changed' AND t.community_id = :c AND t.id = o.link AND t.ends_on IS NOT NULL
"""

RESTORE_FACTS = """
UPDATE unit t SET area_m2 = (r.before->'facts'->>'area')::numeric,
       floor = (r.before->'facts'->>'floor')::smallint, kind = r.before->'facts'->>'kind',
       status = r.before->'facts'->>'status', remark = r.before->'facts'->>'remark',
       billable_until = (r.before->>'billable_until')::date
  FROM undo_row r WHERE r.action = 'changed' AND t.community_id = :c AND t.id = r.unit_id
"""

RESTORE_PEOPLE = """
UPDATE person t SET kind = o.kind, phone = decode(o.phone, 'hex'), phone_tail = o.tail,
       phone_digest = decode(o.phone_digest, 'hex'), id_number = decode(o.id_number, 'hex'),
       id_digest = decode(o.id_digest, 'hex')
  FROM undo_row r, LATERAL jsonb_to_recordset(r.made->'people_before')
       AS o(id bigint, kind text, phone text, tail text, phone_digest text, id_number text,
            id_digest text)
 WHERE t.community_id = :c AND t.id = o.id
"""

# Where nothing that was there before stands any longer: what was added goes first, then what
# was ended is open again, so that the shares of a day never exceed the whole.
STEPS = (
    _drop_links("ownership", "owners"),
    _drop_links("occupant", "tenants"),
    RESTORE_OWNERS,
    RESTORE_TENANTS,
    RESTORE_FACTS,
    RESTORE_PEOPLE,
    "DELETE FROM person t USING undo_person p WHERE t.community_id = :c AND t.id = p.person_id",
    "DELETE FROM unit t USING undo_row r"
    " WHERE r.action = 'new' AND t.community_id = :c AND t.id = r.unit_id",
    "DELETE FROM entrance WHERE community_id = :c AND id = ANY (:entrances)",
    "DELETE FROM building WHERE community_id = :c AND id = ANY (:buildings)",
)

"""A previewed roster becomes the roll, whole or not at all, set by set."""

from __future__ import annotations

from sqlalchemy import text

from app.kernel import audit, clock, outbox, queue
from app.kernel.db import db
from app.kernel.errors import N_, Conflict
from app.registry.imports import plan
from app.registry.imports.preview import discard_file
from app.registry.models import RosterImport
from app.registry.service.common import row_of
from app.registry.service.roll import BINDING_ALPHABET, BINDING_LENGTH


def apply_roster(community_id: int, import_id: int, *, skip_errors: bool = False) -> RosterImport:
    """Do what the preview showed, in the present transaction.

    Raises Conflict when it is applied already, when it has errors that nobody chose to leave
    out, or when the roll has changed so that the preview no longer holds; NotFound.
    """
    made = row_of(RosterImport, community_id, import_id, lock=True)
    if made.status not in ("ready", "applying"):
        raise Conflict("roster.applied", N_("这份名册已经处理过，请重新上传。"))
    if not skip_errors:
        refuse_errors(made)
    # One at a time per community; readers and bill runs of other months are not held up.
    db.session.execute(
        text("SELECT id FROM community WHERE id = :c FOR NO KEY UPDATE"), {"c": community_id}
    )
    _plan_again(made)
    _refuse_if_different(made)
    here = {"c": community_id, "i": import_id, "day": made.starts_on, "now": clock.now()}
    for step, sql in enumerate(STEPS):
        db.session.execute(text(sql), plan.named_in(sql, here))
        queue.progress(step + 1, len(STEPS))
    _finish(made)
    return made


def refuse_errors(made: RosterImport) -> None:
    """Raise Conflict when the preview has rows with errors."""
    if made.error_count:
        raise Conflict(
            "roster.errors",
            N_("还有 %(count)s 行有错，请改正后重新上传，或选择跳过这些行。"),
            count=f"{made.error_count:,}",
        )


def _plan_again(made: RosterImport) -> None:
    plan.start()
    db.session.execute(
        text(
            "INSERT INTO stage SELECT row_no, values, NULL FROM roster_import_row"
            " WHERE community_id = :c AND import_id = :i AND action <> 'error'"
        ),
        {"c": made.community_id, "i": made.id},
    )
    plan.unfold()
    plan.compare(made.community_id, made.starts_on)


def _refuse_if_different(made: RosterImport) -> None:
    """What was confirmed is what is applied: the same act on every row, from the same state."""
    moved = db.session.execute(
        text(
            "SELECT count(*) FROM roster_import_row r LEFT JOIN plan p USING (row_no)"  # noqa: S608 -- constants of this room
            f" LEFT JOIN ({plan.BEFORE}) b USING (row_no)"
            " WHERE r.community_id = :c AND r.import_id = :i AND r.action <> 'error'"
            " AND (r.action IS DISTINCT FROM p.action OR r.before IS DISTINCT FROM b.before)"
        ),
        {"c": made.community_id, "i": made.id},
    ).scalar_one()
    if moved:
        raise Conflict(
            "roster.stale",
            N_("预览之后名册有了改动（涉及 %(count)s 行），请重新预览后再导入。"),
            count=f"{moved:,}",
        )


def _finish(made: RosterImport) -> None:
    made.status, made.applied_at, made.refusal = "applied", clock.now(), None
    made.made = db.session.execute(text(MADE_PLACES)).scalar_one()
    if not made.error_count:
        discard_file(made)
    counts = {
        "new": made.new_count,
        "changed": made.changed_count,
        "unchanged": made.unchanged_count,
        "errors_skipped": made.error_count,
    }
    audit.record(
        "roster:apply",
        f"roster_import:{made.id}",
        community_id=made.community_id,
        after={"filename": made.filename, "sha256": made.sha256, **counts},
    )
    outbox.tell(made.community_id, "roster:applied", {"import_id": made.id, **counts})
    db.session.flush()


CODE = (
    f"(SELECT string_agg(substr('{BINDING_ALPHABET}', 1 + get_byte(s.bytes, x.at) % 32, 1), '')"  # noqa: S608 -- constants of this room
    " FROM unnest(ARRAY[0, 1, 2, 3, 4, 5, 10, 11]) AS x(at))"
)
# As many bytes as the code is long; of a UUID's sixteen, 6 and 8 are not random.
assert (len(BINDING_ALPHABET), BINDING_LENGTH) == (32, 8)

NEW_PLACES = """
CREATE TEMP TABLE made_place (kind text, id bigint) ON COMMIT DROP
"""

NEW_BUILDINGS = """
WITH made AS (
  INSERT INTO building (community_id, code)
  SELECT DISTINCT CAST(:c AS bigint), s.building FROM stage_unit s JOIN plan p USING (row_no)
   WHERE p.action = 'new'
  ON CONFLICT (community_id, code) DO NOTHING RETURNING id)
INSERT INTO made_place SELECT 'building', id FROM made
"""

NEW_ENTRANCES = """
WITH made AS (
  INSERT INTO entrance (community_id, building_id, code)
  SELECT DISTINCT CAST(:c AS bigint), b.id, s.entrance FROM stage_unit s JOIN plan p USING (row_no)
    JOIN building b ON b.community_id = :c AND b.code = s.building
   WHERE p.action = 'new' AND s.entrance <> ''
  ON CONFLICT (community_id, building_id, code) DO NOTHING RETURNING id)
INSERT INTO made_place SELECT 'entrance', id FROM made
"""

NEW_UNITS = f"""
INSERT INTO unit (community_id, building_id, entrance_id, room, label, sort_key, floor, kind,
                  status, area_m2, remark, billable_until, binding_code)
SELECT :c, b.id, e.id, s.room, s.label, s.sort_key, (s.facts->>'floor')::smallint,
       coalesce(s.facts->>'kind', 'residential'), coalesce(s.facts->>'status', 'occupied'),
       (s.facts->>'area')::numeric, coalesce(s.facts->>'remark', ''),
       CASE WHEN s.facts->>'status' = 'demolished' THEN CAST(:day AS date) END,
       {CODE}
  FROM stage_unit s JOIN plan p USING (row_no)
  JOIN building b ON b.community_id = :c AND b.code = s.building
  LEFT JOIN entrance e ON e.community_id = :c AND e.building_id = b.id AND e.code = s.entrance
 WHERE p.action = 'new' ORDER BY s.sort_key
"""  # noqa: S608 -- constants of this module

NUMBER_UNITS = """
UPDATE plan SET unit_id = u.id FROM stage_unit s, unit u
 WHERE plan.action = 'new' AND s.row_no = plan.row_no AND u.community_id = :c AND u.label = s.label
"""

FRESH_PEOPLE = """
CREATE TEMP TABLE fresh ON COMMIT DROP AS
SELECT f.*, nextval('person_id_seq') AS id FROM (
  SELECT s.fresh_key, min(s.row_no) AS row_no, min(s.name) AS name,
         (array_agg(s.kind ORDER BY s.kind_given DESC, s.row_no))[1] AS kind,
         max(s.phone) FILTER (WHERE s.phone IS NOT NULL) AS phone, max(s.tail) AS tail,
         (array_agg(s.phone_digest) FILTER (WHERE s.phone_digest IS NOT NULL))[1] AS phone_digest,
         max(s.id_number) AS id_number,
         (array_agg(s.id_digest) FILTER (WHERE s.id_digest IS NOT NULL))[1] AS id_digest
    FROM party s JOIN plan p USING (row_no)
   WHERE s.person_id IS NULL AND (p.action = 'new' OR (s.role = 'owner' AND p.owners <> 'none')
      OR (s.role = 'tenant' AND p.tenants <> 'none'))
   GROUP BY s.fresh_key) f ORDER BY f.row_no
"""

NEW_PEOPLE = """
INSERT INTO person (community_id, id, kind, name, phone, phone_tail, phone_digest, id_number,
                    id_digest)
SELECT :c, id, coalesce(kind, 'natural'), name, convert_to(phone, 'UTF8'), tail, phone_digest,
       convert_to(id_number, 'UTF8'), id_digest
  FROM fresh
"""

NUMBER_PEOPLE = """
UPDATE party SET person_id = f.id FROM fresh f
 WHERE party.person_id IS NULL AND party.fresh_key = f.fresh_key
"""

# People known before about whom the file says more or newer; their old numbers stay sealed.
CONTACTS = """
CREATE TEMP TABLE contact ON COMMIT DROP AS
SELECT s.person_id, min(s.row_no) AS row_no, max(s.phone) AS phone, max(s.tail) AS tail,
       (array_agg(s.phone_digest) FILTER (WHERE s.phone_digest IS NOT NULL))[1] AS phone_digest,
       max(s.id_number) AS id_number,
       (array_agg(s.id_digest) FILTER (WHERE s.id_digest IS NOT NULL))[1] AS id_digest,
       (array_agg(s.kind) FILTER (WHERE s.kind_given))[1] AS kind,
       jsonb_build_object('id', p.id, 'kind', p.kind, 'phone', encode(p.phone, 'hex'),
         'tail', p.phone_tail, 'phone_digest', encode(p.phone_digest, 'hex'),
         'id_number', encode(p.id_number, 'hex'), 'id_digest', encode(p.id_digest, 'hex')) AS before
  FROM party s JOIN plan USING (row_no)
  JOIN person p ON p.community_id = :c AND p.id = s.person_id
 WHERE plan.action IN ('new', 'changed') AND (s.phone_digest IS DISTINCT FROM p.phone_digest
       AND s.phone_digest IS NOT NULL OR (s.id_digest IS NOT NULL AND p.id_digest IS NULL)
    OR (s.kind_given AND s.kind <> p.kind))
 GROUP BY s.person_id, p.community_id, p.id, p.kind, p.phone, p.phone_tail, p.phone_digest,
          p.id_number, p.id_digest
"""

TELL_CONTACTS = """
UPDATE person p SET
       phone = coalesce(convert_to(n.phone, 'UTF8'), p.phone),
       phone_tail = coalesce(n.tail, p.phone_tail),
       phone_digest = coalesce(n.phone_digest, p.phone_digest),
       id_number = coalesce(p.id_number, convert_to(n.id_number, 'UTF8')),
       id_digest = coalesce(p.id_digest, n.id_digest), kind = coalesce(n.kind, p.kind)
  FROM contact n WHERE p.community_id = :c AND p.id = n.person_id
"""

# Who keeps the same part stays; the others' parts end that day.
STAYING = """
CREATE TEMP TABLE staying ON COMMIT DROP AS
SELECT DISTINCT s.row_no, s.role, s.ord, s.link_id FROM party s JOIN plan p USING (row_no)
  JOIN roll_party r USING (row_no, role, link_id)
 WHERE s.role = 'tenant' OR s.n * r.d = r.n * s.d
"""

CLOSE_OWNERS = """
UPDATE ownership o SET ends_on = p.day FROM plan p, roll_party r
 WHERE o.community_id = :c AND o.id = r.link_id AND r.role = 'owner' AND r.row_no = p.row_no
   AND p.owners = 'transfer'
   AND NOT EXISTS (SELECT 1 FROM staying s WHERE s.role = 'owner' AND s.link_id = r.link_id)
"""

ADJUST_OWNERS = """
UPDATE ownership o SET starts_on = coalesce(s.since, o.starts_on),
       document_no = CASE WHEN s.document_no <> '' THEN s.document_no ELSE o.document_no END
  FROM party s JOIN plan p USING (row_no)
 WHERE o.community_id = :c AND o.id = s.link_id AND s.role = 'owner' AND p.owners = 'adjust'
"""

LINKS = "CREATE TEMP TABLE link (unit_id bigint, role text, id bigint) ON COMMIT DROP"

OPEN_OWNERS = """
WITH made AS (
  INSERT INTO ownership (community_id, unit_id, person_id, share_numerator, share_denominator,
                         starts_on, document_no)
  SELECT :c, p.unit_id, s.person_id, s.n, s.d,
         CASE WHEN p.owners = 'transfer' THEN p.day ELSE coalesce(s.since, CAST(:day AS date)) END,
         s.document_no
    FROM party s JOIN plan p USING (row_no)
   WHERE s.role = 'owner' AND p.owners IN ('open', 'transfer') AND NOT EXISTS
         (SELECT 1 FROM staying x WHERE x.row_no = s.row_no AND x.role = 'owner' AND x.ord = s.ord)
   ORDER BY s.row_no, s.ord
  RETURNING unit_id, id)
INSERT INTO link SELECT unit_id, 'owner', id FROM made
"""

CLOSE_TENANTS = """
UPDATE occupant o SET ends_on = CAST(:day AS date) FROM plan p, roll_party r
 WHERE o.community_id = :c AND o.id = r.link_id AND r.role = 'tenant' AND r.row_no = p.row_no
   AND p.tenants = 'set'
   AND NOT EXISTS (SELECT 1 FROM staying s WHERE s.role = 'tenant' AND s.link_id = r.link_id)
"""

OPEN_TENANTS = """
WITH made AS (
  INSERT INTO occupant (community_id, unit_id, person_id, kind, starts_on)
  SELECT :c, p.unit_id, s.person_id, 'tenant', CAST(:day AS date)
    FROM party s JOIN plan p USING (row_no)
   WHERE s.role = 'tenant' AND p.tenants = 'set' AND s.link_id IS NULL
  RETURNING unit_id, id)
INSERT INTO link SELECT unit_id, 'tenant', id FROM made
"""

CHANGE_FACTS = """
UPDATE unit u SET area_m2 = coalesce((p.said->>'area')::numeric, u.area_m2),
       floor = coalesce((p.said->>'floor')::smallint, u.floor),
       kind = coalesce(p.said->>'kind', u.kind), status = coalesce(p.said->>'status', u.status),
       remark = coalesce(p.said->>'remark', u.remark),
       billable_until = CASE WHEN p.said->>'status' = 'demolished' AND u.status <> 'demolished'
         THEN coalesce(u.billable_until, greatest(CAST(:day AS date), u.billable_from + 1))
         ELSE u.billable_until END
  FROM plan p WHERE p.facts_differ AND u.community_id = :c AND u.id = p.unit_id
"""

# How a unit stands, in one value: whoever changes any of it later makes undo impossible.
STATE = """
SELECT x.row_no, md5(jsonb_build_object('unit', to_jsonb(u) - 'sort_key',
         'owners', o.list, 'occupants', t.list)::text) AS state
  FROM {rows} x JOIN unit u ON u.community_id = :c AND u.id = x.unit_id
  LEFT JOIN (SELECT w.unit_id, jsonb_agg(to_jsonb(w) || jsonb_build_object('name', p.name,
               'phone', encode(p.phone_digest, 'hex'), 'id', encode(p.id_digest, 'hex'),
               'kind', p.kind) ORDER BY w.id) AS list
               FROM ownership w JOIN person p ON p.community_id = :c AND p.id = w.person_id
              WHERE w.community_id = :c GROUP BY w.unit_id) o ON o.unit_id = u.id
  LEFT JOIN (SELECT w.unit_id, jsonb_agg(to_jsonb(w) || jsonb_build_object('name', p.name,
               'phone', encode(p.phone_digest, 'hex')) ORDER BY w.id) AS list
               FROM occupant w JOIN person p ON p.community_id = :c AND p.id = w.person_id
              WHERE w.community_id = :c GROUP BY w.unit_id) t ON t.unit_id = u.id
"""

REMEMBER = f"""
UPDATE roster_import_row r SET unit_id = p.unit_id, made = jsonb_build_object(
         'state', st.state, 'owners', coalesce(lo.ids, '[]'), 'tenants', coalesce(lt.ids, '[]'),
         'people', coalesce(f.ids, '[]'), 'people_before', coalesce(n.list, '[]'))
  FROM plan p
  JOIN ({STATE.format(rows="(SELECT row_no, unit_id FROM plan WHERE action <> 'unchanged')")}) st
    USING (row_no)
  LEFT JOIN (SELECT unit_id, jsonb_agg(id) AS ids FROM link WHERE role = 'owner' GROUP BY 1) lo
    ON lo.unit_id = p.unit_id
  LEFT JOIN (SELECT unit_id, jsonb_agg(id) AS ids FROM link WHERE role = 'tenant' GROUP BY 1) lt
    ON lt.unit_id = p.unit_id
  LEFT JOIN (SELECT row_no, jsonb_agg(id) AS ids FROM fresh GROUP BY 1) f ON f.row_no = p.row_no
  LEFT JOIN (SELECT row_no, jsonb_agg(before) AS list FROM contact GROUP BY 1) n
    ON n.row_no = p.row_no
 WHERE r.community_id = :c AND r.import_id = :i AND r.row_no = p.row_no
"""  # noqa: S608 -- constants of this module

TELL_TRANSFERS = """
INSERT INTO outbox_event (community_id, topic, payload, happened_at)
SELECT :c, 'unit:transferred', jsonb_build_object('unit_id', p.unit_id, 'on', p.day::text,
         'from', (SELECT coalesce(jsonb_agg(r.person_id), '[]') FROM roll_party r
                   WHERE r.row_no = p.row_no AND r.role = 'owner' AND NOT EXISTS
                         (SELECT 1 FROM staying s WHERE s.role = 'owner'
                            AND s.link_id = r.link_id)),
         'to', (SELECT coalesce(jsonb_agg(s.person_id), '[]') FROM party s
                 WHERE s.row_no = p.row_no AND s.role = 'owner' AND NOT EXISTS
                       (SELECT 1 FROM staying x WHERE x.row_no = s.row_no AND x.role = 'owner'
                          AND x.ord = s.ord))), :now
  FROM plan p WHERE p.owners = 'transfer'
"""

MADE_PLACES = """
SELECT jsonb_build_object(
  'buildings', coalesce(jsonb_agg(id) FILTER (WHERE kind = 'building'), '[]'),
  'entrances', coalesce(jsonb_agg(id) FILTER (WHERE kind = 'entrance'), '[]')) FROM made_place
"""

STEPS = (
    "DROP TABLE IF EXISTS made_place, fresh, contact, staying, link",
    NEW_PLACES,
    NEW_BUILDINGS,
    NEW_ENTRANCES,
    NEW_UNITS,
    NUMBER_UNITS,
    FRESH_PEOPLE,
    "ANALYZE fresh",
    NEW_PEOPLE,
    NUMBER_PEOPLE,
    CONTACTS,
    TELL_CONTACTS,
    STAYING,
    LINKS,
    CLOSE_OWNERS,
    ADJUST_OWNERS,
    OPEN_OWNERS,
    CLOSE_TENANTS,
    OPEN_TENANTS,
    CHANGE_FACTS,
    REMEMBER,
    TELL_TRANSFERS,
)

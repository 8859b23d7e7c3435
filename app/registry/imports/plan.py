"""What a roster would do to the roll, worked out set by set in temporary tables.

`unfold` spreads the file's units and parties out; `compare` lays them beside the roll and
leaves one row per unit in `plan`. Preview writes the plan down; apply works it out again and
refuses if it came out differently, then acts on the very same tables.

Parties are owners and tenants. A person is the same when the identity number is, or name and
phone are, or, within one unit, the name is and no identity speaks against it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.errors import N_

TABLES = ("stage", "stage_unit", "stage_party", "roll_unit", "roll_party", "party", "plan")

# Fresh tables have no statistics, and the application's role may not ANALYZE the roll: a
# nested loop over what the planner thinks empty would take for ever. Hash joins never do.
SETTINGS = (
    "SET LOCAL enable_nestloop = off",
    "SET LOCAL jit = off",
    "SET LOCAL work_mem = '64MB'",
)

STAGE = "CREATE TEMP TABLE stage (row_no int, data jsonb, errors jsonb) ON COMMIT DROP"

STAGE_UNIT = """
CREATE TEMP TABLE stage_unit ON COMMIT DROP AS
SELECT row_no, data->>'label' AS label, data->>'building' AS building,
       data->>'entrance' AS entrance, data->>'room' AS room, data->>'sort_key' AS sort_key,
       data->'facts' AS facts, uuid_send(gen_random_uuid()) AS bytes
  FROM stage WHERE errors IS NULL
"""

STAGE_PARTY = """
CREATE TEMP TABLE stage_party ON COMMIT DROP AS
SELECT s.row_no, r.role, p.ord::int AS ord, p.one->>'name' AS name, p.one->>'kind' AS kind,
       coalesce((p.one->>'kind_given')::boolean, false) AS kind_given,
       p.one->>'phone' AS phone, p.one->>'tail' AS tail,
       decode(p.one->>'phone_digest', 'hex') AS phone_digest,
       p.one->>'id' AS id_number, decode(p.one->>'id_digest', 'hex') AS id_digest,
       (p.one->>'n')::int AS n, (p.one->>'d')::int AS d,
       coalesce((p.one->>'given')::boolean, false) AS given,
       (p.one->>'since')::date AS since, coalesce(p.one->>'document_no', '') AS document_no
  FROM stage s
 CROSS JOIN LATERAL (VALUES ('owner', s.data->'owners'),
                            ('tenant', s.data->'tenants')) r(role, list)
 CROSS JOIN LATERAL jsonb_array_elements(r.list) WITH ORDINALITY p(one, ord)
 WHERE s.errors IS NULL
"""

ROLL_UNIT = """
CREATE TEMP TABLE roll_unit ON COMMIT DROP AS
SELECT s.row_no, u.id AS unit_id,
       jsonb_build_object('area', u.area_m2::text, 'floor', u.floor, 'kind', u.kind,
                          'status', u.status, 'remark', u.remark) AS facts,
       u.billable_until
  FROM stage_unit s JOIN unit u ON u.community_id = :c AND u.label = s.label
"""

ROLL_PARTY = """
CREATE TEMP TABLE roll_party ON COMMIT DROP AS
SELECT h.row_no, h.role, h.link_id, h.person_id, h.n, h.d, h.starts_on, h.document_no,
       p.name, p.kind, p.phone_tail AS tail, p.phone_digest, p.id_digest
  FROM (SELECT r.row_no, 'owner' AS role, o.id AS link_id, o.person_id,
               o.share_numerator AS n, o.share_denominator AS d, o.starts_on, o.document_no
          FROM roll_unit r JOIN ownership o
            ON o.community_id = :c AND o.unit_id = r.unit_id AND o.ends_on IS NULL
         UNION ALL
        SELECT r.row_no, 'tenant', o.id, o.person_id, 1, 1, o.starts_on, ''
          FROM roll_unit r JOIN occupant o
            ON o.community_id = :c AND o.unit_id = r.unit_id AND o.ends_on IS NULL
           AND o.kind = 'tenant') h
  JOIN person p ON p.community_id = :c AND p.id = h.person_id
"""

# Who each party is: somebody of the unit, somebody the community knows, or somebody new. New
# ones who share identity, or name and phone, are one person: the smallest key of the group.
PARTY = """
CREATE TEMP TABLE party ON COMMIT DROP AS
WITH inside AS (
  SELECT DISTINCT ON (s.row_no, s.role, s.ord) s.row_no, s.role, s.ord, r.link_id, r.person_id
    FROM stage_party s JOIN roll_party r ON r.row_no = s.row_no AND r.role = s.role
   WHERE s.id_digest = r.id_digest
      OR (s.name = r.name AND (s.id_digest IS NULL OR r.id_digest IS NULL))
   ORDER BY s.row_no, s.role, s.ord, (s.id_digest = r.id_digest) DESC NULLS LAST,
            (s.phone_digest = r.phone_digest) DESC NULLS LAST, r.link_id),
known_id AS (
  SELECT s.row_no, s.role, s.ord, min(p.id) AS person_id
    FROM stage_party s JOIN person p ON p.community_id = :c AND p.id_digest = s.id_digest
   GROUP BY 1, 2, 3),
known_phone AS (
  SELECT s.row_no, s.role, s.ord, min(p.id) AS person_id
    FROM stage_party s JOIN person p ON p.community_id = :c
     AND p.phone_digest = s.phone_digest AND p.name = s.name
     AND (s.id_digest IS NULL OR p.id_digest IS NULL)
   GROUP BY 1, 2, 3),
keyed AS (
  SELECT s.*, i.link_id, coalesce(i.person_id, a.person_id, b.person_id) AS person_id,
         coalesce('p' || encode(s.phone_digest, 'hex') || s.name,
                  'i' || encode(s.id_digest, 'hex'),
                  'r' || s.row_no || s.role || s.ord) AS first_key
    FROM stage_party s
    LEFT JOIN inside i USING (row_no, role, ord)
    LEFT JOIN known_id a USING (row_no, role, ord)
    LEFT JOIN known_phone b USING (row_no, role, ord)),
by_id AS (
  SELECT k.*, CASE WHEN id_digest IS NULL THEN first_key
                   ELSE min(first_key) OVER (PARTITION BY id_digest) END AS second_key
    FROM keyed k),
grouped AS (
  SELECT b.*, min(second_key) OVER (PARTITION BY first_key) AS fresh_key FROM by_id b)
SELECT row_no, role, ord, name, kind, kind_given, phone, tail, phone_digest, id_number, id_digest,
       n, d, given, since, document_no, link_id, fresh_key,
       coalesce(person_id, min(person_id) OVER (PARTITION BY fresh_key)) AS person_id
  FROM grouped
"""

PLAN = """
CREATE TEMP TABLE plan ON COMMIT DROP AS
WITH staged AS (
  SELECT row_no, role, count(*) AS said, count(DISTINCT link_id) AS matched,
         max(since) AS since FROM party GROUP BY 1, 2),
rolled AS (SELECT row_no, role, count(*) AS held FROM roll_party GROUP BY 1, 2),
differing AS (
  SELECT p.row_no, p.role,
         bool_or(p.given AND p.n * r.d <> r.n * p.d) AS shares,
         bool_or(p.since <> r.starts_on
                 OR (p.document_no <> '' AND p.document_no <> r.document_no)) AS days
    FROM party p JOIN roll_party r USING (row_no, role, link_id) GROUP BY 1, 2),
contact AS (
  SELECT DISTINCT s.row_no FROM party s
    JOIN person p ON p.community_id = :c AND p.id = s.person_id
   WHERE s.link_id IS NOT NULL
     AND ((s.phone_digest IS NOT NULL AND s.phone_digest IS DISTINCT FROM p.phone_digest)
      OR (s.id_digest IS NOT NULL AND p.id_digest IS NULL)
      OR (s.kind_given AND s.kind <> p.kind))),
judged AS (
  SELECT u.row_no, ru.unit_id, u.facts AS said, ru.facts AS held,
         ru.facts IS NOT NULL AND (ru.facts || u.facts) <> ru.facts AS facts_differ,
         CASE WHEN so.said IS NULL THEN 'none'
              WHEN ro.held IS NULL THEN 'open'
              WHEN so.matched <> so.said OR so.matched <> ro.held OR coalesce(od.shares, false)
                THEN 'transfer'
              WHEN coalesce(od.days, false) THEN 'adjust'
              ELSE 'none' END AS owners,
         CASE WHEN st.said IS NULL THEN 'none'
              WHEN st.matched <> st.said OR st.matched <> coalesce(rt.held, 0) THEN 'set'
              ELSE 'none' END AS tenants,
         c.row_no IS NOT NULL AS contact, coalesce(so.since, :day) AS day
    FROM stage_unit u
    LEFT JOIN roll_unit ru USING (row_no)
    LEFT JOIN staged so ON so.row_no = u.row_no AND so.role = 'owner'
    LEFT JOIN staged st ON st.row_no = u.row_no AND st.role = 'tenant'
    LEFT JOIN rolled ro ON ro.row_no = u.row_no AND ro.role = 'owner'
    LEFT JOIN rolled rt ON rt.row_no = u.row_no AND rt.role = 'tenant'
    LEFT JOIN differing od ON od.row_no = u.row_no AND od.role = 'owner'
    LEFT JOIN contact c ON c.row_no = u.row_no)
SELECT j.*, CASE WHEN unit_id IS NULL THEN 'new'
                 WHEN facts_differ OR owners <> 'none' OR tenants <> 'none' OR contact
                   THEN 'changed' ELSE 'unchanged' END AS action
  FROM judged j
"""

# What only the roll or the rest of the file can contradict: (column, sentence, rows).
CONTRADICTIONS: tuple[tuple[str, str, str], ...] = (
    (
        "area",
        N_("这是新房屋，缺少建筑面积，请填写。"),
        "SELECT row_no, '{}'::jsonb FROM plan WHERE action = 'new' AND NOT said ? 'area'",
    ),
    (
        "id_number",
        N_("此证件号在册登记的是另一姓名，请核对姓名或证件号。"),
        "SELECT DISTINCT s.row_no, '{}'::jsonb FROM party s JOIN person p"
        " ON p.community_id = :c AND p.id_digest = s.id_digest WHERE p.name <> s.name",
    ),
    (
        "id_number",
        N_("文件中同一证件号对应不同的姓名（第 %(rows)s 行），请核对。"),
        "SELECT unnest(rows), jsonb_build_object('rows', array_to_string(rows[1:5], '、')) FROM"
        " (SELECT array_agg(DISTINCT row_no ORDER BY row_no) AS rows FROM party"
        "  WHERE id_digest IS NOT NULL GROUP BY id_digest HAVING count(DISTINCT name) > 1) x",
    ),
    (
        "id_number",
        N_("文件中同名同电话的人有不同的证件号（第 %(rows)s 行），请核对。"),
        "SELECT unnest(rows), jsonb_build_object('rows', array_to_string(rows[1:5], '、')) FROM"
        " (SELECT array_agg(DISTINCT row_no ORDER BY row_no) AS rows FROM party"
        "  WHERE phone_digest IS NOT NULL GROUP BY phone_digest, name"
        "  HAVING count(DISTINCT id_digest) > 1) x",
    ),
    (
        "phone",
        N_("文件中同一位业主有不同的电话（第 %(rows)s 行），请统一。"),
        "SELECT unnest(rows), jsonb_build_object('rows', array_to_string(rows[1:5], '、')) FROM"
        " (SELECT array_agg(DISTINCT row_no ORDER BY row_no) AS rows FROM party"
        "  GROUP BY coalesce(person_id::text, fresh_key)"
        "  HAVING count(DISTINCT phone_digest) > 1) x",
    ),
    (
        "since",
        N_("现业主从 %(day)s 起，新业主应从更晚的一天开始：请填写或更正“产权起始”。"),
        "SELECT p.row_no, jsonb_build_object('day', max(r.starts_on)::text)"
        " FROM plan p JOIN roll_party r ON r.row_no = p.row_no AND r.role = 'owner'"
        " WHERE p.owners = 'transfer' AND r.starts_on >= p.day AND NOT EXISTS"
        " (SELECT 1 FROM party s WHERE s.row_no = r.row_no AND s.role = 'owner'"
        "  AND s.link_id = r.link_id AND s.n * r.d = r.n * s.d)"
        " GROUP BY p.row_no",
    ),
    (
        "since",
        N_("此户到 %(day)s 为止另有业主，产权起始不能早于这一天。"),
        "SELECT p.row_no, jsonb_build_object('day', max(o.ends_on)::text)"
        " FROM plan p JOIN ownership o ON o.community_id = :c AND o.unit_id = p.unit_id"
        " WHERE p.owners <> 'none' AND o.ends_on > CASE WHEN p.owners = 'transfer' THEN p.day"
        "  ELSE coalesce((SELECT min(s.since) FROM party s WHERE s.row_no = p.row_no"
        "   AND s.role = 'owner'), p.day) END GROUP BY p.row_no",
    ),
    (
        "tenant",
        N_("现租户从 %(day)s 起，不能在同一天或更早换租户。"),
        "SELECT p.row_no, jsonb_build_object('day', max(r.starts_on)::text)"
        " FROM plan p JOIN roll_party r ON r.row_no = p.row_no AND r.role = 'tenant'"
        " WHERE p.tenants = 'set' AND r.starts_on >= :day AND NOT EXISTS (SELECT 1 FROM party s"
        "  WHERE s.row_no = r.row_no AND s.role = 'tenant' AND s.link_id = r.link_id)"
        " GROUP BY p.row_no",
    ),
)


def start() -> None:
    """Set the planner up and make an empty `stage`, to be filled with (row, data, errors)."""
    for setting in SETTINGS:
        db.session.execute(text(setting))
    db.session.execute(text("DROP TABLE IF EXISTS " + ", ".join((*TABLES, "wrong"))))
    db.session.execute(text(STAGE))


def unfold() -> None:
    """Spread what is in `stage` out into units and parties."""
    _make("stage_unit", STAGE_UNIT, {})
    _make("stage_party", STAGE_PARTY, {})


def compare(community_id: int, day: date) -> None:
    """Lay the file beside the roll: fills `plan`, `party`, `roll_unit`, `roll_party`, `wrong`.

    `day` is when ownership begins where the file does not say. A row in `wrong` is no longer
    in `plan`.
    """
    here = {"c": community_id, "day": day}
    for table, sql in (
        ("roll_unit", ROLL_UNIT),
        ("roll_party", ROLL_PARTY),
        ("party", PARTY),
        ("plan", PLAN),
    ):
        _make(table, sql, here)
    db.session.execute(text("CREATE TEMP TABLE wrong (row_no int, error jsonb) ON COMMIT DROP"))
    for key, message, rows in CONTRADICTIONS:
        db.session.execute(
            text(
                "INSERT INTO wrong SELECT x.row_no, jsonb_build_object('key', CAST(:key AS text),"  # noqa: S608 -- constants of this room
                f" 'message', CAST(:message AS text), 'params', x.params) FROM ({rows})"
                " AS x(row_no, params)"
            ),
            {"key": key, "message": message, **named_in(rows, here)},
        )
    db.session.execute(text("DELETE FROM plan USING wrong w WHERE plan.row_no = w.row_no"))


def named_in(sql: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of some parameters, those that a statement names."""
    return {name: value for name, value in values.items() if re.search(rf":{name}\b", sql)}


def _make(table: str, sql: str, values: Mapping[str, Any]) -> None:
    db.session.execute(text(sql), named_in(sql, values))
    db.session.execute(text(f"ANALYZE {table}"))


# What a changed unit looked like: shown beside what the file says, put back by undo, and
# compared again at apply.
BEFORE = """
SELECT p.row_no, jsonb_build_object(
         'facts', p.held,
         'billable_until', u.billable_until,
         'owners', coalesce(o.list, '[]'), 'tenants', coalesce(t.list, '[]')) AS before
  FROM plan p JOIN roll_unit u USING (row_no)
  LEFT JOIN (SELECT row_no, jsonb_agg(jsonb_build_object(
               'link', link_id, 'person', person_id, 'name', name, 'kind', kind, 'tail', tail,
               'phone_mark', left(encode(phone_digest, 'hex'), 8),
               'id_mark', left(encode(id_digest, 'hex'), 8),
               'n', n, 'd', d, 'since', starts_on, 'document_no', document_no)
               ORDER BY link_id) AS list
               FROM roll_party WHERE role = 'owner' GROUP BY row_no) o USING (row_no)
  LEFT JOIN (SELECT row_no, jsonb_agg(jsonb_build_object(
               'link', link_id, 'person', person_id, 'name', name, 'tail', tail,
               'phone_mark', left(encode(phone_digest, 'hex'), 8),
               'since', starts_on) ORDER BY link_id) AS list
               FROM roll_party WHERE role = 'tenant' GROUP BY row_no) t USING (row_no)
 WHERE p.action = 'changed'
"""

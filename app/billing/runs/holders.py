"""Who holds each unit in a month, set-based: the temporary table `run_holder`.

A row per unit and holder with the unit's own columns beside it. Reads tables of the
registry in SQL text: the one exception to reading through a room's queries, because a
month of bills is computed where the rows are. Equal to `rules.holders_of`.
"""

from __future__ import annotations

from app.billing.rules import BY_DAY, TO_SELLER
from app.billing.runs.plan import Plan

# The share of a unit as an exact fraction does not exist in SQL; twelve digits tell any two
# shares apart, because denominators end at 10,000.
_SHARE = "round(o.share_numerator::numeric / o.share_denominator, 12)"

# The same to order by, in whole numbers, which compare faster.
_RANK = "o.share_numerator * 1000000000000 / o.share_denominator"

# A table of the session's, emptied at every commit: making it anew for each community would
# write the catalogue thousands of times a month.
TABLE = """
CREATE TEMPORARY TABLE IF NOT EXISTS run_holder (
  no integer, unit_id bigint, party smallint, sole boolean, starts_on date, ends_on date,
  payer_id bigint, developer boolean, moved boolean, label text, building_id bigint,
  entrance_id bigint, kind text, status text, area_m2 numeric
) ON COMMIT DELETE ROWS
"""

# One owner or several over all the unit's days: settled here. Otherwise `moved`.
# A demolished unit is billed until its end, and not at all when none is written.
ALL = f"""
INSERT INTO run_holder
WITH billable AS MATERIALIZED (
  SELECT u.id AS unit_id, u.label, u.sort_key, u.building_id, u.entrance_id, u.kind, u.status,
         u.area_m2, GREATEST(u.billable_from, :first) AS starts_on,
         LEAST(u.billable_until, :end) AS ends_on
    FROM unit u
   WHERE u.community_id = :c
     AND (u.billable_from IS NULL OR u.billable_from < :end)
     AND (u.billable_until IS NULL OR u.billable_until > :first)
     AND (u.status <> 'demolished' OR u.billable_until IS NOT NULL)
), owned AS (
  SELECT o.unit_id,
         (array_agg(o.person_id ORDER BY {_RANK} DESC, o.person_id))[1] AS payer_id,
         bool_or(o.starts_on > b.starts_on OR o.ends_on < b.ends_on)
           OR count(*) <> count(DISTINCT o.person_id) AS moved
    FROM billable b JOIN ownership o ON o.community_id = :c AND o.unit_id = b.unit_id
     AND o.starts_on < b.ends_on AND (o.ends_on IS NULL OR o.ends_on > b.starts_on)
   GROUP BY o.unit_id
)
SELECT row_number() OVER (ORDER BY b.sort_key, b.unit_id)::integer AS no,
       b.unit_id, 0::smallint AS party, true AS sole, b.starts_on, b.ends_on, o.payer_id,
       false AS developer, COALESCE(o.moved, false) AS moved, b.label, b.building_id,
       b.entrance_id, b.kind, b.status, b.area_m2
  FROM billable b LEFT JOIN owned o ON o.unit_id = b.unit_id
"""

COUNT = """
SELECT count(*) FILTER (WHERE moved) AS moved, COALESCE(max(no), 0) AS last_no,
       count(*) AS units FROM run_holder
"""

# Units whose owners change within the month: cut their days at every change, join days whose
# owners are the same, number what remains.
_PARTIES = f"""
WITH gone AS (
  DELETE FROM run_holder WHERE moved RETURNING *
), held AS (
  SELECT g.unit_id, o.person_id, {_SHARE} AS share,
         GREATEST(o.starts_on, g.starts_on) AS s,
         LEAST(o.ends_on, g.ends_on) AS e
    FROM gone g JOIN ownership o ON o.community_id = :c AND o.unit_id = g.unit_id
     AND o.starts_on < g.ends_on AND (o.ends_on IS NULL OR o.ends_on > g.starts_on)
), cut AS (
  SELECT unit_id, starts_on AS s, ends_on FROM gone
  UNION SELECT h.unit_id, h.s, g.ends_on FROM held h JOIN gone g USING (unit_id)
  UNION SELECT h.unit_id, h.e, g.ends_on FROM held h JOIN gone g USING (unit_id)
   WHERE h.e < g.ends_on
), spell AS (
  SELECT unit_id, s, lead(s, 1, ends_on) OVER (PARTITION BY unit_id ORDER BY s) AS e FROM cut
), owned AS (
  SELECT p.unit_id, p.s, p.e,
         array_agg(DISTINCT h.person_id) FILTER (WHERE h.person_id IS NOT NULL) AS owners
    FROM spell p LEFT JOIN held h ON h.unit_id = p.unit_id AND h.s <= p.s AND p.s < h.e
   GROUP BY p.unit_id, p.s, p.e
), marked AS (
  SELECT *, CASE WHEN owners IS DISTINCT FROM lag(owners) OVER w THEN 1 ELSE 0 END AS fresh,
         row_number() OVER w AS at
    FROM owned WINDOW w AS (PARTITION BY unit_id ORDER BY s)
), numbered AS (
  SELECT *, sum(CASE WHEN at = 1 THEN 0 ELSE fresh END)
              OVER (PARTITION BY unit_id ORDER BY s) AS party FROM marked
), party AS (
  SELECT unit_id, party::smallint AS party, min(s) AS s, max(e) AS e, owners IS NOT NULL AS owned
    FROM numbered GROUP BY unit_id, party, owners
), weighed AS (
  SELECT p.unit_id, p.party, h.person_id,
         round(sum(h.share * (LEAST(h.e, p.e) - GREATEST(h.s, p.s))), 9) AS weight
    FROM party p JOIN held h ON h.unit_id = p.unit_id AND h.s < p.e AND h.e > p.s
   GROUP BY p.unit_id, p.party, h.person_id
), payer AS (
  SELECT DISTINCT ON (unit_id, party) unit_id, party, person_id
    FROM weighed ORDER BY unit_id, party, weight DESC, person_id
)"""

# By day: every holder has their own days.
_EACH = """
INSERT INTO run_holder
SELECT :last_no + row_number() OVER (ORDER BY p.unit_id, p.party), p.unit_id, p.party,
       count(*) OVER (PARTITION BY p.unit_id) = 1, p.s, p.e, y.person_id, false, false,
       g.label, g.building_id, g.entrance_id, g.kind, g.status, g.area_m2
  FROM party p JOIN gone g ON g.unit_id = p.unit_id
  LEFT JOIN payer y ON y.unit_id = p.unit_id AND y.party = p.party
"""

# Whole month: the first (seller) or last (buyer) who owns has all the unit's days.
_ONE = """
INSERT INTO run_holder
SELECT DISTINCT ON (p.unit_id)
       :last_no + dense_rank() OVER (ORDER BY p.unit_id), p.unit_id, 0, true,
       g.starts_on, g.ends_on, y.person_id, false, false,
       g.label, g.building_id, g.entrance_id, g.kind, g.status, g.area_m2
  FROM party p JOIN gone g ON g.unit_id = p.unit_id
  LEFT JOIN payer y ON y.unit_id = p.unit_id AND y.party = p.party
 ORDER BY p.unit_id, p.owned DESC, {order}
"""

# A holder is a developer when the payer is; asked only where a scheme runs.
DEVELOPERS = """
UPDATE run_holder h SET developer = true
  FROM person p WHERE p.community_id = :c AND p.id = h.payer_id AND p.kind = 'developer'
"""


def parties(plan: Plan) -> str:
    """The statement that puts the holders of moved units in the place of the one row each had."""
    if plan.transfer_policy == BY_DAY:
        return _PARTIES + _EACH
    order = "p.party" if plan.transfer_policy == TO_SELLER else "p.party DESC"
    return _PARTIES + _ONE.format(order=order)

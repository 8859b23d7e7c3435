"""The month's lines, set-based: the temporary table `run_line`, equal to `rules.charge_month`.

Each `_…` below is one basis of charge as *pieces*: a holder's part of a line before any
rounding. A unit with one holder has its line at once; a unit that changed hands divides the
rounded month by largest remainder. Division is `div(200x + d, 2d)`: whole fen, half up,
exact, where numeric division would round twice. Besides billing's own tables it reads
`run_holder` and, on a repeat, `run_billed`.
"""

from __future__ import annotations

from app.billing.runs.plan import Plan

TABLE = """
CREATE TEMPORARY TABLE IF NOT EXISTS run_line (
  no integer, unit_id bigint, party smallint, tariff_id bigint, version_id bigint,
  detail_id bigint, position integer, quantity numeric, price numeric, days numeric,
  whole_gross_fen bigint, whole_subsidy_fen bigint, gross_fen bigint, subsidy_fen bigint,
  resident_fen bigint, scheme_id bigint, subsidy_rate numeric, subsidy_days bigint
) ON COMMIT DELETE ROWS
"""

# On a repeat only: the one table whose statistics the planner must have.
BILLED = (
    """
CREATE TEMPORARY TABLE run_billed ON COMMIT DROP AS
SELECT l.unit_id, l.tariff_id, l.detail_id FROM bill_line l
 WHERE l.community_id = :c AND l.month = :first AND l.live
""",
    "ANALYZE run_billed",
)

# The first day a tariff no longer runs, on China's calendar.
_ENDED = "(t.ended_at AT TIME ZONE 'Asia/Shanghai')::date"
_RUNS = f"(t.ended_at IS NULL OR {_ENDED} > :first)"
_FALLS = """(cardinality(p.unit_kinds) = 0 OR h.kind = ANY (p.unit_kinds))
     AND (p.buildings IS NULL OR h.building_id = ANY (p.buildings))"""

_PRICES = f"""
price AS MATERIALIZED (
  SELECT t.id AS tariff_id, t.basis, t.unit_kinds, t.position,
         t.subsidised AND t.basis = 'area' AS subsidised, v.id AS version_id, v.price,
         GREATEST(v.starts_on, :first) AS s, LEAST(v.ends_on, {_ENDED}, :end) AS e,
         (SELECT array_agg(b.building_id) FROM tariff_building b
           WHERE b.community_id = :c AND b.tariff_id = t.id) AS buildings
    FROM tariff t JOIN tariff_version v ON v.community_id = :c AND v.tariff_id = t.id
   WHERE t.community_id = :c AND t.basis IN ('area', 'unit', 'space')
     AND v.starts_on < :end AND (v.ends_on IS NULL OR v.ends_on > :first) AND {_RUNS}
), dated AS (
  SELECT h.no, h.unit_id, h.party, h.sole, p.tariff_id, p.version_id, p.position, p.subsidised,
         h.kind, h.status, h.developer,
         CASE WHEN p.basis = 'area' THEN h.area_m2 ELSE 1 END AS quantity, p.price,
         GREATEST(h.starts_on, p.s) AS s, LEAST(h.ends_on, p.e) AS e
    FROM run_holder h JOIN price p ON p.s < h.ends_on AND p.e > h.starts_on AND {_FALLS}
   WHERE p.basis <> 'space' AND p.s < p.e {{unbilled}}
)"""

# A reduction alone is its days × percent; where several meet, the largest of each day counts,
# never their sum.
_REDUCTIONS = f"""
reduced AS (
  SELECT h.no, p.tariff_id, p.version_id, GREATEST(h.starts_on, p.s, r.starts_on) AS s,
         LEAST(h.ends_on, p.e, r.ends_on) AS e, r.percent,
         count(*) OVER (PARTITION BY h.no, p.tariff_id, p.version_id) AS together
    FROM reduction r JOIN run_holder h ON h.unit_id = r.unit_id
    JOIN price p ON p.basis <> 'space' AND {_FALLS}
     AND (r.tariff_id IS NULL OR r.tariff_id = p.tariff_id)
   WHERE r.community_id = :c
     AND GREATEST(h.starts_on, p.s, r.starts_on) < LEAST(h.ends_on, p.e, r.ends_on)
), off AS (
  SELECT no, tariff_id, version_id, (e - s) * percent / 100 AS days
    FROM reduced WHERE together = 1
   UNION ALL
  SELECT no, tariff_id, version_id, sum(percent) / 100
    FROM (SELECT no, tariff_id, version_id, day, max(percent) AS percent
            FROM reduced CROSS JOIN LATERAL generate_series(s - :first, e - :first - 1) AS day
           WHERE together > 1 GROUP BY no, tariff_id, version_id, day) y
   GROUP BY no, tariff_id, version_id
)"""

_SPANS = """
span AS MATERIALIZED (
  SELECT * FROM (
    SELECT s.*, t.rate, GREATEST(s.starts_on, t.starts_on, :first) AS s,
           LEAST(s.ends_on, s.terminated_on, :end,
                 lead(t.starts_on) OVER (PARTITION BY s.id ORDER BY t.starts_on)) AS e
      FROM subsidy_scheme s
      JOIN subsidy_step t ON t.community_id = :c AND t.scheme_id = s.id
     WHERE s.community_id = :c AND s.starts_on < :end
       AND LEAST(s.ends_on, s.terminated_on) > :first) k
   WHERE k.s < k.e
)"""
_PAYS = """d.subsidised AND k.s < d.e AND k.e > d.s
     AND COALESCE(x.included, d.kind = ANY (k.unit_kinds)
           AND (k.include_unsold OR d.status <> 'unsold')
           AND (k.include_developer OR NOT d.developer))"""

# Mostly one rate pays the month through, and its days stand on the line itself.
_ONE_RATE = f"""
    LEFT JOIN subsidy_exclusion x ON x.community_id = :c AND x.unit_id = d.unit_id
     AND x.scheme_id = (SELECT id FROM span)
    LEFT JOIN span k ON {_PAYS}"""
_ONE_RATE_DAYS = """CASE WHEN k.id IS NULL THEN 0
              ELSE LEAST(d.e, k.e) - GREATEST(d.s, k.s) END"""

# One rounding however often the rate steps: rate × days is summed first.
_SEVERAL_RATES = f"""
net AS (
  SELECT d.no, d.tariff_id, d.version_id,
         sum(k.rate * (LEAST(d.e, k.e) - GREATEST(d.s, k.s))) AS rate_days,
         sum(LEAST(d.e, k.e) - GREATEST(d.s, k.s)) AS days,
         (array_agg(k.id ORDER BY k.s))[1] AS scheme_id,
         CASE WHEN min(k.rate) = max(k.rate) THEN min(k.rate) END AS rate
    FROM dated d CROSS JOIN span k
    LEFT JOIN subsidy_exclusion x
      ON x.community_id = :c AND x.scheme_id = k.id AND x.unit_id = d.unit_id
   WHERE {_PAYS}
   GROUP BY d.no, d.tariff_id, d.version_id
)"""

_DATED = """
  SELECT d.no, d.unit_id, d.party, d.sole, d.tariff_id, d.version_id, d.version_id AS detail_id,
         d.position, d.quantity, d.price, {days} AS days, NULL::bigint AS fixed_fen,
         {rate_days} AS rate_days, {scheme}
    FROM dated d {joins}"""

# Spells of one length keep their days; of different lengths they become space-days.
_SPACES = """
  SELECT q.no, q.unit_id, q.party, q.sole, q.tariff_id, q.version_id, q.version_id, q.position,
         CASE WHEN min(q.days) = max(q.days) THEN sum(q.quantity)
              ELSE sum(q.quantity * q.days) END, q.price,
         CASE WHEN min(q.days) = max(q.days) THEN min(q.days) ELSE 1 END::numeric,
         NULL::bigint, 0::numeric, NULL::bigint, NULL::numeric, 0::bigint
    FROM (SELECT h.no, h.unit_id, h.party, h.sole, p.tariff_id, p.version_id, p.position, p.price,
                 q.quantity, LEAST(h.ends_on, p.e, q.ends_on)
                   - GREATEST(h.starts_on, p.s, q.starts_on) AS days
            FROM tariff_quantity q
            JOIN price p ON p.tariff_id = q.tariff_id AND p.basis = 'space' AND p.s < p.e
            JOIN run_holder h ON h.unit_id = q.unit_id
           WHERE q.community_id = :c {unbilled}) q
   WHERE q.days > 0
   GROUP BY q.no, q.unit_id, q.party, q.sole, q.tariff_id, q.version_id, q.position, q.price"""

_UNDATED_DAYS = "CASE WHEN h.sole THEN :days ELSE h.ends_on - h.starts_on END::numeric"
_NO_SUBSIDY = "0::numeric, NULL::bigint, NULL::numeric, 0::bigint"

# price × used, and beyond each tier's start what its price differs from the one before.
_METERED = f"""
  SELECT h.no, h.unit_id, h.party, h.sole, r.tariff_id, r.version_id, r.id, r.position,
         r.used, r.price, {_UNDATED_DAYS},
         round(100 * (r.price * r.used + COALESCE(
           (SELECT sum(GREATEST(r.used - s.from_quantity, 0) * s.difference) FROM tier s
             WHERE s.version_id = r.version_id), 0)))::bigint, {_NO_SUBSIDY}
    FROM (SELECT r.id, m.unit_id, t.id AS tariff_id, t.position, v.id AS version_id, v.price,
                 round((r.reading - r.previous) * m.multiplier, 4) AS used
            FROM meter_reading r
            JOIN meter m ON m.community_id = :c AND m.id = r.meter_id
            JOIN tariff t ON t.community_id = :c AND t.id = m.tariff_id AND {_RUNS}
            JOIN tariff_version v ON v.community_id = :c AND v.tariff_id = t.id
             AND v.starts_on <= LEAST(GREATEST(r.read_on, :first), :last)
             AND (v.ends_on IS NULL OR v.ends_on > LEAST(GREATEST(r.read_on, :first), :last))
           WHERE r.community_id = :c AND r.month = :first) r
    JOIN run_holder h ON h.unit_id = r.unit_id {{unbilled}}"""
_TIERS = """
tier AS MATERIALIZED (
  SELECT i.version_id, i.from_quantity, i.price - lag(i.price, 1, v.price)
           OVER (PARTITION BY i.version_id ORDER BY i.from_quantity) AS difference
    FROM tariff_tier i JOIN tariff_version v ON v.community_id = :c AND v.id = i.version_id
   WHERE i.community_id = :c
)"""

# Largest remainder, ties to the smaller label. A cost once billed is billed for good: a unit
# that came later must not make its parts sum to more than it.
_SHARES = f"""
scope AS (
  SELECT s.id, s.amount_fen, t.id AS tariff_id, t.position, h.unit_id, h.label,
         CASE WHEN s.allocation = 'area' THEN h.area_m2 ELSE 1 END AS weight,
         sum(CASE WHEN s.allocation = 'area' THEN h.area_m2 ELSE 1 END)
           OVER (PARTITION BY s.id) AS whole
    FROM shared_cost s
    JOIN (SELECT t.*, (SELECT array_agg(b.building_id) FROM tariff_building b
                        WHERE b.community_id = :c AND b.tariff_id = t.id) AS buildings
            FROM tariff t WHERE t.community_id = :c AND {_RUNS}) t ON t.id = s.tariff_id
    JOIN run_holder h ON h.party = 0
     AND (s.building_id IS NULL OR s.building_id = h.building_id)
     AND (s.entrance_id IS NULL OR s.entrance_id = h.entrance_id)
     AND {_FALLS.replace("p.", "t.")}
   WHERE s.community_id = :c AND s.month = :first {{unbilled}}
), floored AS (
  SELECT *, div(amount_fen * weight, whole) AS part,
         mod(amount_fen * weight, whole) AS remainder FROM scope WHERE whole > 0
), share AS (
  SELECT *, part + CASE WHEN row_number() OVER (
             PARTITION BY id ORDER BY remainder DESC, label COLLATE "C")
             <= amount_fen - sum(part) OVER (PARTITION BY id) THEN 1 ELSE 0 END AS fen
    FROM floored
)"""
_SHARED = f"""
  SELECT h.no, h.unit_id, h.party, h.sole, s.tariff_id, NULL::bigint, s.id, s.position, s.weight,
         div(200 * s.amount_fen + s.whole, 2 * s.whole) / 10000, {_UNDATED_DAYS},
         s.fen::bigint, {_NO_SUBSIDY}
    FROM share s JOIN run_holder h ON h.unit_id = s.unit_id"""

_ONE_OFF = f"""
  SELECT h.no, h.unit_id, h.party, h.sole, o.tariff_id, NULL::bigint, o.id, t.position,
         1::numeric, o.amount_fen::numeric / 100, {_UNDATED_DAYS}, o.amount_fen, {_NO_SUBSIDY}
    FROM one_off_charge o
    JOIN tariff t ON t.community_id = :c AND t.id = o.tariff_id AND {_RUNS}
    JOIN run_holder h ON h.unit_id = o.unit_id
   WHERE o.community_id = :c AND o.month = :first AND o.cancelled_at IS NULL {{unbilled}}"""

_GROSS = "COALESCE(fixed_fen, div(200 * price * {measured} + :days, 2 * :days)::bigint)"
_NET = """CASE WHEN {rate_days} = 0 THEN 0::bigint ELSE
      LEAST({gross}, div(200 * quantity * {rate_days} + :days, 2 * :days)::bigint) END"""

# OFFSET 0 keeps the planner from writing a long expression out again wherever it is used.
_SOLE = f"""
  SELECT no, unit_id, party, tariff_id, version_id, detail_id, position, quantity, price, days,
         gross AS whole_gross, net AS whole_net, gross, net,
         scheme_id, subsidy_rate, subsidy_days
    FROM (SELECT *, {_NET.format(gross="gross", rate_days="rate_days")} AS net
            FROM (SELECT *, {_GROSS.format(measured="quantity * days")} AS gross
                    FROM piece WHERE sole OFFSET 0) g OFFSET 0) n"""

# Gross by what was measured on each one's days, subsidy by rate × eligible days, both by
# largest remainder; a subsidy beyond its holder's gross moves to the earliest with room.
_DIVIDED = f"""
divided AS (
  SELECT *, sum(quantity * days) OVER line AS measured, sum(rate_days) OVER line AS all_rate_days
    FROM piece WHERE NOT sole WINDOW line AS (PARTITION BY unit_id, tariff_id, detail_id)
), whole AS (
  SELECT *, {_NET.format(gross="whole_gross", rate_days="all_rate_days")} AS whole_net
    FROM (SELECT *, {_GROSS.format(measured="measured")} AS whole_gross FROM divided
           WHERE measured > 0 OFFSET 0) g OFFSET 0
), floors AS (
  SELECT *, div(whole_gross * quantity * days, measured) AS floor_gross,
         mod(whole_gross * quantity * days, measured) AS rest_gross,
         CASE WHEN all_rate_days = 0 THEN 0
              ELSE div(whole_net * rate_days, all_rate_days) END AS floor_net,
         CASE WHEN all_rate_days = 0 THEN 0
              ELSE mod(whole_net * rate_days, all_rate_days) END AS rest_net
    FROM whole
), parts AS (
  SELECT *, floor_gross + CASE WHEN row_number() OVER (line ORDER BY rest_gross DESC, party)
              <= whole_gross - sum(floor_gross) OVER line THEN 1 ELSE 0 END AS gross,
         floor_net + CASE WHEN all_rate_days > 0
               AND row_number() OVER (line ORDER BY rest_net DESC, party)
              <= whole_net - sum(floor_net) OVER line THEN 1 ELSE 0 END AS wanted
    FROM floors WINDOW line AS (PARTITION BY unit_id, tariff_id, detail_id)
), rooms AS (
  SELECT *, LEAST(wanted, gross) AS paid,
         sum(wanted - LEAST(wanted, gross)) OVER line AS over,
         CASE WHEN rate_days > 0 THEN gross - LEAST(wanted, gross) ELSE 0 END AS room
    FROM parts WINDOW line AS (PARTITION BY unit_id, tariff_id, detail_id)
), placed AS (
  SELECT *, paid + LEAST(room, GREATEST(0, over - COALESCE(sum(room) OVER (
             PARTITION BY unit_id, tariff_id, detail_id ORDER BY party
             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))) AS net
    FROM rooms
)"""
_PLACED = """
  UNION ALL
  SELECT no, unit_id, party, tariff_id, version_id, detail_id, position, quantity, price, days,
         whole_gross, whole_net, gross::bigint, net::bigint, scheme_id, subsidy_rate, subsidy_days
    FROM placed"""

_LINES = """
INSERT INTO run_line
WITH {tables}
SELECT no, unit_id, party, tariff_id, version_id, detail_id, position, quantity, price, days,
       whole_gross AS whole_gross_fen, whole_net AS whole_subsidy_fen, gross AS gross_fen,
       net AS subsidy_fen, gross - net AS resident_fen, scheme_id, subsidy_rate, subsidy_days
  FROM ({lines}) l
"""


def lines(plan: Plan, *, moved: bool) -> str:
    """The statement that computes the month, with only the parts this month needs."""
    tables = [_PRICES.format(unbilled=_unbilled(plan, "h.unit_id", "p.tariff_id"))]
    pieces = [_dated(plan)]
    if plan.reduced:
        tables.append(_REDUCTIONS)
    if plan.rates:
        tables.append(_SPANS)
    if plan.rates > 1:
        tables.append(_SEVERAL_RATES)
    if plan.spaces:
        pieces.append(_SPACES.format(unbilled=_unbilled(plan, "h.unit_id", "p.tariff_id")))
    if plan.read:
        tables.append(_TIERS)
        unbilled = _unbilled(plan, "h.unit_id", "r.tariff_id", "r.id").replace("AND", "WHERE", 1)
        pieces.append(_METERED.format(unbilled=unbilled))
    if plan.shared:
        tables.append(_SHARES.format(unbilled=_unbilled(plan, None, "s.tariff_id", "s.id")))
        pieces.append(_SHARED)
    if plan.one_off:
        unbilled = _unbilled(plan, "o.unit_id", "o.tariff_id", "o.id")
        pieces.append(_ONE_OFF.format(unbilled=unbilled))
    tables.append("piece AS (" + "\n  UNION ALL".join(pieces) + "\n)")
    if moved:
        tables.append(_DIVIDED.lstrip())
    return _LINES.format(tables=",".join(tables), lines=_SOLE + (_PLACED if moved else ""))


def _dated(plan: Plan) -> str:
    days, rate_days, joins = "(d.e - d.s)::numeric", "0::numeric", ""
    scheme = "NULL::bigint AS scheme_id, NULL::numeric AS subsidy_rate, 0::bigint AS subsidy_days"
    if plan.reduced:
        days += " - COALESCE(f.days, 0)"
        joins += " LEFT JOIN off f USING (no, tariff_id, version_id)"
    if plan.rates == 1:
        rate_days = f"COALESCE(k.rate, 0) * {_ONE_RATE_DAYS}"
        scheme = f"k.id AS scheme_id, k.rate AS subsidy_rate, {_ONE_RATE_DAYS} AS subsidy_days"
        joins += _ONE_RATE
    elif plan.rates:
        rate_days = "COALESCE(n.rate_days, 0)"
        scheme = "n.scheme_id, n.rate AS subsidy_rate, COALESCE(n.days, 0) AS subsidy_days"
        joins += " LEFT JOIN net n USING (no, tariff_id, version_id)"
    return _DATED.format(days=days, rate_days=rate_days, scheme=scheme, joins=joins)


def _unbilled(plan: Plan, unit: str | None, tariff: str, detail: str | None = None) -> str:
    """On a repeat, leave out what has a live line.

    Charges by days count as billed whatever version they came from: a price written after
    the bills went out is corrected by notes, never billed on top.
    """
    if not plan.billed:
        return ""
    same = [f"x.tariff_id = {tariff}"]
    same += [f"x.unit_id = {unit}"] if unit else []
    same += [f"x.detail_id = {detail}"] if detail else []
    return f"AND NOT EXISTS (SELECT FROM run_billed x WHERE {' AND '.join(same)})"

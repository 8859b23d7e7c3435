"""Totals, digest and the four INSERTs of a run, from `run_holder` and `run_line`.

`posting` is the ledger's table: its rows come in one INSERT … SELECT into the entry that
`ledger.service.begin_entry` began in this transaction, and PostgreSQL refuses them unless
they balance. Equal to `postings.issued`.
"""

from __future__ import annotations

from app.billing.runs.plan import Plan
from app.ledger.chart import HELD_FOR_OWNERS, RECEIVABLE, SUBSIDY_RECEIVABLE

# Lines of nothing stay in run_line, so that the summary can say why a unit was left out.
TOTALS = """
SELECT COALESCE(sum(lines), 0)::bigint AS line_count, count(*) AS bill_count,
       count(DISTINCT unit_id) AS unit_count, COALESCE(max(no), 0) AS last_no,
       COALESCE(sum(gross_fen), 0)::bigint AS gross_fen,
       COALESCE(sum(subsidy_fen), 0)::bigint AS subsidy_fen,
       COALESCE(sum(resident_fen), 0)::bigint AS resident_fen
  FROM (SELECT no, unit_id, count(*) AS lines, sum(gross_fen) AS gross_fen,
               sum(subsidy_fen) AS subsidy_fen, sum(resident_fen) AS resident_fen
          FROM run_line WHERE gross_fen > 0 GROUP BY no, unit_id) b
"""

# Over everything that will be written, in an order that is the same whenever it is computed.
DIGEST = """
SELECT encode(sha256(convert_to(COALESCE(string_agg(
         concat_ws('|', l.unit_id, l.party, l.tariff_id, l.version_id, l.detail_id, l.quantity,
                   l.price, l.days, l.whole_gross_fen, l.gross_fen, l.subsidy_fen, l.scheme_id,
                   l.subsidy_rate, l.subsidy_days, h.payer_id, h.starts_on, h.ends_on),
         ';' ORDER BY l.unit_id, l.party, l.tariff_id, l.detail_id), ''), 'UTF8')), 'hex') AS digest
  FROM run_line l JOIN run_holder h USING (no) WHERE l.gross_fen > 0
"""

BILLS = """
INSERT INTO bill (community_id, id, run_id, unit_id, party, payer_id, month, starts_on, ends_on,
                  due_on, gross_fen, subsidy_fen, resident_fen)
SELECT :c, :base + h.no, :run, h.unit_id, h.party, h.payer_id, :first, h.starts_on, h.ends_on,
       :due_on, l.gross_fen, l.subsidy_fen, l.gross_fen - l.subsidy_fen
  FROM run_holder h
  JOIN (SELECT no, sum(gross_fen)::bigint AS gross_fen, sum(subsidy_fen)::bigint AS subsidy_fen
          FROM run_line WHERE gross_fen > 0 GROUP BY no) l USING (no)
 ORDER BY h.no
"""

# Plainly, without ON CONFLICT: what was billed before is not in run_line, so a line met here
# again was billed behind the run's lock, and then the whole run is given up.
LINES = """
INSERT INTO bill_line (community_id, bill_id, no, unit_id, month, party, tariff_id, version_id,
                       detail_id, quantity, price, days, month_days, whole_gross_fen,
                       whole_subsidy_fen, gross_fen, subsidy_fen, resident_fen, scheme_id,
                       subsidy_rate, subsidy_days)
SELECT :c, :base + no, row_number() OVER (PARTITION BY no ORDER BY position, tariff_id, detail_id),
       unit_id, :first, party, tariff_id, version_id, detail_id, quantity, price, days, :days,
       whole_gross_fen, whole_subsidy_fen, gross_fen, subsidy_fen, resident_fen, scheme_id,
       subsidy_rate, subsidy_days
  FROM run_line WHERE gross_fen > 0
"""

_POSTINGS = """
INSERT INTO posting (community_id, entry_id, no, book, account_code, unit_id, amount_fen)
SELECT :c, :entry, row_number() OVER (ORDER BY p.side, p.unit_id, p.account_code), 'service',
       p.account_code, p.unit_id, p.amount_fen
  FROM (
    SELECT 1 AS side, '{receivable}' AS account_code, unit_id,
           sum(resident_fen)::bigint AS amount_fen
      FROM run_line GROUP BY unit_id
    UNION ALL
    SELECT 2, '{subsidy}', NULL, sum(subsidy_fen)::bigint FROM run_line
    UNION ALL
    SELECT 3, {income}, NULL, -sum(l.gross_fen)::bigint
      FROM (SELECT tariff_id, sum(gross_fen) AS gross_fen FROM run_line GROUP BY tariff_id) l
      JOIN tariff t ON t.community_id = :c AND t.id = l.tariff_id
      JOIN ledger_account a ON a.community_id = :c AND a.book = 'service' AND a.code = t.income_code
     GROUP BY 2
  ) p
 WHERE p.amount_fen <> 0
"""


def postings(plan: Plan) -> str:
    """The statement that adds the entry's postings.

    Under 酬金制 income is held for the owners; what a tariff passes on stays where it says.
    """
    income = "t.income_code"
    if plan.fee_mode == "commission":
        income = f"CASE WHEN a.kind = 'income' THEN '{HELD_FOR_OWNERS}' ELSE t.income_code END"
    return _POSTINGS.format(receivable=RECEIVABLE, subsidy=SUBSIDY_RECEIVABLE, income=income)


# What a repeat might still have to bill: false means surely nothing.
_DATED_MISSING = """EXISTS (
  SELECT FROM tariff t
    JOIN tariff_version v ON v.community_id = :c AND v.tariff_id = t.id AND v.starts_on < :end
     AND (v.ends_on IS NULL OR v.ends_on > :first) AND v.price > 0
    JOIN unit u ON u.community_id = :c AND (t.unit_kinds = '{}' OR u.kind = ANY (t.unit_kinds))
     AND (u.area_m2 > 0 OR t.basis <> 'area')
     AND (u.billable_from IS NULL OR u.billable_from < :end)
     AND (u.billable_until IS NULL OR u.billable_until > :first)
     AND (u.status <> 'demolished' OR u.billable_until IS NOT NULL)
   WHERE t.community_id = :c AND t.basis IN ('area', 'unit')
     AND NOT EXISTS (SELECT FROM run_billed b WHERE b.unit_id = u.id AND b.tariff_id = t.id))"""
_SPACE_MISSING = """EXISTS (
  SELECT FROM tariff_quantity q WHERE q.community_id = :c
     AND q.starts_on < :end AND (q.ends_on IS NULL OR q.ends_on > :first)
     AND NOT EXISTS (SELECT FROM run_billed b
                      WHERE b.unit_id = q.unit_id AND b.tariff_id = q.tariff_id))"""
_READ_MISSING = """EXISTS (
  SELECT FROM meter_reading r JOIN meter m ON m.community_id = :c AND m.id = r.meter_id
   WHERE r.community_id = :c AND r.month = :first AND r.reading > r.previous
     AND NOT EXISTS (SELECT FROM run_billed b
                      WHERE b.tariff_id = m.tariff_id AND b.detail_id = r.id))"""
_SHARED_MISSING = """EXISTS (
  SELECT FROM shared_cost s WHERE s.community_id = :c AND s.month = :first
     AND NOT EXISTS (SELECT FROM run_billed b
                      WHERE b.tariff_id = s.tariff_id AND b.detail_id = s.id))"""
_ONE_OFF_MISSING = """EXISTS (
  SELECT FROM one_off_charge o
   WHERE o.community_id = :c AND o.month = :first AND o.cancelled_at IS NULL
     AND NOT EXISTS (SELECT FROM run_billed b
                      WHERE b.tariff_id = o.tariff_id AND b.detail_id = o.id))"""


def missing(plan: Plan) -> str:
    """The question whether a month already billed may have anything left to bill."""
    asked = [_DATED_MISSING]
    asked += [_SPACE_MISSING] if plan.spaces else []
    asked += [_READ_MISSING] if plan.read else []
    asked += [_SHARED_MISSING] if plan.shared else []
    asked += [_ONE_OFF_MISSING] if plan.one_off else []
    return "SELECT " + " OR ".join(asked) + " AS missing"

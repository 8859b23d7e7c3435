"""The check of postings in one pass, and never by reading a whole table.

PL/pgSQL keeps the plan of its first call: one made while the books were empty would read
all entries for each entry of a later run. So these functions plan without such reads.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

POSTINGS_FUNCTION = """
CREATE OR REPLACE FUNCTION check_postings() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE wrong record;
BEGIN
  SELECT t.community_id, t.entry_id, t.off, b.closed_through, e.month,
         (e.txid <> pg_current_xact_id() OR s.entry_id IS NOT NULL) AS complete INTO wrong
    FROM (SELECT a.community_id, a.entry_id, sum(a.amount_fen) AS off FROM added a
           GROUP BY 1, 2) t
    LEFT JOIN entry e ON e.community_id = t.community_id AND e.id = t.entry_id
    LEFT JOIN book b ON b.community_id = e.community_id AND b.code = e.book
    LEFT JOIN entry_seal s ON s.community_id = t.community_id AND s.entry_id = t.entry_id
   WHERE t.off IS DISTINCT FROM 0 OR e.txid <> pg_current_xact_id()
      OR s.entry_id IS NOT NULL OR e.month <= b.closed_through
   LIMIT 1;
  IF FOUND AND wrong.off IS DISTINCT FROM 0 THEN
    RAISE EXCEPTION 'entry % of community % is off by % fen',
      wrong.entry_id, wrong.community_id, wrong.off
      USING ERRCODE = '23514', CONSTRAINT = 'ck_posting__balanced';
  ELSIF FOUND AND wrong.complete THEN
    RAISE EXCEPTION 'entry % of community % is complete: postings come with their entry',
      wrong.entry_id, wrong.community_id
      USING ERRCODE = '23514', CONSTRAINT = 'ck_posting__own_transaction';
  ELSIF FOUND THEN
    RAISE EXCEPTION 'the book of entry % of community % is closed through %',
      wrong.entry_id, wrong.community_id, wrong.closed_through
      USING ERRCODE = '23514', CONSTRAINT = 'ck_posting__month_open';
  END IF;
  SELECT a.community_id, a.account_code INTO wrong FROM added a
    JOIN ledger_account l ON l.community_id = a.community_id AND l.book = a.book
     AND l.code = a.account_code
   WHERE a.unit_id IS NULL AND l.by_unit LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'account % is kept by unit', wrong.account_code
      USING ERRCODE = '23514', CONSTRAINT = 'ck_posting__unit';
  END IF;
  RETURN NULL;
END $$
"""

# As 0014 had it.
OLD_POSTINGS_FUNCTION = """
CREATE OR REPLACE FUNCTION check_postings() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE wrong record;
BEGIN
  SELECT a.community_id, a.entry_id, sum(a.amount_fen) AS off INTO wrong FROM added a
   GROUP BY 1, 2 HAVING sum(a.amount_fen) IS DISTINCT FROM 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'entry % of community % is off by % fen',
      wrong.entry_id, wrong.community_id, wrong.off
      USING ERRCODE = '23514', CONSTRAINT = 'ck_posting__balanced';
  END IF;
  SELECT e.community_id, e.id INTO wrong FROM entry e
    JOIN (SELECT DISTINCT a.community_id, a.entry_id FROM added a) a
      ON a.community_id = e.community_id AND a.entry_id = e.id
    LEFT JOIN entry_seal s ON s.community_id = e.community_id AND s.entry_id = e.id
   WHERE e.txid <> pg_current_xact_id() OR s.entry_id IS NOT NULL LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'entry % of community % is complete: postings come with their entry',
      wrong.id, wrong.community_id
      USING ERRCODE = '23514', CONSTRAINT = 'ck_posting__own_transaction';
  END IF;
  SELECT e.community_id, e.id, b.closed_through INTO wrong FROM entry e
    JOIN (SELECT DISTINCT a.community_id, a.entry_id FROM added a) a
      ON a.community_id = e.community_id AND a.entry_id = e.id
    JOIN book b ON b.community_id = e.community_id AND b.code = e.book
   WHERE e.month <= b.closed_through LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the book of entry % of community % is closed through %',
      wrong.id, wrong.community_id, wrong.closed_through
      USING ERRCODE = '23514', CONSTRAINT = 'ck_posting__month_open';
  END IF;
  SELECT a.community_id, a.account_code INTO wrong FROM added a
    JOIN ledger_account l ON l.community_id = a.community_id AND l.book = a.book
     AND l.code = a.account_code
   WHERE l.by_unit AND a.unit_id IS NULL LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'account % is kept by unit', wrong.account_code
      USING ERRCODE = '23514', CONSTRAINT = 'ck_posting__unit';
  END IF;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute(POSTINGS_FUNCTION)
    op.execute("ALTER FUNCTION check_entry_has_postings() SET enable_seqscan = off")


def downgrade() -> None:
    op.execute("ALTER FUNCTION check_entry_has_postings() RESET enable_seqscan")
    op.execute(OLD_POSTINGS_FUNCTION)

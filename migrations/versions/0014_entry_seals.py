"""Every entry is sealed at commit: a digest over it, its postings and the seal before it.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# What is sealed, as one text; docs/bookkeeping.md tells an auditor how to compute it anew.
# Free texts carry their length, so that no two entries read alike.
POSTING_TEXT = """
CREATE FUNCTION posting_text(no integer, account_code text, unit_id bigint, amount_fen bigint)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT no::text || '|' || account_code || '|' || coalesce(unit_id::text, '')
    || '|' || amount_fen::text
$$
"""
ENTRY_TEXT = """
CREATE FUNCTION entry_text(e entry) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT e.community_id::text || '|' || e.id::text || '|' || e.book
    || '|' || to_char(e.month::timestamp, 'YYYY-MM') || '|'
    || to_char(e.posted_on::timestamp, 'YYYY-MM-DD')
    || '|' || length(e.kind)::text || ':' || e.kind
    || '|' || length(e.source)::text || ':' || e.source
    || '|' || length(e.memo)::text || ':' || e.memo
    || '|' || coalesce(e.reverses_id::text, '') || '|' || coalesce(e.resolution_id::text, '')
    || '|' || coalesce(e.created_by::text, '') || '|' || e.txid::text
    || '|' || to_char(e.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$
"""
CONTENT_VIEW = """
CREATE VIEW entry_content WITH (security_invoker = true) AS
SELECT e.community_id, e.id AS entry_id, e.book, e.month,
       convert_to(entry_text(e) || E'\\n' || p.body, 'UTF8') AS content
  FROM entry e
  JOIN (SELECT community_id, entry_id,
               string_agg(posting_text(no, account_code, unit_id, amount_fen), E'\\n'
                          ORDER BY no) AS body
          FROM posting GROUP BY community_id, entry_id) p
    ON p.community_id = e.community_id AND p.entry_id = e.id
"""

SEAL_FUNCTION = """
CREATE OR REPLACE FUNCTION check_entry_has_postings() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE body text; before bytea;
BEGIN
  SELECT string_agg(posting_text(no, account_code, unit_id, amount_fen), E'\\n' ORDER BY no)
    INTO body FROM posting WHERE community_id = NEW.community_id AND entry_id = NEW.id;
  IF body IS NULL THEN
    RAISE EXCEPTION 'entry % of community % has no postings', NEW.id, NEW.community_id
      USING ERRCODE = '23514', CONSTRAINT = 'ck_entry__postings';
  END IF;
  SELECT digest INTO before FROM entry_seal
   WHERE community_id = NEW.community_id AND entry_id = NEW.id - 1;
  INSERT INTO entry_seal (community_id, entry_id, digest)
  VALUES (NEW.community_id, NEW.id,
          sha256(coalesce(before, '') || convert_to(entry_text(NEW) || E'\\n' || body, 'UTF8')));
  RETURN NULL;
END $$
"""

# The transaction and the instant of an entry are PostgreSQL's to say, not the writer's.
ENTRY_FUNCTION = """
CREATE OR REPLACE FUNCTION check_entry_month() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE closed date;
BEGIN
  SELECT closed_through INTO closed FROM book
   WHERE community_id = NEW.community_id AND code = NEW.book FOR SHARE;
  IF NEW.month <= closed THEN
    RAISE EXCEPTION 'book % of community % is closed through %',
      NEW.book, NEW.community_id, closed
      USING ERRCODE = '23514', CONSTRAINT = 'ck_entry__month_open';
  END IF;
  NEW.txid := pg_current_xact_id();
  NEW.created_at := now();
  RETURN NEW;
END $$
"""

# A seal ends an entry even where its transaction's number comes again, as after a restore.
POSTINGS_FUNCTION = """
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

SEAL_WHAT_IS_THERE = """
DO $$
DECLARE one record; before bytea; community bigint := 0;
BEGIN
  FOR one IN SELECT community_id, entry_id, content FROM entry_content ORDER BY 1, 2 LOOP
    IF one.community_id <> community THEN
      community := one.community_id;
      before := '';
    END IF;
    before := sha256(before || one.content);
    INSERT INTO entry_seal (community_id, entry_id, digest)
    VALUES (one.community_id, one.entry_id, before);
  END LOOP;
END $$
"""

# As 0004 had them.
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
   WHERE e.txid <> pg_current_xact_id() LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'entry % of community % is complete: postings come with their entry',
      wrong.id, wrong.community_id
      USING ERRCODE = '23514', CONSTRAINT = 'ck_posting__own_transaction';
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
OLD_ENTRY_FUNCTION = """
CREATE OR REPLACE FUNCTION check_entry_month() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE closed date;
BEGIN
  SELECT closed_through INTO closed FROM book
   WHERE community_id = NEW.community_id AND code = NEW.book FOR SHARE;
  IF NEW.month <= closed THEN
    RAISE EXCEPTION 'book % of community % is closed through %',
      NEW.book, NEW.community_id, closed
      USING ERRCODE = '23514', CONSTRAINT = 'ck_entry__month_open';
  END IF;
  RETURN NEW;
END $$
"""
OLD_EMPTY_FUNCTION = """
CREATE OR REPLACE FUNCTION check_entry_has_postings() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM posting
                  WHERE community_id = NEW.community_id AND entry_id = NEW.id) THEN
    RAISE EXCEPTION 'entry % of community % has no postings', NEW.id, NEW.community_id
      USING ERRCODE = '23514', CONSTRAINT = 'ck_entry__postings';
  END IF;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "entry_seal",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "entry_id"],
            ["entry.community_id", "entry.id"],
            name=op.f("fk_entry_seal__community_id_entry_id"),
        ),
        sa.PrimaryKeyConstraint("community_id", "entry_id", name=op.f("pk_entry_seal")),
    )
    # The highest number among the month's entries: a higher one came after the closing.
    op.add_column("month_close", sa.Column("last_entry_id", sa.BigInteger(), nullable=True))
    for statement in (POSTING_TEXT, ENTRY_TEXT, CONTENT_VIEW, SEAL_WHAT_IS_THERE):
        op.execute(statement)
    for statement in (SEAL_FUNCTION, ENTRY_FUNCTION, POSTINGS_FUNCTION):
        op.execute(statement)
    guards.tenant("entry_seal", verbs="SELECT")  # only the trigger of `entry` adds to it
    guards.grant("entry_content", verbs="SELECT")
    op.execute(
        "CREATE TRIGGER entry_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON entry_seal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for statement in (OLD_POSTINGS_FUNCTION, OLD_ENTRY_FUNCTION, OLD_EMPTY_FUNCTION):
        op.execute(statement)
    op.execute("DROP VIEW entry_content")
    op.execute("DROP FUNCTION entry_text(entry)")
    op.execute("DROP FUNCTION posting_text(integer, text, bigint, bigint)")
    op.drop_column("month_close", "last_entry_id")
    op.drop_table("entry_seal")

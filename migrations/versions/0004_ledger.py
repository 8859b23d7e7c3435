"""Ledger tables.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Postings balance within the statement that adds them, belong to an entry of this very
# transaction, and name a unit where the account is kept by unit.
POSTINGS_FUNCTION = """
CREATE FUNCTION check_postings() RETURNS trigger LANGUAGE plpgsql
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

# FOR SHARE: a closing waits for entries on their way, and they for it.
ENTRY_FUNCTION = """
CREATE FUNCTION check_entry_month() RETURNS trigger LANGUAGE plpgsql
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

EMPTY_FUNCTION = """
CREATE FUNCTION check_entry_has_postings() RETURNS trigger LANGUAGE plpgsql
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

FORWARD_FUNCTION = """
CREATE FUNCTION check_book_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.closed_through IS NULL OR NEW.closed_through <= OLD.closed_through THEN
    RAISE EXCEPTION 'a closed month stays closed'
      USING ERRCODE = '23514', CONSTRAINT = 'ck_book__forward';
  END IF;
  RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "book",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("closed_through", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "code IN ('service', 'fund', 'commons', 'backstop')", name=op.f("ck_book__code")
        ),
        sa.CheckConstraint(
            "EXTRACT(DAY FROM closed_through) = 1", name=op.f("ck_book__first_of_month")
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_book__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "code", name=op.f("pk_book")),
    )
    op.create_table(
        "entry",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("memo", sa.Text(), server_default="", nullable=False),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("resolution_id", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "txid", guards.Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("EXTRACT(DAY FROM month) = 1", name=op.f("ck_entry__first_of_month")),
        sa.ForeignKeyConstraint(
            ["community_id", "book"],
            ["book.community_id", "book.code"],
            name=op.f("fk_entry__community_id_book"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "reverses_id"],
            ["entry.community_id", "entry.id"],
            name=op.f("fk_entry__community_id_reverses_id"),
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_entry")),
        sa.UniqueConstraint(
            "community_id", "id", "book", name=op.f("uq_entry__community_id_id_book")
        ),
        sa.UniqueConstraint(
            "community_id", "kind", "source", name=op.f("uq_entry__community_id_kind_source")
        ),
        sa.UniqueConstraint(
            "community_id", "reverses_id", name=op.f("uq_entry__community_id_reverses_id")
        ),
    )
    op.create_index("ix_entry__month", "entry", ["community_id", "book", "month"], unique=False)
    op.create_table(
        "ledger_account",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by_unit", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('asset', 'liability', 'equity', 'income', 'expense')",
            name=op.f("ck_ledger_account__kind"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "book"],
            ["book.community_id", "book.code"],
            name=op.f("fk_ledger_account__community_id_book"),
        ),
        sa.PrimaryKeyConstraint("community_id", "book", "code", name=op.f("pk_ledger_account")),
    )
    op.create_table(
        "month_close",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "book"],
            ["book.community_id", "book.code"],
            name=op.f("fk_month_close__community_id_book"),
        ),
        sa.PrimaryKeyConstraint("community_id", "book", "month", name=op.f("pk_month_close")),
    )
    op.create_table(
        "closing_balance",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("account_code", sa.Text(), nullable=False),
        sa.Column("balance_fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "book", "account_code"],
            ["ledger_account.community_id", "ledger_account.book", "ledger_account.code"],
            name=op.f("fk_closing_balance__community_id_book_account_code"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "book", "month"],
            ["month_close.community_id", "month_close.book", "month_close.month"],
            name=op.f("fk_closing_balance__community_id_book_month"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "book", "month", "account_code", name=op.f("pk_closing_balance")
        ),
    )
    op.create_table(
        "posting",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("account_code", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen <> 0", name=op.f("ck_posting__amount")),
        sa.ForeignKeyConstraint(
            ["community_id", "book", "account_code"],
            ["ledger_account.community_id", "ledger_account.book", "ledger_account.code"],
            name=op.f("fk_posting__community_id_book_account_code"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "entry_id", "book"],
            ["entry.community_id", "entry.id", "entry.book"],
            name=op.f("fk_posting__community_id_entry_id_book"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "unit_id"],
            ["unit.community_id", "unit.id"],
            name=op.f("fk_posting__community_id_unit_id"),
        ),
        sa.PrimaryKeyConstraint("community_id", "entry_id", "no", name=op.f("pk_posting")),
    )
    op.create_index(
        "ix_posting__unit",
        "posting",
        ["community_id", "unit_id"],
        unique=False,
        postgresql_where=sa.text("unit_id IS NOT NULL"),
    )

    for function in (POSTINGS_FUNCTION, ENTRY_FUNCTION, EMPTY_FUNCTION, FORWARD_FUNCTION):
        op.execute(function)
    op.execute(
        "CREATE TRIGGER posting_check AFTER INSERT ON posting REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION check_postings()"
    )
    op.execute(
        "CREATE TRIGGER entry_month BEFORE INSERT ON entry"
        " FOR EACH ROW EXECUTE FUNCTION check_entry_month()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER entry_postings AFTER INSERT ON entry"
        " DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION check_entry_has_postings()"
    )
    op.execute(
        "CREATE TRIGGER book_forward BEFORE UPDATE OF closed_through ON book"
        " FOR EACH ROW EXECUTE FUNCTION check_book_forward()"
    )
    guards.tenant("book", "ledger_account", verbs="SELECT, INSERT")
    op.execute(f"GRANT UPDATE (closed_through) ON book TO {guards.APP_ROLE}")
    guards.append_only("entry", "posting", "month_close", "closing_balance")


def downgrade() -> None:
    op.drop_table("posting")
    op.drop_table("closing_balance")
    op.drop_table("month_close")
    op.drop_table("ledger_account")
    op.drop_table("entry")
    op.drop_table("book")
    for function in (
        "check_postings",
        "check_entry_month",
        "check_entry_has_postings",
        "check_book_forward",
    ):
        op.execute(f"DROP FUNCTION {function}()")

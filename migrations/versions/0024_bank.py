"""Bank accounts, statement files, their lines and matches; the daily check and what differs.

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BOOKS = "('service', 'fund', 'commons', 'backstop')"
SAID = (
    "community_id, id, created_at, account_id, file_id, key, row, booked_on, booked_at,"
    " amount_fen, balance_fen, fee_fen, counterparty, counterparty_tail, remark, reference,"
    " order_no, kind"
)
NEW_SAID = ", ".join(f"NEW.{one.strip()}" for one in SAID.split(","))
OLD_SAID = ", ".join(f"OLD.{one.strip()}" for one in SAID.split(","))
TARGET = "community_id, id, created_at, line_id, kind, payment_id, payout_id, entry_id, amount_fen"
NEW_TARGET = ", ".join(f"NEW.{one.strip()}" for one in TARGET.split(","))
OLD_TARGET = ", ".join(f"OLD.{one.strip()}" for one in TARGET.split(","))

KEEP_LINE = f"""
CREATE FUNCTION keep_bank_line() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP <> 'UPDATE' OR ({NEW_SAID}) IS DISTINCT FROM ({OLD_SAID}) THEN
    RAISE EXCEPTION 'what a bank said is never changed' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
"""

# Locks line, payment and payout in this order, so that two matches of one are counted together.
KEEP_MATCH = f"""
CREATE FUNCTION keep_bank_match() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE whole bigint; taken bigint;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF ({NEW_TARGET}) IS DISTINCT FROM ({OLD_TARGET})
       OR OLD.undone_at IS NOT NULL THEN
      RAISE EXCEPTION 'a match stays as it was made' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  SELECT amount_fen INTO whole FROM bank_line
   WHERE community_id = NEW.community_id AND id = NEW.line_id FOR NO KEY UPDATE;
  SELECT COALESCE(sum(amount_fen), 0) INTO taken FROM bank_match
   WHERE community_id = NEW.community_id AND line_id = NEW.line_id AND undone_at IS NULL;
  IF sign(NEW.amount_fen) <> sign(whole) OR abs(taken + NEW.amount_fen) > abs(whole) THEN
    RAISE EXCEPTION 'more is matched than the line has' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.payment_id IS NOT NULL THEN
    SELECT amount_fen INTO whole FROM payment
     WHERE community_id = NEW.community_id AND id = NEW.payment_id FOR NO KEY UPDATE;
    SELECT COALESCE(sum(amount_fen), 0) INTO taken FROM bank_match
     WHERE community_id = NEW.community_id AND payment_id = NEW.payment_id AND undone_at IS NULL;
    IF taken + NEW.amount_fen NOT BETWEEN 0 AND whole THEN
      RAISE EXCEPTION 'more is matched than the payment has' USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  IF NEW.payout_id IS NOT NULL THEN
    SELECT amount_fen INTO whole FROM payout
     WHERE community_id = NEW.community_id AND id = NEW.payout_id FOR NO KEY UPDATE;
    SELECT COALESCE(sum(amount_fen), 0) INTO taken FROM bank_match
     WHERE community_id = NEW.community_id AND payout_id = NEW.payout_id AND undone_at IS NULL;
    IF abs(taken + NEW.amount_fen) > abs(whole) OR sign(NEW.amount_fen) <> sign(whole) THEN
      RAISE EXCEPTION 'more is matched than the payout has' USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$
"""


def upgrade() -> None:
    _accounts()
    _files()
    _lines()
    _matches()
    _checks()
    guards.tenant(
        "bank_account",
        "statement_file",
        "bank_line",
        "bank_match",
        "check_day",
        "check_difference",
        verbs="SELECT, INSERT, UPDATE",
    )
    op.execute(KEEP_LINE)
    op.execute(KEEP_MATCH)
    op.execute(
        "CREATE TRIGGER bank_line_kept BEFORE UPDATE OR DELETE ON bank_line"
        " FOR EACH ROW EXECUTE FUNCTION keep_bank_line()"
    )
    op.execute(
        "CREATE TRIGGER bank_match_kept BEFORE INSERT OR UPDATE ON bank_match"
        " FOR EACH ROW EXECUTE FUNCTION keep_bank_match()"
    )


def _row(table: str, *columns: sa.Column) -> None:
    """A community's row: its key, its columns, when it was written."""
    op.create_table(
        table,
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *columns,
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f(f"fk_{table}__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f(f"pk_{table}")),
    )


def _check(table: str, name: str, rule: str) -> None:
    op.create_check_constraint(op.f(f"ck_{table}__{name}"), table, rule)


def _key(table: str, column: str, other: str) -> None:
    op.create_foreign_key(
        op.f(f"fk_{table}__community_id_{column}"),
        table,
        other,
        ["community_id", column],
        ["community_id", "id"],
    )


def _text(name: str, default: str | None = "") -> sa.Column:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _fen(name: str, default: str | None = None, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), server_default=default, nullable=nullable)


def _instant(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _accounts() -> None:
    _row(
        "bank_account",
        _text("book", None),
        _text("kind", None),
        _text("name", None),
        _text("tail"),
        _text("source"),
        sa.Column("mapping", postgresql.JSONB(), nullable=True),
        sa.Column("checked_from", sa.Date(), nullable=False),
        _fen("opened_by", nullable=True),
        _instant("closed_at"),
    )
    _check("bank_account", "book", f"book IN {BOOKS}")
    _check("bank_account", "kind", "kind IN ('bank', 'wechat', 'alipay')")
    _check("bank_account", "name", "name <> '' AND length(tail) <= 4")
    op.create_index(
        "uq_bank_account__open",
        "bank_account",
        ["community_id", "book", "kind", "name", "tail"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _files() -> None:
    _row(
        "statement_file",
        _fen("account_id"),
        _fen("file_id"),
        _text("name", None),
        _text("sha256", None),
        _text("status", "reading"),
        _text("source"),
        _fen("line_count", "0"),
        _fen("new_count", "0"),
        _fen("known_count", "0"),
        _fen("in_fen", "0"),
        _fen("out_fen", "0"),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        _fen("opening_fen", nullable=True),
        _fen("closing_fen", nullable=True),
        sa.Column("notices", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("sample", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("columns", postgresql.JSONB(), nullable=True),
        sa.Column("mapping", postgresql.JSONB(), nullable=True),
        _text("refusal"),
        sa.Column("refusal_params", postgresql.JSONB(), server_default="{}", nullable=False),
        _fen("reads", "1"),
        _fen("uploaded_by", nullable=True),
        _fen("applied_by", nullable=True),
        _instant("applied_at"),
    )
    _check(
        "statement_file",
        "status",
        "status IN ('reading', 'columns', 'ready', 'refused', 'applying', 'applied')",
    )
    _check("statement_file", "refusal", "(status = 'refused') = (refusal <> '')")
    _check("statement_file", "counts", "new_count + known_count <= line_count")
    op.create_unique_constraint(
        op.f("uq_statement_file__community_id_account_id_sha256"),
        "statement_file",
        ["community_id", "account_id", "sha256"],
    )
    _key("statement_file", "account_id", "bank_account")
    _key("statement_file", "file_id", "stored_file")


def _lines() -> None:
    _row(
        "bank_line",
        _fen("account_id"),
        _fen("file_id"),
        _text("key", None),
        _fen("row"),
        sa.Column("booked_on", sa.Date(), nullable=False),
        _instant("booked_at"),
        _fen("amount_fen"),
        _fen("balance_fen", nullable=True),
        _fen("fee_fen", "0"),
        _text("counterparty"),
        _text("counterparty_tail"),
        _text("remark"),
        _text("reference"),
        _text("order_no"),
        _text("kind", None),
        _text("status", "unmatched"),
        sa.Column("proposal", postgresql.JSONB(), nullable=True),
        _fen("score", nullable=True),
        _text("reason"),
        _fen("explained_by", nullable=True),
        _instant("explained_at"),
    )
    for name, rule in (
        ("kind", "kind IN ('plain', 'refund', 'fee', 'neutral')"),
        ("status", "status IN ('unmatched', 'proposed', 'matched', 'explained')"),
        ("amount", "amount_fen <> 0"),
        ("explained", "(status = 'explained') = (reason <> '')"),
        ("proposed", "(status = 'proposed') = (score IS NOT NULL)"),
    ):
        _check("bank_line", name, rule)
    op.create_unique_constraint(
        op.f("uq_bank_line__community_id_account_id_key"),
        "bank_line",
        ["community_id", "account_id", "key"],
    )
    op.create_index("ix_bank_line__day", "bank_line", ["community_id", "account_id", "booked_on"])
    op.create_index(
        "ix_bank_line__waiting",
        "bank_line",
        ["community_id", "booked_on"],
        postgresql_where=sa.text("status IN ('unmatched', 'proposed')"),
    )
    _key("bank_line", "account_id", "bank_account")
    _key("bank_line", "file_id", "statement_file")


def _matches() -> None:
    _row(
        "bank_match",
        _fen("line_id"),
        _text("kind", None),
        _fen("payment_id", nullable=True),
        _fen("payout_id", nullable=True),
        _fen("entry_id", nullable=True),
        _fen("amount_fen"),
        _fen("score", "0"),
        _fen("made_by", nullable=True),
        _instant("undone_at"),
        _fen("undone_by", nullable=True),
        _text("undone_reason"),
    )
    for name, rule in (
        ("kind", "kind IN ('payment', 'payout', 'deposit', 'entry', 'fee', 'own')"),
        ("amount", "amount_fen <> 0"),
        ("score", "score BETWEEN 0 AND 100"),
        (
            "target",
            "(kind = 'payment') = (payment_id IS NOT NULL)"
            " AND (kind = 'payout') = (payout_id IS NOT NULL)"
            " AND (kind IN ('payment', 'payout') OR entry_id IS NOT NULL)",
        ),
        ("undone", "(undone_at IS NULL) = (undone_reason = '')"),
    ):
        _check("bank_match", name, rule)
    for column, other in (
        ("line_id", "bank_line"),
        ("payment_id", "payment"),
        ("payout_id", "payout"),
        ("entry_id", "entry"),
    ):
        name = column.removesuffix("_id")
        op.create_index(f"ix_bank_match__{name}", "bank_match", ["community_id", column])
        _key("bank_match", column, other)


def _checks() -> None:
    _row(
        "check_day",
        _text("book", None),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        _fen("found_count", "0"),
        _instant("checked_at", nullable=False),
    )
    _check("check_day", "book", f"book IN {BOOKS}")
    op.create_unique_constraint(
        op.f("uq_check_day__community_id_book_day"), "check_day", ["community_id", "book", "day"]
    )
    _row(
        "check_difference",
        _text("book", None),
        _text("subject", None),
        _text("kind", None),
        sa.Column("day", sa.Date(), nullable=False),
        _fen("amount_fen"),
        _instant("found_at", nullable=False),
        _instant("gone_at"),
        _text("reason"),
        _fen("explained_by", nullable=True),
        _instant("explained_at"),
    )
    _check("check_difference", "book", f"book IN {BOOKS}")
    _check(
        "check_difference",
        "kind",
        "kind IN ('missing', 'late', 'partial', 'disputed', 'doubled', 'unmatched', 'unbacked')",
    )
    _check("check_difference", "explained", "(explained_at IS NULL) = (reason = '')")
    op.create_unique_constraint(
        op.f("uq_check_difference__community_id_subject"),
        "check_difference",
        ["community_id", "subject"],
    )
    op.create_index(
        "ix_check_difference__open",
        "check_difference",
        ["community_id", "day"],
        postgresql_where=sa.text("gone_at IS NULL AND explained_at IS NULL"),
    )


def downgrade() -> None:
    for table in (
        "check_difference",
        "check_day",
        "bank_match",
        "bank_line",
        "statement_file",
        "bank_account",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION keep_bank_match()")
    op.execute("DROP FUNCTION keep_bank_line()")

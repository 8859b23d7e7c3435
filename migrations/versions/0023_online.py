"""What the gateway says and does: notifications, refunds, disputes, payouts; its fee's account.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

AGREED = "('approved', 'sent', 'succeeded')"

# Who may give money back alone is the community's rule, so PostgreSQL itself reads it. What
# persons asked for of one payment counts together: splitting a refund does not dodge the rule.
SECOND_PERSON = """
CREATE FUNCTION ask_second_person() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
  NEW.needs_second := NEW.ground = 'person' AND NEW.amount_fen + COALESCE((
      SELECT sum(r.amount_fen) FROM refund r
       WHERE r.community_id = NEW.community_id AND r.payment_id = NEW.payment_id
         AND r.ground = 'person' AND r.status NOT IN ('rejected', 'failed')), 0)
    > (SELECT c.refund_alone_fen FROM community c WHERE c.id = NEW.community_id);
  RETURN NEW;
END $$
"""
# What was agreed to is what is sent: who, how much and of which payment never change.
KEEP_ASKED = """
CREATE FUNCTION keep_refund_as_asked() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
  IF (NEW.payment_id, NEW.amount_fen, NEW.ground, NEW.needs_second, NEW.requested_by, NEW.source)
     IS DISTINCT FROM
     (OLD.payment_id, OLD.amount_fen, OLD.ground, OLD.needs_second, OLD.requested_by, OLD.source)
  THEN
    RAISE EXCEPTION 'a refund stays as it was asked for' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
"""


def upgrade() -> None:
    _events()
    _refunds()
    _disputes()
    _payouts()
    guards.tenant("gateway_event", "refund", "dispute", "payout", verbs="SELECT, INSERT, UPDATE")
    guards.append_only("payout_line")
    op.execute(
        "INSERT INTO ledger_account (community_id, book, code, kind, by_unit)"
        " SELECT community_id, code, '6603', 'expense', false FROM book WHERE code = 'service'"
        " ON CONFLICT (community_id, book, code) DO NOTHING"
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


def _events() -> None:
    op.create_table(
        "gateway_event",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider", sa.Text(), server_default="stripe", nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text(), server_default="stored", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_gateway_event")),
    )
    _check("gateway_event", "status", "status IN ('stored', 'done', 'ignored', 'failed')")
    _check("gateway_event", "problem", "(status = 'failed') = (problem <> '')")
    op.create_index("uq_gateway_event__event_id", "gateway_event", ["event_id"], unique=True)
    op.create_index("ix_gateway_event__payment", "gateway_event", ["community_id", "payment_id"])
    op.create_index(
        "ix_gateway_event__failed",
        "gateway_event",
        ["community_id", "id"],
        postgresql_where=sa.text("status = 'failed'"),
    )


def _refunds() -> None:
    _row(
        "refund",
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="requested", nullable=False),
        sa.Column("needs_second", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=True),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gateway_refund_id", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
    )
    for name, rule in (
        (
            "status",
            "status IN ('requested', 'approved', 'sent', 'succeeded', 'failed', 'rejected')",
        ),
        ("ground", "ground IN ('person', 'overpaid', 'gateway')"),
        ("amount", "amount_fen > 0"),
        ("reason", "reason <> ''"),
        (
            "second_person",
            f"NOT needs_second OR status NOT IN {AGREED}"
            " OR (approved_by IS NOT NULL AND approved_by IS DISTINCT FROM requested_by)",
        ),
        (
            "persons",
            f"ground <> 'person' OR status NOT IN {AGREED}"
            " OR (requested_by IS NOT NULL AND approved_by IS NOT NULL)",
        ),
    ):
        _check("refund", name, rule)
    op.create_unique_constraint(
        op.f("uq_refund__community_id_source"), "refund", ["community_id", "source"]
    )
    op.create_index("uq_refund__gateway_refund_id", "refund", ["gateway_refund_id"], unique=True)
    op.create_index("ix_refund__payment", "refund", ["community_id", "payment_id"])
    _key("refund", "payment_id", "payment")
    _key("refund", "unit_id", "unit")
    op.execute(SECOND_PERSON)
    op.execute(KEEP_ASKED)
    op.execute(
        "CREATE TRIGGER refund_second_person BEFORE INSERT ON refund"
        " FOR EACH ROW EXECUTE FUNCTION ask_second_person()"
    )
    op.execute(
        "CREATE TRIGGER refund_as_asked BEFORE UPDATE ON refund"
        " FOR EACH ROW EXECUTE FUNCTION keep_refund_as_asked()"
    )


def _disputes() -> None:
    _row(
        "dispute",
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("gateway_dispute_id", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("held_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("due_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
    )
    _check("dispute", "status", "status IN ('inquiry', 'open', 'won', 'lost', 'closed')")
    _check("dispute", "amount", "amount_fen > 0")
    _check("dispute", "held", "held_fen BETWEEN 0 AND amount_fen")
    op.create_index(
        "uq_dispute__gateway_dispute_id", "dispute", ["gateway_dispute_id"], unique=True
    )
    op.create_index("ix_dispute__payment", "dispute", ["community_id", "payment_id"])
    _key("dispute", "payment_id", "payment")


def _payouts() -> None:
    _row(
        "payout",
        sa.Column("settlement_account_id", sa.BigInteger(), nullable=False),
        sa.Column("gateway_payout_id", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("arrives_on", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
    )
    _check("payout", "status", "status IN ('pending', 'paid', 'failed', 'canceled')")
    op.create_index("uq_payout__gateway_payout_id", "payout", ["gateway_payout_id"], unique=True)
    op.create_index("ix_payout__arrives", "payout", ["community_id", "arrives_on"])
    _key("payout", "settlement_account_id", "settlement_account")
    _key("payout", "entry_id", "entry")
    op.create_table(
        "payout_line",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payout_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gateway_transaction_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("dispute_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "payout_id", "no", name=op.f("pk_payout_line")),
    )
    _check("payout_line", "kind", "kind IN ('payment', 'refund', 'dispute', 'other')")
    op.create_index(
        "uq_payout_line__gateway", "payout_line", ["gateway_transaction_id"], unique=True
    )
    for column in ("payout", "payment", "refund", "dispute"):
        _key("payout_line", f"{column}_id", column)


def downgrade() -> None:
    op.drop_table("payout_line")
    op.drop_table("payout")
    op.drop_table("dispute")
    op.drop_table("refund")
    op.execute("DROP FUNCTION keep_refund_as_asked()")
    op.execute("DROP FUNCTION ask_second_person()")
    op.drop_table("gateway_event")
    op.execute(
        "DELETE FROM ledger_account a WHERE a.code = '6603' AND NOT EXISTS (SELECT FROM posting p"
        " WHERE p.community_id = a.community_id AND p.book = a.book AND p.account_code = a.code)"
    )

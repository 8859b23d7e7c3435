"""Receipts, requests for fapiao, shifts at the counter and what goes through a till.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

from collections.abc import Mapping

import guards
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BOOKS = "('service', 'fund', 'commons', 'backstop')"


def upgrade() -> None:
    _receipts()
    _fapiao()
    _shifts()
    _till()
    _fixed()


def _row(table: str, *columns: sa.Column, keys: Mapping[str, str], **rules: str) -> None:
    """A community's table: its columns, its keys to other tables, its named rules."""
    op.create_table(
        table,
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *columns,
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f(f"fk_{table}__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f(f"pk_{table}")),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_{table}__{name}"))
            for name, rule in rules.items()
        ),
    )
    for column, other in keys.items():
        op.create_foreign_key(
            op.f(f"fk_{table}__community_id_{column}"),
            table,
            other,
            ["community_id", column],
            ["community_id", "id"],
        )


def _text(name: str, *, default: str | None = None, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), server_default=default, nullable=nullable)


def _int(name: str, *, default: str | None = None, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), server_default=default, nullable=nullable)


def _at(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, INSTANT, nullable=nullable)


def _receipts() -> None:
    _row(
        "receipt",
        _text("book"),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("code"),
        _int("settlement_id"),
        _int("payment_id", nullable=True),
        _int("unit_id"),
        _text("unit_label"),
        _int("payer_id", nullable=True),
        _text("payer_name"),
        _int("amount_fen"),
        _int("credit_fen", default="0"),
        sa.Column("lines", JSONB(), nullable=False),
        _text("channel"),
        _text("means"),
        _text("reference", default=""),
        sa.Column("received_on", sa.Date(), nullable=False),
        _at("issued_at", nullable=False),
        _int("issued_by", nullable=True),
        _text("issuer_name", default=""),
        _int("returned_fen", default="0"),
        _at("voided_at"),
        _text("voided_reason", nullable=True),
        keys={
            "settlement_id": "settlement",
            "payment_id": "payment",
            "unit_id": "unit",
            "payer_id": "person",
        },
        book=f"book IN {BOOKS}",
        number="number > 0",
        amount="amount_fen > 0",
        credit="credit_fen BETWEEN 0 AND amount_fen",
        returned="returned_fen BETWEEN 0 AND amount_fen",
        voided="(returned_fen = amount_fen) = (voided_at IS NOT NULL)"
        " AND (voided_at IS NULL) = (voided_reason IS NULL)",
    )
    for columns in (["book", "year", "number"], ["settlement_id"], ["code"]):
        names = ["community_id", *columns]
        op.create_unique_constraint(op.f(f"uq_receipt__{'_'.join(names)}"), "receipt", names)
    op.create_index("ix_receipt__unit", "receipt", ["community_id", "unit_id"])
    op.create_index("ix_receipt__issued", "receipt", ["community_id", "issued_at"])
    op.create_index("ix_receipt__payment", "receipt", ["community_id", "payment_id"])


def _fapiao() -> None:
    _row(
        "fapiao_request",
        _int("receipt_id"),
        _text("title_kind"),
        _text("title"),
        _text("tax_number", default=""),
        _text("email", default=""),
        _int("amount_fen"),
        _text("status", default="asked"),
        _text("fapiao_number", nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        _text("reason", nullable=True),
        _int("asked_by", nullable=True),
        _int("decided_by", nullable=True),
        _at("decided_at"),
        keys={"receipt_id": "receipt"},
        title_kind="title_kind IN ('person', 'company')",
        status="status IN ('asked', 'issued', 'refused')",
        title="title <> ''",
        tax_number="title_kind = 'person' OR tax_number <> ''",
        amount="amount_fen > 0",
        decided="(status = 'asked') = (decided_at IS NULL)",
        issued="(status = 'issued') = (fapiao_number IS NOT NULL)"
        " AND (status = 'issued') = (issued_on IS NOT NULL)",
        refused="(status = 'refused') = (reason IS NOT NULL)",
    )
    op.create_index(
        "uq_fapiao_request__receipt",
        "fapiao_request",
        ["community_id", "receipt_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'refused'"),
    )
    op.create_index(
        "uq_fapiao_request__number",
        "fapiao_request",
        ["community_id", "fapiao_number"],
        unique=True,
    )
    op.create_index(
        "ix_fapiao_request__status", "fapiao_request", ["community_id", "status", "created_at"]
    )


def _shifts() -> None:
    _row(
        "shift",
        _int("cashier_id"),
        _text("cashier_name"),
        _at("opened_at", nullable=False),
        _int("float_fen", default="0"),
        _at("closed_at"),
        _int("counted_fen", nullable=True),
        _int("expected_fen", nullable=True),
        _int("difference_fen", nullable=True),
        sa.Column("notes_counted", JSONB(), nullable=True),
        _text("reason", default=""),
        _int("entry_id", nullable=True),
        _int("accepted_by", nullable=True),
        _text("accepted_name", default=""),
        _at("accepted_at"),
        keys={"entry_id": "entry"},
        float="float_fen >= 0",
        counted="counted_fen >= 0",
        closed="(closed_at IS NULL) = (counted_fen IS NULL)"
        " AND (closed_at IS NULL) = (expected_fen IS NULL)",
        difference="difference_fen = counted_fen - expected_fen",
        explained="COALESCE(difference_fen, 0) = 0 OR (reason <> '' AND entry_id IS NOT NULL)",
        accepted="accepted_at IS NULL OR (closed_at IS NOT NULL AND accepted_by <> cashier_id)",
    )
    op.create_index(
        "uq_shift__open",
        "shift",
        ["community_id", "cashier_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_shift__opened", "shift", ["community_id", "opened_at"])


def _till() -> None:
    _row(
        "till_movement",
        _int("shift_id"),
        _text("kind"),
        _text("means"),
        _int("amount_fen"),
        _text("key"),
        _int("payment_id", nullable=True),
        _int("entry_id", nullable=True),
        _int("tendered_fen", nullable=True),
        _text("reference", default=""),
        _text("note", default=""),
        _int("made_by", nullable=True),
        _int("approved_by", nullable=True),
        keys={"shift_id": "shift", "payment_id": "payment", "entry_id": "entry"},
        kind="kind IN ('taken', 'reversed', 'banked')",
        means="means IN ('cash', 'pos', 'transfer')",
        amount="amount_fen <> 0 AND (amount_fen > 0) = (kind = 'taken')",
        payment="(kind = 'banked') = (payment_id IS NULL)",
        banked="kind <> 'banked' OR (means = 'cash' AND reference <> '')",
        reversed="kind <> 'reversed' OR note <> ''",
    )
    op.create_unique_constraint(
        op.f("uq_till_movement__community_id_key"), "till_movement", ["community_id", "key"]
    )
    op.create_index("ix_till_movement__shift", "till_movement", ["community_id", "shift_id"])
    op.create_index("ix_till_movement__payment", "till_movement", ["community_id", "payment_id"])
    op.create_index(
        "uq_till_movement__taken",
        "till_movement",
        ["community_id", "payment_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'taken'"),
    )


# A receipt's text is fixed: only what went back may be written on it. A closed shift is fixed but
# for its acceptance, once; nothing goes through the till of a closed shift.
GUARDS = """
CREATE FUNCTION fixed_receipt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (to_jsonb(NEW) - ARRAY['returned_fen', 'voided_at', 'voided_reason'])
     <> (to_jsonb(OLD) - ARRAY['returned_fen', 'voided_at', 'voided_reason'])
     OR NEW.returned_fen < OLD.returned_fen THEN
    RAISE EXCEPTION 'a receipt is never changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER receipt_fixed BEFORE UPDATE ON receipt
  FOR EACH ROW EXECUTE FUNCTION fixed_receipt();
CREATE FUNCTION fixed_shift() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.closed_at IS NOT NULL AND (OLD.accepted_at IS NOT NULL OR
     (to_jsonb(NEW) - ARRAY['accepted_by', 'accepted_name', 'accepted_at'])
     <> (to_jsonb(OLD) - ARRAY['accepted_by', 'accepted_name', 'accepted_at'])) THEN
    RAISE EXCEPTION 'a closed shift is never changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER shift_fixed BEFORE UPDATE ON shift FOR EACH ROW EXECUTE FUNCTION fixed_shift();
CREATE FUNCTION open_till() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM shift WHERE community_id = NEW.community_id
      AND id = NEW.shift_id AND closed_at IS NULL FOR SHARE) THEN
    RAISE EXCEPTION 'the shift is closed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER till_movement_open BEFORE INSERT ON till_movement
  FOR EACH ROW EXECUTE FUNCTION open_till();
"""


def _fixed() -> None:
    guards.tenant("receipt", "fapiao_request", "shift", verbs="SELECT, INSERT, UPDATE")
    guards.append_only("till_movement")
    op.execute(GUARDS)


def downgrade() -> None:
    for table in ("till_movement", "shift", "fapiao_request", "receipt"):
        op.drop_table(table)
    for function in ("open_till", "fixed_shift", "fixed_receipt"):
        op.execute(f"DROP FUNCTION {function}()")

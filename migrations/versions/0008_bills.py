"""Bills tables.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bill_run",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), server_default="preview", nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("unit_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("bill_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("gross_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("subsidy_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("resident_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("input_hash", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "summary",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("prepared_by", sa.BigInteger(), nullable=True),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
        sa.Column("reversal_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(status IN ('issued', 'withdrawn')) = (issued_at IS NOT NULL)",
            name=op.f("ck_bill_run__issued"),
        ),
        sa.CheckConstraint(
            "status IN ('preview', 'issued', 'withdrawn', 'discarded')",
            name=op.f("ck_bill_run__status"),
        ),
        sa.CheckConstraint("EXTRACT(DAY FROM month) = 1", name=op.f("ck_bill_run__first_of_month")),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> prepared_by",
            name=op.f("ck_bill_run__two_persons"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "entry_id"],
            ["entry.community_id", "entry.id"],
            name=op.f("fk_bill_run__community_id_entry_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "reversal_id"],
            ["entry.community_id", "entry.id"],
            name=op.f("fk_bill_run__community_id_reversal_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_bill_run__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_bill_run")),
    )
    op.create_index("ix_bill_run__month", "bill_run", ["community_id", "month"], unique=False)
    op.create_index(
        "uq_bill_run__preview",
        "bill_run",
        ["community_id", "month"],
        unique=True,
        postgresql_where=sa.text("status = 'preview'"),
    )
    op.create_table(
        "bill",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.SmallInteger(), nullable=False),
        sa.Column("payer_id", sa.BigInteger(), nullable=True),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("subsidy_fen", sa.BigInteger(), nullable=False),
        sa.Column("resident_fen", sa.BigInteger(), nullable=False),
        sa.Column("notes_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("withdrawn", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "open_fen",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN withdrawn THEN 0 ELSE resident_fen + notes_fen - paid_fen END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("gross_fen = subsidy_fen + resident_fen", name=op.f("ck_bill__split")),
        sa.CheckConstraint(
            "gross_fen >= 0 AND subsidy_fen >= 0 AND resident_fen >= 0",
            name=op.f("ck_bill__not_negative"),
        ),
        sa.CheckConstraint(
            "paid_fen >= 0 AND resident_fen + notes_fen - paid_fen >= 0",
            name=op.f("ck_bill__not_overpaid"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "payer_id"],
            ["person.community_id", "person.id"],
            name=op.f("fk_bill__community_id_payer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "run_id"],
            ["bill_run.community_id", "bill_run.id"],
            name=op.f("fk_bill__community_id_run_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "unit_id"],
            ["unit.community_id", "unit.id"],
            name=op.f("fk_bill__community_id_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_bill__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_bill")),
        sa.UniqueConstraint(
            "community_id",
            "run_id",
            "unit_id",
            "party",
            name=op.f("uq_bill__community_id_run_id_unit_id_party"),
        ),
    )
    op.create_index(
        "ix_bill__open",
        "bill",
        ["community_id", "due_on", "unit_id"],
        unique=False,
        postgresql_include=["open_fen"],
        postgresql_where=sa.text("open_fen > 0"),
    )
    op.create_index("ix_bill__unit", "bill", ["community_id", "unit_id", "month"], unique=False)
    op.create_table(
        "settlement",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("credit_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_settlement__amount")),
        sa.CheckConstraint(
            "credit_fen BETWEEN 0 AND amount_fen", name=op.f("ck_settlement__credit")
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "entry_id"],
            ["entry.community_id", "entry.id"],
            name=op.f("fk_settlement__community_id_entry_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "unit_id"],
            ["unit.community_id", "unit.id"],
            name=op.f("fk_settlement__community_id_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_settlement__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_settlement")),
        sa.UniqueConstraint(
            "community_id", "source", name=op.f("uq_settlement__community_id_source")
        ),
    )
    op.create_index("ix_settlement__unit", "settlement", ["community_id", "unit_id"], unique=False)
    op.create_table(
        "allocation",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bill_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_allocation__amount")),
        sa.ForeignKeyConstraint(
            ["community_id", "bill_id"],
            ["bill.community_id", "bill.id"],
            name=op.f("fk_allocation__community_id_bill_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "settlement_id"],
            ["settlement.community_id", "settlement.id"],
            name=op.f("fk_allocation__community_id_settlement_id"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "settlement_id", "bill_id", name=op.f("pk_allocation")
        ),
    )
    op.create_index("ix_allocation__bill", "allocation", ["community_id", "bill_id"], unique=False)
    op.create_table(
        "bill_line",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bill_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("no", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("party", sa.SmallInteger(), nullable=False),
        sa.Column("tariff_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=True),
        sa.Column("detail_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("days", sa.Numeric(precision=8, scale=4), nullable=False),
        sa.Column("month_days", sa.SmallInteger(), nullable=False),
        sa.Column("whole_gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("whole_subsidy_fen", sa.BigInteger(), nullable=False),
        sa.Column("gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("subsidy_fen", sa.BigInteger(), nullable=False),
        sa.Column("resident_fen", sa.BigInteger(), nullable=False),
        sa.Column("scheme_id", sa.BigInteger(), nullable=True),
        sa.Column("subsidy_rate", sa.Numeric(precision=6, scale=4), nullable=True),
        sa.Column("subsidy_days", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("live", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint(
            "gross_fen = subsidy_fen + resident_fen", name=op.f("ck_bill_line__split")
        ),
        sa.CheckConstraint(
            "gross_fen >= 0 AND subsidy_fen >= 0 AND resident_fen >= 0",
            name=op.f("ck_bill_line__not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "bill_id"],
            ["bill.community_id", "bill.id"],
            name=op.f("fk_bill_line__community_id_bill_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "scheme_id"],
            ["subsidy_scheme.community_id", "subsidy_scheme.id"],
            name=op.f("fk_bill_line__community_id_scheme_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "tariff_id"],
            ["tariff.community_id", "tariff.id"],
            name=op.f("fk_bill_line__community_id_tariff_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "version_id"],
            ["tariff_version.community_id", "tariff_version.id"],
            name=op.f("fk_bill_line__community_id_version_id"),
        ),
        sa.PrimaryKeyConstraint("community_id", "bill_id", "no", name=op.f("pk_bill_line")),
    )
    op.create_index(
        "uq_bill_line__once",
        "bill_line",
        ["community_id", "month", "unit_id", "tariff_id", "detail_id", "party"],
        unique=True,
        postgresql_where=sa.text("live"),
    )
    op.create_table(
        "bill_note",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("bill_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("kind IN ('credit', 'debit')", name=op.f("ck_bill_note__kind")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_bill_note__reason")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_bill_note__amount")),
        sa.ForeignKeyConstraint(
            ["community_id", "bill_id"],
            ["bill.community_id", "bill.id"],
            name=op.f("fk_bill_note__community_id_bill_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "entry_id"],
            ["entry.community_id", "entry.id"],
            name=op.f("fk_bill_note__community_id_entry_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_bill_note__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_bill_note")),
    )
    op.create_index("ix_bill_note__bill", "bill_note", ["community_id", "bill_id"], unique=False)

    guards.tenant("bill_run", "bill", "bill_line", verbs="SELECT, INSERT, UPDATE")
    guards.append_only("bill_note", "settlement", "allocation")


def downgrade() -> None:
    op.drop_table("bill_note")
    op.drop_table("bill_line")
    op.drop_table("allocation")
    op.drop_table("settlement")
    op.drop_table("bill")
    op.drop_table("bill_run")

"""Subsidy tables.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subsidy_scheme",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("payer_region_id", sa.BigInteger(), nullable=False),
        sa.Column("agreement_no", sa.Text(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.Column("term_months", sa.SmallInteger(), server_default="36", nullable=False),
        sa.Column("convention", sa.Text(), server_default="inclusive_start", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("terminated_on", sa.Date(), nullable=True),
        sa.Column("termination_reason", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "unit_kinds",
            postgresql.ARRAY(sa.Text()),
            server_default="{residential}",
            nullable=False,
        ),
        sa.Column("include_unsold", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "include_developer", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "convention IN ('inclusive_start', 'civil_code_201')",
            name=op.f("ck_subsidy_scheme__convention"),
        ),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck_subsidy_scheme__days")),
        sa.CheckConstraint(
            "term_months BETWEEN 1 AND 120", name=op.f("ck_subsidy_scheme__term_months")
        ),
        sa.CheckConstraint(
            "terminated_on IS NULL OR terminated_on > starts_on",
            name=op.f("ck_subsidy_scheme__terminated"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_subsidy_scheme__community_id")
        ),
        sa.ForeignKeyConstraint(
            ["payer_region_id"], ["region.id"], name=op.f("fk_subsidy_scheme__payer_region_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_subsidy_scheme")),
        sa.UniqueConstraint(
            "community_id",
            "agreement_no",
            name=op.f("uq_subsidy_scheme__community_id_agreement_no"),
        ),
    )
    op.create_table(
        "cliff_notice",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("scheme_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("months_before", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "scheme_id"],
            ["subsidy_scheme.community_id", "subsidy_scheme.id"],
            name=op.f("fk_cliff_notice__community_id_scheme_id"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "scheme_id", "months_before", name=op.f("pk_cliff_notice")
        ),
    )
    op.create_table(
        "subsidy_step",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("scheme_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=6, scale=4), nullable=False),
        sa.Column("override_document", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "rate BETWEEN 0.50 AND 1.00 OR (rate >= 0 AND override_document <> '')",
            name=op.f("ck_subsidy_step__rate"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "scheme_id"],
            ["subsidy_scheme.community_id", "subsidy_scheme.id"],
            name=op.f("fk_subsidy_step__community_id_scheme_id"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "scheme_id", "starts_on", name=op.f("pk_subsidy_step")
        ),
    )
    op.create_table(
        "subsidy_exclusion",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("scheme_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("included", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_subsidy_exclusion__reason")),
        sa.ForeignKeyConstraint(
            ["community_id", "scheme_id"],
            ["subsidy_scheme.community_id", "subsidy_scheme.id"],
            name=op.f("fk_subsidy_exclusion__community_id_scheme_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "unit_id"],
            ["unit.community_id", "unit.id"],
            name=op.f("fk_subsidy_exclusion__community_id_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_subsidy_exclusion__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_subsidy_exclusion")),
        sa.UniqueConstraint(
            "community_id",
            "scheme_id",
            "unit_id",
            name=op.f("uq_subsidy_exclusion__community_id_scheme_id_unit_id"),
        ),
    )
    op.create_index(
        "ix_subsidy_exclusion__unit", "subsidy_exclusion", ["community_id", "unit_id"], unique=False
    )

    op.execute(
        "ALTER TABLE subsidy_scheme ADD CONSTRAINT ex_subsidy_scheme__overlap EXCLUDE USING gist"
        " (int8range(community_id, community_id, '[]') WITH &&,"
        " daterange(starts_on, LEAST(ends_on, terminated_on)) WITH &&)"
    )
    guards.tenant("subsidy_scheme", "subsidy_step", "subsidy_exclusion", "cliff_notice")


def downgrade() -> None:
    op.drop_table("subsidy_exclusion")
    op.drop_table("subsidy_step")
    op.drop_table("cliff_notice")
    op.drop_table("subsidy_scheme")

"""Imports tables.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "roster_import",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("file_path", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="uploaded", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("new_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("uploaded_by", sa.BigInteger(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('uploaded', 'reading', 'ready', 'refused', 'applying', 'applied', 'undone')",
            name=op.f("ck_roster_import__status"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_roster_import__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_roster_import")),
    )
    op.create_table(
        "roster_import_row",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("import_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column(
            "values",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("errors", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "action IN ('new', 'changed', 'unchanged', 'error')",
            name=op.f("ck_roster_import_row__action"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "import_id"],
            ["roster_import.community_id", "roster_import.id"],
            name=op.f("fk_roster_import_row__community_id_import_id"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "import_id", "row_no", name=op.f("pk_roster_import_row")
        ),
    )
    op.create_index(
        "ix_roster_import_row__action",
        "roster_import_row",
        ["community_id", "import_id", "action", "row_no"],
        unique=False,
    )

    guards.tenant("roster_import", "roster_import_row")


def downgrade() -> None:
    op.drop_table("roster_import_row")
    op.drop_table("roster_import")

"""Tariffs tables.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "late_terms",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("daily_rate", sa.Numeric(precision=8, scale=6), nullable=False),
        sa.Column("grace_days", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("document_no", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("document_no <> ''", name=op.f("ck_late_terms__document")),
        sa.CheckConstraint(
            "daily_rate > 0 AND daily_rate <= 0.003", name=op.f("ck_late_terms__daily_rate")
        ),
        sa.CheckConstraint(
            "ends_on IS NULL OR ends_on > starts_on", name=op.f("ck_late_terms__days")
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_late_terms__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_late_terms")),
    )
    op.create_table(
        "tariff",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("unit_kinds", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("subsidised", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("income_code", sa.Text(), server_default="6001", nullable=False),
        sa.Column("measure", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "basis IN ('area', 'unit', 'space', 'metered', 'shared', 'one_off')",
            name=op.f("ck_tariff__basis"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_tariff__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_tariff")),
        sa.UniqueConstraint("community_id", "name", name=op.f("uq_tariff__community_id_name")),
    )
    op.create_table(
        "tariff_building",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tariff_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("building_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "building_id"],
            ["building.community_id", "building.id"],
            name=op.f("fk_tariff_building__community_id_building_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "tariff_id"],
            ["tariff.community_id", "tariff.id"],
            name=op.f("fk_tariff_building__community_id_tariff_id"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "tariff_id", "building_id", name=op.f("pk_tariff_building")
        ),
    )
    op.create_table(
        "tariff_version",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tariff_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("price", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("price_basis", sa.Text(), nullable=False),
        sa.Column("document_no", sa.Text(), server_default="", nullable=False),
        sa.Column("ceiling", sa.Numeric(precision=12, scale=4), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "price_basis <> 'guided' OR document_no <> ''", name=op.f("ck_tariff_version__document")
        ),
        sa.CheckConstraint(
            "price_basis IN ('guided', 'market', 'contract', 'resolution')",
            name=op.f("ck_tariff_version__price_basis"),
        ),
        sa.CheckConstraint(
            "ceiling IS NULL OR price <= ceiling", name=op.f("ck_tariff_version__ceiling")
        ),
        sa.CheckConstraint(
            "ends_on IS NULL OR ends_on > starts_on", name=op.f("ck_tariff_version__days")
        ),
        sa.CheckConstraint("price >= 0", name=op.f("ck_tariff_version__price")),
        sa.ForeignKeyConstraint(
            ["community_id", "tariff_id"],
            ["tariff.community_id", "tariff.id"],
            name=op.f("fk_tariff_version__community_id_tariff_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_tariff_version__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_tariff_version")),
    )
    op.create_index(
        "ix_tariff_version__tariff",
        "tariff_version",
        ["community_id", "tariff_id", "starts_on"],
        unique=False,
    )
    op.create_table(
        "tariff_tier",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_quantity", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.CheckConstraint("from_quantity > 0", name=op.f("ck_tariff_tier__from_quantity")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_tariff_tier__price")),
        sa.ForeignKeyConstraint(
            ["community_id", "version_id"],
            ["tariff_version.community_id", "tariff_version.id"],
            name=op.f("fk_tariff_tier__community_id_version_id"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "version_id", "from_quantity", name=op.f("pk_tariff_tier")
        ),
    )
    op.create_table(
        "reduction",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("tariff_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("document_no", sa.Text(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("document_no <> ''", name=op.f("ck_reduction__document")),
        sa.CheckConstraint(
            "kind IN ('vacancy', 'hardship', 'other')", name=op.f("ck_reduction__kind")
        ),
        sa.CheckConstraint(
            "ends_on IS NULL OR ends_on > starts_on", name=op.f("ck_reduction__days")
        ),
        sa.CheckConstraint("percent > 0 AND percent <= 100", name=op.f("ck_reduction__percent")),
        sa.ForeignKeyConstraint(
            ["community_id", "tariff_id"],
            ["tariff.community_id", "tariff.id"],
            name=op.f("fk_reduction__community_id_tariff_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "unit_id"],
            ["unit.community_id", "unit.id"],
            name=op.f("fk_reduction__community_id_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_reduction__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_reduction")),
    )
    op.create_index("ix_reduction__unit", "reduction", ["community_id", "unit_id"], unique=False)
    op.create_table(
        "tariff_quantity",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tariff_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=10, scale=2), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "ends_on IS NULL OR ends_on > starts_on", name=op.f("ck_tariff_quantity__days")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_tariff_quantity__quantity")),
        sa.ForeignKeyConstraint(
            ["community_id", "tariff_id"],
            ["tariff.community_id", "tariff.id"],
            name=op.f("fk_tariff_quantity__community_id_tariff_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "unit_id"],
            ["unit.community_id", "unit.id"],
            name=op.f("fk_tariff_quantity__community_id_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_tariff_quantity__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_tariff_quantity")),
    )
    op.create_index(
        "ix_tariff_quantity__tariff",
        "tariff_quantity",
        ["community_id", "tariff_id", "unit_id"],
        unique=False,
    )

    op.execute(
        "ALTER TABLE tariff_version ADD CONSTRAINT ex_tariff_version__overlap EXCLUDE USING gist"
        " (int8range(community_id, community_id, '[]') WITH &&,"
        " int8range(tariff_id, tariff_id, '[]') WITH &&,"
        " daterange(starts_on, ends_on) WITH &&)"
    )
    guards.tenant(
        "tariff",
        "tariff_building",
        "tariff_version",
        "tariff_tier",
        "tariff_quantity",
        "reduction",
        "late_terms",
    )


def downgrade() -> None:
    op.drop_table("tariff_quantity")
    op.drop_table("reduction")
    op.drop_table("tariff_tier")
    op.drop_table("tariff_version")
    op.drop_table("tariff_building")
    op.drop_table("tariff")
    op.drop_table("late_terms")

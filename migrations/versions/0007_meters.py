"""Meters tables.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shared_cost",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tariff_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("allocation", sa.Text(), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=True),
        sa.Column("entrance_id", sa.BigInteger(), nullable=True),
        sa.Column("document_no", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "allocation IN ('area', 'unit')", name=op.f("ck_shared_cost__allocation")
        ),
        sa.CheckConstraint(
            "EXTRACT(DAY FROM month) = 1", name=op.f("ck_shared_cost__first_of_month")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_shared_cost__amount")),
        sa.ForeignKeyConstraint(
            ["community_id", "building_id"],
            ["building.community_id", "building.id"],
            name=op.f("fk_shared_cost__community_id_building_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "entrance_id"],
            ["entrance.community_id", "entrance.id"],
            name=op.f("fk_shared_cost__community_id_entrance_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "tariff_id"],
            ["tariff.community_id", "tariff.id"],
            name=op.f("fk_shared_cost__community_id_tariff_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_shared_cost__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_shared_cost")),
    )
    op.create_index("ix_shared_cost__month", "shared_cost", ["community_id", "month"], unique=False)
    op.create_table(
        "meter",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tariff_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column(
            "multiplier", sa.Numeric(precision=8, scale=3), server_default="1", nullable=False
        ),
        sa.Column("removed_on", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "tariff_id"],
            ["tariff.community_id", "tariff.id"],
            name=op.f("fk_meter__community_id_tariff_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "unit_id"],
            ["unit.community_id", "unit.id"],
            name=op.f("fk_meter__community_id_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_meter__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_meter")),
        sa.UniqueConstraint(
            "community_id",
            "tariff_id",
            "serial",
            name=op.f("uq_meter__community_id_tariff_id_serial"),
        ),
    )
    op.create_index("ix_meter__unit", "meter", ["community_id", "unit_id"], unique=False)
    op.create_table(
        "one_off_charge",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tariff_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "EXTRACT(DAY FROM month) = 1", name=op.f("ck_one_off_charge__first_of_month")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_one_off_charge__amount")),
        sa.ForeignKeyConstraint(
            ["community_id", "tariff_id"],
            ["tariff.community_id", "tariff.id"],
            name=op.f("fk_one_off_charge__community_id_tariff_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "unit_id"],
            ["unit.community_id", "unit.id"],
            name=op.f("fk_one_off_charge__community_id_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_one_off_charge__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_one_off_charge")),
    )
    op.create_index(
        "ix_one_off_charge__month", "one_off_charge", ["community_id", "month"], unique=False
    )
    op.create_table(
        "meter_reading",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("meter_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("previous", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("reading", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("read_on", sa.Date(), nullable=False),
        sa.Column("estimated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "EXTRACT(DAY FROM month) = 1", name=op.f("ck_meter_reading__first_of_month")
        ),
        sa.CheckConstraint("reading >= previous", name=op.f("ck_meter_reading__forward")),
        sa.ForeignKeyConstraint(
            ["community_id", "meter_id"],
            ["meter.community_id", "meter.id"],
            name=op.f("fk_meter_reading__community_id_meter_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_meter_reading__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_meter_reading")),
        sa.UniqueConstraint(
            "community_id",
            "meter_id",
            "month",
            name=op.f("uq_meter_reading__community_id_meter_id_month"),
        ),
    )
    op.create_index(
        "ix_meter_reading__month", "meter_reading", ["community_id", "month"], unique=False
    )

    guards.tenant("meter", "meter_reading", "shared_cost", "one_off_charge")


def downgrade() -> None:
    op.drop_table("meter_reading")
    op.drop_table("one_off_charge")
    op.drop_table("meter")
    op.drop_table("shared_cost")

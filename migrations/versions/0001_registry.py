"""Registry tables.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SHARES_FUNCTION = """
CREATE FUNCTION check_ownership_shares() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE over record;
BEGIN
  -- Shares are fractions of at most 1/10000, so fifteen digits decide exactly.
  SELECT day.community_id, day.unit_id, day.starts_on INTO over
    FROM (SELECT DISTINCT o.community_id, o.unit_id, o.starts_on
            FROM ownership o JOIN touched t USING (community_id, unit_id)) day
    JOIN ownership o ON o.community_id = day.community_id AND o.unit_id = day.unit_id
     AND o.starts_on <= day.starts_on AND (o.ends_on IS NULL OR day.starts_on < o.ends_on)
   GROUP BY 1, 2, 3
  HAVING round(sum(o.share_numerator::numeric / o.share_denominator), 15) > 1
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'shares of unit % sum to more than one on %', over.unit_id, over.starts_on
      USING ERRCODE = '23514', CONSTRAINT = 'ck_ownership__shares';
  END IF;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "organization",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("credit_code", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('property_company', 'developer', 'government', 'platform')",
            name=op.f("ck_organization__kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
        sa.UniqueConstraint("credit_code", name=op.f("uq_organization__credit_code")),
        sa.UniqueConstraint("name", name=op.f("uq_organization__name")),
    )
    op.create_table(
        "region",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('city', 'district', 'street', 'station')", name=op.f("ck_region__kind")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["region.id"], name=op.f("fk_region__parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_region")),
        sa.UniqueConstraint("parent_id", "name", name=op.f("uq_region__parent_id_name")),
    )
    op.create_table(
        "community",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("year_built", sa.SmallInteger(), nullable=True),
        sa.Column("year_renovated", sa.SmallInteger(), nullable=True),
        sa.Column("renovation_class", sa.Text(), nullable=True),
        sa.Column("entered_on", sa.Date(), nullable=True),
        sa.Column("fee_mode", sa.Text(), server_default="fixed", nullable=False),
        sa.Column("transfer_policy", sa.Text(), server_default="by_day", nullable=False),
        sa.Column("due_day", sa.SmallInteger(), server_default="28", nullable=False),
        sa.Column("service_phone", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "fee_mode IN ('fixed', 'commission')", name=op.f("ck_community__fee_mode")
        ),
        sa.CheckConstraint(
            "renovation_class IN ('basic', 'improved', 'extended')",
            name=op.f("ck_community__renovation_class"),
        ),
        sa.CheckConstraint(
            "transfer_policy IN ('by_day', 'whole_month_to_seller', 'whole_month_to_buyer')",
            name=op.f("ck_community__transfer_policy"),
        ),
        sa.CheckConstraint("due_day BETWEEN 1 AND 28", name=op.f("ck_community__due_day")),
        sa.CheckConstraint("id > 0", name=op.f("ck_community__id_positive")),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name=op.f("fk_community__region_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community")),
        sa.UniqueConstraint("region_id", "name", name=op.f("uq_community__region_id_name")),
    )
    op.create_table(
        "building",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_building__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_building")),
        sa.UniqueConstraint("community_id", "code", name=op.f("uq_building__community_id_code")),
    )
    op.create_table(
        "mandate",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("document_no", sa.Text(), server_default="", nullable=False),
        sa.Column("end_reason", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("ends_on IS NULL OR ends_on > starts_on", name=op.f("ck_mandate__days")),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_mandate__community_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_mandate__organization_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_mandate")),
    )
    op.create_index("ix_mandate__organization", "mandate", ["organization_id"], unique=False)
    op.create_table(
        "person",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), server_default="natural", nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_tail", sa.Text(collation="C"), nullable=True),
        sa.Column("phone_digest", sa.LargeBinary(), nullable=True),
        sa.Column("id_number", sa.LargeBinary(), nullable=True),
        sa.Column("id_digest", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('natural', 'company', 'developer', 'government')",
            name=op.f("ck_person__kind"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_person__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_person")),
    )
    op.create_index("ix_person__name", "person", ["community_id", "name"], unique=False)
    op.create_index(
        "ix_person__phone_digest", "person", ["community_id", "phone_digest"], unique=False
    )
    op.create_index("ix_person__phone_tail", "person", ["community_id", "phone_tail"], unique=False)
    op.create_table(
        "entrance",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "building_id"],
            ["building.community_id", "building.id"],
            name=op.f("fk_entrance__community_id_building_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_entrance__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_entrance")),
        sa.UniqueConstraint(
            "community_id",
            "building_id",
            "code",
            name=op.f("uq_entrance__community_id_building_id_code"),
        ),
    )
    op.create_table(
        "unit",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("entrance_id", sa.BigInteger(), nullable=True),
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("sort_key", sa.Text(collation="C"), nullable=False),
        sa.Column("floor", sa.SmallInteger(), nullable=True),
        sa.Column("kind", sa.Text(), server_default="residential", nullable=False),
        sa.Column("status", sa.Text(), server_default="occupied", nullable=False),
        sa.Column("area_m2", sa.Numeric(precision=10, scale=2), nullable=False),
        sa.Column("billable_from", sa.Date(), nullable=True),
        sa.Column("billable_until", sa.Date(), nullable=True),
        sa.Column("binding_code", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('residential', 'commercial', 'office', 'parking', 'storage', 'other')",
            name=op.f("ck_unit__kind"),
        ),
        sa.CheckConstraint(
            "status IN ('occupied', 'vacant', 'unsold', 'demolished')", name=op.f("ck_unit__status")
        ),
        sa.CheckConstraint("area_m2 >= 0", name=op.f("ck_unit__area")),
        sa.CheckConstraint(
            "billable_until IS NULL OR billable_from IS NULL OR billable_until > billable_from",
            name=op.f("ck_unit__billable"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "building_id"],
            ["building.community_id", "building.id"],
            name=op.f("fk_unit__community_id_building_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "entrance_id"],
            ["entrance.community_id", "entrance.id"],
            name=op.f("fk_unit__community_id_entrance_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_unit__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_unit")),
        sa.UniqueConstraint("community_id", "label", name=op.f("uq_unit__community_id_label")),
    )
    op.create_index("ix_unit__building", "unit", ["community_id", "building_id"], unique=False)
    op.create_index("ix_unit__entrance", "unit", ["community_id", "entrance_id"], unique=False)
    op.create_index("ix_unit__sort_key", "unit", ["community_id", "sort_key"], unique=False)
    op.create_table(
        "occupant",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("kind IN ('tenant', 'family')", name=op.f("ck_occupant__kind")),
        sa.CheckConstraint(
            "ends_on IS NULL OR ends_on > starts_on", name=op.f("ck_occupant__days")
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "person_id"],
            ["person.community_id", "person.id"],
            name=op.f("fk_occupant__community_id_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "unit_id"],
            ["unit.community_id", "unit.id"],
            name=op.f("fk_occupant__community_id_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_occupant__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_occupant")),
    )
    op.create_index("ix_occupant__person", "occupant", ["community_id", "person_id"], unique=False)
    op.create_index("ix_occupant__unit", "occupant", ["community_id", "unit_id"], unique=False)
    op.create_table(
        "ownership",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("share_numerator", sa.Integer(), server_default="1", nullable=False),
        sa.Column("share_denominator", sa.Integer(), server_default="1", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("document_no", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "ends_on IS NULL OR ends_on > starts_on", name=op.f("ck_ownership__days")
        ),
        sa.CheckConstraint(
            "share_numerator BETWEEN 1 AND share_denominator AND share_denominator <= 10000",
            name=op.f("ck_ownership__share"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "person_id"],
            ["person.community_id", "person.id"],
            name=op.f("fk_ownership__community_id_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "unit_id"],
            ["unit.community_id", "unit.id"],
            name=op.f("fk_ownership__community_id_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_ownership__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_ownership")),
    )
    op.create_index(
        "ix_ownership__person", "ownership", ["community_id", "person_id"], unique=False
    )
    op.create_index(
        "ix_ownership__unit", "ownership", ["community_id", "unit_id", "starts_on"], unique=False
    )

    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION '% only grows: add a correcting row instead', tg_table_name"
        " USING ERRCODE = '42501'; END $$"
    )
    # No btree_gist: a range of one number stands in for equality, so no extension is needed.
    op.execute(
        "ALTER TABLE mandate ADD CONSTRAINT ex_mandate__overlap EXCLUDE USING gist"
        " (int8range(community_id, community_id, '[]') WITH &&,"
        " daterange(starts_on, ends_on) WITH &&)"
    )
    op.execute(SHARES_FUNCTION)
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER ownership_shares_{event.lower()} AFTER {event} ON ownership"
            " REFERENCING NEW TABLE AS touched FOR EACH STATEMENT"
            " EXECUTE FUNCTION check_ownership_shares()"
        )
    guards.grant("region", "organization", "community", verbs="SELECT, INSERT, UPDATE")
    guards.tenant("mandate", "building", "entrance", "unit", "person", "ownership", "occupant")


def downgrade() -> None:
    op.drop_table("ownership")
    op.drop_table("occupant")
    op.drop_table("unit")
    op.drop_table("entrance")
    op.drop_table("person")
    op.drop_table("mandate")
    op.drop_table("building")
    op.drop_table("community")
    op.drop_table("region")
    op.drop_table("organization")
    op.execute("DROP FUNCTION check_ownership_shares()")
    op.execute("DROP FUNCTION refuse_change()")

"""Identity tables.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The one reviewed way round row-level security: from an account to the communities and roles it
# has on a day. It reads mandates and bindings of every community and gives back only numbers
# and role names. `only_community` narrows it for pages of one community.
ACCESS_OF = """
CREATE FUNCTION access_of(the_account bigint, on_day date, only_community bigint DEFAULT NULL)
RETURNS TABLE (community_id bigint, role text, reached_by text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH RECURSIVE held AS (
    SELECT m.* FROM membership m JOIN account a ON a.id = m.account_id
     WHERE m.account_id = the_account AND a.disabled_at IS NULL
       AND m.starts_on <= on_day AND (m.ends_on IS NULL OR on_day < m.ends_on)
  ), below (role, region_id) AS (
    SELECT held.role, held.region_id FROM held WHERE held.region_id IS NOT NULL
    UNION
    SELECT below.role, r.id FROM below JOIN region r ON r.parent_id = below.region_id
  ), reached (community_id, role, reached_by) AS (
    SELECT held.community_id, held.role, 'community' FROM held
     WHERE held.community_id IS NOT NULL
    UNION
    SELECT d.community_id, held.role, 'organization' FROM held
      JOIN mandate d ON d.organization_id = held.organization_id
       AND d.starts_on <= on_day AND (d.ends_on IS NULL OR on_day < d.ends_on)
    UNION
    SELECT c.id, below.role, 'region' FROM below JOIN community c ON c.region_id = below.region_id
    UNION
    SELECT b.community_id, 'resident', 'unit' FROM unit_binding b
      JOIN account a ON a.id = b.account_id
     WHERE b.account_id = the_account AND b.ended_at IS NULL AND a.disabled_at IS NULL
    UNION
    SELECT 0, held.role, 'platform' FROM held WHERE held.role = 'operator'
  )
  SELECT reached.community_id, reached.role, reached.reached_by FROM reached
   WHERE only_community IS NULL OR reached.community_id = only_community
$$
"""


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_digest", sa.LargeBinary(), nullable=True),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("email_digest", sa.LargeBinary(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        sa.Column(
            "recovery_hashes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("language", sa.Text(), server_default="zh_Hans_CN", nullable=False),
        sa.Column("elder_mode", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "must_change_password", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "phone_digest IS NOT NULL OR email_digest IS NOT NULL",
            name=op.f("ck_account__reachable"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email_digest", name=op.f("uq_account__email_digest")),
        sa.UniqueConstraint("phone_digest", name=op.f("uq_account__phone_digest")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("actions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("community_ids", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_api_token__account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_api_token__token_digest")),
    )
    op.create_index("ix_api_token__account", "api_token", ["account_id"], unique=False)
    op.create_table(
        "sign_in",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("second_factor_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_sign_in__account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_sign_in__token_digest")),
    )
    op.create_index("ix_sign_in__account", "sign_in", ["account_id"], unique=False)
    op.create_table(
        "membership",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("community_id", sa.BigInteger(), nullable=True),
        sa.Column("organization_id", sa.BigInteger(), nullable=True),
        sa.Column("region_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "num_nonnulls(community_id, organization_id, region_id) = 1 OR (role = 'operator' AND num_nonnulls(community_id, organization_id, region_id) = 0)",
            name=op.f("ck_membership__one_scope"),
        ),
        sa.CheckConstraint(
            "ends_on IS NULL OR ends_on > starts_on", name=op.f("ck_membership__days")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_membership__account_id")
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_membership__community_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_membership__organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["region_id"], ["region.id"], name=op.f("fk_membership__region_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint(
            "account_id",
            "role",
            "community_id",
            "organization_id",
            "region_id",
            "starts_on",
            name="uq_membership__once",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_membership__account", "membership", ["account_id"], unique=False)
    op.create_table(
        "unit_binding",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_unit_binding__account_id")
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "person_id"],
            ["person.community_id", "person.id"],
            name=op.f("fk_unit_binding__community_id_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "unit_id"],
            ["unit.community_id", "unit.id"],
            name=op.f("fk_unit_binding__community_id_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_unit_binding__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_unit_binding")),
    )
    op.create_index("ix_unit_binding__account", "unit_binding", ["account_id"], unique=False)
    op.create_index(
        "ix_unit_binding__unit", "unit_binding", ["community_id", "unit_id"], unique=False
    )
    op.create_index(
        "uq_unit_binding__live",
        "unit_binding",
        ["community_id", "account_id", "unit_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )

    op.execute(ACCESS_OF)
    op.execute("REVOKE ALL ON FUNCTION access_of(bigint, date, bigint) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION access_of(bigint, date, bigint) TO {guards.APP_ROLE}")
    guards.grant("account", "sign_in", "membership", "api_token", verbs="SELECT, INSERT, UPDATE")
    guards.tenant("unit_binding", verbs="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.drop_table("unit_binding")
    op.drop_table("membership")
    op.drop_table("sign_in")
    op.drop_table("api_token")
    op.drop_table("account")
    op.execute("DROP FUNCTION access_of(bigint, date, bigint)")

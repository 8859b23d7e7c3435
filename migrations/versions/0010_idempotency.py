"""Idempotency records of the API.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "idempotency_record",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "community_id", "account_id", "key", name=op.f("pk_idempotency_record")
        ),
    )
    guards.tenant("idempotency_record", verbs="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.drop_table("idempotency_record")

"""Meters know what they showed when they were installed, and since when they count.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "meter",
        sa.Column("initial", sa.Numeric(precision=14, scale=3), server_default="0", nullable=False),
    )
    op.add_column("meter", sa.Column("installed_on", sa.Date(), nullable=True))
    op.create_check_constraint("initial", "meter", "initial >= 0")
    op.create_check_constraint("multiplier", "meter", "multiplier > 0")


def downgrade() -> None:
    op.drop_constraint("multiplier", "meter", type_="check")
    op.drop_constraint("initial", "meter", type_="check")
    op.drop_column("meter", "installed_on")
    op.drop_column("meter", "initial")

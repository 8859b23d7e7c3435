"""An account may hold the digest of one reset code, until a moment.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("reset_digest", sa.LargeBinary))
    op.add_column("account", sa.Column("reset_until", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f("ck_account__reset"),
        "account",
        "(reset_digest IS NULL) = (reset_until IS NULL)",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_account__reset"), "account")
    op.drop_column("account", "reset_until")
    op.drop_column("account", "reset_digest")

"""Why a bill was corrected: an error, a waiver, or late damages.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "bill_note", sa.Column("ground", sa.Text(), server_default="correction", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_bill_note__ground"),
        "bill_note",
        "ground = 'correction' OR (ground = 'waiver' AND kind = 'credit')"
        " OR (ground = 'damages' AND kind = 'debit')",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_bill_note__ground"), "bill_note")
    op.drop_column("bill_note", "ground")

"""What an import made, so that undo removes exactly that; and people numbered by a set-based run.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("roster_import", "roster_import_row"):
        op.add_column(
            table, sa.Column("made", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
        )
    # New people have no natural key to find their numbers by, so the import takes them first.
    op.execute(f"GRANT USAGE ON SEQUENCE person_id_seq TO {guards.APP_ROLE}")


def downgrade() -> None:
    op.execute(f"REVOKE USAGE ON SEQUENCE person_id_seq FROM {guards.APP_ROLE}")
    for table in ("roster_import_row", "roster_import"):
        op.drop_column(table, "made")

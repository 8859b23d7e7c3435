"""A unit has one quantity of a tariff, and a community one late term, on any day.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE tariff_quantity ADD CONSTRAINT ex_tariff_quantity__overlap EXCLUDE USING gist"
        " (int8range(community_id, community_id, '[]') WITH &&,"
        " int8range(tariff_id, tariff_id, '[]') WITH &&,"
        " int8range(unit_id, unit_id, '[]') WITH &&,"
        " daterange(starts_on, ends_on) WITH &&)"
    )
    op.execute(
        "ALTER TABLE late_terms ADD CONSTRAINT ex_late_terms__overlap EXCLUDE USING gist"
        " (int8range(community_id, community_id, '[]') WITH &&,"
        " daterange(starts_on, ends_on) WITH &&)"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE late_terms DROP CONSTRAINT ex_late_terms__overlap")
    op.execute("ALTER TABLE tariff_quantity DROP CONSTRAINT ex_tariff_quantity__overlap")

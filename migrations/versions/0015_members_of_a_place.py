"""A membership may end on the day it began; the members of a place are found by index.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

PLACES = ("community", "organization", "region")


def upgrade() -> None:
    _days("ends_on IS NULL OR ends_on >= starts_on")
    for place in PLACES:
        op.create_index(
            f"ix_membership__{place}",
            "membership",
            [f"{place}_id"],
            postgresql_where=sa.text(f"{place}_id IS NOT NULL"),
        )


def downgrade() -> None:
    for place in PLACES:
        op.drop_index(f"ix_membership__{place}", "membership")
    op.execute("DELETE FROM membership WHERE ends_on = starts_on")  # was in force on no day
    _days("ends_on IS NULL OR ends_on > starts_on")


def _days(rule: str) -> None:
    name = op.f("ck_membership__days")
    op.drop_constraint(name, "membership")
    op.create_check_constraint(name, "membership", rule)

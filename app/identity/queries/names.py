"""Names of accounts, and who may do an act in a community, for sentences on pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import text

from app.identity.permissions import roles_with
from app.kernel.db import db


def account_names(ids: Iterable[int | None]) -> dict[int, str]:
    """Names by account."""
    wanted = sorted({one for one in ids if one is not None})
    if not wanted:
        return {}
    rows = db.session.execute(
        text("SELECT id, name FROM account WHERE id = ANY (:ids)"), {"ids": wanted}
    )
    return {row.id: row.name for row in rows}


def staff_who_may(community_id: int, action: str, today: date) -> tuple[tuple[int, str, str], ...]:
    """Company staff whose role allows an act in a community today: account, name, role."""
    rows = db.session.execute(
        text(
            "SELECT DISTINCT a.id, a.name, m.role FROM mandate d"
            " JOIN membership m ON m.organization_id = d.organization_id"
            " JOIN account a ON a.id = m.account_id"
            " WHERE d.community_id = :c AND d.starts_on <= :today"
            " AND (d.ends_on IS NULL OR :today < d.ends_on) AND m.starts_on <= :today"
            " AND (m.ends_on IS NULL OR :today < m.ends_on) AND a.disabled_at IS NULL"
            " AND m.role = ANY (:roles) ORDER BY a.name, a.id LIMIT 50"
        ),
        {"c": community_id, "today": today, "roles": sorted(roles_with(action))},
    )
    return tuple((row.id, row.name, row.role) for row in rows)

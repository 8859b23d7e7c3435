"""Reads of the audit trail."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from app.kernel.audit import AuditEvent
from app.kernel.db import db


def trail(community_id: int) -> Select[Any]:
    """The acts recorded of a community (0: of none), for a list."""
    return select(
        AuditEvent.id,
        AuditEvent.at,
        AuditEvent.account_id,
        AuditEvent.actor_name,
        AuditEvent.address,
        AuditEvent.via,
        AuditEvent.action,
        AuditEvent.subject,
        AuditEvent.before,
        AuditEvent.after,
        AuditEvent.request_id,
    ).where(AuditEvent.community_id == community_id)


def kinds_of_acts(community_id: int) -> list[str]:
    """The kinds of acts recorded of a community, for a filter."""
    query = (
        select(AuditEvent.action)
        .where(AuditEvent.community_id == community_id)
        .distinct()
        .order_by(AuditEvent.action)
    )
    return list(db.session.scalars(query))

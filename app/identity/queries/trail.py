"""Reads of the audit trail."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, case, func, select

from app.kernel.audit import AuditEvent


def trail(community_id: int) -> Select[Any]:
    """The acts recorded of a community (0: of none), for a list; names of people masked."""
    rows: Any = select(
        AuditEvent.id,
        AuditEvent.at,
        AuditEvent.account_id,
        case(
            (AuditEvent.account_id.is_(None), AuditEvent.actor_name),
            else_=func.left(AuditEvent.actor_name, 1) + "**",
        ).label("actor_name"),
        AuditEvent.address,
        AuditEvent.via,
        AuditEvent.action,
        AuditEvent.subject,
        AuditEvent.before,
        AuditEvent.after,
        AuditEvent.request_id,
    ).where(AuditEvent.community_id == community_id)
    return rows  # type: ignore[no-any-return]

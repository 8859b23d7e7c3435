"""Who did what, when, from where, before and after; rows are only ever added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock
from app.kernel.db import Base, db
from app.kernel.tenancy import NOWHERE


@dataclass(frozen=True)
class Actor:
    """Who acts now: an account, or a job or command on nobody's behalf."""

    account_id: int | None = None
    name: str = "system"
    address: str = ""
    request_id: str = ""
    via: str = "system"  # web, api, job, command, system


_actor: ContextVar[Actor] = ContextVar("actor", default=Actor())  # noqa: B039 -- frozen


def actor() -> Actor:
    """Who acts now."""
    return _actor.get()


def set_actor(who: Actor) -> None:
    """Name the actor for the rest of this context."""
    _actor.set(who)


@contextmanager
def acting(who: Actor) -> Iterator[None]:
    """Name the actor for what happens inside."""
    token = _actor.set(who)
    try:
        yield
    finally:
        _actor.reset(token)


class AuditEvent(Base):
    """One act. `action` is `room:verb`; `subject` is `kind:id`; values are masked already."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event__subject", "community_id", "subject"),
        Index("ix_audit_event__at", "community_id", "at"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    at: Mapped[datetime]
    account_id: Mapped[int | None]
    actor_name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(Text)
    via: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


def record(
    action: str,
    subject: str,
    *,
    community_id: int = NOWHERE,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Add an audit row to the present transaction: no act without it, none of it alone.

    Never pass a phone number, an identity number or a secret: mask first.
    """
    who = actor()
    db.session.add(
        AuditEvent(
            community_id=community_id,
            at=clock.now(),
            account_id=who.account_id,
            actor_name=who.name,
            address=who.address,
            request_id=who.request_id,
            via=who.via,
            action=action,
            subject=subject,
            before=_plain(before),
            after=_plain(after),
        )
    )


def names(community_id: int, account_ids: Iterable[int]) -> dict[int, str]:
    """The name each account last acted under in a community; those who never acted are left out."""
    wanted = list(account_ids)
    if not wanted:
        return {}
    rows = db.session.execute(
        text(
            "SELECT DISTINCT ON (account_id) account_id, actor_name FROM audit_event"
            " WHERE community_id = :c AND account_id = ANY(:ids) AND via IN ('web', 'api')"
            " ORDER BY account_id, id DESC"
        ),
        {"c": community_id, "ids": wanted},
    )
    return {row.account_id: row.actor_name for row in rows}


def _plain(values: Mapping[str, object] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    simple = (str, int, bool, type(None), list, dict)
    return {
        key: value if isinstance(value, simple) else str(value) for key, value in values.items()
    }

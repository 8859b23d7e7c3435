"""News of a room, written in the transaction that made it; the relay hands it to jobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock
from app.kernel.db import Base, db


class OutboxEvent(Base):
    """Something that happened. `topic` is `subject:past-tense-verb`, such as `bill:issued`."""

    __tablename__ = "outbox_event"
    __table_args__ = (
        Index(
            "ix_outbox_event__waiting",
            "community_id",
            "id",
            postgresql_where=text("relayed_at IS NULL"),
        ),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    happened_at: Mapped[datetime]
    relayed_at: Mapped[datetime | None]


def tell(community_id: int, topic: str, payload: Mapping[str, Any]) -> None:
    """Tell the house what happened; it leaves only if this transaction commits."""
    db.session.add(
        OutboxEvent(
            community_id=community_id, topic=topic, payload=dict(payload), happened_at=clock.now()
        )
    )

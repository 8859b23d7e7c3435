"""Blocks of numbers per community, for rows that a run numbers by itself."""

from __future__ import annotations

from sqlalchemy import BigInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, db


class Counter(Base):
    """The next free number of a kind in a community."""

    __tablename__ = "counter"
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    next_value: Mapped[int] = mapped_column(BigInteger)


def reserve(community_id: int, name: str, size: int = 1) -> int:
    """Take `size` numbers in a row and return the first; they go back on rollback.

    The row stays locked to the end of the transaction, so take numbers late.
    """
    return int(
        db.session.execute(
            text(
                "INSERT INTO counter AS c (community_id, name, next_value)"
                " VALUES (:community_id, :name, 1 + :size)"
                " ON CONFLICT (community_id, name) DO UPDATE SET next_value = c.next_value + :size"
                " RETURNING next_value - :size"
            ),
            {"community_id": community_id, "name": name, "size": size},
        ).scalar_one()
    )

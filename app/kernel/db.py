"""The one database object, the shape of a community's row, and the transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    MetaData,
    Numeric,
    func,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s__%(column_0_N_name)s",
    "uq": "uq_%(table_name)s__%(column_0_N_name)s",
    "ck": "ck_%(table_name)s__%(constraint_name)s",
    "fk": "fk_%(table_name)s__%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Area = Numeric(10, 2)  # m²
Price = Numeric(12, 4)  # yuan per unit of measure
Instant = DateTime(timezone=True)


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: Instant, int: BigInteger}


# The tables hang on Base, which type checkers read; the extension brings session and engine.
db = SQLAlchemy(metadata=Base.metadata)


class Stamped:
    """A row that knows when it was written."""

    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())


class CommunityRow(Stamped):
    """A row of a community: its key starts with the community's, and so do all keys to it."""

    community_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("community.id"), primary_key=True, sort_order=-2
    )
    id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=False), primary_key=True, sort_order=-1
    )


def community_key(column: str, table: str, name: str | None = None) -> ForeignKeyConstraint:
    """A foreign key that carries `community_id`, so no row can point into another community."""
    return ForeignKeyConstraint(
        ["community_id", column], [f"{table}.community_id", f"{table}.id"], name=name
    )


@contextmanager
def transaction() -> Iterator[None]:
    """Commit what happens inside, or nothing of it; then let queued news leave.

    For jobs, commands and tests: a request's transaction belongs to the web's door.
    """
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def execute(sql: Any, **params: Any) -> Any:
    """Run one set-based statement in the present transaction."""
    return db.session.execute(sql, params)

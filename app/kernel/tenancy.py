"""Which communities the present act may see; PostgreSQL repeats it by row-level security.

The door sets the scope once. Every transaction begins by telling PostgreSQL, so a query
without a scope sees no community's rows at all, whoever forgot the filter.
Community 0 stands for acts that belong to no community (sign-ins, regions, companies).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from psycopg.pq import TransactionStatus
from sqlalchemy import event, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from app.kernel.db import db

NOWHERE = 0

_scope: ContextVar[frozenset[int]] = ContextVar("communities", default=frozenset())


def scope() -> frozenset[int]:
    """The communities in view."""
    return _scope.get()


@contextmanager
def scoped(communities: Iterable[int]) -> Iterator[None]:
    """See only these communities inside; what was seen before comes back after."""
    token = _scope.set(frozenset(int(one) for one in communities))
    _tell_open_transaction()
    try:
        yield
    finally:
        _scope.reset(token)
        _tell_open_transaction()


def enter(communities: Iterable[int]) -> None:
    """Set the scope for the rest of this context: the web door's way, one request long."""
    _scope.set(frozenset(int(one) for one in communities))
    _tell_open_transaction()


def _statement() -> str:
    # Integers only, so there is nothing to escape; SET takes no bind parameters.
    return "SET LOCAL app.communities = '{" + ",".join(map(str, sorted(_scope.get()))) + "}'"


def _tell_open_transaction() -> None:
    session = db.session()
    if session.in_transaction() and session.is_active and not _aborted(session):
        session.execute(text(_statement()))


def _aborted(session: Session) -> bool:
    """Whether PostgreSQL only waits for a rollback: then the error on its way says why."""
    driver: Any = session.connection().connection.driver_connection
    info = getattr(driver, "info", None)
    return info is not None and info.transaction_status == TransactionStatus.INERROR


@event.listens_for(Session, "after_begin")
def _tell_new_transaction(_session: Session, _transaction: Any, connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_statement())

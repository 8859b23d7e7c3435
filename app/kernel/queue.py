"""Work done later: tasks live in PostgreSQL, RQ only carries their numbers.

A task is a row. Losing Redis loses nothing, because the relay puts every waiting row
back; losing a worker loses nothing, because its lease runs out and the row waits again.
A job's effect and its row's end commit together, fenced by the attempt's number, so a
worker that wakes after its lease was taken over can no longer commit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
import structlog
from flask import Flask, current_app
from rq import Queue
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import audit, clock
from app.kernel.db import Base, db, transaction
from app.kernel.errors import N_, HouseError
from app.kernel.tenancy import scoped

LEASE_SECONDS = 45  # a dead worker's task is taken up again within a minute
HEARTBEAT_SECONDS = 10
LARGEST_ATTEMPT = 5
LARGEST_LOSSES = 20  # a task that takes its worker down with it each time must end some day
QUEUE_NAME = "linli"

log = structlog.get_logger(__name__)


class Task(Base):
    """A piece of work: what, for whom, how far."""

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("community_id", "name", "key"),
        CheckConstraint("status IN ('queued', 'running', 'done', 'failed')", name="status"),
        Index(
            "ix_task__open",
            "community_id",
            "id",
            postgresql_where=text("status IN ('queued', 'running')"),
        ),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    key: Mapped[str | None] = mapped_column(Text)
    args: Mapped[dict[str, Any]] = mapped_column(JSONB(none_as_null=True))
    status: Mapped[str] = mapped_column(Text, server_default="queued")
    attempt: Mapped[int] = mapped_column(Integer, server_default="0")
    run_after: Mapped[datetime]
    enqueued_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    progress_done: Mapped[int] = mapped_column(Integer, server_default="0")
    progress_total: Mapped[int] = mapped_column(Integer, server_default="0")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    error: Mapped[str | None] = mapped_column(Text)
    requested_by: Mapped[int | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Ticket:
    """What a running job knows of itself."""

    community_id: int
    task_id: int
    attempt: int
    requested_by: int | None


Job = Callable[..., Mapping[str, Any] | None]
_jobs: dict[str, Job] = {}
_ticket: ContextVar[Ticket | None] = ContextVar("ticket", default=None)


def job(name: str) -> Callable[[Job], Job]:
    """Register a job: called with the community's id and the task's args; may return a result."""

    def register(function: Job) -> Job:
        _jobs[name] = function
        return function

    return register


def enqueue(
    name: str, community_id: int, args: Mapping[str, Any] | None = None, *, key: str | None = None
) -> Task:
    """Ask for a job in the present transaction; with a key, asking twice is asking once.

    Also when two ask at the same moment: the second waits for the first and finds its task.
    """
    now = clock.now()
    task_id = db.session.execute(
        insert(Task)
        .values(
            community_id=community_id,
            name=name,
            key=key,
            args=dict(args or {}),
            run_after=now,
            created_at=now,
            requested_by=audit.actor().account_id,
        )
        .on_conflict_do_nothing(index_elements=["community_id", "name", "key"])
        .returning(Task.id)
    ).scalar_one_or_none()
    if task_id is not None:
        return db.session.get_one(Task, (community_id, task_id))
    return db.session.query(Task).filter_by(community_id=community_id, name=name, key=key).one()


def progress(done: int, total: int) -> None:
    """Say how far the running job is, at once and outside its transaction."""
    ticket = _ticket.get()
    if ticket is None:
        return
    with _aside(ticket.community_id) as connection:
        connection.execute(
            text(
                "UPDATE task SET progress_done = :done, progress_total = :total"
                " WHERE community_id = :c AND id = :id AND attempt = :attempt"
            ),
            {
                "done": done,
                "total": total,
                "c": ticket.community_id,
                "id": ticket.task_id,
                "attempt": ticket.attempt,
            },
        )


def requested_by() -> int | None:
    """The account that asked for the running job, if a person did."""
    ticket = _ticket.get()
    return ticket.requested_by if ticket else None


def relay(app: Flask, handlers: Mapping[str, list[str]]) -> int:
    """Move news to tasks and waiting tasks to RQ, once round; returns how many it moved.

    `handlers` maps a topic to the names of the jobs it starts. Safe to run twice at once,
    and after Redis was emptied: whatever waited a minute in vain is put there again.
    """
    with app.app_context():
        communities = _every_community()
        with scoped(communities):
            moved = _relay_news(handlers)
            moved += _relay_tasks()
    return moved


def run(community_id: int, task_id: int) -> None:
    """Run one task, if nobody else holds its lease; called by RQ inside an app context."""
    claimed = _claim(community_id, task_id)
    if claimed is None:
        return
    ticket, name, args = claimed
    if ticket.attempt > LARGEST_LOSSES:
        _fail(ticket, N_("处理多次中断，已停止。请联系管理员。"), final=True)
        return
    with _heartbeat(current_app._get_current_object(), ticket):  # type: ignore[attr-defined]
        _perform(ticket, name, args)


def _perform(ticket: Ticket, name: str, args: dict[str, Any]) -> None:
    token = _ticket.set(ticket)
    who = audit.Actor(
        account_id=ticket.requested_by,
        name=f"job {name}",
        via="job",
        request_id=f"task-{ticket.community_id}-{ticket.task_id}",
    )
    try:
        with scoped([ticket.community_id]), audit.acting(who), transaction():
            result = _jobs[name](ticket.community_id, **args)
            _finish(ticket, dict(result) if result else None)
    except HouseError as refusal:
        _fail(ticket, str(refusal), final=True)
    except _LeaseLost:
        log.warning("task.lease_lost", task=name, id=ticket.task_id)
    except Exception as error:
        log.exception("task.failed", task=name, id=ticket.task_id, attempt=ticket.attempt)
        _fail(ticket, type(error).__name__, final=ticket.attempt >= LARGEST_ATTEMPT)
    finally:
        _ticket.reset(token)
        db.session.remove()


class _LeaseLost(Exception):
    """Another worker took the task over; this one's effects must not be kept."""


def _claim(community_id: int, task_id: int) -> tuple[Ticket, str, dict[str, Any]] | None:
    now = clock.now()
    with scoped([community_id]), transaction():
        row = db.session.execute(
            text(
                "UPDATE task SET status = 'running', attempt = attempt + 1, lease_until = :lease"
                " WHERE community_id = :c AND id = :id AND (status = 'queued'"
                " OR (status = 'running' AND lease_until < :now))"
                " RETURNING attempt, name, args, requested_by"
            ),
            {
                "c": community_id,
                "id": task_id,
                "now": now,
                "lease": now + timedelta(seconds=LEASE_SECONDS),
            },
        ).one_or_none()
    if row is None:
        return None
    return Ticket(community_id, task_id, row.attempt, row.requested_by), row.name, row.args


def _finish(ticket: Ticket, result: dict[str, Any] | None) -> None:
    db.session.flush()
    ended = (
        db.session.query(Task)
        .filter_by(
            community_id=ticket.community_id,
            id=ticket.task_id,
            attempt=ticket.attempt,
            status="running",
        )
        .update({"status": "done", "result": result, "error": None, "finished_at": clock.now()})
    )
    if not ended:
        raise _LeaseLost


def _fail(ticket: Ticket, sentence: str, *, final: bool) -> None:
    with scoped([ticket.community_id]), transaction():
        db.session.query(Task).filter_by(
            community_id=ticket.community_id,
            id=ticket.task_id,
            attempt=ticket.attempt,
            status="running",
        ).update(
            {
                "status": "failed" if final else "queued",
                "error": sentence,
                "enqueued_at": None,
                "lease_until": None,
                "run_after": clock.now() + timedelta(seconds=2**ticket.attempt),
                "finished_at": clock.now() if final else None,
            }
        )


def _relay_news(handlers: Mapping[str, list[str]]) -> int:
    with transaction():
        rows = db.session.execute(
            text(
                "SELECT community_id, id, topic, payload FROM outbox_event"
                " WHERE relayed_at IS NULL ORDER BY community_id, id LIMIT 200"
                " FOR UPDATE SKIP LOCKED"
            )
        ).all()
        for row in rows:
            for name in handlers.get(row.topic, []):
                enqueue(name, row.community_id, row.payload, key=f"event-{row.id}")
            db.session.execute(
                text(
                    "UPDATE outbox_event SET relayed_at = :now WHERE community_id = :c AND id = :id"
                ),
                {"now": clock.now(), "c": row.community_id, "id": row.id},
            )
    return len(rows)


def _relay_tasks() -> int:
    now = clock.now()
    with transaction():
        rows = db.session.execute(
            text(
                "UPDATE task SET enqueued_at = :now WHERE (community_id, id) IN ("
                " SELECT community_id, id FROM task"
                " WHERE (status = 'queued' AND run_after <= :now"
                "        AND (enqueued_at IS NULL OR enqueued_at < :stale))"
                " OR (status = 'running' AND lease_until < :now"
                "     AND (enqueued_at IS NULL OR enqueued_at < :retry))"
                " ORDER BY community_id, id LIMIT 200 FOR UPDATE SKIP LOCKED)"
                " RETURNING community_id, id, attempt"
            ),
            {
                "now": now,
                "stale": now - timedelta(seconds=60),
                "retry": now - timedelta(seconds=10),
            },
        ).all()
    if rows:
        # After the commit, so that no worker looks for a row that is not there yet; a crash
        # in between is healed by the same query a minute later.
        _hand_out([(row.community_id, row.id) for row in rows])
    return len(rows)


def _hand_out(tasks: list[tuple[int, int]]) -> None:
    """Put tasks into Redis, except those that still wait there behind a long line."""
    queue = _queue()
    waiting = set(queue.get_job_ids())
    for community_id, task_id in tasks:
        job_id = f"task_{community_id}_{task_id}"
        if job_id not in waiting:
            queue.enqueue(
                "app.worker.run_task",
                community_id,
                task_id,
                job_id=job_id,
                result_ttl=0,
                failure_ttl=3600,
                job_timeout=3600,
            )


def _queue() -> Queue:
    return Queue(QUEUE_NAME, connection=redis.Redis.from_url(current_app.config["REDIS_URL"]))


def _every_community() -> list[int]:
    with transaction():
        found = [row[0] for row in db.session.execute(text("SELECT id FROM community"))]
    return [0, *found]


@contextmanager
def _aside(community_id: int) -> Iterator[Any]:
    """A transaction of its own, beside the job's."""
    with db.engine.begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL app.communities = '{{{int(community_id)}}}'")
        yield connection


@contextmanager
def _heartbeat(app: Flask, ticket: Ticket) -> Iterator[None]:
    """Prolong the lease while the job runs."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(HEARTBEAT_SECONDS):
            try:
                with app.app_context():
                    _prolong(ticket)
            except SQLAlchemyError:  # an outage: the next beat may reach the database again
                log.warning("task.heartbeat_missed", id=ticket.task_id)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


def _prolong(ticket: Ticket) -> None:
    with _aside(ticket.community_id) as connection:
        connection.execute(
            text(
                "UPDATE task SET lease_until = :lease WHERE community_id = :c"
                " AND id = :id AND attempt = :attempt AND status = 'running'"
            ),
            {
                "lease": clock.now() + timedelta(seconds=LEASE_SECONDS),
                "c": ticket.community_id,
                "id": ticket.task_id,
                "attempt": ticket.attempt,
            },
        )

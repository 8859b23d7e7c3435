"""Workers, their children and Redis killed at bad moments: one effect, soon resumed.

Bars 2 and 4. The short versions run with a short lease; the long ones with the real one:
`python3 run.py test tests/faults/test_workers.py -m slow`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from app.kernel import audit, queue
from app.kernel.db import db, transaction
from app.kernel.tenancy import scoped
from tests.builders import Town, found_town
from tests.kernel import worker_jobs  # noqa: F401 -- registers the jobs

ROOT = Path(__file__).parents[2]
BECOME = (
    "import sys; from app.kernel import queue; queue.LEASE_SECONDS = {lease};"
    " queue.HEARTBEAT_SECONDS = {beat}; sys.argv = ['worker', '{role}'];"
    " import tests.kernel.worker_jobs; from app import worker; worker.main()"
)


class Works:
    """Processes of the background, started as in production and killed as in life."""

    def __init__(self, environment: dict[str, str], lease_seconds: int) -> None:
        self.environment, self.lease_seconds = environment, lease_seconds
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, role: str) -> None:
        """Start `jobs` or `relay`, in a group of its own so that it can be killed whole."""
        words = BECOME.format(role=role, lease=self.lease_seconds, beat=self.lease_seconds / 4)
        self.processes[role] = subprocess.Popen(
            [sys.executable, "-c", words],
            cwd=ROOT,
            env=os.environ | self.environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self, role: str, *, children: bool) -> None:
        """SIGKILL to a process, and to what it forked or not."""
        process = self.processes.pop(role)
        if children:
            for pid in children_of(process.pid):
                _kill(pid)
        _kill(process.pid)
        process.wait()

    def revive(self) -> None:
        """Start again what ended by itself: the supervisor's part, in production."""
        for role, process in list(self.processes.items()):
            if process.poll() is not None:
                self.start(role)

    def stop(self) -> None:
        """End everything."""
        for role in list(self.processes):
            self.kill(role, children=True)


def children_of(pid: int) -> list[int]:
    """The processes a process forked, read from /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def works(servers, environment, house) -> Iterator[Callable[[int], Works]]:
    """Start background processes with a lease of so many seconds; gone after the test."""
    redis.Redis.from_url(environment["REDIS_URL"]).flushall()
    with scoped(queue._every_community()), transaction():
        db.session.execute(db.text("UPDATE task SET status = 'failed' WHERE status <> 'done'"))
        db.session.execute(db.text("UPDATE outbox_event SET relayed_at = now()"))
    made: list[Works] = []

    def make(lease_seconds: int) -> Works:
        made.append(Works(environment, lease_seconds))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def ask(town: Town, word: str, wait_seconds: float = 0) -> int:
    with scoped([town.community_id]), transaction():
        args = {"word": word, "wait_seconds": wait_seconds}
        return queue.enqueue("test:mark", town.community_id, args).id


def status(town: Town, task_id: int) -> tuple[str, int]:
    db.session.rollback()
    with scoped([town.community_id]):
        row = db.session.execute(
            db.text("SELECT status, attempt FROM task WHERE id = :id"), {"id": task_id}
        ).one()
        return row.status, row.attempt


def marks(town: Town) -> list[str]:
    db.session.rollback()
    with scoped([town.community_id]):
        found = db.session.query(audit.AuditEvent.subject).filter_by(action="test:marked")
        return sorted(row[0] for row in found)


def wait_until(true: Callable[[], bool], seconds: float) -> float:
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < seconds, "too late"
        time.sleep(0.1)
    return time.monotonic() - begun


def kill_and_resume(works: Works, town: Town, *, children: bool, within_seconds: float) -> None:
    """One task; its worker dies in the middle; another worker finishes it, once."""
    word = f"{time.monotonic_ns()}"
    task_id = ask(town, word, wait_seconds=2)
    wait_until(lambda: status(town, task_id)[0] == "running", 90)
    time.sleep(0.3)
    works.kill("jobs", children=children)
    works.start("jobs")
    wait_until(lambda: status(town, task_id)[0] == "done", within_seconds)
    assert status(town, task_id)[1] == (2 if children else 1)
    time.sleep(1)
    assert marks(town).count(f"word:{word}") == 1


def test_a_killed_worker_and_its_child_leave_one_effect_soon_resumed(works):
    running, town = works(3), found_town()
    running.start("relay")
    running.start("jobs")
    kill_and_resume(running, town, children=False, within_seconds=30)
    kill_and_resume(running, town, children=True, within_seconds=40)


@pytest.mark.slow
def test_twenty_killed_workers_leave_one_effect_each_resumed_within_a_minute(works):
    running, town = works(queue.LEASE_SECONDS), found_town()
    running.start("relay")
    running.start("jobs")
    for number in range(20):
        # 60 s from the worker's death, and 3 for the job itself.
        kill_and_resume(running, town, children=number % 2 == 1, within_seconds=63)


def lose_redis(servers, works: Works, town: Town, rounds: int) -> None:
    """Redis is emptied or killed while tasks wait; every one is done once."""
    connection = redis.Redis.from_url(servers.redis_url)
    words = []
    for number in range(rounds):
        for n in range(5):
            words.append(f"word:{number}-{n}")
            ask(town, f"{number}-{n}", wait_seconds=0.1)
        time.sleep(0.4)
        if number % 2:
            servers.kill("valkey")
            time.sleep(0.2)
            servers.start()
        else:
            connection.flushall()

    def all_done() -> bool:
        works.revive()
        return len(marks(town)) >= len(words)

    _make_stale(servers, town)
    wait_until(all_done, 180)
    time.sleep(1)
    assert marks(town) == sorted(words)


def _make_stale(servers, town: Town) -> None:
    """Let the minute pass after which waiting tasks are put into Redis again."""
    from tests.servers import DATABASE

    url = servers.database_url("postgres", DATABASE).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE task SET enqueued_at = enqueued_at - interval '61 s'"
            " WHERE community_id = %s AND status = 'queued'", [town.community_id])  # fmt: skip


def test_redis_emptied_and_killed_loses_nothing(servers, works):
    running, town = works(3), found_town()
    running.start("relay")
    running.start("jobs")
    lose_redis(servers, running, town, rounds=2)


@pytest.mark.slow
def test_redis_emptied_and_killed_twenty_times_loses_nothing(servers, works):
    running, town = works(3), found_town()
    running.start("relay")
    running.start("jobs")
    lose_redis(servers, running, town, rounds=20)

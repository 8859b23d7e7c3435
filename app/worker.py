"""The processes beside the web: `jobs` runs tasks, `relay` hands them out, `timetable` keeps time.

Each is one command, `python -m app.worker jobs|relay|timetable`. Any number of `jobs` and
`relay` may run; of `timetable` exactly one, though two would do no harm: every scheduled act
is a task with a unique key per community and appointed time.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

import redis
import structlog
from croniter import croniter
from flask import Flask
from rq import Queue, Worker
from sqlalchemy import text

from app import create_app, wiring
from app.kernel import clock, queue
from app.kernel.db import db, transaction
from app.kernel.tenancy import NOWHERE, scoped

RELAY_PAUSE_SECONDS = 0.5
TIMETABLE_PAUSE_SECONDS = 20
LONGEST_CATCH_UP = timedelta(hours=26)  # what was missed longer ago waits for its next time

log = structlog.get_logger(__name__)


@lru_cache(maxsize=1)
def _app() -> Flask:
    return create_app()


def run_task(community_id: int, task_id: int) -> None:
    """What RQ calls, in a forked child: run one task by its numbers."""
    with _app().app_context():
        queue.run(community_id, task_id)


def jobs() -> None:
    """Run tasks until told to stop; each in a child of its own, so a crash costs one task."""
    app = _app()  # before the fork, so that children start warm; it holds no connection yet
    connection = redis.Redis.from_url(app.config["REDIS_URL"])
    Worker([Queue(queue.QUEUE_NAME, connection=connection)], connection=connection).work(
        logging_level="WARNING"
    )


def relay() -> None:
    """Hand out news and tasks, twice a second, through every outage."""
    app = _app()
    _repeat(lambda: queue.relay(app, wiring.NEWS), RELAY_PAUSE_SECONDS)


def timetable() -> None:
    """Ask for each scheduled job when its time has come."""
    app = _app()

    def look() -> int:
        with app.app_context():
            return sum(ask_for_due(clock.now()))

    _repeat(look, TIMETABLE_PAUSE_SECONDS)


def ask_for_due(now: datetime) -> list[int]:
    """Enqueue what the timetable appoints up to now; returns how many tasks per line.

    Cron lines are on China's clock. Asking again for the same time adds nothing, so a
    restart, a second process or a clock set back an hour does no harm.
    """
    return [_ask(name, cron, job, each, now) for name, cron, job, each in wiring.TIMETABLE]


def _ask(name: str, cron: str, job: str, each: str, now: datetime) -> int:
    appointed = croniter(cron, now.astimezone(clock.CHINA)).get_prev(datetime)
    if now - appointed > LONGEST_CATCH_UP:
        return 0
    key = f"{name}-{appointed:%Y%m%dT%H%M}"
    with transaction():
        found = [row[0] for row in db.session.execute(text("SELECT id FROM community"))]
    places = found if each == "community" else [NOWHERE]
    with scoped(places), transaction():
        return int(
            db.session.execute(
                text(
                    "INSERT INTO task (community_id, name, key, args, run_after, created_at)"
                    " SELECT place, :job, :key, '{}', :now, :now"
                    " FROM unnest(CAST(:places AS bigint[]))"
                    " AS place ON CONFLICT (community_id, name, key) DO NOTHING"
                ),
                {"job": job, "key": key, "now": now, "places": places},
            ).rowcount
        )


def _repeat(act: Callable[[], int], pause_seconds: float) -> None:
    """Act, pause, act again until SIGTERM; an outage is logged once and waited out."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    failing = False
    while not stop.is_set():
        try:
            moved = act()
            failing = False
        except Exception:
            if not failing:
                log.exception("worker.outage")
            failing, moved = True, 0
        stop.wait(0 if moved >= 200 else pause_seconds)


def main() -> None:
    """Be the process named on the command line."""
    processes = {"jobs": jobs, "relay": relay, "timetable": timetable}
    if len(sys.argv) != 2 or sys.argv[1] not in processes:
        raise SystemExit(f"usage: python -m app.worker {'|'.join(processes)}")
    processes[sys.argv[1]]()


if __name__ == "__main__":
    # RQ's children import this file as `app.worker`; run that one, so that they find the
    # application their parent has already built.
    from app import worker  # noqa: PLW0406

    worker.main()

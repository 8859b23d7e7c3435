"""Tasks live in PostgreSQL: Redis and workers may die, the effect happens once."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
import redis
from rq import Queue

from app.kernel import audit, clock, outbox, queue
from app.kernel.db import db, transaction
from app.kernel.tenancy import scope, scoped
from tests.builders import Town, found_town
from tests.kernel import worker_jobs  # noqa: F401 -- registers the jobs


@pytest.fixture
def line(house) -> Queue:
    """The line in Redis, empty at first."""
    connection = redis.Redis.from_url(house.config["REDIS_URL"])
    connection.flushall()
    with scoped(queue._every_community()), transaction():
        db.session.execute(db.text("UPDATE task SET status = 'failed' WHERE status <> 'done'"))
        db.session.execute(db.text("UPDATE outbox_event SET relayed_at = now()"))
    return Queue(queue.QUEUE_NAME, connection=connection)


def ask(town: Town, name: str = "test:mark", key: str | None = None, **args: object) -> int:
    with transaction():
        return queue.enqueue(name, town.community_id, args, key=key).id


def marks(town: Town) -> list[str]:
    db.session.rollback()
    with scoped([town.community_id]):
        return [one.subject for one in db.session.query(audit.AuditEvent).order_by("id")
                if one.action == "test:marked"]  # fmt: skip


def task_of(town: Town, task_id: int) -> queue.Task:
    db.session.rollback()
    with scoped([town.community_id]):
        task = db.session.get_one(queue.Task, (town.community_id, task_id))
        db.session.refresh(task)
        db.session.expunge(task)
        return task


def run(town: Town, task_id: int) -> None:
    """Run a task here, as RQ's child would."""
    queue.run(town.community_id, task_id)


def test_a_task_is_run_once_with_its_effect_and_result(town, line):
    with audit.acting(audit.Actor(account_id=9)):
        task_id = ask(town, word="a")
    run(town, task_id)
    run(town, task_id)
    task = task_of(town, task_id)
    assert (task.status, task.attempt, task.result) == ("done", 1, {"word": "a", "asked_by": 9})
    assert marks(town) == ["word:a"]
    with scoped([town.community_id]):
        event = db.session.query(audit.AuditEvent).filter_by(action="test:marked").one()
        assert (event.account_id, event.via) == (9, "job")


def test_asking_twice_with_a_key_is_asking_once(town, line):
    assert ask(town, key="k") == ask(town, key="k")
    assert ask(town) != ask(town)


def test_two_who_ask_at_the_same_moment_get_one_task(app, town, line):
    with transaction():
        first = queue.enqueue("test:mark", town.community_id, key="race").id
        second: list[int] = []

        def other() -> None:
            with app.app_context(), scoped([town.community_id]), transaction():
                second.append(queue.enqueue("test:mark", town.community_id, key="race").id)

        thread = threading.Thread(target=other)
        thread.start()
        time.sleep(0.3)
        assert not second, "the second waits for the first"
    thread.join(10)
    assert second == [first]


def test_news_becomes_tasks_once_however_often_it_is_relayed(app, town, line):
    with transaction():
        outbox.tell(town.community_id, "thing:happened", {"word": "n"})
    handlers = {"thing:happened": ["test:mark"]}
    queue.relay(app, handlers)
    queue.relay(app, handlers)
    with scoped([town.community_id]):
        task = db.session.query(queue.Task).one()
    assert line.get_job_ids() == [f"task_{town.community_id}_{task.id}"]
    run(town, task.id)
    assert marks(town) == ["word:n"]


def test_news_of_what_was_rolled_back_never_leaves(app, town, line):
    outbox.tell(town.community_id, "thing:happened", {"word": "n"})
    db.session.flush()
    db.session.rollback()
    assert queue.relay(app, {"thing:happened": ["test:mark"]}) == 0


def test_a_relay_started_inside_a_scope_leaves_it_as_it_was(app, town, line):
    queue.relay(app, {})
    assert scope() == {town.community_id}


def test_after_redis_lost_everything_all_waiting_tasks_are_put_there_again(app, line):
    towns = [found_town() for _ in range(5)]
    tasks = []
    for town in towns:
        with scoped([town.community_id]):
            tasks += [(town, ask(town, word=str(n))) for n in range(3)]
    assert queue.relay(app, {}) == 15
    assert len(line) == 15
    line.connection.flushall()
    assert queue.relay(app, {}) == 0, "not before a minute has passed"
    with clock.moved_to(clock.now() + timedelta(seconds=61)):
        assert queue.relay(app, {}) == 15
    assert sorted(line.get_job_ids()) == sorted(
        f"task_{town.community_id}_{task_id}" for town, task_id in tasks
    )


def test_a_long_line_is_not_put_into_redis_again_every_minute(app, town, line):
    for _ in range(3):
        ask(town)
    for minute in range(4):
        with clock.moved_to(clock.now() + timedelta(minutes=1, seconds=5) * minute):
            queue.relay(app, {})
    assert len(line) == 3


def test_a_rule_broken_is_shown_and_not_tried_again(town, line):
    task_id = ask(town, "test:refuse")
    run(town, task_id)
    task = task_of(town, task_id)
    assert (task.status, task.attempt, task.error) == ("failed", 1, "2026-03 已结账。")
    assert marks(town) == []


def test_a_crash_is_tried_again_later_and_at_last_given_up(app, town, line):
    task_id = ask(town, "test:crash")
    moment = clock.now()
    for attempt in range(1, queue.LARGEST_ATTEMPT + 1):
        with clock.moved_to(moment):
            run(town, task_id)
        task = task_of(town, task_id)
        assert task.attempt == attempt
        assert task.run_after > moment
        moment = task.run_after + timedelta(seconds=1)
    assert (task.status, task.error) == ("failed", "ZeroDivisionError")
    assert marks(town) == []
    with clock.moved_to(moment + timedelta(hours=1)):
        assert queue.relay(app, {}) == 0


def test_a_failed_attempt_waits_before_the_next(app, town, line):
    task_id = ask(town, "test:crash")
    run(town, task_id)
    assert queue.relay(app, {}) == 0
    with clock.moved_to(clock.now() + timedelta(seconds=3)):
        assert queue.relay(app, {}) == 1


def test_a_task_of_an_unknown_name_fails_in_the_end_and_hurts_nobody(town, line):
    task_id = ask(town, "test:nobody-knows")
    for _ in range(queue.LARGEST_ATTEMPT):
        run(town, task_id)
    assert task_of(town, task_id).status == "failed"


def steal(town: Town, task_id: int, seconds: int = 60) -> None:
    """As if a worker had died with the task: its lease ran out `seconds` ago."""
    with scoped([town.community_id]), transaction():
        db.session.execute(
            db.text(
                "UPDATE task SET status = 'running', attempt = attempt + 1,"
                " lease_until = now() - make_interval(secs => :s), enqueued_at = NULL"
                " WHERE id = :id"
            ),
            {"id": task_id, "s": seconds},
        )


def test_a_dead_workers_task_is_put_back_when_its_lease_has_run_out(app, town, line):
    task_id = ask(town, word="x")
    steal(town, task_id, seconds=-30)
    assert queue.relay(app, {}) == 0, "its lease still runs"
    run(town, task_id)
    assert marks(town) == []
    steal(town, task_id, seconds=1)
    assert queue.relay(app, {}) == 1
    run(town, task_id)
    assert marks(town) == ["word:x"]


def test_a_worker_that_wakes_after_its_lease_was_taken_over_cannot_commit(app, town, line):
    """The slow one has done its work but not committed when another takes over and finishes."""
    task_id = ask(town, word="slow", wait_seconds=1.0)
    stolen: list[bool] = []

    def take_over() -> None:
        with app.app_context():
            for _ in range(100):
                if task_of(town, task_id).status == "running":
                    break
                time.sleep(0.02)
            steal(town, task_id)
            run(town, task_id)
            stolen.append(True)

    thread = threading.Thread(target=take_over)
    thread.start()
    run(town, task_id)
    thread.join(20)
    assert stolen == [True]
    assert marks(town) == ["word:slow"]
    task = task_of(town, task_id)
    assert (task.status, task.attempt) == ("done", 3)


def test_a_task_that_kills_every_worker_ends_some_day(town, line):
    task_id = ask(town, word="bomb")
    for _ in range(queue.LARGEST_LOSSES):
        steal(town, task_id)
    run(town, task_id)
    task = task_of(town, task_id)
    assert task.status == "failed"
    assert "中断" in task.error
    assert marks(town) == []


def test_a_running_job_prolongs_its_lease_and_tells_how_far_it_is(app, town, line, monkeypatch):
    monkeypatch.setattr(queue, "HEARTBEAT_SECONDS", 0.2)
    seen: list[tuple[int, int]] = []
    leases = set()

    @queue.job("test:watched")
    def watched(community_id: int) -> None:
        queue.progress(3, 7)
        for _ in range(4):
            time.sleep(0.25)
            with queue._aside(community_id) as beside:
                row = beside.exec_driver_sql(
                    "SELECT progress_done, progress_total, lease_until FROM task"
                    f" WHERE community_id = {community_id}").one()  # fmt: skip
                seen.append((row[0], row[1]))
                leases.add(row[2])

    run(town, ask(town, "test:watched"))
    assert set(seen) == {(3, 7)}
    assert len(leases) > 2


def test_a_missed_heartbeat_does_not_end_the_beating(app, town, line, monkeypatch):
    from sqlalchemy.exc import OperationalError

    monkeypatch.setattr(queue, "HEARTBEAT_SECONDS", 0.05)
    beats: list[int] = []

    def failing(_ticket: object) -> None:
        beats.append(1)
        raise OperationalError("x", None, Exception())

    monkeypatch.setattr(queue, "_prolong", failing)
    run(town, ask(town, word="x", wait_seconds=0.5))
    assert len(beats) > 2
    assert marks(town) == ["word:x"]

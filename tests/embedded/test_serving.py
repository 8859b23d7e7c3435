"""Ports, keys, supervision and the revisions, each by itself."""

import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from app.embedded import watch
from app.embedded.commands import newest_revisions
from app.embedded.keys import load_keys
from app.embedded.ports import listen
from app.embedded.process import Process, Watcher
from app.embedded.supervise import Supervisor


def until(condition: Callable[[], bool], timeout_s: float = 10) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    made = Watcher("a-token-of-this-test")
    yield made
    made.close()


def test_a_taken_port_gives_the_next_one() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with listen(taken) as ear:
            assert ear.getsockname()[1] != taken


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    keys = load_keys(path)
    assert load_keys(path) == keys
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    Fernet(keys["LINLI_FIELD_KEY"])


def test_a_missing_key_is_added_and_the_others_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text('{"SECRET_KEY": "as it was"}')
    keys = load_keys(path)
    assert keys["SECRET_KEY"] == "as it was"
    assert set(keys) == {"SECRET_KEY", "LINLI_FIELD_KEY", "LINLI_DIGEST_KEY"}


def test_a_dead_child_is_started_again_and_a_person_told(tmp_path: Path, watcher: Watcher) -> None:
    told: list[str] = []
    supervisor = Supervisor(watcher, tmp_path, dict(os.environ), told.append)
    child = supervisor.add("sleeper", ["sleep", "60"])
    first = child.process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)

    def back() -> bool:
        supervisor.look()
        return child.process.pid not in (None, first)

    assert until(back)
    assert told == ["sleeper ended (code -9); it starts again in 0.5 s."]
    supervisor.stop()
    assert not child.process.runs()


def test_a_child_that_keeps_dying_waits_longer_and_is_mentioned_three_times(
    tmp_path: Path, watcher: Watcher
) -> None:
    told: list[str] = []
    supervisor = Supervisor(watcher, tmp_path, dict(os.environ), told.append)
    child = supervisor.add("hopeless", ["false"])
    pauses = [child.mourn(child.started_at + 1) for _ in range(9)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert child.mourn(child.started_at + 31) == 0.5
    supervisor.stop()


def test_a_deaf_child_is_killed_with_its_group(tmp_path: Path, watcher: Watcher) -> None:
    deaf = Process("deaf", tmp_path / "deaf.log", watcher, signal.SIGTERM)
    deaf.spawn(["sh", "-c", "trap '' TERM; echo ready; sleep 60 & wait; sleep 60"])
    assert until(lambda: "ready" in deaf.last_words())
    begun = time.monotonic()
    deaf.stop(patience_s=0.3)
    assert not deaf.runs()
    assert time.monotonic() - begun < 5


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the mark is read from /proc")
def test_the_mark_finds_what_left_its_group(tmp_path: Path, watcher: Watcher) -> None:
    stray = Process("stray", tmp_path / "stray.log", watcher, signal.SIGTERM)
    stray.spawn(["sleep", "60"], env={**os.environ, watch.MARK: "only-here"})
    assert until(lambda: watch.marked("only-here") == [stray.pid])
    watch.end_marked("only-here")
    assert until(lambda: not stray.runs())


def test_the_newest_revisions_are_those_nothing_follows(tmp_path: Path) -> None:
    (tmp_path / "1.py").write_text('import absent\nrevision: str = "a"\ndown_revision = None\n')
    (tmp_path / "2.py").write_text('revision = "b"\ndown_revision = "a"\n')
    (tmp_path / "3.py").write_text('revision = "c"\ndown_revision: tuple = ("a", "b")\n')
    assert newest_revisions(tmp_path) == {"c"}

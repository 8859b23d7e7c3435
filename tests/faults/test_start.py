"""`python3 run.py` from nothing, in unfriendly places, and after any kill.

Run on demand: `python3 run.py test tests/faults/test_start.py -m slow -n 0 -s`.
Each figure is printed.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.runner import ROOT, Running, copy_project, nothing_runs, processes_of

pytestmark = pytest.mark.slow
SYSTEM_PYTHON = "/usr/bin/python3"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become someone else")
needs_install = pytest.mark.skipif(
    not (ROOT / ".linli" / "stamp.json").exists(), reason="run.py has not set up this folder"
)


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder anyone may enter, below which projects are copied."""
    folder = Path(tempfile.mkdtemp(prefix="linli faults ", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    for pid in processes_of(folder):
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    shutil.rmtree(folder, ignore_errors=True)


def test_from_nothing_in_a_folder_with_a_space(ground: Path) -> None:
    before = set(Path("/tmp").glob("linli-*"))
    place = copy_project(ground / "邻里 here")
    first = Running(place)
    first_s = first.wait_ready()
    assert first.answers()
    stop_s = first.stop()
    assert nothing_runs(place) == {}
    again = Running(place)
    again_s = again.wait_ready()
    again.stop()
    print(f"\nfirst start {first_s:.1f} s, second {again_s:.1f} s, stop {stop_s:.1f} s")
    assert first_s < 120
    assert again_s < 5
    assert stop_s < 10
    assert set(Path("/tmp").glob("linli-*")) <= before


@needs_root
def test_from_nothing_as_an_ordinary_user_with_the_systems_python(ground: Path) -> None:
    home = ground / "home"
    place = copy_project(home / "linli")
    subprocess.run(["chown", "-R", "nobody:nogroup", str(home)], check=True)
    home.chmod(0o700)
    running = Running.as_nobody(place, SYSTEM_PYTHON)
    first_s = running.wait_ready()
    assert running.answers()
    owners = {os.stat(f"/proc/{pid}").st_uid for pid in processes_of(place)}
    assert 0 not in owners
    running.stop()
    assert nothing_runs(place) == {}
    print(f"\nfirst start as nobody {first_s:.1f} s")


@needs_root
@needs_install
def test_as_root_below_a_private_home(ground: Path) -> None:
    home = ground / "root's home"
    place = copy_project(home / "linli", installed=True)
    home.chmod(0o700)
    running = Running(place)
    print(f"\nstart below a 0700 home {running.wait_ready():.1f} s")
    assert running.answers()
    assert home.stat().st_mode & 0o777 == 0o700
    running.stop()
    assert nothing_runs(place) == {}


@needs_install
def test_two_checkouts_side_by_side_and_a_second_start_in_one(ground: Path) -> None:
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = str(squatter.getsockname()[1])
        places = [copy_project(ground / name, installed=True) for name in ("one", "two")]
        both = [Running(place, "--port", port) for place in places]
        for running in both:
            running.wait_ready()
            assert running.answers()
            assert f"Port {port} is taken" in running.text
        assert both[0].address != both[1].address
        second = Running(places[0])
        assert second.process.wait(20) == 1
        second.stop()
        assert f"already runs from this folder: at {both[0].address}" in second.text
        for running in both:
            running.stop()
    assert nothing_runs(ground) == {}


@needs_install
def test_whatever_child_is_killed_comes_back(ground: Path) -> None:
    place = copy_project(ground / "linli", installed=True)
    running = Running(place)
    running.wait_ready()
    time.sleep(2)
    killed = []
    for pid, words in sorted(processes_of(place).items()):
        if pid == running.process.pid or words.startswith("postgres:"):
            continue
        killed.append(words.split("/")[-1][:60])
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        time.sleep(3)
        assert running.process.poll() is None, running.text
        deadline = time.monotonic() + 20
        while not running.answers() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert running.answers(), (words, running.text)
    print("\nkilled:", *killed, sep="\n  ")
    assert any("postgres" in words for words in processes_of(place).values())
    running.stop()
    assert nothing_runs(place) == {}


@needs_install
@pytest.mark.parametrize("group", [False, True], ids=["top", "whole group"])
def test_nothing_outlives_a_kill_of_the_top_and_the_next_start_works(
    ground: Path, group: bool
) -> None:
    place = copy_project(ground / "linli", installed=True)
    for round_number in range(3):
        running = Running(place)
        took_s = running.wait_ready()
        if group:
            os.killpg(running.process.pid, signal.SIGKILL)
        else:
            running.process.kill()
        begun = time.monotonic()
        assert nothing_runs(place, within_s=12) == {}
        gone_s = time.monotonic() - begun
        print(f"\nround {round_number}: start {took_s:.1f} s, all gone after {gone_s:.1f} s")


@needs_install
def test_killed_at_any_moment_of_its_start_it_starts_the_next_time(ground: Path) -> None:
    place = copy_project(ground / "linli", installed=True)
    for tenths in range(2, 40, 4):
        running = Running(place)
        time.sleep(tenths / 10)
        running.process.kill()
        running.process.wait()
    running = Running(place)
    running.wait_ready()
    assert running.answers()
    running.stop()
    assert nothing_runs(place) == {}

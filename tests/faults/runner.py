"""Copies of the project, and `run.py` started in them as a person would."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
READY = "Ctrl-C stops everything"
FIRST_START_S = 300
BASE = getattr(sys, "_base_executable", sys.executable)


def copy_project(target: Path, *, installed: bool = False) -> Path:
    """Copy what is committed or about to be; with `installed`, also our environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    if installed:
        (target / ".linli").mkdir()
        for name in ("venv", "tools", "node", "stamp.json"):
            place = target / ".linli" / name
            subprocess.run(["cp", "-a", "-l", str(ROOT / ".linli" / name), str(place)], check=True)
        vendor = Path("app/web/static/vendor")
        shutil.copytree(ROOT / vendor, target / vendor)
    return target


class Running:
    """One `run.py serve`, its output gathered, its start timed."""

    def __init__(self, folder: Path, *words: str, python: str = BASE) -> None:
        self._begin([python, "run.py", *words], folder, {})

    @classmethod
    def as_nobody(cls, folder: Path, python: str) -> "Running":
        self = cls.__new__(cls)
        who = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"]
        self._begin([*who, python, "run.py"], folder, {"HOME": "/nonexistent"})
        return self

    def _begin(self, argv: Sequence[str], folder: Path, extra: dict[str, str]) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.begun = time.monotonic()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
        for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "STORAGE_DIR", "PUBLIC_URL"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            argv,
            cwd=folder,
            env=environment | extra,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def wait_ready(self, timeout_s: float = FIRST_START_S) -> float:
        """Wait for the last line of the start; give the seconds it took."""
        while READY not in self.text:
            elapsed = time.monotonic() - self.begun
            assert self.process.poll() is None, self.text
            assert elapsed < timeout_s, self.text
            time.sleep(0.02)
        return time.monotonic() - self.begun

    @property
    def address(self) -> str:
        found = re.search(r"is at (http://\S+)", self.text)
        assert found, self.text
        return found[1]

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.address}/health/live", timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def stop(self) -> float:
        """Ctrl-C; give the seconds until all had ended."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        self._reader.join(5)
        return time.monotonic() - begun


def processes_of(folder: Path) -> dict[int, str]:
    """Every process whose command or working folder lies in this folder."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = os.readlink(entry / "cwd")
        except OSError:
            continue
        if state not in "ZX" and (str(folder) in words or place.startswith(str(folder))):
            found[int(entry.name)] = words
    return found


def nothing_runs(folder: Path, within_s: float = 10) -> dict[int, str]:
    """Wait until nothing of this folder runs; give what still does."""
    deadline = time.monotonic() + within_s
    while (left := processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left

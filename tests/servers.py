"""Fixtures of the servers: one pair per test process, ended with it, however it ends."""

import base64
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.embedded import Servers

ROOT = Path(__file__).parent.parent
TEST_DATA = ROOT / ".linli" / "var" / "tests"
TEMPLATE = "linli_template"
DATABASE = "linli_test"


@pytest.fixture(scope="session")
def servers(worker_id: str) -> Iterator[Servers]:
    """PostgreSQL and Valkey of this test process, without regard for power failures."""
    _sweep()
    folder = TEST_DATA / f"{worker_id}-{os.getpid()}"
    running = Servers(folder, durable=False)
    running.watcher.remove(folder)  # if we are killed
    running.start()
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(servers: Servers) -> str:
    """The name of a migrated, empty database, to be copied; made once per test process."""
    servers.create_database(TEMPLATE)
    if (ROOT / "migrations" / "env.py").exists():
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
            cwd=ROOT,
            env=os.environ | environment_of(servers, TEMPLATE),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"the migrations failed:\n{done.stdout}{done.stderr}"
    return TEMPLATE


@pytest.fixture(scope="session")
def environment(servers: Servers, template: str) -> Iterator[dict[str, str]]:
    """The environment the application reads, on a migrated database; also in os.environ."""
    servers.create_database(DATABASE, template)
    values = environment_of(servers, DATABASE)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield values
    shutil.rmtree(values["STORAGE_DIR"], ignore_errors=True)


@pytest.fixture
def fresh_database(servers: Servers, template: str) -> Iterator[Callable[[], str]]:
    """Make a migrated database of the test's own; gives its name; dropped afterwards."""
    made: list[str] = []

    def make() -> str:
        name = f"linli_{secrets.token_hex(4)}"
        servers.create_database(name, template)
        made.append(name)
        return name

    yield make
    for name in made:
        servers.drop_database(name)


def environment_of(servers: Servers, database: str) -> dict[str, str]:
    """What the application needs to know to use this database."""
    storage = TEST_DATA / f"files-{os.getpid()}"
    return {
        "LINLI_ENV": "test",
        "DATABASE_URL": servers.database_url("linli_app", database),
        "MIGRATION_DATABASE_URL": servers.database_url("linli_owner", database),
        "REDIS_URL": servers.redis_url,
        "SECRET_KEY": "for tests only",
        "LINLI_FIELD_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
        "LINLI_PASSWORD_COST": "test",
        "STORAGE_DIR": str(storage),
        "PUBLIC_URL": "http://127.0.0.1",
    }


def _sweep() -> None:
    """Remove what earlier test processes left when they were killed."""
    for folder in TEST_DATA.glob("*-[0-9]*"):
        pid = int(folder.name.rpartition("-")[2])
        if not _exists(pid):
            shutil.rmtree(folder, ignore_errors=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""Operators' commands run at the start: `flask --app wsgi …`, in a process of their own."""

import ast
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from app.embedded.errors import EmbeddedError
from app.embedded.servers import Servers

ROOT = Path(__file__).resolve().parent.parent.parent
MIGRATIONS = ROOT / "migrations"


def flask(
    words: list[str], environment: Mapping[str, str], servers: Servers
) -> subprocess.CompletedProcess[str]:
    """Run a command of the application to its end; it ends with us if we are killed."""
    argv = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    with subprocess.Popen(
        argv,
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            out, err = child.communicate()
        except BaseException:
            child.kill()
            raise
    with (servers.folder / "logs" / "set-up.log").open("a") as log:
        log.write(f"$ flask {' '.join(words)}\n{out}{err}")
    return subprocess.CompletedProcess(argv, child.returncode, out, err)


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The end of what a failed command said, and where the rest is."""
    words = [line for line in done.stderr.splitlines() if line.strip()]
    return "\n".join([*words[-8:], "All of it is in .linli/var/logs/set-up.log."])


def absent(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether the command does not exist, rather than the application not load."""
    return "No such command" in done.stderr and "Traceback" not in done.stderr


def migrate(servers: Servers, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Bring the database to the newest revision, unless it is there already."""
    if _revisions(servers) == newest_revisions(MIGRATIONS / "versions"):
        return
    say("Bringing the database up to date …")
    done = flask(["db", "upgrade"], environment, servers)
    if done.returncode:
        raise EmbeddedError(f"The database could not be brought up to date:\n{complaint(done)}")


def newest_revisions(folder: Path) -> set[str]:
    """The revisions nothing comes after, read from the files without running them."""
    revisions: set[str] = set()
    followed: set[str] = set()
    for path in folder.glob("*.py"):
        for statement in ast.parse(path.read_text("utf-8")).body:
            name, value = _assigned(statement)
            if name == "revision":
                revisions |= value
            elif name == "down_revision":
                followed |= value
    return revisions - followed


def _assigned(statement: ast.stmt) -> tuple[str, set[str]]:
    """The name and the strings of `name = "…"`, `name = ("…", "…")` or `name = None`."""
    if isinstance(statement, ast.Assign):
        target: ast.expr = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign):
        target = statement.target
    else:
        return "", set()
    if not isinstance(target, ast.Name) or statement.value is None:
        return "", set()
    constants = [node for node in ast.walk(statement.value) if isinstance(node, ast.Constant)]
    return target.id, {node.value for node in constants if isinstance(node.value, str)}


def _revisions(servers: Servers) -> set[str]:
    """The revisions the database is at; none for a new one."""
    address = servers.database_url("linli_owner").replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        try:
            rows = connection.execute(sql.SQL("SELECT version_num FROM alembic_version"))
        except psycopg.errors.UndefinedTable:
            return set()
        return {revision for (revision,) in rows}

"""Migrations go up and down, and the models say what they make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import flask_migrate
import psycopg
import pytest
from flask import Flask

from app.embedded import Servers

ROOT = Path(__file__).parents[2]


@pytest.fixture
def database(
    app: Flask,
    servers: Servers,
    fresh_database: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """A migrated database of the test's own, which the migrations of this test go to."""
    name = fresh_database()
    monkeypatch.setitem(
        app.config, "MIGRATION_DATABASE_URL", servers.database_url("linli_owner", name)
    )
    return name


def _what_is_there(servers: Servers, database: str) -> list[tuple[str, str]]:
    url = servers.database_url("postgres", database).replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT 'relation', relname::text FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
            " AND relname NOT LIKE 'alembic_version%'"
            " UNION ALL SELECT 'function', proname::text FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace"
        ).fetchall()


def test_down_to_nothing_and_up_again_to_what_the_models_say(
    app: Flask, servers: Servers, database: str
) -> None:
    before = sorted(_what_is_there(servers, database))
    assert len(before) > 100
    with app.app_context():
        flask_migrate.downgrade(revision="base")
        assert _what_is_there(servers, database) == []
        flask_migrate.upgrade()
        assert sorted(_what_is_there(servers, database)) == before
        flask_migrate.check()  # exits when a model and its table differ


def test_every_migration_has_one_parent_and_a_way_down() -> None:
    files = sorted((ROOT / "migrations" / "versions").glob("*.py"))
    for before, after in zip([None, *files], files, strict=False):
        text = after.read_text("utf-8")
        parent = f'down_revision = "{before.name[:4]}"' if before else "down_revision = None"
        assert parent in text, after.name
        body = text.split("def downgrade() -> None:")[1].strip()
        assert body not in ("", "pass"), after.name

"""The wall between communities, as PostgreSQL itself keeps it.

Everything here goes round the application's filters: raw statements on a raw connection,
by the role the application connects as. Which tables there are is read from the catalogue,
so a table added tomorrow is held to the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask

from tests.builders import Town, found_town

# Tables that have a community_id and yet belong to no community, each with its reason.
NOT_A_COMMUNITYS = {
    "membership": "an account's role, in a community, a company or a region; read by the gate",
}
# The only ways round row-level security, each reviewed: they give back numbers and role names.
DEFINERS = {"access_of": "from an account to the communities it reaches on a day"}

TABLES_OF_COMMUNITIES = """
SELECT c.relname, c.relrowsecurity FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'community_id' AND NOT a.attisdropped
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""


@pytest.fixture
def raw(environment: dict[str, str]) -> Iterator[psycopg.Connection]:
    """A connection of the application's role, without the application."""
    with psycopg.connect(_dsn(environment["DATABASE_URL"])) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def owner(environment: dict[str, str]) -> Iterator[psycopg.Connection]:
    """A connection of the tables' owner, to count what is really there."""
    with psycopg.connect(_dsn(environment["MIGRATION_DATABASE_URL"])) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def two_towns(house: Flask) -> tuple[Town, Town]:
    """Two communities with a unit, an owner and an act on record each."""
    towns = found_town(), found_town()
    for town in towns:
        town.add_owner(town.add_unit())
    return towns


def tables(connection: psycopg.Connection) -> list[str]:
    found = connection.execute(TABLES_OF_COMMUNITIES).fetchall()
    return [name for name, _ in found if name not in NOT_A_COMMUNITYS]


def test_every_table_of_a_community_has_row_level_security_and_the_one_policy(
    owner: psycopg.Connection,
) -> None:
    found = owner.execute(TABLES_OF_COMMUNITIES).fetchall()
    assert len(found) > 20
    open_tables = {name for name, secured in found if not secured}
    assert open_tables == set(NOT_A_COMMUNITYS)
    policies = owner.execute(
        "SELECT tablename, policyname, cmd, permissive, qual, with_check FROM pg_policies"
        " WHERE schemaname = 'public'"
    ).fetchall()
    by_table = {row[0]: row[1:] for row in policies}
    assert set(by_table) == {name for name, _ in found} - set(NOT_A_COMMUNITYS)
    assert len(policies) == len(by_table), "a second policy would widen the first"
    rules = {
        (cmd, permissive, qual, check) for _, cmd, permissive, qual, check in by_table.values()
    }
    assert len(rules) == 1, "every table keeps the same rule"
    command, _, qual, check = rules.pop()
    assert command == "ALL"
    assert qual == check
    assert "app.communities" in qual


def test_without_a_scope_no_row_of_any_community_is_seen(
    raw: psycopg.Connection, owner: psycopg.Connection, two_towns: tuple[Town, Town]
) -> None:
    assert owner.execute("SELECT count(*) FROM unit").fetchone() != (0,)
    for table in tables(raw):
        assert raw.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_an_emptied_scope_sees_nothing_either(
    raw: psycopg.Connection, two_towns: tuple[Town, Town]
) -> None:
    raw.execute(f"SET LOCAL app.communities = '{{{two_towns[0].community_id}}}'")
    assert raw.execute("SELECT count(*) FROM unit").fetchone() == (1,)
    raw.commit()  # what SET LOCAL leaves behind is an empty text, not nothing
    assert raw.execute("SELECT count(*) FROM unit").fetchone() == (0,)
    raw.execute("SET LOCAL app.communities = '{}'")
    assert raw.execute("SELECT count(*) FROM unit").fetchone() == (0,)


def test_with_every_filter_removed_only_the_scopes_rows_are_seen(
    raw: psycopg.Connection, two_towns: tuple[Town, Town]
) -> None:
    here, there = two_towns
    raw.execute(f"SET LOCAL app.communities = '{{{here.community_id}}}'")
    for table in tables(raw):
        foreign = raw.execute(
            f"SELECT count(*) FROM {table} WHERE community_id <> {here.community_id}"
        ).fetchone()
        assert foreign == (0,), table
    assert raw.execute("SELECT count(*) FROM unit").fetchone() == (1,)
    by_key = f"SELECT count(*) FROM unit WHERE community_id = {there.community_id}"
    assert raw.execute(by_key).fetchone() == (0,)


def test_nothing_is_written_into_another_community(
    raw: psycopg.Connection, two_towns: tuple[Town, Town]
) -> None:
    here, there = two_towns
    raw.execute(f"SET LOCAL app.communities = '{{{here.community_id}}}'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute(f"INSERT INTO building (community_id, code) VALUES ({there.community_id}, 'x')")
    raw.rollback()
    raw.execute(f"SET LOCAL app.communities = '{{{here.community_id}}}'")
    moved = raw.execute(f"UPDATE unit SET remark = 'x' WHERE community_id = {there.community_id}")
    assert moved.rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute(f"UPDATE building SET community_id = {there.community_id}")


def test_the_application_role_owns_nothing_and_bypasses_nothing(
    raw: psycopg.Connection, owner: psycopg.Connection
) -> None:
    role = raw.execute("SELECT current_user").fetchone()
    assert role
    powers = raw.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
        " FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    assert powers == (False, False, False, False, False)
    owned = raw.execute(
        "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole"
    ).fetchone()
    assert owned == (0,)
    memberships = raw.execute(
        "SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole"
    ).fetchone()
    assert memberships == (0,), "it could SET ROLE to another"
    creates = raw.execute(
        "SELECT has_schema_privilege('public', 'CREATE'),"
        " has_database_privilege(current_database(), 'CREATE')"
    ).fetchone()
    assert creates == (False, False)


@pytest.mark.parametrize(
    "attempt",
    [
        "ALTER TABLE unit DISABLE ROW LEVEL SECURITY",
        "DROP POLICY in_scope ON unit",
        "CREATE POLICY mine ON unit USING (true)",
        "SET ROLE linli_owner",
        "SET SESSION AUTHORIZATION linli_owner",
        "TRUNCATE unit",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER FUNCTION access_of(bigint, date, bigint) OWNER TO linli_app",
    ],
)
def test_the_application_role_cannot_open_the_wall(raw: psycopg.Connection, attempt: str) -> None:
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject)):
        raw.execute(attempt)


def test_row_security_off_is_an_error_not_a_way_round(raw: psycopg.Connection) -> None:
    raw.execute("SET row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute("SELECT count(*) FROM unit")


def test_the_only_functions_with_their_owners_rights_are_the_reviewed_ones(
    owner: psycopg.Connection,
) -> None:
    found = owner.execute(
        "SELECT p.proname, p.proconfig, has_function_privilege('public', p.oid, 'EXECUTE')"
        " , p.prorettype = 'trigger'::regtype FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = 'public' AND p.prosecdef"
    ).fetchall()
    # A trigger's function gives nothing back and cannot be called by hand.
    assert {name for name, _, _, is_trigger in found if not is_trigger} == set(DEFINERS)
    for name, settings, everybody, is_trigger in found:
        assert any(one.startswith("search_path=") for one in settings or ()), name
        assert is_trigger or not everybody, f"{name} is open to every role"


def test_keys_between_tables_of_communities_carry_the_community(owner: psycopg.Connection) -> None:
    keys = owner.execute(
        """
        SELECT k.conname, k.conrelid::regclass::text, k.confrelid::regclass::text,
          (SELECT array_agg(a.attname::text) FROM unnest(k.conkey) c
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c)
        FROM pg_constraint k WHERE k.contype = 'f'
        """
    ).fetchall()
    mine = set(tables(owner))
    loose = [
        name
        for name, table, target, columns in keys
        if table in mine and target in mine and "community_id" not in columns
    ]
    assert keys
    assert loose == []


def test_a_table_without_its_policy_would_be_noticed(owner: psycopg.Connection) -> None:
    """The mutant: drop one policy (and roll back), and the first test's reading differs."""
    owner.execute("ALTER TABLE unit DISABLE ROW LEVEL SECURITY")
    found = owner.execute(TABLES_OF_COMMUNITIES).fetchall()
    assert "unit" in {name for name, secured in found if not secured}
    owner.rollback()


def _dsn(url: str) -> str:
    """psycopg reads a plain address; SQLAlchemy's names its driver."""
    return url.replace("postgresql+psycopg://", "postgresql://")

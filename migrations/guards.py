"""Words every migration uses: grants to the application's role, row-level security, append-only.

The application's role owns nothing and bypasses nothing. Its name comes from
LINLI_APP_ROLE (default `linli_app`); operators create it before the first migration.
"""

from __future__ import annotations

import os
import re

from alembic import op
from sqlalchemy.types import UserDefinedType

APP_ROLE = os.environ.get("LINLI_APP_ROLE", "linli_app")
assert re.fullmatch(r"[a-z_][a-z0-9_]*", APP_ROLE), "LINLI_APP_ROLE must be a plain name"

# The inner SELECT is evaluated once per statement; NULLIF because a setting that was SET LOCAL
# earlier in the session comes back as an empty string, which is no array.
IN_SCOPE = (
    "community_id = ANY ((SELECT NULLIF(current_setting('app.communities', true), '')"
    "::bigint[])::bigint[])"
)


def grant(*tables: str, verbs: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Let the application use a table that belongs to no community."""
    for table in tables:
        op.execute(f"GRANT {verbs} ON {table} TO {APP_ROLE}")


def tenant(*tables: str, verbs: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """A community's table: the application sees and writes only rows of communities in scope."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY in_scope ON {table} FOR ALL TO {APP_ROLE}"
            f" USING ({IN_SCOPE}) WITH CHECK ({IN_SCOPE})"
        )
    grant(*tables, verbs=verbs)


def append_only(*tables: str) -> None:
    """A community's table to which rows are only added: no grant, and a trigger that refuses.

    The trigger also stops the owner and a superuser's slip of the hand.
    """
    for table in tables:
        tenant(table, verbs="SELECT, INSERT")
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id."""

    def get_col_spec(self) -> str:
        """The column's type."""
        return "xid8"

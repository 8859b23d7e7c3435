"""Raw SQL as the application’s role: what PostgreSQL itself refuses."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from tests.servers import DATABASE

MARCH = date(2026, 3, 1)


def connect(servers, role: str = "linli_app") -> psycopg.Connection:
    """A plain connection, as the application's role unless said otherwise."""
    url = servers.database_url(role, DATABASE).replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True)


class Raw:
    """The application's role at a bare prompt."""

    def __init__(self, connection: psycopg.Connection, community_id: int, unit_id: int) -> None:
        self.connection, self.c, self.unit_id = connection, community_id, unit_id
        self.communities = [community_id]
        self.number = 1000

    def enter(
        self,
        *lines: tuple,
        book: str = "service",
        month: date = MARCH,
        entry: bool = True,
        c: int | None = None,
        statements: int = 1,
    ) -> None:
        """One transaction: an entry and its postings (account, fen[, unit[, book]])."""
        self.number += 1
        c = self.c if c is None else c
        with self.connection.transaction():
            self.scope()
            if entry:
                self.connection.execute(
                    "INSERT INTO entry (community_id, id, book, month, posted_on, kind, source)"
                    " VALUES (%s, %s, %s, %s, %s, 'raw:sql', %s)",
                    [c, self.number, book, month, month, str(self.number)],
                )
            self.post(self.number, *lines, book=book, c=c)

    def post(
        self,
        entry_id: int,
        *lines: tuple,
        book: str = "service",
        c: int | None = None,
        first: int = 1,
    ) -> None:
        """All postings in one statement."""
        if not lines:
            return
        full = [(*line, None)[:3] if len(line) < 3 else line for line in lines]
        rows = [
            [
                self.c if c is None else c,
                entry_id,
                no,
                line[3] if len(line) > 3 else book,
                line[0],
                line[2],
                line[1],
            ]
            for no, line in enumerate(full, first)
        ]
        places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(rows))
        self.connection.execute(
            "INSERT INTO posting (community_id, entry_id, no, book, account_code, unit_id,"
            f" amount_fen) VALUES {places}",
            [value for row in rows for value in row],
        )

    def scope(self) -> None:
        """See the test's communities in this transaction."""
        listed = ",".join(map(str, self.communities))
        self.connection.execute(f"SET LOCAL app.communities = '{{{listed}}}'")


def refusal(act) -> str:
    """The name of what refused: a constraint's, or the error's class."""
    with pytest.raises(psycopg.Error) as refused:
        act()
    return refused.value.diag.constraint_name or type(refused.value).__name__

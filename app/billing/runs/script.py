"""Several statements to PostgreSQL in one trip.

A run is a dozen short statements, and on a busy machine each trip waits its turn. A text of
several takes no bind parameters, so the places are filled here, with whole numbers and days
and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

from app.kernel.db import db

Values = Mapping[str, int | date]

_PLACE = re.compile(r"(?<!:):([a-z_]+)\b")  # `:first`, but not the type in `x::date`


@dataclass(frozen=True)
class Result:
    """What one statement did: rows written, and rows read as mappings."""

    rowcount: int
    rows: list[dict[str, Any]]

    @property
    def one(self) -> dict[str, Any]:
        """Its only row."""
        (row,) = self.rows
        return row


def run(values: Values, *statements: str) -> list[Result]:
    """Send statements together in the present transaction; a result for each, in order.

    Raises what SQLAlchemy raises for a statement of its own. A statement must not hold
    another, or the results no longer match.
    """
    script = ";\n".join(_filled(statement, values) for statement in statements)
    cursor: Any = db.session.connection().connection.cursor()
    try:
        cursor.execute(script)
        results = [_result(cursor)]
        while cursor.nextset():
            results.append(_result(cursor))
    except psycopg.Error as error:
        raise DBAPIError.instance(script, None, error, psycopg.Error) from error
    finally:
        cursor.close()
    assert len(results) == len(statements), "one statement each"
    return results


def _result(cursor: Any) -> Result:
    if cursor.description is None:
        return Result(cursor.rowcount, [])
    names = [column.name for column in cursor.description]
    return Result(cursor.rowcount, [dict(zip(names, row, strict=True)) for row in cursor])


def _filled(statement: str, values: Values) -> str:
    parts = _parts(statement)
    return "".join(
        part if index % 2 == 0 else _literal(values[part]) for index, part in enumerate(parts)
    )


@cache
def _parts(statement: str) -> list[str]:
    """A statement cut at its places: text, name, text, name, … text."""
    return _PLACE.split(statement)


def _literal(value: int | date) -> str:
    if type(value) is int:
        return str(value)
    assert type(value) is date, f"{value!r} is neither a whole number nor a day"
    return f"date '{value.isoformat()}'"

"""From the child's messages into PostgreSQL: personal numbers are sealed on the way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from app.kernel import queue
from app.kernel.db import db
from app.kernel.seal import digest, seal

PROGRESS_EVERY = 5_000


def fill(messages: Iterable[dict[str, Any]]) -> tuple[dict[str, Any], int]:
    """Copy unit and error messages into `stage`; returns the sheet's details and the row count.

    Raises what the reader raises; the transaction is then useless and is rolled back.
    """
    stream = iter(messages)
    details: dict[str, Any] = next(stream)["details"]
    count = 0
    connection: Any = db.session.connection().connection.driver_connection
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY stage (row_no, data, errors) FROM STDIN") as copy,
    ):
        for row_no, data, errors in _rows(stream):
            copy.write_row((row_no, data, errors))
            count += 1
            if count % PROGRESS_EVERY == 0:
                queue.progress(count, 0)
    return details, count


def _rows(messages: Iterator[dict[str, Any]]) -> Iterator[tuple[int, str, str | None]]:
    for message in messages:
        if message["t"] == "error":
            yield message["n"], _json({"label": message["label"]}), _json(message["e"])
        else:
            yield message["n"], _json(sealed(message["v"])), None


def sealed(values: dict[str, Any]) -> dict[str, Any]:
    """A unit's values with phones and identity numbers encrypted, beside tails and digests."""
    for party in (*values["owners"], *values["tenants"]):
        phone, id_number = party.pop("phone", ""), party.pop("id", "")
        if phone:
            party["phone"] = seal(phone).decode()
            party["tail"] = phone[-4:]
            party["phone_digest"] = digest(phone).hex()
        if id_number:
            party["id"] = seal(id_number).decode()
            party["id_digest"] = digest(id_number).hex()
    return values


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

"""Short words for asking the API in a test: one office, one token, answers as JSON."""

from __future__ import annotations

import itertools
import json
import secrets
from dataclasses import dataclass
from typing import Any

from flask import Flask

from tests.api.conftest import Office, make_office

_keys = itertools.count(1)


@dataclass(frozen=True)
class Program:
    """A program with one token in one office's community."""

    app: Flask
    office: Office
    token: str

    def ask(self, verb: str, path: str, expected: int = 200, /, **body: Any) -> Any:
        """Ask below the community's address; `body` is sent as JSON. The answer's JSON."""
        return self.send(verb, path, expected, **({"json": body} if verb != "GET" else {}))

    def send(
        self, verb: str, path: str, expected: int = 200, key: str | None = None, **options: Any
    ) -> Any:
        """The same with a test client's options; a fresh idempotency key unless one is given."""
        key = key or f"test-{next(_keys)}-{secrets.token_hex(4)}"
        answer = self.office.call(
            self.app.test_client(), verb, path, self.token, key=key, **options
        )
        said = answer.get_data(as_text=True)
        assert answer.status_code == expected, f"{verb} {path} → {answer.status_code} {said}"
        return json.loads(said) if said else None

    def refused(self, verb: str, path: str, status: int = 422, /, **body: Any) -> dict[str, Any]:
        """The error of a refusal."""
        error: dict[str, Any] = self.ask(verb, path, status, **body)["error"]
        assert error["message"]
        assert error["request_id"]
        return error

    def april(self, month: str = "2026-04") -> dict[str, Any]:
        """The totals of a fresh preview of the month after the issued one."""
        return self.ask("POST", "/runs", 201, month=month)


def program(app: Flask) -> Program:
    """The manager's program in an office of its own."""
    office = make_office(app)
    return Program(app, office, office.manager)

"""A small application of pages that exist nowhere else, to look at every component."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.kernel import audit
from app.web.reader import Reader
from tests.web.kitchen import pages


class Welcome:
    """A gatekeeper that lets everybody in, as whoever the test says."""

    def __init__(self) -> None:
        self.guest: Reader | None = Reader(1, "林晓梅", "zh_Hans_CN")
        self.actions = frozenset({"community.read", "run.read", "roster.read"})
        self.kept: dict[str, Any] = {}

    def actor(self) -> audit.Actor:
        return audit.Actor()

    def admit(self, action: str, place: Any) -> tuple[int, ...]:
        return ()

    def reader(self) -> Reader | None:
        return self.guest

    def allowed_actions(self, place: Any) -> frozenset[str]:
        return self.actions if self.guest else frozenset()

    def keep_preferences(self, *, language: str | None, elder_mode: bool | None) -> None:
        self.kept = {"language": language, "elder_mode": elder_mode}


@pytest.fixture(scope="session")
def kitchen(environment: dict[str, str]) -> Flask:
    """The house with the kitchen's pages beside its own."""
    from app import create_app

    made = create_app({"TESTING": True, "PROPAGATE_EXCEPTIONS": False, "RATELIMIT_ENABLED": False})
    made.register_blueprint(pages)
    return made


@pytest.fixture
def visit(kitchen: Flask) -> Iterator[Any]:
    """`visit.client` to ask with, `visit.gate` to say who is asking."""
    gate = Welcome()
    before = kitchen.extensions["gatekeeper"]
    kitchen.extensions["gatekeeper"] = gate
    client: FlaskClient = kitchen.test_client()
    yield SimpleNamespace(client=client, gate=gate, app=kitchen)
    kitchen.extensions["gatekeeper"] = before


def token_of(client: FlaskClient, path: str = "/kitchen/form") -> str:
    """The form token of a page."""
    text = client.get(path).get_data(as_text=True)
    return text.split('name="csrf-token" content="')[1].split('"')[0]

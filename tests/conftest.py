"""What every test may ask for.

Tests share one database per process and never clean it: each founds its own community, so
the wall between communities keeps tests apart as it keeps customers apart.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

pytest_plugins = ["tests.servers"]


@pytest.fixture(scope="session")
def app(environment: dict[str, str]) -> Flask:
    """The application on a migrated database, as the ordinary role."""
    os.environ["LINLI_THROTTLE"] = "off"
    from app import create_app
    from tests.people import Browser

    made = create_app({"TESTING": True, "PROPAGATE_EXCEPTIONS": False})
    made.test_client_class = Browser
    return made


@pytest.fixture
def house(app: Flask) -> Iterator[Flask]:
    """Inside the application, with a session of the test's own; what is not committed is undone."""
    from app.kernel.db import db

    with app.app_context():
        yield app
        db.session.rollback()


@pytest.fixture
def town(house: Flask) -> Iterator[Any]:
    """A community of this test alone, committed and in scope; see `tests.builders.Town`."""
    from app.kernel.tenancy import scoped
    from tests.builders import found_town

    made = found_town()
    with scoped([made.community_id]):
        yield made

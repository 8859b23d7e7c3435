"""Every noun's writes: a role without them, a stranger, a bad value each get their refusal."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.api.asking import Program
from tests.api.conftest import Office, make_office, token_for

DAY = "2026-06-01"
# What is written, the wrong body, and the field its sentence stands beside.
WRITES: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("PATCH", "", {"due_day": 40}, "due_day"),
    ("POST", "/buildings", {"code": ""}, "code"),
    ("PATCH", "/buildings/{building}", {"code": "x" * 21}, "code"),
    ("POST", "/buildings/{building}/entrances", {}, "code"),
    ("POST", "/units", {"room": "1", "area_m2": "-1"}, "area_m2"),
    ("PATCH", "/units/{unit}", {"status": "demolished"}, "status"),
    ("POST", "/units/{unit}/closure", {"on": "2026-13-01", "reason": "拆除"}, "on"),
    ("POST", "/units/{unit}/owners", {"name": "张三", "starts_on": "yesterday"}, "starts_on"),
    ("POST", "/units/{unit}/transfers", {"on": DAY, "owners": []}, "owners"),
    ("POST", "/units/{unit}/occupants", {"name": "李", "relation": "cat"}, "relation"),
    ("POST", "/people", {"name": "张三", "phone": "123"}, "phone"),
    ("POST", "/imports/1/mapping", {"columns": {"nonsense": 1}}, "columns"),
    ("POST", "/members", {"name": "张三", "role": "king"}, "role"),
    ("POST", "/tariffs", {"name": "费", "basis": "guess"}, "basis"),
    ("PATCH", "/tariffs/{tariff}", {"income_code": "9999"}, "income_code"),
    ("POST", "/tariffs/{tariff}/prices", {"starts_on": DAY, "price": "1.23456"}, "price"),
    ("POST", "/tariffs/{tariff}/termination", {"last_day": None}, "last_day"),
    ("POST", "/tariffs/{tariff}/quantities", {"units": [], "quantity": "1"}, "units"),
    ("POST", "/late-terms", {"daily_permille": "9"}, "daily_permille"),
    ("POST", "/reductions", {"units": ["1-101"], "percent": "101"}, "percent"),
    ("POST", "/meters", {"unit": "1-101", "serial": ""}, "serial"),
    ("POST", "/readings", {"month": "2026-13", "readings": []}, "month"),
    ("POST", "/shared-costs", {"amount_fen": 1.5}, "amount_fen"),
    ("POST", "/one-off-charges", {"description": ""}, "description"),
    ("POST", "/subsidies", {"term_months": 0}, "term_months"),
    ("POST", "/subsidies/1/units", {"naming": "perhaps"}, "naming"),
    ("POST", "/subsidies/1/termination", {"last_day": DAY}, "reason"),
)
IDS = [f"{verb} {path or '/'}" for verb, path, _body, _field in WRITES]


@pytest.fixture(scope="module")
def office(app: Flask) -> Office:
    """An office where nothing is ever written."""
    return make_office(app)


@pytest.fixture(scope="module")
def cashier(app: Flask, office: Office) -> str:
    """A role that reads the roll and the fees and writes neither."""
    return token_for(app, "cashier", office.town)


@pytest.fixture(scope="module")
def stranger(app: Flask) -> str:
    """The manager of another community."""
    return make_office(app).manager


def _at(app: Flask, office: Office, path: str) -> str:
    manager = Program(app, office, office.manager)
    return path.format(
        unit=office.unit_id,
        building=office.town.buildings["1"],
        tariff=manager.ask("GET", "/tariffs")[0]["id"],
    )


@pytest.mark.parametrize(("verb", "path", "body", "field"), WRITES, ids=IDS)
def test_a_wrong_value_is_told_beside_its_field(
    app: Flask, office: Office, verb: str, path: str, body: dict[str, Any], field: str
) -> None:
    manager = Program(app, office, office.manager)
    error = manager.refused(verb, _at(app, office, path), **body)
    sentences = error["fields"]["json"][field]
    assert "Not a valid" not in str(sentences)
    assert "Must be" not in str(sentences)


@pytest.mark.parametrize(("verb", "path", "body", "field"), WRITES, ids=IDS)
def test_a_role_without_the_action_is_refused(
    app: Flask, office: Office, cashier: str, verb: str, path: str, body: Any, field: str
) -> None:
    del field
    error = Program(app, office, cashier).refused(verb, _at(app, office, path), 403, **body)
    assert error["code"] == "role.lacks"


@pytest.mark.parametrize(("verb", "path", "body", "field"), WRITES, ids=IDS)
def test_a_stranger_finds_nothing(
    app: Flask, office: Office, stranger: str, verb: str, path: str, body: Any, field: str
) -> None:
    del field
    error = Program(app, office, stranger).refused(verb, _at(app, office, path), 404, **body)
    assert error["code"] == "place.unknown"

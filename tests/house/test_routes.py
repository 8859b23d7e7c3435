"""Every route × method × caller: nobody passes a door their role does not open.

The routes are read from the application, so a route added tomorrow is tried tomorrow. Each
must say what it needs; then anonymous callers, callers of another community, callers whose
role lacks the action, and forms without their token are all turned away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.identity.permissions import ACTIONS, ALLOWED, ROLES
from app.web import door
from app.web.door import SAFE_METHODS
from tests.builders import Town, found_town
from tests.people import Browser, anonymous, client_for

OPEN_TO_ALL = ("public", "signed_in", "identified")
MISSING = 987_654_321  # an object that is not there

# Why each of these is open to strangers; whoever adds one writes its reason here.
PUBLIC_ENDPOINTS = {
    "static": "style sheets and scripts",
    "api_reference.openapi": "describes the API, holds no data",
    "api_reference.reference": "the same, to read",
    "desk.front": "what Linli is",
    "desk.help_index": "how to use it",
    "desk.help_page": "how to use it",
    "desk.help_topic": "how to use it",
    "receipts.check": "whoever holds the paper may ask whether it is genuine; no name, no home",
    "receipts.check_form": "the same, with the code typed",
    "gateway.stripe_webhook": "the gateway's signature is the key",
    "health.healthz": "for load balancers",
    "health.readyz": "for load balancers",
    "health.metrics": "asks for its own token",
    "identity.accept_invitation": "the invitation is the key",
    "identity.bind": "asks for the code on the bill",
    "identity.bind_by_qr": "the code on the bill is the key",
    "identity.confirm_binding": "the code on the bill is the key",
    "identity.reset_password": "the code from the property office is the key",
    "identity.set_password": "the link is the key",
    "identity.sign_in": "the way in",
    "identity.sign_in_demonstration": "exists only where LINLI_DEMO is 1",
    "identity.sign_up": "the code on the bill is the key",
    "preferences.change": "language and size of type",
}


@dataclass(frozen=True)
class Route:
    """A route and method, with what it needs."""

    rule: Rule
    method: str
    action: str | None

    @property
    def is_api(self) -> bool:
        """Whether programs call it."""
        return self.rule.rule.startswith("/api/")

    @property
    def is_local(self) -> bool:
        """Whether its place is a community, company or region."""
        return bool({"community_id", "organization_id", "region_id"} & self.rule.arguments)

    def url(self, app: Flask, town: Town) -> str:
        """Its address in a town, pointing at objects that are not there."""
        places = {
            "community_id": town.community_id,
            "organization_id": town.organization_id,
            "region_id": town.region_id,
        }
        values = {name: places.get(name, MISSING) for name in self.rule.arguments}
        with app.test_request_context():
            return str(app.url_map.bind("localhost").build(self.rule.endpoint, values, self.method))

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"


def routes_of(app: Flask) -> list[Route]:
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            with app.test_request_context(method=method):
                found.append(Route(rule, method, door.required_action(rule.endpoint)))
    return found


def call(client: Browser, route: Route, url: str) -> Any:
    """With a form's token where one is due, so that it is the role that is refused."""
    if route.method in SAFE_METHODS:
        return client.open(url, method=route.method)
    headers = {"X-CSRFToken": client.csrf_token()}
    if route.is_api:
        headers["Idempotency-Key"] = "matrix-of-routes"
        return client.open(url, method=route.method, json={}, headers=headers)
    return client.open(url, method=route.method, data={}, headers=headers)


@pytest.fixture(scope="module")
def routes(app: Flask) -> list[Route]:
    return routes_of(app)


@pytest.fixture(scope="module")
def towns(app: Flask) -> Iterator[tuple[Town, Town]]:
    """Two towns that have nothing in common."""
    with app.app_context():
        yield found_town(), found_town()


def test_every_route_says_what_it_needs(routes: list[Route]) -> None:
    silent = [str(route) for route in routes if route.action is None]
    assert silent == []
    known = {*ACTIONS, *OPEN_TO_ALL}
    assert [f"{route}: {route.action}" for route in routes if route.action not in known] == []
    assert len(routes) > 50


def test_every_public_route_has_a_written_reason(routes: list[Route]) -> None:
    public = {route.rule.endpoint for route in routes if route.action == "public"}
    assert public <= set(PUBLIC_ENDPOINTS)


def test_a_route_in_a_community_names_its_place_as_the_door_expects(routes: list[Route]) -> None:
    strange = [
        str(route)
        for route in routes
        if route.rule.rule.startswith(("/c/", "/api/v1/communities/<"))
        and "community_id" not in route.rule.arguments
    ]
    assert strange == []


def test_strangers_are_sent_to_sign_in(
    app: Flask, routes: list[Route], towns: tuple[Town, Town]
) -> None:
    client = anonymous(app)
    for route in routes:
        answer = call(client, route, route.url(app, towns[0]))
        if route.action == "public":
            assert answer.status_code < 500, route
        elif route.is_api:
            assert answer.status_code == 401, route
        else:
            assert answer.status_code in (302, 303), route
            assert answer.headers["Location"].startswith("/sign-in"), route


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_a_role_opens_its_doors_and_no_others(
    app: Flask, routes: list[Route], towns: tuple[Town, Town], role: str
) -> None:
    here, elsewhere = towns
    client = client_for(app, role, here)
    for route in routes:
        if route.action in OPEN_TO_ALL:
            continue
        holds = route.action in ALLOWED.get(role, ())
        answer = call(client, route, route.url(app, here))
        if not holds:
            assert answer.status_code in (403, 404), f"{role}: {route} → {answer.status_code}"
        else:
            assert answer.status_code < 500, f"{role}: {route} → {answer.status_code}"
        # An operator's acts on companies and regions reach everywhere, by intent.
        if route.is_local and not (
            role == "operator" and "community_id" not in route.rule.arguments
        ):
            foreign = call(client, route, route.url(app, elsewhere))
            assert foreign.status_code == 404, f"{role} elsewhere: {route} → {foreign.status_code}"


@pytest.mark.parametrize("role", ["manager", "accountant"])
def test_money_is_refused_without_the_second_factor(
    app: Flask, routes: list[Route], towns: tuple[Town, Town], role: str
) -> None:
    from app.identity.permissions import MONEY

    client = client_for(app, role, towns[0], second_factor=False)
    tried = 0
    for route in routes:
        if route.action in MONEY and route.action in ALLOWED[role]:
            answer = call(client, route, route.url(app, towns[0]))
            tried += 1
            if route.is_api:
                assert answer.status_code == 403, route
            else:
                assert answer.headers.get("Location", "").startswith("/account/second-factor"), (
                    route
                )
    assert tried > 0


def test_a_form_without_its_token_is_refused(
    app: Flask, routes: list[Route], towns: tuple[Town, Town]
) -> None:
    """Whatever the role: the signed-in browser is what a stranger's page would borrow."""
    clients = {role: client_for(app, role, towns[0]) for role in ROLES}
    for route in routes:
        if route.method in SAFE_METHODS:
            continue
        holders = [role for role in ROLES if route.action in ALLOWED[role]] or ["manager"]
        url = route.url(app, towns[0])
        met = {
            clients[role].open(url, method=route.method, data={}).status_code for role in holders
        }
        # A holder elsewhere (a company's founder at a street) meets the door first.
        assert 400 in met, f"{route} → {met}"
        assert met <= {400, 403, 404}, f"{route} → {met}"


def test_a_session_cookie_is_not_enough_for_the_api_to_write(
    app: Flask, routes: list[Route], towns: tuple[Town, Town]
) -> None:
    client = client_for(app, "manager", towns[0])
    for route in routes:
        if route.is_api and route.method not in SAFE_METHODS:
            answer = client.open(route.url(app, towns[0]), method=route.method, json={})
            holds = route.action in {*ALLOWED["manager"], *OPEN_TO_ALL}
            assert answer.status_code in ((400,) if holds else (400, 403, 404)), route


def test_a_role_taken_away_closes_every_door(
    app: Flask, routes: list[Route], towns: tuple[Town, Town]
) -> None:
    """The matrix fails when the gate stops looking: the mutant of this file."""
    from app.identity.gate import Gate

    client = client_for(app, "cashier", towns[0])
    guarded = next(
        route for route in routes if route.action == "ledger.close" or route.action == "run.confirm"
    )
    honest = Gate._require
    Gate._require = lambda *_: None  # type: ignore[method-assign]
    try:
        answer = call(client, guarded, guarded.url(app, towns[0]))
    finally:
        Gate._require = honest  # type: ignore[method-assign]
    assert answer.status_code not in (401, 403)

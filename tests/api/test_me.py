"""Who a token is, what it may revoke, and the members its account may give."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from flask import Flask

from app.identity.models import ApiToken
from app.kernel.db import db
from tests.api.asking import Program, program
from tests.api.conftest import token_for

_phones = itertools.count(18600010000)


def _call(app: Flask, verb: str, path: str, token: str, expected: int = 200, **body: Any) -> Any:
    options = {"json": body} if body else {}
    answer = app.test_client().open(
        f"/api/v1{path}", method=verb, headers={"Authorization": f"Bearer {token}"}, **options
    )
    assert answer.status_code == expected, answer.get_data(as_text=True)
    return answer.get_json(silent=True)


def _sister(app: Flask, token: str, actions: list[str]) -> tuple[str, str]:
    """Another token of the same account with fewer actions: (id, token)."""
    from app.identity import tokens

    mine = _call(app, "GET", "/me", token)
    with app.app_context():
        first = db.session.get_one(ApiToken, int(mine["token"]["id"]))
        secret = tokens.new_api_token()
        row = ApiToken(
            account_id=first.account_id,
            name="只读",
            actions=actions,
            token_digest=tokens.digest(secret),
            expires_at=first.expires_at,
        )
        db.session.add(row)
        db.session.commit()
        return str(row.id), secret


def test_a_token_is_told_who_it_is_and_what_it_reaches(app: Flask) -> None:
    here = program(app)
    town = here.office.town
    me = _call(app, "GET", "/me", here.token)
    assert (me["token"]["name"], me["token"]["community_ids"]) == ("manager", None)
    assert {"roster.edit", "run.prepare"} <= set(me["actions"])
    assert "ledger.close" not in me["actions"]
    (role,) = me["roles"]
    assert (role["role"], role["kind"], role["place_id"]) == (
        "manager",
        "organization",
        str(town.organization_id),
    )
    assert me["communities"] == [
        {"id": str(town.community_id), "name": town.name, "roles": ["manager"]}
    ]
    assert me["community_count"] == 1


def test_a_token_revokes_itself_and_what_reaches_no_further(app: Flask) -> None:
    wide = program(app).token
    narrow_id, narrow = _sister(app, wide, ["roster.read"])
    listed = _call(app, "GET", "/me/tokens", narrow)
    assert [one["id"] for one in listed["items"]] == [narrow_id]
    wide_id = _call(app, "GET", "/me", wide)["token"]["id"]
    assert _call(app, "GET", "/me/tokens", wide)["total"] == 2
    _call(app, "DELETE", f"/me/tokens/{wide_id}", narrow, 404)  # it reaches further
    _call(app, "DELETE", f"/me/tokens/{narrow_id}", wide, 204)
    _call(app, "GET", "/me", narrow, 401)
    _call(app, "DELETE", f"/me/tokens/{wide_id}", wide, 204)
    _call(app, "GET", "/me", wide, 401)


def test_nobody_elses_token_is_seen_or_revoked(app: Flask) -> None:
    mine, theirs = program(app).token, program(app).token
    their_id = _call(app, "GET", "/me", theirs)["token"]["id"]
    _call(app, "DELETE", f"/me/tokens/{their_id}", mine, 404)
    assert _call(app, "GET", "/me", theirs)["token"]["revoked_at"] is None


def test_a_role_is_given_in_a_community_and_ended(app: Flask) -> None:
    here = program(app)
    phone = str(next(_phones))
    facts = {"login": phone, "name": "周委员", "starts_on": "2026-01-01"}
    made = here.ask("POST", "/members", 201, role="supervisor", **facts)
    assert "/set-password/" in made["password_link"] or "password" in made["password_link"]
    (row,) = here.ask("GET", "/members?q=周&role=supervisor")["items"]
    assert (row["role"], row["account_id"]) == ("supervisor", made["account_id"])
    assert phone not in row["login"]  # masked
    again = here.refused("POST", "/members", 409, role="supervisor", **facts)
    assert list(again["fields"]) == ["login"]
    unreadable = here.refused("POST", "/members", role="supervisor", **{**facts, "login": "x"})
    assert "login" in unreadable["fields"]["json"]
    # Whoever is watched does not dismiss the watcher.
    here.refused("DELETE", f"/members/{made['id']}", 403)
    street = Program(app, here.office, token_for(app, "street_officer", here.office.town))
    street.ask("DELETE", f"/members/{made['id']}", 204)
    assert here.ask("GET", "/members?role=supervisor")["total"] == 0


def test_a_role_beyond_the_givers_is_refused(app: Flask) -> None:
    here = program(app)
    facts = {"login": str(next(_phones)), "name": "周主任", "starts_on": "2026-01-01"}
    refused = here.refused("POST", "/members", 403, role="committee_chair", **facts)
    assert refused["code"] == "role.not_yours_to_give"


@pytest.mark.parametrize("limited", [False, True])
def test_a_companys_people_by_an_unlimited_token_alone(app: Flask, limited: bool) -> None:
    town = program(app).office.town
    limits = {"community_ids": [town.community_id]} if limited else {}
    token = token_for(app, "company_admin", town, **limits)
    path = f"/organizations/{town.organization_id}/members"
    facts = {"login": str(next(_phones)), "name": "钱收费", "role": "cashier"}
    expected = 403 if limited else 201
    made = _call(app, "POST", path, token, expected, starts_on="2026-01-01", **facts)
    before = _call(app, "GET", f"{path}?role=cashier", token)["total"]
    assert before == (0 if limited else 1)
    if not limited:
        _call(app, "DELETE", f"{path}/{made['id']}", token, 204)
        assert _call(app, "GET", f"{path}?role=cashier", token)["total"] == 0


def test_another_companys_people_are_not_found(app: Flask) -> None:
    mine, theirs = program(app).office.town, program(app).office.town
    token = token_for(app, "company_admin", mine)
    _call(app, "GET", f"/organizations/{theirs.organization_id}/members", token, 404)

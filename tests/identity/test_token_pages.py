"""Programs’ tokens, the trail, the operator, the front door."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import Flask

from app.identity.models import Account, Membership
from app.kernel import clock
from app.kernel.db import db
from tests.builders import Town
from tests.identity.faces import grant_form, words
from tests.people import (
    anonymous,
    client_for,
    cookie_of,
)


def test_a_token_is_shown_once_and_void_when_revoked(app: Flask, doors: Flask, town: Town) -> None:
    client = client_for(app, "manager", town)
    shown = client.submit(
        "/account/tokens/new",
        {"name": "财务对接", "actions": ["roster.read"], "days": "30"},
    )
    token = re.search(r"linli_[A-Za-z0-9_-]{40,}", words(shown))
    assert token
    assert token[0] not in words(client.get("/account/tokens"))
    headers = {"Authorization": f"Bearer {token[0]}"}
    look = f"/api/v1/probe/c/{town.community_id}/look"
    program = anonymous(doors)
    assert program.get(look, headers=headers).status_code == 200
    revoke = re.search(r"/account/tokens/\d+/revoke", words(client.get("/account/tokens")))
    assert revoke
    client.submit(revoke[0])
    assert program.get(look, headers=headers).status_code == 401


def test_a_token_for_money_needs_the_second_factor(app: Flask, doors: Flask, town: Town) -> None:
    form = {"name": "出账", "actions": ["run.confirm"], "days": "30"}
    without = client_for(app, "manager", town, second_factor=False)
    assert without.submit("/account/tokens/new", form).status_code == 422
    shown = client_for(app, "manager", town).submit("/account/tokens/new", form)
    token = re.search(r"linli_[A-Za-z0-9_-]{40,}", words(shown))
    assert token
    answer = anonymous(doors).get(
        f"/api/v1/probe/c/{town.community_id}/money",
        headers={"Authorization": f"Bearer {token[0]}"},
    )
    assert answer.status_code == 200


def test_a_token_holds_no_more_than_its_account(app: Flask, town: Town) -> None:
    client = client_for(app, "cashier", town)
    for form in (
        {"name": "x", "actions": ["mandate.edit"], "days": "30"},
        {"name": "x", "actions": [], "days": "30"},
        {"name": "x", "actions": ["roster.read"], "days": "30", "community_ids": ["999999999"]},
        {"name": "x", "actions": ["roster.read"], "days": "0"},
    ):
        assert client.submit("/account/tokens/new", form).status_code == 422


def test_the_trail_shows_and_exports_masked_names(app: Flask, town: Town) -> None:
    street = client_for(app, "street_officer", town)
    street.submit(
        f"/c/{town.community_id}/members/new", grant_form("committee_member", "13700004444")
    )
    manager = client_for(app, "manager", town)
    base = f"/c/{town.community_id}/audit"
    page = words(manager.get(base))
    assert "授予角色" in page
    assert "测**" in page
    assert "测试员" not in page.split("<main")[1]
    sheet = words(manager.get(f"{base}?format=csv"))
    assert "测**" in sheet
    assert "测试员" not in sheet
    today = clock.today()
    for query, expected in (
        ("action=identity:grant-role", True),
        ("action=identity:end-role", False),
        (f"who={street.account_id}", True),
        ("who=1", False),
        ("subject=membership", True),
        ("subject=unit:1", False),
        (f"since={today}&until={today}", True),
        (f"since={today + timedelta(days=1)}", False),
    ):
        assert ("测**" in words(manager.get(f"{base}?{query}"))) is expected, query


def test_an_operator_finds_closes_and_helps_an_account(app: Flask, town: Town) -> None:
    operator = client_for(app, "operator", town)
    member = client_for(app, "cashier", town)
    account = db.session.get(Account, member.account_id)
    assert account
    page = words(operator.get(f"/platform/accounts?q={account.phone}"))
    assert f"No. {account.id}" in page
    assert str(account.phone) not in page.split("table-box")[1]
    one = f"/platform/accounts/{account.id}"
    assert operator.get(one).status_code == 200
    operator.submit(f"{one}/state", {"act": "disable"})
    assert member.get("/account").status_code == 302
    operator.submit(f"{one}/state", {"act": "enable"})
    assert member.get("/account").status_code == 302  # must sign in anew
    assert "/password/" in words(operator.submit(f"{one}/password-link"))
    operator.submit(f"{one}/state", {"act": "reset-second-factor"})
    db.session.refresh(account)
    assert account.totp_confirmed_at is None
    assert "登录" in words(operator.get("/platform/audit"))


def test_the_front_door_leads_to_the_only_place_or_offers_all(app: Flask, town: Town) -> None:
    town.add_unit("1-101")
    resident = client_for(app, "resident", town)
    assert resident.get("/start").headers["Location"] == f"/c/{town.community_id}/my"
    manager = client_for(app, "manager", town)
    assert manager.get("/start").headers["Location"] == f"/o/{town.organization_id}/"
    db.session.add(
        Membership(
            account_id=manager.account_id,
            role="supervisor",
            community_id=town.community_id,
            starts_on=clock.today(),
        )
    )
    db.session.commit()
    page = words(manager.get("/start"))
    assert f'href="/c/{town.community_id}/"' in page
    assert f'href="/o/{town.organization_id}/"' in page
    assert client_for(app, "nobody", town).get("/start").status_code == 200
    assert anonymous(app).get("/start").headers["Location"] == "/sign-in?next=%2Fstart"


def test_a_cookie_for_a_real_browser_signs_in(app: Flask, person: Account) -> None:
    cookie = cookie_of(app, person.id, url="http://localhost", second_factor=False)
    client = anonymous(app)
    client.set_cookie(cookie["name"], cookie["value"])
    assert client.get("/account").status_code == 200

"""Signing in and out, passwords, second factor, as the browser meets them."""

from __future__ import annotations

import re

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select

from app.identity.models import Account, Membership, SignIn
from app.kernel import clock
from app.kernel.db import db
from tests.builders import Town
from tests.identity.faces import enter, words
from tests.people import (
    PASSWORD,
    TOTP_SECRET,
    anonymous,
    client_for,
    make_account,
)


def test_signing_in_by_phone_leads_back_to_where_one_wanted_to_go(
    app: Flask, person: Account
) -> None:
    client = anonymous(app)
    answer = client.submit(
        "/sign-in?next=/account", {"login": f"+86 {person.phone}", "password": PASSWORD}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example"]
)
def test_signing_in_never_leads_to_another_site(
    app: Flask, person: Account, elsewhere: str
) -> None:
    answer = anonymous(app).submit(
        "/sign-in", {"login": person.phone, "password": PASSWORD}, query_string={"next": elsewhere}
    )
    assert answer.headers["Location"] == "/"


def test_a_wrong_password_and_an_unknown_name_read_alike(app: Flask, person: Account) -> None:
    known = anonymous(app).submit("/sign-in", {"login": person.phone, "password": "wrong one"})
    unknown = anonymous(app).submit("/sign-in", {"login": "19999999998", "password": "wrong one"})
    assert known.status_code == unknown.status_code == 422
    plain = [
        re.sub(r'(value="[^"]*"|content="[^"]*"|No\. \d+)', "", words(one))
        for one in (known, unknown)
    ]
    assert plain[0] == plain[1]
    assert "不正确" in plain[0]
    assert "wrong one" not in words(known)


def test_a_disabled_account_reads_like_a_wrong_password(app: Flask, person: Account) -> None:
    person.disabled_at = clock.now()
    db.session.commit()
    answer = enter(anonymous(app), person)
    assert answer.status_code == 422
    assert "停用" not in words(answer)


def test_every_sign_in_has_a_new_token_and_a_planted_session_is_worthless(
    app: Flask, person: Account
) -> None:
    client = anonymous(app)
    with client.session_transaction() as kept:
        kept["_user_id"] = "planted by somebody"
        kept["planted"] = "stays?"
    enter(client, person)
    with client.session_transaction() as kept:
        first = kept["_user_id"]
        assert first != "planted by somebody"
        assert "planted" not in kept
    client.submit("/sign-out")
    enter(client, person)
    with client.session_transaction() as kept:
        assert kept["_user_id"] != first


def test_signing_out_ends_it_on_the_server(app: Flask, person: Account) -> None:
    client = anonymous(app)
    enter(client, person)
    with client.session_transaction() as kept:
        copied = dict(kept)
    assert client.submit("/sign-out").status_code == 303
    thief = anonymous(app)
    with thief.session_transaction() as kept:
        kept.update(copied)
    assert thief.get("/account").status_code == 302


def test_cookies_are_http_only_and_lax(app: Flask, person: Account) -> None:
    answer = enter(anonymous(app), person)
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("linli="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_production_cookies_are_secure() -> None:
    from app.config import settings

    base = {
        "SECRET_KEY": "x" * 40,
        "LINLI_FIELD_KEY": "x",
        "DATABASE_URL": "x",
        "REDIS_URL": "redis://x",
    }
    assert settings({**base, "LINLI_ENV": "production"})["SESSION_COOKIE_SECURE"] is True


def test_the_second_factor_comes_after_the_password_and_renews_the_token(
    app: Flask, person: Account
) -> None:
    person.totp_secret, person.totp_confirmed_at = TOTP_SECRET, clock.now()
    db.session.commit()
    client = anonymous(app)
    answer = enter(client, person)
    assert answer.headers["Location"] == "/account/second-factor"
    assert client.get("/account").headers["Location"].startswith("/account/second-factor")
    with client.session_transaction() as kept:
        before = kept["_user_id"]
    wrong = client.submit("/account/second-factor", {"code": "000000"})
    assert wrong.status_code == 422
    code = pyotp.TOTP(TOTP_SECRET).at(clock.now())
    assert client.submit("/account/second-factor", {"code": code}).status_code == 303
    with client.session_transaction() as kept:
        after = kept["_user_id"]
    assert before != after
    assert client.get("/account").status_code == 200
    thief = anonymous(app)
    with thief.session_transaction() as kept:
        kept["_user_id"] = before
    assert thief.get("/account").status_code == 302


def test_a_code_is_good_once(app: Flask, person: Account) -> None:
    person.totp_secret, person.totp_confirmed_at = TOTP_SECRET, clock.now()
    db.session.commit()
    code = pyotp.TOTP(TOTP_SECRET).at(clock.now())
    first, second = anonymous(app), anonymous(app)
    for client in (first, second):
        enter(client, person)
    assert first.submit("/account/second-factor", {"code": code}).status_code == 303
    assert second.submit("/account/second-factor", {"code": code}).status_code == 422
    assert second.get("/account").status_code == 302


def test_setting_up_shows_ten_codes_once_and_each_opens_once(app: Flask, person: Account) -> None:
    client = anonymous(app)
    enter(client, person)
    page = words(client.get("/account/second-factor/set-up"))
    assert "<svg" in page
    db.session.refresh(person)
    assert person.totp_secret
    code = pyotp.TOTP(person.totp_secret).at(clock.now())
    shown = client.submit("/account/second-factor/set-up", {"code": code})
    assert shown.headers["Cache-Control"] == "no-store"
    codes = re.findall(r"<li>([a-z2-9]{5}-[a-z2-9]{5})</li>", words(shown))
    assert len(set(codes)) == 10
    db.session.refresh(person)
    assert len(person.recovery_hashes) == 10
    assert not any(code in hashed for hashed in person.recovery_hashes for code in codes)
    standing = words(client.get("/account/second-factor"))
    assert not any(code in standing for code in codes)
    for attempt, expected in ((codes[0].upper(), 303), (codes[0], 422)):
        later = anonymous(app)
        enter(later, person)
        assert later.submit("/account/second-factor", {"code": attempt}).status_code == expected


def test_changing_the_password_signs_the_others_out(app: Flask, person: Account) -> None:
    here, there = anonymous(app), anonymous(app)
    for client in (here, there):
        enter(client, person)
    new = "another long phrase of mine"
    answer = here.submit("/account/password", {"old": PASSWORD, "password": new})
    assert answer.status_code == 303
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
    assert enter(anonymous(app), person, new).status_code == 303
    assert enter(anonymous(app), person).status_code == 422


def test_a_weak_new_password_is_refused_beside_its_field(app: Flask, person: Account) -> None:
    client = anonymous(app)
    enter(client, person)
    answer = client.submit("/account/password", {"old": PASSWORD, "password": "12345678"})
    assert answer.status_code == 422
    assert 'id="f-password-error"' in words(answer)


def test_ending_another_browser(app: Flask, person: Account) -> None:
    here, there = anonymous(app), anonymous(app)
    for client in (here, there):
        enter(client, person)
    page = words(here.get("/account/sign-ins"))
    numbers = re.findall(r"/account/sign-ins/(\d+)/revoke", page)
    assert len(numbers) == 1
    assert here.submit(f"/account/sign-ins/{numbers[0]}/revoke").status_code == 303
    assert there.get("/account").status_code == 302


def test_nobody_ends_a_strangers_sign_in(app: Flask, person: Account, town: Town) -> None:
    stranger = client_for(app, "manager", town)
    client = anonymous(app)
    enter(client, person)
    row = db.session.scalars(select(SignIn).where(SignIn.account_id == stranger.account_id)).one()
    assert client.submit(f"/account/sign-ins/{row.id}/revoke").status_code == 404
    assert stranger.get("/account").status_code == 200


def test_money_roles_are_led_to_set_up(app: Flask, town: Town) -> None:
    account = make_account(password=PASSWORD)
    db.session.add(
        Membership(
            account_id=account.id,
            role="accountant",
            organization_id=town.organization_id,
            starts_on=clock.today(),
        )
    )
    db.session.commit()
    answer = enter(anonymous(app), account)
    assert answer.headers["Location"] == "/account/second-factor/set-up"


def test_a_short_password_must_be_lengthened_once_a_role_moves_money(
    app: Flask, town: Town
) -> None:
    account = make_account(password="k3#fQ9zt")
    db.session.add(
        Membership(
            account_id=account.id,
            role="accountant",
            organization_id=town.organization_id,
            starts_on=clock.today(),
        )
    )
    db.session.commit()
    client = anonymous(app)
    enter(client, account, "k3#fQ9zt")
    assert client.get("/account").headers["Location"].startswith("/account/password")
    refused = client.submit("/account/password", {"old": "k3#fQ9zt", "password": "k3#fQ9zt!"})
    assert refused.status_code == 422
    done = client.submit("/account/password", {"old": "k3#fQ9zt", "password": "three herons fly"})
    assert done.status_code == 303
    assert client.get("/account").status_code == 200

"""The pages of accounts open for whom they should, and their forms do what they say."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select, text

from app.identity import rules
from app.identity.models import Account, Membership, SignIn
from app.kernel import clock
from app.kernel.audit import AuditEvent
from app.kernel.db import db
from app.kernel.seal import digest
from app.kernel.tenancy import scoped
from tests.builders import Town, found_town
from tests.people import (
    PASSWORD,
    TOTP_SECRET,
    Browser,
    anonymous,
    client_for,
    cookie_of,
    make_account,
)


def words(answer: Any) -> str:
    text_of: str = answer.get_data(as_text=True)
    return text_of


def enter(client: Browser, account: Account, password: str = PASSWORD, **options: Any) -> Any:
    return client.submit("/sign-in", {"login": account.phone, "password": password}, **options)


@pytest.fixture
def person(house: Flask) -> Account:
    """Somebody with a password and nothing else."""
    account = make_account(name="李雷雷", password=PASSWORD)
    db.session.commit()
    return account


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


# ── binding ──────────────────────────────────────────────────────────────────


def test_a_resident_signs_up_by_the_code_on_the_bill(app: Flask, town: Town) -> None:
    unit = town.add_unit("3-501")
    phone = "13911112222"
    person_id = town.add_owner(unit, "王芳").id
    db.session.execute(
        text("UPDATE person SET phone_digest = :digest WHERE id = :id"),
        {"digest": digest(phone), "id": person_id},
    )
    db.session.commit()
    client = anonymous(app)
    printed = rules.printed_code(town.community_id, unit.binding_code)
    assert client.submit("/bind", {"code": printed}).headers["Location"] == "/bind/confirm"
    page = words(client.get("/bind/confirm"))
    assert "3-501" in page
    assert "王芳" not in page
    answer = client.submit(
        "/sign-up",
        {"name": "王芳", "login": phone, "password": "我家门前有棵大槐树", "agreed": "on"},
    )
    assert answer.headers["Location"] == f"/c/{town.community_id}/my"
    bound = db.session.execute(
        text("SELECT person_id, unit_id FROM unit_binding WHERE unit_id = :unit"), {"unit": unit.id}
    ).one()
    assert (bound.person_id, bound.unit_id) == (person_id, unit.id)
    recorded = db.session.scalars(
        select(AuditEvent).where(
            AuditEvent.community_id == town.community_id, AuditEvent.action == "identity:bind-unit"
        )
    ).one()
    assert recorded.subject == f"unit:{unit.id}"
    assert client.get("/account/homes").status_code == 200


def test_the_qr_code_of_a_bill_leads_to_the_same(app: Flask, town: Town) -> None:
    unit = town.add_unit("3-502")
    client = anonymous(app)
    answer = client.get(f"/b/{town.community_id}/{unit.binding_code}")
    assert answer.headers["Location"] == "/bind/confirm"
    assert "3-502" in words(client.get("/bind/confirm"))


def test_a_wrong_code_opens_nothing(app: Flask, town: Town) -> None:
    client = anonymous(app)
    assert client.get(f"/b/{town.community_id}/AAAAAAAA").status_code == 422
    assert client.submit("/bind", {"code": f"{town.community_id}-AAAA-AAAA"}).status_code == 422
    assert client.get("/bind/confirm").headers["Location"] == "/bind"
    assert client.get("/sign-up").headers["Location"] == "/bind"


def test_a_code_is_good_in_its_own_community_only(app: Flask, town: Town) -> None:
    unit = town.add_unit("1-101")
    other = found_town()
    client = anonymous(app)
    printed = rules.printed_code(other.community_id, unit.binding_code)
    assert client.submit("/bind", {"code": printed}).status_code == 422


def test_a_family_member_binds_by_an_invitation_once(app: Flask, town: Town) -> None:
    town.add_unit("1-101")
    first = client_for(app, "resident", town)
    page = words(first.get("/account/homes"))
    found = re.search(r"/account/homes/\d+/\d+/invite", page)
    assert found
    shown = words(first.submit(found[0]))
    link = re.search(r"http://[^/]+(/invitation/[^<\s]+)", shown)
    assert link
    account = make_account(password=PASSWORD)
    db.session.commit()
    second, third = anonymous(app), anonymous(app)
    assert second.get(link[1]).headers["Location"] == "/bind/confirm"
    assert third.get(link[1]).status_code == 302
    enter(second, account)
    assert second.submit("/bind/confirm").headers["Location"] == f"/c/{town.community_id}/my"
    assert "1-101" in words(second.get("/account/homes"))
    assert anonymous(app).get(link[1]).status_code == 404
    assert third.get("/bind/confirm").headers["Location"] == "/bind"


def test_letting_go_of_a_home_closes_it_at_once(app: Flask, town: Town) -> None:
    town.add_unit("1-101")
    client = client_for(app, "resident", town)
    found = re.search(r"/account/homes/\d+/\d+/end", words(client.get("/account/homes")))
    assert found
    assert client.get(found[0]).status_code == 200
    assert client.submit(found[0]).status_code == 303
    assert "1-101" not in words(client.get("/account/homes"))


def test_a_stranger_cannot_end_or_invite_by_anothers_binding(app: Flask, town: Town) -> None:
    town.add_unit("1-101")
    owner = client_for(app, "resident", town)
    other_town = found_town()
    other_town.add_unit("9-901")
    stranger = client_for(app, "resident", other_town)
    found = re.search(r"(/account/homes/\d+/\d+)/end", words(owner.get("/account/homes")))
    assert found
    assert stranger.submit(found[1] + "/end").status_code == 404
    assert stranger.submit(found[1] + "/invite").status_code == 404


def test_staff_end_a_binding_and_renew_the_code(app: Flask, town: Town) -> None:
    unit = town.add_unit("1-101")
    old = unit.binding_code
    resident = client_for(app, "resident", town, unit=unit)
    staff = client_for(app, "manager", town)
    assert "1-101" in words(staff.get(f"/c/{town.community_id}/bindings"))
    renew = f"/c/{town.community_id}/units/{unit.id}/binding-code"
    shown = words(staff.submit(renew, {"end_bindings": "on"}))
    db.session.refresh(unit)
    assert unit.binding_code != old
    assert rules.printed_code(town.community_id, unit.binding_code) in shown
    assert "1-101" not in words(resident.get("/account/homes"))
    assert anonymous(app).get(f"/b/{town.community_id}/{old}").status_code == 422


# ── members ──────────────────────────────────────────────────────────────────


def grant_form(role: str, login: str, name: str = "赵敏") -> dict[str, str]:
    return {
        "name": name,
        "login": login,
        "role": role,
        "starts_on": clock.today().isoformat(),
        "ends_on": "",
    }


def test_an_admin_invites_a_colleague_who_sets_a_password_by_the_link_once(
    app: Flask, town: Town
) -> None:
    admin = client_for(app, "company_admin", town)
    base = f"/o/{town.organization_id}/members"
    shown = admin.submit(f"{base}/new", grant_form("cashier", "13700001111"))
    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    link = re.search(r"http://[^/]+(/password/[^<\s]+)", words(shown))
    assert link
    colleague = anonymous(app)
    assert colleague.get(link[1]).status_code == 200
    weak = colleague.submit(link[1], {"password": "short"})
    assert weak.status_code == 422
    answer = colleague.submit(link[1], {"password": "一把钥匙开一把锁"})
    assert answer.status_code == 303
    assert colleague.get("/account").status_code == 200
    assert anonymous(app).get(link[1]).status_code == 404
    assert "赵敏" in words(admin.get(base))


def test_a_role_ends_at_once_and_can_be_given_again_the_same_day(app: Flask, town: Town) -> None:
    admin = client_for(app, "company_admin", town)
    base = f"/o/{town.organization_id}/members"
    account = make_account(password=PASSWORD)
    db.session.commit()
    for _ in range(2):
        assert account.phone
        assert admin.submit(f"{base}/new", grant_form("cashier", account.phone)).status_code == 303
        member = anonymous(app)
        enter(member, account)
        assert member.get(f"/c/{town.community_id}/bindings").status_code == 200
        number = db.session.scalars(
            select(Membership.id).where(Membership.account_id == account.id)
        ).one()
        assert admin.submit(f"{base}/{number}/end").status_code == 303
        assert member.get(f"/c/{town.community_id}/bindings").status_code == 404
        db.session.rollback()


def test_the_last_admin_stays(app: Flask, town: Town) -> None:
    admin = client_for(app, "company_admin", town)
    number = db.session.scalars(
        select(Membership.id).where(Membership.account_id == admin.account_id)
    ).one()
    base = f"/o/{town.organization_id}/members"
    assert admin.submit(f"{base}/{number}/end").status_code == 409
    client_for(app, "company_admin", town)
    assert admin.submit(f"{base}/{number}/end").status_code == 303
    assert admin.get(base).status_code == 404


def test_nobody_grants_what_is_not_theirs_to_give(app: Flask, town: Town) -> None:
    manager = client_for(app, "manager", town)
    base = f"/c/{town.community_id}/members"
    assert "业委会主任" not in words(manager.get(f"{base}/new"))
    for role in ("committee_chair", "manager", "operator", "street_officer", "resident"):
        answer = manager.submit(f"{base}/new", grant_form(role, "13700002222"))
        assert answer.status_code == 422, role
    assert (
        db.session.scalars(
            select(Account).where(Account.phone_digest == digest("13700002222"))
        ).all()
        == []
    )
    street = client_for(app, "street_officer", town)
    granted = street.submit(f"{base}/new", grant_form("committee_chair", "13700002222"))
    assert granted.status_code == 200
    with scoped([town.community_id]):
        recorded = db.session.scalars(
            select(AuditEvent).where(
                AuditEvent.community_id == town.community_id,
                AuditEvent.action == "identity:grant-role",
            )
        ).one()
    assert recorded.after["name"] == "赵**"
    assert recorded.after["role"] == "committee_chair"


def test_a_company_does_not_dismiss_who_watches_it(app: Flask, town: Town) -> None:
    supervisor = client_for(app, "supervisor", town)
    manager = client_for(app, "manager", town)
    number = db.session.scalars(
        select(Membership.id).where(Membership.account_id == supervisor.account_id)
    ).one()
    base = f"/c/{town.community_id}/members"
    assert manager.submit(f"{base}/{number}/end").status_code == 403
    street = client_for(app, "street_officer", town)
    assert street.submit(f"{base}/{number}/end").status_code == 303
    assert supervisor.get(f"/c/{town.community_id}/audit").status_code == 404


def test_a_membership_of_another_place_is_not_found(app: Flask, town: Town) -> None:
    other = found_town()
    admin = client_for(app, "company_admin", town)
    foreign = client_for(app, "company_admin", other)
    number = db.session.scalars(
        select(Membership.id).where(Membership.account_id == foreign.account_id)
    ).one()
    base = f"/o/{town.organization_id}/members"
    assert admin.submit(f"{base}/{number}/end").status_code == 404
    assert admin.submit(f"{base}/{number}/password-link").status_code == 404


def test_a_password_link_only_for_whom_reaches_nowhere_else(app: Flask, town: Town) -> None:
    admin = client_for(app, "company_admin", town)
    colleague = client_for(app, "cashier", town)
    number = db.session.scalars(
        select(Membership.id).where(Membership.account_id == colleague.account_id)
    ).one()
    url = f"/o/{town.organization_id}/members/{number}/password-link"
    assert admin.submit(url).status_code == 200
    other = found_town()
    db.session.add(
        Membership(
            account_id=colleague.account_id,
            role="party_branch",
            community_id=other.community_id,
            starts_on=clock.today(),
        )
    )
    db.session.commit()
    assert admin.submit(url).status_code == 403


def test_a_street_officer_manages_its_own_members(app: Flask, town: Town) -> None:
    officer = client_for(app, "street_officer", town)
    base = f"/regions/{town.region_id}/members"
    assert officer.get(base).status_code == 200
    answer = officer.submit(f"{base}/new", grant_form("street_officer", "13700003333"))
    assert answer.status_code == 200
    refused = officer.submit(f"{base}/new", grant_form("district_officer", "13700003334"))
    assert refused.status_code == 422


# ── tokens ───────────────────────────────────────────────────────────────────


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


# ── trail and operators ──────────────────────────────────────────────────────


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

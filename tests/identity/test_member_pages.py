"""Roles given and ended, and who may."""

from __future__ import annotations

import re

from flask import Flask
from sqlalchemy import select

from app.identity.models import Account, Membership
from app.kernel import clock
from app.kernel.audit import AuditEvent
from app.kernel.db import db
from app.kernel.seal import digest
from app.kernel.tenancy import scoped
from tests.builders import Town, found_town
from tests.identity.faces import enter, grant_form, words
from tests.people import (
    PASSWORD,
    anonymous,
    client_for,
    make_account,
)


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
    answer = colleague.submit(link[1], {"password": "一把钥匙开一把锁，一扇门里住着一家人"})
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

"""A resident binds a home, lets go of it, invites the family."""

from __future__ import annotations

import re

from flask import Flask
from sqlalchemy import select, text

from app.identity import rules
from app.kernel.audit import AuditEvent
from app.kernel.db import db
from app.kernel.seal import digest
from tests.builders import Town, found_town
from tests.identity.faces import enter, words
from tests.people import (
    PASSWORD,
    anonymous,
    client_for,
    make_account,
)


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

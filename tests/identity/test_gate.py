"""The gate: roles and places to communities in view, or to the right refusal."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.identity import tokens
from app.identity.models import Account, ApiToken, Membership
from app.kernel import clock
from app.kernel.db import db
from app.kernel.tenancy import scoped
from app.registry.models import Community, Mandate, Organization, Region
from tests.builders import Town, found_town, unique
from tests.people import Browser, account_for, anonymous, client_for


def seen(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    found: list[int] = answer.get_json()["scope"]
    return found


def test_anonymous_pages_lead_to_sign_in_and_programs_get_401(doors: Flask) -> None:
    client = anonymous(doors)
    page = client.get("/probe/c/1/look?month=2026-03")
    assert page.status_code == 302
    assert page.headers["Location"] == "/sign-in?next=%2Fprobe%2Fc%2F1%2Flook%3Fmonth%3D2026-03"
    answer = client.get("/api/v1/probe/c/1/look")
    assert answer.status_code == 401
    assert answer.get_json()["error"]["code"] == "http.401"
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_a_public_door_shows_no_community(doors: Flask, town: Town) -> None:
    assert seen(anonymous(doors).get("/probe/public")) == []
    assert seen(client_for(doors, "manager", town).get("/probe/public")) == []


def test_a_role_sees_exactly_its_community(doors: Flask, town: Town) -> None:
    for role in ("manager", "committee_member", "station_officer"):
        client = client_for(doors, role, town)
        assert seen(client.get(f"/probe/c/{town.community_id}/look")) == [town.community_id]


def test_another_community_is_not_told_apart_from_a_missing_one(doors: Flask, town: Town) -> None:
    stranger = found_town()
    client = client_for(doors, "manager", town)
    foreign = client.get(f"/api/v1/probe/c/{stranger.community_id}/look")
    missing = client.get("/api/v1/probe/c/999999999/look")
    vast = client.get(f"/api/v1/probe/c/{10**25}/look")
    for answer in (foreign, missing, vast):
        assert answer.status_code == 404
    strip = [{**a.get_json()["error"], "request_id": ""} for a in (foreign, missing, vast)]
    assert strip[0] == strip[1] == strip[2]


def test_a_role_without_the_action_is_forbidden(doors: Flask, town: Town) -> None:
    client = client_for(doors, "cashier", town)
    assert client.get(f"/probe/c/{town.community_id}/money").status_code == 403
    assert client.get(f"/probe/c/{town.community_id}/mandate").status_code == 403


def test_a_resident_opens_only_their_own_door(doors: Flask, town: Town) -> None:
    client = client_for(doors, "resident", town)
    assert seen(client.get(f"/probe/c/{town.community_id}/own")) == [town.community_id]
    assert client.get(f"/probe/c/{town.community_id}/look").status_code == 403
    assert client.get(f"/probe/c/{found_town().community_id}/own").status_code == 404


def test_an_ended_mandate_closes_the_door_at_the_next_request(doors: Flask, town: Town) -> None:
    client = client_for(doors, "manager", town)
    door = f"/probe/c/{town.community_id}/look"
    assert client.get(door).status_code == 200
    db.session.execute(text("UPDATE mandate SET ends_on = :day"), {"day": clock.today()})
    db.session.commit()
    assert client.get(door).status_code == 404
    assert seen(client.get(f"/probe/o/{town.organization_id}")) == []


def test_a_mandate_that_ends_tomorrow_still_opens_today(doors: Flask, town: Town) -> None:
    client = client_for(doors, "manager", town)
    db.session.execute(
        text("UPDATE mandate SET ends_on = :day"), {"day": clock.today() + timedelta(days=1)}
    )
    db.session.commit()
    assert client.get(f"/probe/c/{town.community_id}/look").status_code == 200
    with clock.moved_to(clock.today() + timedelta(days=1)):
        fresh = client_for(doors, "manager", town)
        assert fresh.get(f"/probe/c/{town.community_id}/look").status_code == 404


def test_an_ended_membership_closes_the_door(doors: Flask, town: Town) -> None:
    client = client_for(doors, "committee_chair", town)
    door = f"/probe/c/{town.community_id}/look"
    assert client.get(door).status_code == 200
    db.session.query(Membership).filter_by(account_id=client.account_id).update(
        {"ends_on": clock.today()}
    )
    db.session.commit()
    assert client.get(door).status_code == 404


def test_a_disabled_account_is_nobody_at_the_next_request(doors: Flask, town: Town) -> None:
    client = client_for(doors, "manager", town)
    assert client.get("/probe/signed-in").status_code == 200
    db.session.query(Account).filter_by(id=client.account_id).update({"disabled_at": clock.now()})
    db.session.commit()
    assert client.get("/probe/signed-in").status_code == 302
    assert client.get("/api/v1/probe/signed-in").status_code == 401


def test_a_company_sees_its_mandated_communities_of_today(doors: Flask, town: Town) -> None:
    other = found_town()
    with scoped([other.community_id]):
        db.session.execute(
            text("UPDATE mandate SET organization_id = :company"), {"company": town.organization_id}
        )
        db.session.commit()
    client = client_for(doors, "manager", town)
    mine = sorted([town.community_id, other.community_id])
    assert seen(client.get(f"/probe/o/{town.organization_id}")) == mine
    assert seen(client.get("/probe/anywhere")) == mine
    assert client.get(f"/probe/o/{other.organization_id}").status_code == 404


def test_a_second_company_of_the_same_person_stays_apart(doors: Flask, town: Town) -> None:
    other = found_town()
    client = client_for(doors, "manager", town)
    db.session.add(
        Membership(
            account_id=client.account_id,
            role="cashier",
            organization_id=other.organization_id,
            starts_on=date(2020, 1, 1),
        )
    )
    db.session.commit()
    assert seen(client.get(f"/probe/o/{town.organization_id}")) == [town.community_id]
    assert seen(client.get(f"/probe/o/{other.organization_id}")) == [other.community_id]
    assert client.get(f"/probe/c/{other.community_id}/money").status_code == 403
    assert client.get(f"/probe/c/{town.community_id}/money").status_code == 200
    assert seen(client.get("/probe/money-anywhere")) == [town.community_id]


def test_a_district_reaches_down_and_never_up(doors: Flask, town: Town) -> None:
    district = Region(kind="district", name=unique("示范区"))
    db.session.add(district)
    db.session.flush()
    db.session.query(Region).filter_by(id=town.region_id).update({"parent_id": district.id})
    db.session.commit()
    street = client_for(doors, "street_officer", town)
    above = Town(town.community_id, district.id, town.organization_id, "")
    officer = client_for(doors, "district_officer", above)
    for region_id in (district.id, town.region_id):
        assert seen(officer.get(f"/probe/r/{region_id}")) == [town.community_id]
    assert seen(street.get(f"/probe/r/{town.region_id}")) == [town.community_id]
    assert street.get(f"/probe/r/{district.id}").status_code == 404
    assert street.get("/probe/r/999999999").status_code == 404


def test_an_operator_runs_the_platform_and_sees_no_community(doors: Flask, town: Town) -> None:
    client = client_for(doors, "operator", town)
    assert seen(client.get("/probe/platform")) == [0]
    assert client.get(f"/probe/c/{town.community_id}/look").status_code == 404
    assert seen(client.get(f"/probe/o/{town.organization_id}/edit")) == []
    assert seen(client.get(f"/probe/r/{town.region_id}/edit")) == []
    assert client.get("/probe/o/999999999/edit").status_code == 404
    assert client.get("/probe/c/0/look").status_code == 404


def test_money_waits_for_the_second_factor(doors: Flask, town: Town) -> None:
    client = client_for(doors, "accountant", town, second_factor=False)
    door = f"/c/{town.community_id}/money"
    page = client.get(f"/probe{door}")
    assert page.status_code == 302
    assert page.headers["Location"].startswith("/account/second-factor?next=")
    posted = client.submit(f"/probe{door}")
    assert (posted.status_code, posted.headers["Location"]) == (303, "/account/second-factor")
    assert client.get(f"/api/v1/probe{door}").status_code == 403
    assert client.get(f"/probe/c/{town.community_id}/look").status_code == 200
    assert client_for(doors, "accountant", town).get(f"/probe{door}").status_code == 200


def test_a_sign_in_that_owes_its_code_opens_nothing(doors: Flask, town: Town) -> None:
    client = client_for(doors, "manager", town)
    db.session.execute(
        text("UPDATE sign_in SET second_factor_at = NULL WHERE account_id = :id"),
        {"id": client.account_id},
    )
    db.session.commit()
    answer = client.get(f"/probe/c/{town.community_id}/look")
    assert answer.headers["Location"].startswith("/account/second-factor")


def test_a_password_to_change_comes_first(doors: Flask, town: Town) -> None:
    client = client_for(doors, "manager", town)
    db.session.query(Account).filter_by(id=client.account_id).update({"must_change_password": True})
    db.session.commit()
    answer = client.get(f"/probe/c/{town.community_id}/look")
    assert answer.headers["Location"].startswith("/account/password")


def test_idle_and_old_sign_ins_end(doors: Flask, town: Town) -> None:
    client = client_for(doors, "manager", town)
    with clock.moved_to(clock.now() + timedelta(hours=11)):
        assert client.get("/probe/signed-in").status_code == 200  # and is seen now
    with clock.moved_to(clock.now() + timedelta(hours=22)):
        assert client.get("/probe/signed-in").status_code == 200
    with clock.moved_to(clock.now() + timedelta(hours=24, minutes=1)):
        assert client.get("/probe/signed-in").status_code == 302  # older than a day
    other = client_for(doors, "manager", town)
    with clock.moved_to(clock.now() + timedelta(hours=12, minutes=1)):
        assert other.get("/probe/signed-in").status_code == 302  # idle


def test_a_look_brings_no_platform_rows_into_view_and_an_act_does(doors: Flask, town: Town) -> None:
    client = client_for(doors, "street_officer", town)
    door = f"/probe/r/{town.region_id}/edit"
    assert seen(client.get(door)) == [town.community_id]
    assert seen(client.submit(door)) == [0, town.community_id]
    inside = f"/probe/c/{town.community_id}/look"
    assert seen(client.submit(inside)) == [town.community_id]


def _token(account_id: int, actions: list[str], **columns: Any) -> dict[str, str]:
    token = tokens.new_api_token()
    values = {"expires_at": clock.now() + timedelta(days=1), **columns}
    db.session.add(
        ApiToken(
            account_id=account_id,
            name="程序",
            token_digest=tokens.digest(token),
            actions=actions,
            **values,
        )
    )
    db.session.commit()
    return {"Authorization": f"Bearer {token}"}


def test_a_token_does_what_both_it_and_its_account_may(doors: Flask, town: Town) -> None:
    account_id = account_for(doors, "cashier", town)
    headers = _token(account_id, ["roster.read", "mandate.edit"])
    program = anonymous(doors)
    look = f"/api/v1/probe/c/{town.community_id}/look"
    assert seen(program.get(look, headers=headers)) == [town.community_id]
    assert seen(program.post(look, headers=headers)) == [town.community_id]  # no form token asked
    refused = (
        f"/api/v1/probe/c/{town.community_id}/mandate",  # the account may not
        f"/api/v1/probe/o/{town.organization_id}",  # the token may not
        "/api/v1/probe/signed-in",  # a person's own affairs
    )
    for door in refused:
        assert program.get(door, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "columns",
    [
        {"revoked_at": clock.now()},
        {"expires_at": clock.now() - timedelta(seconds=1)},
    ],
)
def test_a_revoked_or_expired_token_is_nobody(
    doors: Flask, town: Town, columns: dict[str, Any]
) -> None:
    headers = _token(account_for(doors, "manager", town), ["roster.read"], **columns)
    answer = anonymous(doors).get(f"/api/v1/probe/c/{town.community_id}/look", headers=headers)
    assert answer.status_code == 401


def test_a_token_for_one_community_sees_no_other(doors: Flask, town: Town) -> None:
    other = found_town()
    with scoped([other.community_id]):
        db.session.execute(
            text("UPDATE mandate SET organization_id = :company"), {"company": town.organization_id}
        )
        db.session.commit()
    account_id = account_for(doors, "manager", town)
    headers = _token(
        account_id, ["roster.read", "company.read"], community_ids=[other.community_id]
    )
    program = anonymous(doors)
    for door in ("anywhere", f"o/{town.organization_id}", f"c/{other.community_id}/look"):
        assert seen(program.get(f"/api/v1/probe/{door}", headers=headers)) == [other.community_id]
    foreign = program.get(f"/api/v1/probe/c/{town.community_id}/look", headers=headers)
    assert foreign.status_code == 404


def test_a_wrong_token_is_refused_even_beside_a_good_cookie(doors: Flask, town: Town) -> None:
    client = client_for(doors, "manager", town)
    door = f"/api/v1/probe/c/{town.community_id}/look"
    assert client.get(door).status_code == 200
    assert client.get(door, headers={"Authorization": "Bearer linli_wrong"}).status_code == 401


def test_a_token_opens_no_page(doors: Flask, town: Town) -> None:
    headers = _token(account_for(doors, "manager", town), ["roster.read"])
    answer = anonymous(doors).get(f"/probe/c/{town.community_id}/look", headers=headers)
    assert answer.status_code == 302


def test_current_user_is_flask_logins(doors: Flask, town: Town) -> None:
    assert client_for(doors, "manager", town).get("/probe/who").get_json()["name"] == "测试员"
    assert anonymous(doors).get("/probe/who").get_json()["name"] is None


def test_a_forged_or_foreign_cookie_is_nobody(doors: Flask, town: Town) -> None:
    client: Browser = anonymous(doors)
    with client.session_transaction() as kept:
        kept["_user_id"] = tokens.new_token()
    assert client.get("/probe/signed-in").status_code == 302


def test_a_new_community_of_the_street_is_reached_at_once(doors: Flask, town: Town) -> None:
    client = client_for(doors, "street_officer", town)
    company = Organization(kind="property_company", name=unique("新物业"))
    fresh = Community(region_id=town.region_id, name=unique("新里"))
    db.session.add_all([company, fresh])
    db.session.flush()
    with scoped([fresh.id]):
        db.session.add(
            Mandate(community_id=fresh.id, organization_id=company.id, starts_on=date(2020, 1, 1))
        )
        db.session.commit()
    assert seen(client.get("/probe/anywhere")) == sorted([town.community_id, fresh.id])

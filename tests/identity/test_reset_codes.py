"""A resident who forgot the password, helped by the community's staff."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.identity.models import Account, Membership, SignIn, UnitBinding
from app.identity.service import reset_codes
from app.kernel import clock
from app.kernel.audit import AuditEvent
from app.kernel.db import db
from app.kernel.errors import HouseError
from app.kernel.tenancy import scoped
from tests.builders import Town, found_town
from tests.people import PASSWORD, Browser, anonymous, client_for

NEW = "一把钥匙开一把锁"


class Forgetful:
    """A resident of a town, and the page where staff issue a code for them."""

    def __init__(self, app: Flask, town: Town, *, second_factor: bool = False) -> None:
        self.unit = town.add_unit("1-101")
        self.browser = client_for(
            app, "resident", town, unit=self.unit, second_factor=second_factor
        )
        binding = db.session.scalars(
            select(UnitBinding).where(UnitBinding.account_id == self.browser.account_id)
        ).one()
        self.issue = f"/c/{town.community_id}/bindings/{binding.id}/reset-code"
        self.account = db.session.get_one(Account, self.browser.account_id)
        self.login = self.account.phone or ""

    def redeem(self, client: Browser, code: str, password: str = NEW) -> Any:
        form = {"login": self.login, "code": code, "password": password}
        return client.submit("/password-reset", form)


@pytest.fixture
def forgetful(app: Flask, town: Town) -> Forgetful:
    return Forgetful(app, town)


def code_of(answer: Any) -> str:
    found = re.search(r'class="code-large">([2-9A-Z-]{9})<', answer.get_data(as_text=True))
    assert found
    return found[1]


def acts(subject: str) -> list[str]:
    query = select(AuditEvent.action).where(AuditEvent.subject == subject).order_by(AuditEvent.id)
    return list(db.session.scalars(query))


def test_a_code_from_the_desk_sets_a_password_once_and_signs_every_device_out(
    app: Flask, town: Town, forgetful: Forgetful
) -> None:
    desk = client_for(app, "cashier", town)
    assert desk.get(forgetful.issue).status_code == 200
    shown = desk.submit(forgetful.issue)
    assert shown.headers["Cache-Control"] == "no-store"
    code = code_of(shown)
    anew = anonymous(app)
    assert forgetful.redeem(anew, code.lower().replace("-", " ")).status_code == 303
    assert "密码已设置" in anew.get("/account").get_data(as_text=True)
    assert forgetful.browser.get("/account").status_code == 302  # the lost phone is out
    assert forgetful.redeem(anonymous(app), code).status_code == 422  # used
    old = {"login": forgetful.login, "password": PASSWORD}
    assert anonymous(app).submit("/sign-in", old).status_code == 422
    recorded = acts(f"account:{forgetful.account.id}")
    assert "identity:issue-reset-code" in recorded


def test_what_is_kept_is_not_the_code(app: Flask, town: Town, forgetful: Forgetful) -> None:
    code = code_of(client_for(app, "manager", town).submit(forgetful.issue))
    db.session.refresh(forgetful.account)
    assert forgetful.account.reset_digest
    assert code.replace("-", "").encode() not in bytes(forgetful.account.reset_digest)
    trail = db.session.scalars(select(AuditEvent)).all()
    assert not [one for one in trail if code.replace("-", "") in f"{one.before}{one.after}"]


def test_a_code_is_good_for_a_day_and_a_newer_one_voids_it(
    app: Flask, town: Town, forgetful: Forgetful
) -> None:
    desk = client_for(app, "manager", town)
    first, second = code_of(desk.submit(forgetful.issue)), code_of(desk.submit(forgetful.issue))
    assert forgetful.redeem(anonymous(app), first).status_code == 422
    db.session.refresh(forgetful.account)
    forgetful.account.reset_until = clock.now() - timedelta(seconds=1)
    db.session.commit()
    assert forgetful.redeem(anonymous(app), second).status_code == 422


def test_a_weak_password_leaves_the_code_good(app: Flask, town: Town, forgetful: Forgetful) -> None:
    code = code_of(client_for(app, "manager", town).submit(forgetful.issue))
    weak = forgetful.redeem(anonymous(app), code, "12345678")
    assert weak.status_code == 422
    assert forgetful.browser.get("/account").status_code == 200
    assert forgetful.redeem(anonymous(app), code).status_code == 303


def test_an_unknown_name_and_a_wrong_code_read_alike(
    app: Flask, town: Town, forgetful: Forgetful
) -> None:
    client_for(app, "manager", town).submit(forgetful.issue)
    wrong = forgetful.redeem(anonymous(app), "ABCD-EFGH").get_data(as_text=True)
    forgetful.login = "13999990000"
    unknown = forgetful.redeem(anonymous(app), "ABCD-EFGH").get_data(as_text=True)
    sentences = [
        re.findall(r'field-error"[^>]*>.*?<span>(.*?)</span>', one) for one in (wrong, unknown)
    ]
    assert sentences[0] == sentences[1] != []


@pytest.mark.parametrize("starts_in", [0, 30])
def test_no_code_for_an_account_that_holds_a_role(
    app: Flask, town: Town, forgetful: Forgetful, starts_in: int
) -> None:
    desk = client_for(app, "manager", town)
    before = code_of(desk.submit(forgetful.issue))
    db.session.add(
        Membership(
            account_id=forgetful.account.id,
            role="committee_member",
            community_id=town.community_id,
            starts_on=clock.today() + timedelta(days=starts_in),
        )
    )
    db.session.commit()
    assert desk.submit(forgetful.issue).status_code == 303  # told why, no code
    assert "code-large" not in desk.get(forgetful.issue).get_data(as_text=True)
    assert forgetful.redeem(anonymous(app), before).status_code == 422


def test_no_code_for_an_account_with_a_home_in_another_community(
    app: Flask, town: Town, forgetful: Forgetful
) -> None:
    other = found_town()
    unit = other.add_unit("9-901")
    with scoped([other.community_id]):
        db.session.add(
            UnitBinding(
                community_id=other.community_id, unit_id=unit.id, account_id=forgetful.account.id
            )
        )
        db.session.commit()
    desk = client_for(app, "manager", town)
    assert desk.submit(forgetful.issue).status_code == 303
    db.session.refresh(forgetful.account)
    assert forgetful.account.reset_digest is None


def test_another_communitys_staff_and_a_committee_issue_nothing(
    app: Flask, town: Town, forgetful: Forgetful
) -> None:
    other = found_town()
    stranger = client_for(app, "manager", other)
    assert stranger.submit(forgetful.issue).status_code == 404
    elsewhere = re.sub(r"/c/\d+/", f"/c/{other.community_id}/", forgetful.issue)
    assert stranger.submit(elsewhere).status_code == 404
    assert client_for(app, "committee_chair", town).submit(forgetful.issue).status_code == 403


def test_guessing_ends_at_the_cap(environment: dict[str, str], app: Flask) -> None:
    from app import create_app

    guarded = create_app({"TESTING": True, "RATELIMIT_ENABLED": True})
    met: list[str] = []
    with guarded.app_context():
        for _ in range(8):
            try:
                reset_codes.redeem("13800138077", "ABCD-EFGH", NEW, address="198.51.100.9")
            except HouseError as error:
                met.append(type(error).__name__)
            db.session.rollback()
    assert met == ["RuleBroken"] * 6 + ["Throttled"] * 2


def test_a_second_factor_is_still_asked_for(app: Flask, town: Town) -> None:
    careful = Forgetful(app, town, second_factor=True)
    code = code_of(client_for(app, "manager", town).submit(careful.issue))
    anew = anonymous(app)
    assert "/account/second-factor" in careful.redeem(anew, code).headers["Location"]
    assert anew.get(f"/c/{town.community_id}/my").status_code == 302


def test_a_persons_page_leads_to_the_accounts_of_their_homes(
    app: Flask, town: Town, forgetful: Forgetful
) -> None:
    owner = town.add_owner(forgetful.unit, "李桂兰")
    db.session.commit()
    desk = client_for(app, "manager", town)
    page = desk.get(f"/c/{town.community_id}/people/{owner.id}").get_data(as_text=True)
    link = f"/c/{town.community_id}/people/{owner.id}/accounts"
    assert link in page
    listed = desk.get(link).get_data(as_text=True)
    assert forgetful.issue in listed
    assert "1-101" in listed


def test_every_sign_in_of_the_account_is_revoked(
    app: Flask, town: Town, forgetful: Forgetful
) -> None:
    code = code_of(client_for(app, "manager", town).submit(forgetful.issue))
    forgetful.redeem(anonymous(app), code)
    rows = db.session.scalars(
        select(SignIn).where(SignIn.account_id == forgetful.account.id).order_by(SignIn.id)
    ).all()
    assert [row.revoked_at is None for row in rows] == [False] * (len(rows) - 1) + [True]

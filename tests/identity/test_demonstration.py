"""The demonstration's doors exist where LINLI_DEMO is 1, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask

from app.identity import passwords
from app.identity.models import Account, Membership
from app.identity.service.common import DEMONSTRATION_PHONES
from app.kernel import clock
from app.kernel.db import db
from app.kernel.seal import digest
from tests.builders import found_town
from tests.people import TOTP_SECRET, anonymous, client_for

PASSWORD = "known to everybody here"


@pytest.fixture(scope="module")
def showing(environment: dict[str, str], app: Flask) -> Flask:
    """The application with LINLI_DEMO=1."""
    from app import create_app
    from tests.people import Browser

    made = create_app({"TESTING": True, "PROPAGATE_EXCEPTIONS": False, "DEMO": True})
    made.test_client_class = Browser
    return made


@pytest.fixture(scope="module")
def guest(app: Flask) -> Iterator[int]:
    """A demonstration account of a manager, with a second factor."""
    with app.app_context():
        town = found_town()
        phone = DEMONSTRATION_PHONES[0]
        account = Account(
            name="演示经理",
            phone=phone,
            phone_digest=digest(phone),
            password_hash=passwords.hash_password(PASSWORD),
            totp_secret=TOTP_SECRET,
            totp_confirmed_at=clock.now(),
        )
        db.session.add(account)
        db.session.flush()
        db.session.add(
            Membership(
                account_id=account.id,
                role="manager",
                organization_id=town.organization_id,
                starts_on=date(2020, 1, 1),
            )
        )
        db.session.commit()
        yield account.id


def test_one_click_enters_and_the_code_is_shown(showing: Flask, guest: int) -> None:
    client = anonymous(showing)
    page = client.get("/sign-in").get_data(as_text=True)
    assert "演示经理" in page
    assert "演示环境" in page
    answer = client.submit("/sign-in/demonstration", {"account_id": str(guest)})
    assert answer.headers["Location"] == "/account/second-factor"
    page = client.get("/account/second-factor").get_data(as_text=True)
    code = re.search(r'<p class="code-large">(\d{6})</p>', page)
    assert code
    assert client.submit("/account/second-factor", {"code": code[1]}).status_code == 303


def test_without_the_flag_there_is_no_such_door(app: Flask, guest: int) -> None:
    client = anonymous(app)
    page = client.get("/sign-in").get_data(as_text=True)
    assert "演示" not in page
    assert client.submit("/sign-in/demonstration", {"account_id": str(guest)}).status_code == 404
    by_password = client.submit(
        "/sign-in", {"login": DEMONSTRATION_PHONES[0], "password": PASSWORD}
    )
    assert by_password.status_code == 422
    assert "不正确" in by_password.get_data(as_text=True)


def test_other_accounts_cannot_be_entered_by_a_click(showing: Flask, guest: int) -> None:
    with showing.app_context():
        town = found_town()
    other = client_for(showing, "manager", town)
    answer = anonymous(showing).submit(
        "/sign-in/demonstration", {"account_id": str(other.account_id)}
    )
    assert answer.status_code == 404


def test_no_other_accounts_code_is_ever_shown(showing: Flask) -> None:
    with showing.app_context():
        town = found_town()
    client = client_for(showing, "manager", town)
    page = client.get("/account/second-factor").get_data(as_text=True)
    assert "code-large" not in page


def test_the_flag_comes_from_the_environment_alone() -> None:
    from app.config import settings

    base = {"SECRET_KEY": "x", "LINLI_FIELD_KEY": "x", "DATABASE_URL": "x", "REDIS_URL": "x"}
    assert settings(base)["DEMO"] is False
    assert settings({**base, "LINLI_DEMO": "1"})["DEMO"] is True
    assert settings({**base, "LINLI_DEMO": "true"})["DEMO"] is False

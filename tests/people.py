"""People at the door: a test client, or a real browser's cookie, signed in as a role in a town.

Each call makes a fresh account. A request of a `Browser` runs in a context of its own, as on
a server: it sees only what the test has committed, and the test's scope stays as it was.

    accountant = client_for(app, "accountant", town)
    page = accountant.get(f"/c/{town.community_id}/runs")
    accountant.submit(f"/c/{town.community_id}/runs", {"month": "2026-03"})
"""

from __future__ import annotations

import contextvars
import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from flask import Flask, has_app_context
from flask.globals import _cv_app
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select

from app.identity import tokens
from app.identity.models import Account, Membership, SignIn, UnitBinding
from app.identity.permissions import COMMUNITY_ROLES, COMPANY_ROLES, REGION_ROLES
from app.kernel import audit, clock, tenancy
from app.kernel.db import db
from app.kernel.seal import digest
from app.kernel.tenancy import scoped
from app.registry.models import Unit
from tests.builders import Town

PASSWORD = "correct horse battery staple"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

_phones = itertools.count(secrets.randbelow(90_000_000))


class Browser(FlaskClient):
    """A test client whose requests share nothing with the test but the database."""

    account_id: int | None = None

    def open(self, *args: Any, **options: Any) -> Any:
        """Send a request in a context without the test's application context."""

        def send() -> Any:
            _cv_app.set(None)  # type: ignore[arg-type] -- so that the request pushes its own
            return super(Browser, self).open(*args, **options)

        return contextvars.copy_context().run(send)

    @contextmanager
    def session_transaction(self, *args: Any, **options: Any) -> Iterator[Any]:
        """As Flask's, which ends a request of its own; the test's scope is put back."""
        scope, actor = tenancy.scope(), audit.actor()
        with super().session_transaction(*args, **options) as kept:
            yield kept
        if has_app_context():
            tenancy.enter(scope)
        audit.set_actor(actor)

    def csrf_token(self) -> str:
        """The token a page of this session would carry in its forms."""
        with self.session_transaction() as kept:
            raw = kept.setdefault("csrf_token", secrets.token_hex(20))
        assert self.application.secret_key
        signer = URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token")
        return signer.dumps(raw)

    def submit(self, url: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        """POST a form as a page would, with its CSRF token."""
        return self.post(url, data={**(data or {}), "csrf_token": self.csrf_token()}, **options)


def client_for(
    app: Flask, role: str, town: Town, *, unit: Unit | None = None, second_factor: bool = True
) -> Browser:
    """A client signed in as a fresh account with this role in the town.

    Company roles hold it through `town.organization_id`, region roles through
    `town.region_id`, a resident by binding `unit` (by default the town's first, or a new
    one). With `second_factor` the account has one and gave its code in this sign-in.
    """
    account_id = account_for(app, role, town, unit=unit, second_factor=second_factor)
    client = anonymous(app)
    client.account_id = account_id
    with client.session_transaction() as kept:
        kept.update(_session(app, account_id, second_factor))
    return client


def anonymous(app: Flask) -> Browser:
    """A client nobody has signed in with."""
    app.test_client_class = Browser
    client = app.test_client()
    assert isinstance(client, Browser)
    return client


def browser_cookie(
    app: Flask,
    role: str,
    town: Town,
    *,
    url: str,
    unit: Unit | None = None,
    second_factor: bool = True,
) -> dict[str, Any]:
    """A cookie for Playwright's `context.add_cookies`: signed in as `client_for` would be."""
    account_id = account_for(app, role, town, unit=unit, second_factor=second_factor)
    return cookie_of(app, account_id, url=url, second_factor=second_factor)


def cookie_of(
    app: Flask, account_id: int, *, url: str, second_factor: bool = True
) -> dict[str, Any]:
    """A cookie for Playwright for an account that exists."""
    signer = app.session_interface.get_signing_serializer(app)
    assert signer is not None
    value = signer.dumps(_session(app, account_id, second_factor))
    return {"name": app.config["SESSION_COOKIE_NAME"], "value": value, "url": url}


def account_for(
    app: Flask, role: str, town: Town, *, unit: Unit | None = None, second_factor: bool = True
) -> int:
    """A fresh account with this role in the town; gives its id. Committed."""
    with app.app_context():
        account = make_account(second_factor=second_factor)
        if role == "resident":
            _bind(account, town, unit)
        elif role != "nobody":
            db.session.add(
                Membership(
                    account_id=account.id,
                    role=role,
                    starts_on=date(2020, 1, 1),
                    **_scope(role, town),
                )
            )
        db.session.commit()
        return account.id


def make_account(
    *, name: str = "测试员", second_factor: bool = False, password: str | None = None
) -> Account:
    """An account with a phone number nobody else has; flushed, not committed.

    Without `password` nobody can sign in to it by password, which spares the hashing.
    """
    from app.identity import passwords

    phone = f"190{next(_phones) % 100_000_000:08d}"
    account = Account(
        name=name,
        phone=phone,
        phone_digest=digest(phone),
        password_hash=passwords.hash_password(password) if password else "!",
    )
    if second_factor:
        account.totp_secret = TOTP_SECRET
        account.totp_confirmed_at = clock.now()
    db.session.add(account)
    db.session.flush()
    return account


def _session(app: Flask, account_id: int, second_factor: bool) -> dict[str, Any]:
    token = tokens.new_token()
    with app.app_context():
        now = clock.now()
        db.session.add(
            SignIn(
                account_id=account_id,
                token_digest=tokens.digest(token),
                address="127.0.0.1",
                browser="test",
                last_seen_at=now,
                expires_at=now + timedelta(days=1),
                second_factor_at=now if second_factor else None,
            )
        )
        db.session.commit()
    return {"_user_id": token, "_fresh": True, "_permanent": True}


def _scope(role: str, town: Town) -> dict[str, int]:
    if role in COMMUNITY_ROLES:
        return {"community_id": town.community_id}
    if role in COMPANY_ROLES:
        return {"organization_id": town.organization_id}
    if role in REGION_ROLES:
        return {"region_id": town.region_id}
    assert role == "operator", role
    return {}


def _bind(account: Account, town: Town, unit: Unit | None) -> None:
    with scoped([town.community_id]):
        unit_id = (
            unit.id
            if unit is not None
            else db.session.scalar(
                select(Unit.id)
                .where(Unit.community_id == town.community_id)
                .order_by(Unit.id)
                .limit(1)
            )
        )
        if unit_id is None:
            unit_id = town.add_unit("1-101").id
        db.session.add(
            UnitBinding(community_id=town.community_id, account_id=account.id, unit_id=unit_id)
        )
        db.session.flush()

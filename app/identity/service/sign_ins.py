"""Signing in and out; every door a new token, so that none can be planted beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from app.identity import passwords, queries, rules, tokens
from app.identity.models import Account, SignIn
from app.identity.permissions import moves_money
from app.identity.rules import LoginName
from app.identity.service.common import (
    DEMONSTRATION_PHONES,
    account_by_id,
    account_named,
    demonstration_is_on,
    is_demonstration,
    record_at_large,
)
from app.identity.throttle import SIGN_IN_ACCOUNT, SIGN_IN_ADDRESS, throttle
from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, HouseError, NotFound, RuleBroken
from app.kernel.seal import digest

RESIDENT_LASTS = timedelta(days=30)  # though 12 idle hours end it sooner
STAFF_LASTS = timedelta(days=1)


@dataclass(frozen=True)
class Opened:
    """A sign-in just opened: the token for the cookie, and what comes next."""

    token: str
    account_id: int
    owes_code: bool
    should_set_up_second_factor: bool


def sign_in(login: str, password: str, *, address: str, browser: str) -> Opened:
    """Open a sign-in by phone or e-mail and password.

    Says the same, after the same time, whether the account is unknown, disabled or the
    password wrong. Raises RuleBroken, or Throttled for account or address.
    """
    name = rules.login_name(login)
    key = digest((name or LoginName(email=login.strip().lower()[:254])).text).hex()
    throttle().look(SIGN_IN_ADDRESS, address)
    throttle().hit(SIGN_IN_ACCOUNT, key)
    account = _usable(name)
    if not passwords.verify(account.password_hash if account else None, password) or not account:
        throttle().count(SIGN_IN_ADDRESS, address)
        subject = f"account:{account.id}" if account else "account:unknown"
        record_at_large("identity:sign-in-failed", subject)
        raise _refused()
    throttle().forget(SIGN_IN_ACCOUNT, key)
    _mend(account, password)
    return _open(account, address, browser)


def sign_in_registered(account_id: int, *, address: str, browser: str) -> Opened:
    """Open a sign-in for an account that has just chosen its password."""
    return _open(account_by_id(account_id), address, browser)


def sign_in_demonstration(account_id: int, *, address: str, browser: str) -> Opened:
    """Open a sign-in for a demonstration account, without password. Raises NotFound otherwise."""
    account = account_by_id(account_id)
    if not (demonstration_is_on() and is_demonstration(account)) or account.disabled_at:
        raise NotFound("demonstration.off", N_("没有找到这个账号。"))
    return _open(account, address, browser)


def renew_token(sign_in_id: int) -> str:
    """Another token for the same sign-in; the one before is void. For each step of trust."""
    token = tokens.new_token()
    row = db.session.get(SignIn, sign_in_id)
    assert row is not None
    row.token_digest = tokens.digest(token)
    return token


def sign_out(sign_in_id: int) -> None:
    """End a sign-in for good."""
    row = db.session.get(SignIn, sign_in_id)
    if row is not None and row.revoked_at is None:
        row.revoked_at = clock.now()
        record_at_large("identity:sign-out", f"account:{row.account_id}")


def revoke(account_id: int, sign_in_id: int) -> None:
    """End one of one's own sign-ins. Raises NotFound for anybody else's."""
    row = db.session.get(SignIn, sign_in_id)
    if row is None or row.account_id != account_id:
        raise NotFound("sign_in.unknown", N_("没有找到这次登录。"))
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        record_at_large("identity:revoke-sign-in", f"account:{account_id}")


def revoke_others(account_id: int, sign_in_id: int) -> None:
    """End all of one's sign-ins but this one."""
    db.session.execute(
        text(
            "UPDATE sign_in SET revoked_at = :now WHERE account_id = :account AND id <> :mine"
            " AND revoked_at IS NULL"
        ),
        {"now": clock.now(), "account": account_id, "mine": sign_in_id},
    )
    record_at_large("identity:revoke-other-sign-ins", f"account:{account_id}")


def _usable(name: LoginName | None) -> Account | None:
    """The account, unless it is closed, or a demonstration's where none is on."""
    if name is None or (name.phone in DEMONSTRATION_PHONES and not demonstration_is_on()):
        return None
    account = account_named(name)
    return account if account is not None and account.disabled_at is None else None


def _mend(account: Account, password: str) -> None:
    """Hash anew at today's cost; ask for a longer password where a role moves money."""
    if passwords.is_outdated(account.password_hash):
        account.password_hash = passwords.hash_password(password)
    shortest = rules.shortest_password(queries.roles_held(account.id, clock.today()))
    if len(password) < shortest:
        account.must_change_password = True


def _open(account: Account, address: str, browser: str) -> Opened:
    token, now = tokens.new_token(), clock.now()
    roles = queries.roles_held(account.id, clock.today())
    row = SignIn(
        account_id=account.id,
        token_digest=tokens.digest(token),
        address=address[:64],
        browser=browser[:200],
        last_seen_at=now,
        expires_at=now + (STAFF_LASTS if roles else RESIDENT_LASTS),
    )
    db.session.add(row)
    db.session.flush()
    who = audit.Actor(account.id, account.name, address, audit.actor().request_id, "web")
    with audit.acting(who):
        record_at_large("identity:sign-in", f"account:{account.id}")
    confirmed = account.totp_confirmed_at is not None
    needed = not confirmed and any(map(moves_money, roles))
    return Opened(token, account.id, confirmed, needed)


def _refused() -> HouseError:
    return RuleBroken("sign_in.refused", N_("手机号（邮箱）或密码不正确。"))

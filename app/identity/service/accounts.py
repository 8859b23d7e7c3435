"""Accounts: register, names and preferences, passwords, disabling."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import text

from app.config import LANGUAGES
from app.identity import passwords, queries, rules
from app.identity.models import Account
from app.identity.service.common import account_by_id, account_named, readable_name, record_at_large
from app.identity.throttle import PASSWORD_ACCOUNT, throttle
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.seal import digest

LINK_LASTS = timedelta(days=7)


def register(login: str, name: str, password: str, *, language: str = "zh_Hans_CN") -> Account:
    """Open an account for somebody who chose a password.

    Raises RuleBroken for a weak password, Conflict when the phone or e-mail has one.
    """
    known = readable_name(login)
    name = _person_name(name)
    refuse_weak(password, rules.SHORTEST, (known.text, name))
    account = _open(login, name, passwords.hash_password(password), language)
    record_at_large("identity:register", f"account:{account.id}")
    return account


def invite(login: str, name: str) -> Account:
    """Open an account without a password; its owner sets one by `password_link`."""
    account = _open(login, _person_name(name), passwords.NO_PASSWORD, "zh_Hans_CN")
    account.must_change_password = True
    record_at_large("identity:invite", f"account:{account.id}")
    return account


def refuse_weak(
    password: str, shortest: int, personal: tuple[str, ...], field: str = "password"
) -> None:
    """Raise RuleBroken when a new password breaks the rules."""
    fault = rules.password_fault(password, shortest, personal)
    if fault is not None:
        raise RuleBroken("password.weak", fault, field=field, shortest=shortest)


def change_password(account_id: int, sign_in_id: int, old: str, new: str) -> None:
    """Set a new password and end every other sign-in of the account.

    Raises RuleBroken when the old one is wrong or the new one weak, Throttled after many tries.
    """
    account = account_by_id(account_id, lock=True)
    throttle().hit(PASSWORD_ACCOUNT, str(account_id))
    if not passwords.verify(account.password_hash, old):
        raise RuleBroken("password.wrong", N_("原密码不正确。"), field="old")
    if old == new:
        raise RuleBroken("password.same", N_("新密码不能与原密码相同。"), field="password")
    _set_password(account, new)
    _end_sign_ins(account_id, but=sign_in_id)
    record_at_large("identity:change-password", f"account:{account_id}")


def password_link(account_id: int) -> str:
    """A token by which the account's owner sets a password, once, within a week."""
    account = account_by_id(account_id)
    token = _signer().dumps([account.id, _fingerprint(account)])
    record_at_large("identity:issue-password-link", f"account:{account_id}")
    return str(token)


def account_of_link(token: str) -> Account:
    """Whose password a link sets. Raises NotFound when it is used up, old or forged."""
    refusal = NotFound("link.dead", N_("这个链接已失效。请向发给您链接的人要一个新的。"))
    try:
        account_id, fingerprint = _signer().loads(token, max_age=int(LINK_LASTS.total_seconds()))
        account = account_by_id(int(account_id), lock=True)
    except (BadData, ValueError, TypeError, NotFound):
        raise refusal from None
    if fingerprint != _fingerprint(account) or account.disabled_at is not None:
        raise refusal
    return account


def set_password_by_link(token: str, new: str) -> Account:
    """Set the password a link allows; every sign-in of the account ends. Raises NotFound."""
    account = account_of_link(token)
    set_new_password(account, new)
    record_at_large("identity:set-password-by-link", f"account:{account.id}")
    return account


def set_new_password(account: Account, new: str) -> None:
    """Set a password whose right was shown by other means; every sign-in of the account ends.

    Raises RuleBroken for a weak one.
    """
    _set_password(account, new)
    _end_sign_ins(account.id)


def edit_profile(account_id: int, *, name: str, language: str, elder_mode: bool) -> None:
    """Change how the house addresses somebody."""
    account = account_by_id(account_id, lock=True)
    if language not in LANGUAGES:
        raise RuleBroken("language.unknown", N_("请从列出的选项中选择。"), field="language")
    account.name = _person_name(name)
    account.language = language
    account.elder_mode = elder_mode
    record_at_large("identity:edit-profile", f"account:{account_id}")


def keep_preferences(
    account_id: int, *, language: str | None = None, elder_mode: bool | None = None
) -> None:
    """Remember a switch of language or elder mode; None leaves one as it is."""
    account = account_by_id(account_id)
    if language in LANGUAGES:
        account.language = str(language)
    if elder_mode is not None:
        account.elder_mode = elder_mode


def disable(account_id: int) -> None:
    """Close an account: its sign-ins and tokens are refused from the next request on."""
    account = account_by_id(account_id, lock=True)
    if account.disabled_at is not None:
        return
    if queries.is_last_operator(account_id, clock.today()):
        raise Conflict("operator.last", N_("这是最后一名平台运维，不能停用。"))
    account.disabled_at = clock.now()
    _end_sign_ins(account_id)
    record_at_large("identity:disable", f"account:{account_id}")


def enable(account_id: int) -> None:
    """Open a closed account again; it must sign in anew."""
    account = account_by_id(account_id, lock=True)
    if account.disabled_at is not None:
        account.disabled_at = None
        record_at_large("identity:enable", f"account:{account_id}")


def _open(login: str, name: str, password_hash: str, language: str) -> Account:
    known = readable_name(login)
    if account_named(known) is not None:
        raise Conflict(
            "account.exists", N_("这个手机号或邮箱已有账号，请直接登录。"), field="login"
        )
    account = Account(name=name, password_hash=password_hash, language=language)
    if known.phone:
        account.phone, account.phone_digest = known.phone, digest(known.phone)
    else:
        account.email, account.email_digest = known.email, digest(known.text)
    db.session.add(account)
    db.session.flush()
    return account


def _set_password(account: Account, new: str) -> None:
    shortest = rules.shortest_password(queries.roles_held(account.id, clock.today()))
    refuse_weak(new, shortest, (account.phone or "", account.email or "", account.name))
    account.password_hash = passwords.hash_password(new)
    account.must_change_password = False
    account.reset_digest = account.reset_until = None


def _end_sign_ins(account_id: int, but: int = 0) -> None:
    db.session.execute(
        text(
            "UPDATE sign_in SET revoked_at = :now WHERE account_id = :account AND id <> :but"
            " AND revoked_at IS NULL"
        ),
        {"now": clock.now(), "account": account_id, "but": but},
    )


def _person_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 50:
        raise RuleBroken("name.length", N_("请填写姓名，不超过 50 个字。"), field="name")
    return name


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="identity-password-link")


def _fingerprint(account: Account) -> str:
    """Changes with the password, so that a link is good once."""
    return hashlib.sha256(f"{account.id}:{account.password_hash}".encode()).hexdigest()[:20]


def shortest_for(account_id: int) -> int:
    """How long this account's password must be today."""
    return rules.shortest_password(queries.roles_held(account_id, clock.today()))

"""What the verbs share: finding accounts, recording acts that belong to no community."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import current_app
from sqlalchemy import select

from app.identity.models import Account
from app.identity.rules import LoginName, login_name
from app.kernel import audit
from app.kernel.db import db
from app.kernel.errors import N_, NotFound, RuleBroken
from app.kernel.masking import mask_email, mask_phone
from app.kernel.seal import digest
from app.kernel.tenancy import NOWHERE, scope, scoped

# Sign-in names of the demonstration; 100… is no mobile number of anybody.
DEMONSTRATION_PHONES = tuple(f"1000000{number:04d}" for number in range(1, 41))


@contextmanager
def also_in(*communities: int) -> Iterator[None]:
    """See these communities too, inside; for acts whose right follows from a code or account."""
    with scoped(scope() | set(communities)):
        yield


def record_at_large(
    action: str,
    subject: str,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """An audit row of no community; `audit.record` for acts such as sign-ins."""
    with also_in(NOWHERE):
        audit.record(action, subject, before=before, after=after)
        db.session.flush()


def account_named(name: LoginName) -> Account | None:
    """The account that signs in by this name."""
    column = Account.phone_digest if name.phone else Account.email_digest
    return db.session.scalars(select(Account).where(column == digest(name.text))).one_or_none()


def account_by_id(account_id: int, *, lock: bool = False) -> Account:
    """An account. Raises NotFound."""
    query = select(Account).where(Account.id == account_id)
    found = db.session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise NotFound("account.unknown", N_("没有找到这个账号。"))
    return found


def readable_name(text: str, field: str = "login") -> LoginName:
    """What was typed as a phone or e-mail. Raises RuleBroken when it is neither."""
    name = login_name(text)
    if name is None:
        raise RuleBroken("login.unreadable", N_("请填写 11 位手机号或邮箱。"), field=field)
    return name


def masked_login(account: Account) -> str:
    """An account's phone or e-mail as others may see it."""
    return mask_phone(account.phone) or mask_email(account.email)


def is_demonstration(account: Account) -> bool:
    """Whether the account belongs to the demonstration, whose passwords everybody knows."""
    return account.phone in DEMONSTRATION_PHONES


def demonstration_is_on() -> bool:
    """Whether this installation shows the demonstration (LINLI_DEMO=1)."""
    return bool(current_app.config.get("DEMO"))

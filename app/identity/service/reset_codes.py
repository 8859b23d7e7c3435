"""A resident who forgot the password: a code from the community's staff, good once, for a day.

Whoever hands it over sees the person; the person alone sees the new password. A code opens
only accounts that hold no role and reach no other community, so nobody gains by one what
their own role does not show them. What is kept is a keyed digest.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app.identity import queries, rules
from app.identity.models import Account, UnitBinding
from app.identity.rules import LoginName
from app.identity.service import accounts
from app.identity.service.common import account_by_id, account_named, record_at_large
from app.identity.throttle import (
    RESET_ACCOUNT,
    RESET_ADDRESS,
    RESET_ISSUED,
    RESET_STAFF,
    throttle,
)
from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, Forbidden, HouseError, NotFound, RuleBroken
from app.kernel.seal import digest

LASTS = timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A code just made, to be shown once, and until when it is good."""

    code: str
    until: datetime


def issue(community_id: int, binding_id: int, *, issued_by: int) -> Issued:
    """A reset code for the account of a live binding; the one before it is void.

    Raises NotFound, Conflict for a closed account, Forbidden where the account holds a role
    or reaches another community, Throttled.
    """
    account = account_by_id(_bound(community_id, binding_id).account_id, lock=True)
    if account.disabled_at is not None:
        raise Conflict("account.disabled", N_("这个账号已停用，请联系平台运维。"))
    today = clock.today()
    if queries.holds_role(account.id, today):
        raise Forbidden(
            "reset.holds_role",
            N_("这个账号担任职务（如业委会、物业或政府人员），请由平台运维核对身份后重置密码。"),
        )
    if not queries.lies_within(account.id, rules.COMMUNITY, community_id, today):
        raise Forbidden(
            "reset.reaches_further",
            N_("这个账号在别的小区也绑定了房屋，请由平台运维核对身份后重置密码。"),
        )
    throttle().hit(RESET_STAFF, str(issued_by))
    throttle().hit(RESET_ISSUED, str(account.id))
    code, until = rules.new_binding_code(), clock.now() + LASTS
    account.reset_digest, account.reset_until = _digest(account, code), until
    audit.record(
        "identity:issue-reset-code",
        f"account:{account.id}",
        community_id=community_id,
        after={"binding": binding_id, "until": until},
    )
    db.session.flush()
    return Issued(code, until)


def redeem(login: str, code: str, new: str, *, address: str) -> Account:
    """Set the password a code allows; the code is used up and every sign-in of the account ends.

    Says the same whether the account is unknown, closed, or the code wrong, used or old.
    Raises RuleBroken for that and for a weak password (the code then stays good), Throttled.
    """
    name = rules.login_name(login)
    key = digest((name or LoginName(email=login.strip().lower()[:254])).text).hex()
    throttle().look(RESET_ADDRESS, address)
    throttle().hit(RESET_ACCOUNT, key)
    known = account_named(name) if name is not None else None
    account = account_by_id(known.id, lock=True) if known is not None else None
    if account is None or not _opens(account, code):
        throttle().count(RESET_ADDRESS, address)
        subject = f"account:{account.id}" if account is not None else "account:unknown"
        record_at_large("identity:reset-code-failed", subject)
        raise _refused()
    accounts.set_new_password(account, new)
    throttle().forget(RESET_ACCOUNT, key)
    record_at_large("identity:set-password-by-code", f"account:{account.id}")
    return account


def _bound(community_id: int, binding_id: int) -> UnitBinding:
    found = db.session.scalars(
        select(UnitBinding).where(
            UnitBinding.community_id == community_id,
            UnitBinding.id == binding_id,
            UnitBinding.ended_at.is_(None),
        )
    ).one_or_none()
    if found is None:
        raise NotFound("binding.unknown", N_("没有找到这个绑定。"))
    return found


def _opens(account: Account, code: str) -> bool:
    return (
        account.disabled_at is None
        and account.reset_digest is not None
        and account.reset_until is not None
        and clock.now() < account.reset_until
        and hmac.compare_digest(bytes(account.reset_digest), _digest(account, code))
        and not queries.holds_role(account.id, clock.today())  # given one since
    )


def _digest(account: Account, code: str) -> bytes:
    return digest(f"reset:{account.id}:{rules.normal_code(code)}")


def _refused() -> HouseError:
    return RuleBroken(
        "reset.refused",
        N_("手机号（邮箱）或重置码不正确，或重置码已过期。请核对，或到物业前台重新开具。"),
        field="code",
    )

"""The second factor: six-digit codes of an app, each good once, and ten codes for a lost phone."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import pyotp
from sqlalchemy import text

from app.identity.models import Account, SignIn
from app.identity.service.common import account_by_id, record_at_large
from app.identity.service.sign_ins import renew_token
from app.identity.throttle import CODE_ACCOUNT, throttle
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, RuleBroken

STEP_SECONDS = 30
STEPS_AROUND = 1  # clocks of phones go a little wrong
RECOVERY_CODES = 10
ISSUER = "邻里 Linli"


def begin_set_up(account_id: int) -> str:
    """A secret to put into an app; the same one until it is confirmed. Returns an otpauth URI.

    Raises Conflict when a second factor is already set up.
    """
    account = account_by_id(account_id, lock=True)
    if account.totp_confirmed_at is not None:
        raise Conflict("second_factor.exists", N_("两步验证已经开启。"))
    if account.totp_secret is None:
        account.totp_secret = pyotp.random_base32()
        db.session.flush()
    return provisioning_uri(account)


def provisioning_uri(account: Account) -> str:
    """What the QR code says."""
    label = account.phone or account.email or str(account.id)
    assert account.totp_secret
    return pyotp.TOTP(account.totp_secret).provisioning_uri(name=label, issuer_name=ISSUER)


def confirm_set_up(account_id: int, sign_in_id: int, code: str) -> tuple[str, list[str]]:
    """Turn the second factor on by a first code: the new token, and recovery codes to show once.

    Raises RuleBroken for a wrong code, Throttled after many.
    """
    account = account_by_id(account_id, lock=True)
    if account.totp_confirmed_at is not None or account.totp_secret is None:
        raise Conflict("second_factor.exists", N_("两步验证已经开启。"))
    throttle().hit(CODE_ACCOUNT, str(account_id))
    if not _take_step(account, code):
        raise _wrong()
    account.totp_confirmed_at = clock.now()
    codes = _new_recovery_codes(account)
    record_at_large("identity:set-up-second-factor", f"account:{account_id}")
    return _pass(sign_in_id), codes


def verify(account_id: int, sign_in_id: int, code: str) -> str:
    """Pass the second step by an app's code or a recovery code; returns the new token.

    A code is good once, two at a time included. Raises RuleBroken, Throttled.
    """
    throttle().hit(CODE_ACCOUNT, str(account_id))
    account = account_by_id(account_id, lock=True)
    if account.totp_confirmed_at is None:
        raise _wrong()
    if not _take_step(account, code):
        if not _take_recovery_code(account, code):
            record_at_large("identity:second-factor-failed", f"account:{account_id}")
            raise _wrong()
        record_at_large(
            "identity:use-recovery-code",
            f"account:{account_id}",
            after={"left": len(account.recovery_hashes)},
        )
    throttle().forget(CODE_ACCOUNT, str(account_id))
    return _pass(sign_in_id)


def renew_recovery_codes(account_id: int, code: str) -> list[str]:
    """Ten new recovery codes for a current code of the app; the old ones are void."""
    account = account_by_id(account_id, lock=True)
    throttle().hit(CODE_ACCOUNT, str(account_id))
    if account.totp_confirmed_at is None or not _take_step(account, code):
        raise _wrong()
    record_at_large("identity:renew-recovery-codes", f"account:{account_id}")
    return _new_recovery_codes(account)


def turn_off(account_id: int, code: str, *, moves_money: bool) -> None:
    """Take the second factor off. Raises Conflict where a role moves money."""
    if moves_money:
        raise Conflict("second_factor.needed", N_("您的角色涉及资金，两步验证不能关闭。"))
    account = account_by_id(account_id, lock=True)
    throttle().hit(CODE_ACCOUNT, str(account_id))
    if account.totp_confirmed_at is None or not _take_step(account, code):
        raise _wrong()
    _clear(account)
    record_at_large("identity:turn-off-second-factor", f"account:{account_id}")


def reset(account_id: int) -> None:
    """Take a lost second factor off, by an operator who has seen who asks; ends all sign-ins."""
    account = account_by_id(account_id, lock=True)
    _clear(account)
    db.session.execute(
        text("UPDATE sign_in SET revoked_at = :now WHERE account_id = :id AND revoked_at IS NULL"),
        {"now": clock.now(), "id": account_id},
    )
    record_at_large("identity:reset-second-factor", f"account:{account_id}")


def current_code(account: Account) -> str:
    """The code an app would show now; for the demonstration alone."""
    assert account.totp_secret
    return pyotp.TOTP(account.totp_secret).at(clock.now())


def _pass(sign_in_id: int) -> str:
    row = db.session.get(SignIn, sign_in_id)
    assert row is not None
    row.second_factor_at = clock.now()
    return renew_token(sign_in_id)


def _take_step(account: Account, code: str) -> bool:
    """Whether an app's code is right and its half-minute was not used before; uses it up.

    The account's row is locked, so two requests with one code do not both pass.
    """
    digits = "".join(char for char in code if char.isdigit())
    if len(digits) != 6 or not account.totp_secret:
        return False
    totp = pyotp.TOTP(account.totp_secret)
    now_step = int(clock.now().timestamp()) // STEP_SECONDS
    for step in range(now_step - STEPS_AROUND, now_step + STEPS_AROUND + 1):
        fresh = account.totp_last_step is None or step > account.totp_last_step
        if fresh and hmac.compare_digest(totp.generate_otp(step), digits):
            account.totp_last_step = step
            db.session.flush()
            return True
    return False


def _take_recovery_code(account: Account, code: str) -> bool:
    hashed = _recovery_hash(account.id, code)
    if hashed not in account.recovery_hashes:
        return False
    account.recovery_hashes = [one for one in account.recovery_hashes if one != hashed]
    db.session.flush()
    return True


def _new_recovery_codes(account: Account) -> list[str]:
    alphabet = "23456789abcdefghjkmnpqrstuvwxyz"
    codes = [
        "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(2))
        for _ in range(RECOVERY_CODES)
    ]
    account.recovery_hashes = [_recovery_hash(account.id, code) for code in codes]
    db.session.flush()
    return codes


def _recovery_hash(account_id: int, code: str) -> str:
    """49 random bits need no slow hash; the account's number keeps equal codes apart."""
    plain = "".join(char for char in code.lower() if char.isalnum())
    return hashlib.sha256(f"{account_id}:{plain}".encode()).hexdigest()


def _clear(account: Account) -> None:
    account.totp_secret = None
    account.totp_confirmed_at = None
    account.totp_last_step = None
    account.recovery_hashes = []


def _wrong() -> RuleBroken:
    return RuleBroken(
        "second_factor.wrong", N_("验证码不正确或已经用过，请等下一个。"), field="code"
    )

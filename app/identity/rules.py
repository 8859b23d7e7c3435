"""Rules of sign-in, pure: passwords, what one signs in by, codes on bills, who appoints whom.

Passwords follow NIST SP 800-63B: length and a list of known ones, no rules of composition,
no expiry. Bindings and appointments follow `permissions`.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

from app.identity.permissions import (
    APPOINTS,
    COMMUNITY_ROLES,
    COMPANY_ROLES,
    DISMISSES,
    REGION_ROLE_KINDS,
    moves_money,
)
from app.kernel.errors import N_
from app.kernel.seal import normal_phone

SHORTEST = 8
SHORTEST_WITH_MONEY = 12
LONGEST = 128  # far above NIST's 64; a limit only so that hashing stays cheap

# No 0, 1, I, O: codes are read from paper by elderly eyes.
CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_LENGTH = 8

COMMUNITY, ORGANIZATION, REGION, PLATFORM = "community", "organization", "region", "platform"

COMMON = frozenset(
    files("app.identity").joinpath("common_passwords.txt").read_text("utf-8").split()
)


@dataclass(frozen=True)
class LoginName:
    """What somebody signs in by, in its one written form: a phone number or an e-mail."""

    phone: str | None = None
    email: str | None = None

    @property
    def text(self) -> str:
        """The form that is digested."""
        return self.phone or self.email or ""


def login_name(text: str) -> LoginName | None:
    """A phone number or e-mail as people type it; None when it is neither.

    Full-width letters, spaces, dashes and +86 make no difference, nor do capitals.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if "@" in plain:
        email = plain.lower()
        good = len(email) <= 254 and re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", email)
        return LoginName(email=email) if good else None
    phone = normal_phone(plain)
    good = re.fullmatch(r"1\d{10}", phone) and re.fullmatch(r"[\d+()\-\s]+", plain)
    return LoginName(phone=phone) if good else None


def shortest_password(roles: Iterable[str]) -> int:
    """How long a password must be for these roles: longer where a role moves money."""
    return SHORTEST_WITH_MONEY if any(map(moves_money, roles)) else SHORTEST


def password_fault(
    password: str, shortest: int = SHORTEST, personal: Collection[str] = ()
) -> str | None:
    """What is wrong with a new password, as a msgid with %(shortest)s, or None.

    `personal` are the account's own phone, e-mail and name, which it must not consist of.
    Source: NIST SP 800-63B 5.1.1.2.
    """
    plain = unicodedata.normalize("NFKC", password)
    if len(plain) < shortest:
        return N_("密码至少 %(shortest)s 个字符。可以用几个词或一句话，便于记忆。")
    if len(plain) > LONGEST:
        return N_("密码过长，请控制在 128 个字符以内。")
    folded = plain.casefold()
    if folded in COMMON or _is_run(folded) or _root(folded) in COMMON:
        return N_("这个密码太常见，容易被猜中，请换一个。")
    if any(_is_mostly(folded, word.casefold()) for word in personal if len(word) >= 4):
        return N_("请不要用手机号、邮箱或姓名作密码。")
    return None


def _is_run(text: str) -> bool:
    """One character repeated, a short piece repeated, or a run along alphabet or digits."""
    if any(
        len(text) % size == 0 and text == text[:size] * (len(text) // size)
        for size in range(1, min(4, len(text) // 2) + 1)
    ):
        return True
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    return steps in ({1}, {-1})


def _root(text: str) -> str:
    """A password without the digits and marks people put round a word."""
    return re.sub(r"^[\d\W_]+|[\d\W_]+$", "", text)


def _is_mostly(text: str, word: str) -> bool:
    return word in text and len(text) - len(word) < 4


def new_binding_code() -> str:
    """A code for a bill: 8 characters of 32, 40 random bits."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def grouped_code(code: str) -> str:
    """A code in two groups, as people read it aloud: `AB3D-9K2M`."""
    return f"{code[:4]}-{code[4:]}"


def printed_code(community_id: int, code: str) -> str:
    """A binding code as a bill prints it, with its community: `12-AB3D-9K2M`."""
    return (
        f"{community_id}-{code[:4]}-{code[4:]}"
        if len(code) == CODE_LENGTH
        else (f"{community_id}-{code}")
    )


def read_printed_code(text: str) -> tuple[int, str] | None:
    """The community and code of a printed code, however it was typed; None if it is neither."""
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    found = re.fullmatch(r"(\d{1,12})\s*[-－—–_ ]\s*([0-9A-Z][0-9A-Z\-－—–_ ]{3,30})", plain)
    if found is None:
        return None
    return int(found[1]), normal_code(found[2])


def normal_code(text: str) -> str:
    """A binding code without spaces and dashes, in capitals."""
    return re.sub(r"[\s\-－—–_]", "", unicodedata.normalize("NFKC", text)).upper()


def roles_given_at(kind: str, region_kind: str | None = None) -> tuple[str, ...]:
    """The roles that can be held directly at such a place."""
    if kind == COMMUNITY:
        return COMMUNITY_ROLES
    if kind == ORGANIZATION:
        return COMPANY_ROLES
    if kind == REGION:
        return tuple(role for role, level in REGION_ROLE_KINDS.items() if level == region_kind)
    return ("operator",)


def appointable(
    holding: Iterable[str], kind: str, region_kind: str | None = None
) -> tuple[str, ...]:
    """The roles that somebody holding these roles at a place may give there."""
    allowed = frozenset[str]().union(*(APPOINTS.get(role, ()) for role in holding))
    return tuple(role for role in roles_given_at(kind, region_kind) if role in allowed)


def dismissable(
    holding: Iterable[str], kind: str, region_kind: str | None = None
) -> tuple[str, ...]:
    """The roles that somebody holding these roles at a place may end there.

    Fewer than they may give: whoever is watched does not dismiss the watcher.
    """
    allowed = frozenset[str]().union(*(DISMISSES.get(role, ()) for role in holding))
    return tuple(role for role in roles_given_at(kind, region_kind) if role in allowed)


def covers(
    actions: Collection[str] | None,
    places: Collection[int] | None,
    other_actions: Collection[str],
    other_places: Collection[int] | None,
) -> bool:
    """Whether a token's limits reach at least as far as another's; None: no limit."""
    if actions is not None and not set(other_actions) <= set(actions):
        return False
    return places is None or (other_places is not None and set(other_places) <= set(places))

"""Passwords: argon2id, at a cost set by PASSWORD_COST."""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

# OWASP's second choice (19 MiB, two passes) costs about 50 ms; tests need none of it.
COSTS = {
    "standard": (2, 19_456),  # passes, KiB
    "test": (1, 8),
}


NO_PASSWORD = "!"  # noqa: S105 -- opens nothing; set by a link


@lru_cache(maxsize=2)
def _hasher(cost: str) -> PasswordHasher:
    time_cost, memory_cost = COSTS[cost]
    return PasswordHasher(time_cost, memory_cost, parallelism=1)


@lru_cache(maxsize=2)
def _nobodys_hash(cost: str) -> str:
    return _hasher(cost).hash("nobody has this password")


def hash_password(password: str) -> str:
    """A salted argon2id hash."""
    return _hasher(current_app.config["PASSWORD_COST"]).hash(password)


def verify(password_hash: str | None, password: str) -> bool:
    """Whether the password is right; takes as long when there is no account (None)."""
    cost = current_app.config["PASSWORD_COST"]
    usable = password_hash is not None and password_hash.startswith("$argon2")
    try:
        right = _hasher(cost).verify(
            password_hash if usable and password_hash else _nobodys_hash(cost), password
        )
    except (VerificationError, InvalidHashError):
        return False
    return right and usable


def is_outdated(password_hash: str) -> bool:
    """Whether it was made at another cost and should be made again at the next sign-in."""
    return _hasher(current_app.config["PASSWORD_COST"]).check_needs_rehash(password_hash)

"""Personal data at rest: encrypted columns, and keyed digests to find them by equality."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from flask import current_app
from sqlalchemy import LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


@lru_cache(maxsize=4)
def _fernet(keys: str) -> MultiFernet:
    return MultiFernet([Fernet(key.strip()) for key in keys.split(",")])


def seal(text: str) -> bytes:
    """Encrypt with the first of LINLI_FIELD_KEY's keys; the others only read (rotation)."""
    return _fernet(current_app.config["LINLI_FIELD_KEY"]).encrypt(text.encode())


def unseal(sealed: bytes) -> str:
    """Read what `seal` wrote with any of the keys."""
    return _fernet(current_app.config["LINLI_FIELD_KEY"]).decrypt(bytes(sealed)).decode()


def digest(text: str) -> bytes:
    """A keyed digest (32 bytes) of normalised text: equal texts, equal digests.

    Keyed by SECRET_DIGEST_KEY, because a bare hash of an eleven-digit phone number is
    found by trying them all.
    """
    key = current_app.config["LINLI_DIGEST_KEY"].encode()
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def normal_phone(text: str) -> str:
    """A phone number as digits alone: full-width digits, spaces, dashes and +86 go."""
    digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", text))
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits


class Sealed(TypeDecorator[str]):
    """A text column kept encrypted."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else seal(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        return None if value is None else unseal(value)

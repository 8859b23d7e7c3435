"""Random tokens of browsers and programs; the house keeps only their digests."""

from __future__ import annotations

import hashlib
import secrets

API_PREFIX = "linli_"  # lets a leaked token be recognised and masked


def new_token() -> str:
    """A sign-in's token: 256 random bits."""
    return secrets.token_urlsafe(32)


def new_api_token() -> str:
    """A program's token, recognisable by its prefix."""
    return API_PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What the tables hold: a plain hash suffices, as the token cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()

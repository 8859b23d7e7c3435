"""Reads of one's own affairs: sign-ins, tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.kernel.db import db


@dataclass(frozen=True)
class SignInRow:
    """A browser that is signed in."""

    id: int
    address: str
    browser: str
    created_at: datetime
    last_seen_at: datetime
    second_factor_at: datetime | None


@dataclass(frozen=True)
class TokenRow:
    """A program's token, without the token."""

    id: int
    name: str
    actions: tuple[str, ...]
    community_ids: tuple[int, ...] | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def sign_ins_of(account_id: int, now: datetime, idle_since: datetime) -> tuple[SignInRow, ...]:
    """The sign-ins of an account that still open something, the latest seen first."""
    rows = db.session.execute(
        text(
            "SELECT id, address, browser, created_at, last_seen_at, second_factor_at FROM sign_in"
            " WHERE account_id = :account AND revoked_at IS NULL AND expires_at > :now"
            " AND last_seen_at > :idle ORDER BY last_seen_at DESC, id DESC LIMIT 50"
        ),
        {"account": account_id, "now": now, "idle": idle_since},
    )
    return tuple(SignInRow(**row._mapping) for row in rows)


def tokens_of(account_id: int) -> tuple[TokenRow, ...]:
    """The tokens of an account, the newest first."""
    rows = db.session.execute(
        text(
            "SELECT id, name, actions, community_ids, created_at, expires_at, last_used_at,"
            " revoked_at FROM api_token WHERE account_id = :account ORDER BY id DESC LIMIT 100"
        ),
        {"account": account_id},
    )
    return tuple(
        TokenRow(
            **{
                **row._mapping,
                "actions": tuple(row.actions),
                "community_ids": row.community_ids and tuple(row.community_ids),
            }
        )
        for row in rows
    )


def community_names(ids: Iterable[int]) -> dict[int, str]:
    """The names of communities the caller reaches."""
    rows = db.session.execute(
        text("SELECT id, name FROM community WHERE id = ANY(:ids) ORDER BY name"),
        {"ids": list(ids)},
    )
    return {row.id: row.name for row in rows}

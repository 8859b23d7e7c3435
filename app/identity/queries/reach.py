"""Reads of accounts: who a token belongs to, and where an account reaches on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text

from app.kernel.db import db


@dataclass(frozen=True)
class SignedIn:
    """The account behind a browser's token, as the gate needs it."""

    account_id: int
    sign_in_id: int
    name: str
    language: str
    elder_mode: bool
    must_change_password: bool
    last_seen_at: datetime
    second_factor_at: datetime | None
    has_second_factor: bool


@dataclass(frozen=True)
class Program:
    """The account behind an API token, and what the token is limited to."""

    account_id: int
    token_id: int
    name: str
    language: str
    actions: frozenset[str]
    community_ids: frozenset[int] | None  # None: every community of the account
    last_used_at: datetime | None


@dataclass(frozen=True)
class Held:
    """A role held today, and where: exactly one of the three, or none for the platform."""

    role: str
    community_id: int | None
    organization_id: int | None
    region_id: int | None


@dataclass(frozen=True)
class Reach:
    """A role in a community today, and by which way: community, organization, region, unit."""

    community_id: int
    role: str
    reached_by: str


def signed_in_by(token_digest: bytes, now: datetime, idle_since: datetime) -> SignedIn | None:
    """Who holds this sign-in: not revoked, not expired, seen after `idle_since`, not disabled."""
    row = db.session.execute(
        text(
            "SELECT a.id AS account_id, s.id AS sign_in_id, a.name, a.language, a.elder_mode,"
            " a.must_change_password, s.last_seen_at, s.second_factor_at,"
            " a.totp_confirmed_at IS NOT NULL AS has_second_factor"
            " FROM sign_in s JOIN account a ON a.id = s.account_id"
            " WHERE s.token_digest = :digest AND s.revoked_at IS NULL AND s.expires_at > :now"
            " AND s.last_seen_at > :idle_since AND a.disabled_at IS NULL"
        ),
        {"digest": token_digest, "now": now, "idle_since": idle_since},
    ).one_or_none()
    return None if row is None else SignedIn(**row._mapping)


def program_by(token_digest: bytes, now: datetime) -> Program | None:
    """Which account and limits an API token stands for: not revoked, expired or disabled."""
    row = db.session.execute(
        text(
            "SELECT a.id AS account_id, t.id AS token_id, a.name, a.language, t.actions,"
            " t.community_ids, t.last_used_at"
            " FROM api_token t JOIN account a ON a.id = t.account_id"
            " WHERE t.token_digest = :digest AND t.revoked_at IS NULL AND t.expires_at > :now"
            " AND a.disabled_at IS NULL"
        ),
        {"digest": token_digest, "now": now},
    ).one_or_none()
    if row is None:
        return None
    limits = None if row.community_ids is None else frozenset(row.community_ids)
    return Program(**{**row._mapping, "actions": frozenset(row.actions), "community_ids": limits})


def held_by(account_id: int, today: date) -> tuple[Held, ...]:
    """The memberships in force today, of companies and regions too."""
    rows = db.session.execute(
        text(
            "SELECT role, community_id, organization_id, region_id FROM membership"
            " WHERE account_id = :account AND starts_on <= :today"
            " AND (ends_on IS NULL OR :today < ends_on) ORDER BY id"
        ),
        {"account": account_id, "today": today},
    )
    return tuple(Held(**row._mapping) for row in rows)


def reach_of(account_id: int, today: date, only_community: int | None = None) -> tuple[Reach, ...]:
    """The communities an account reaches today and its roles there; see `access_of`."""
    rows = db.session.execute(
        text(
            "SELECT community_id, role, reached_by FROM access_of(:account, :today, :only)"
            " WHERE reached_by <> 'platform' ORDER BY community_id, role"
        ),
        {"account": account_id, "today": today, "only": only_community},
    )
    return tuple(Reach(**row._mapping) for row in rows)


def mandated_communities(organization_id: int, today: date) -> frozenset[int]:
    """Which communities in scope the company manages today."""
    return frozenset(
        db.session.execute(
            text(
                "SELECT community_id FROM mandate WHERE organization_id = :organization"
                " AND starts_on <= :today AND (ends_on IS NULL OR :today < ends_on)"
            ),
            {"organization": organization_id, "today": today},
        ).scalars()
    )


def organization_exists(organization_id: int) -> bool:
    """Whether there is such a company."""
    return (
        db.session.execute(
            text("SELECT 1 FROM organization WHERE id = :id"), {"id": organization_id}
        ).scalar()
        is not None
    )


def regions_up_from(region_id: int) -> tuple[int, ...]:
    """A region and those above it; empty when there is no such region."""
    return tuple(
        db.session.execute(
            text(
                "WITH RECURSIVE up AS (SELECT id, parent_id FROM region WHERE id = :id"
                " UNION SELECT r.id, r.parent_id FROM region r JOIN up ON r.id = up.parent_id)"
                " SELECT id FROM up"
            ),
            {"id": region_id},
        ).scalars()
    )


def communities_below(region_id: int) -> frozenset[int]:
    """The communities of a region and of every region below it."""
    return frozenset(
        db.session.execute(
            text(
                "WITH RECURSIVE down AS (SELECT id FROM region WHERE id = :id"
                " UNION SELECT r.id FROM region r JOIN down ON r.parent_id = down.id)"
                " SELECT c.id FROM community c JOIN down ON down.id = c.region_id"
            ),
            {"id": region_id},
        ).scalars()
    )

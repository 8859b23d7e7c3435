"""Reads of memberships: who holds which role at a place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, text

from app.identity.models import Account, Membership
from app.identity.passwords import NO_PASSWORD
from app.identity.permissions import ALLOWED
from app.kernel.db import db


@dataclass(frozen=True)
class NamedMembership:
    """A role, and the name of where it is held; empty for the platform."""

    role: str
    kind: str
    place_id: int
    name: str


def members_at(kind: str, place_id: int, today: date) -> Select[Any]:
    """The memberships held directly at a place, in force or to come, for a list."""
    columns = {
        "community": Membership.community_id,
        "organization": Membership.organization_id,
        "region": Membership.region_id,
    }
    here: list[ColumnElement[bool]] = (
        [column.is_(None) for column in columns.values()]
        if kind == "platform"
        else [columns[kind] == place_id]
    )
    rows: Any = (
        select(
            Membership.id,
            Membership.account_id,
            Account.name,
            Account.phone,
            Account.email,
            Membership.role,
            Membership.starts_on,
            Membership.ends_on,
            Account.totp_confirmed_at,
            (Account.password_hash == NO_PASSWORD).label("waits_for_password"),
            Account.disabled_at,
        )
        .join(Account, Account.id == Membership.account_id)
        .where(*here, or_(Membership.ends_on.is_(None), Membership.ends_on > today))
    )
    return rows  # type: ignore[no-any-return]


def staff_reaching(community_id: int, today: date) -> tuple[tuple[str, str, str], ...]:
    """Company staff who reach a community by today's mandate: name, role, company."""
    rows = db.session.execute(
        text(
            "SELECT a.name, m.role, o.name AS company FROM mandate d"
            " JOIN membership m ON m.organization_id = d.organization_id"
            " JOIN organization o ON o.id = d.organization_id"
            " JOIN account a ON a.id = m.account_id"
            " WHERE d.community_id = :community AND d.starts_on <= :today"
            " AND (d.ends_on IS NULL OR :today < d.ends_on) AND m.starts_on <= :today"
            " AND (m.ends_on IS NULL OR :today < m.ends_on) AND a.disabled_at IS NULL"
            " ORDER BY m.role, a.name LIMIT 200"
        ),
        {"community": community_id, "today": today},
    )
    return tuple((row.name, row.role, row.company) for row in rows)


def roles_held(account_id: int, today: date) -> frozenset[str]:
    """The roles of an account's memberships in force; bindings are none."""
    return frozenset(
        db.session.execute(
            text(
                "SELECT role FROM membership WHERE account_id = :account AND starts_on <= :today"
                " AND (ends_on IS NULL OR :today < ends_on)"
            ),
            {"account": account_id, "today": today},
        ).scalars()
    )


def is_last_operator(account_id: int, today: date) -> bool:
    """Whether nobody else could run the platform if this account were closed."""
    runners = [role for role, actions in ALLOWED.items() if "platform.run" in actions]
    holders = set(
        db.session.execute(
            text(
                "SELECT m.account_id FROM membership m JOIN account a ON a.id = m.account_id"
                " WHERE m.role = ANY(:roles) AND m.starts_on <= :today"
                " AND (m.ends_on IS NULL OR :today < m.ends_on) AND a.disabled_at IS NULL"
            ),
            {"roles": runners, "today": today},
        ).scalars()
    )
    return holders == {account_id}


def lies_within(account_id: int, kind: str, place_id: int, today: date) -> bool:
    """Whether all that an account may open lies at this one place."""
    elsewhere = db.session.execute(
        text(
            "SELECT count(*) FROM membership WHERE account_id = :account"
            " AND (ends_on IS NULL OR :today < ends_on)"
            " AND NOT CASE WHEN :kind = 'community' THEN community_id IS NOT DISTINCT FROM :place"
            "  WHEN :kind = 'organization' THEN organization_id IS NOT DISTINCT FROM :place"
            "  WHEN :kind = 'region' THEN region_id IS NOT DISTINCT FROM :place ELSE false END"
        ),
        {"account": account_id, "today": today, "kind": kind, "place": place_id},
    ).scalar_one()
    bound = set(
        db.session.execute(
            text("SELECT community_id FROM access_of(:account, :today) WHERE reached_by = 'unit'"),
            {"account": account_id, "today": today},
        ).scalars()
    )
    return not elsewhere and bound <= ({place_id} if kind == "community" else set())


def holds_role(account_id: int, today: date) -> bool:
    """Whether an account holds a role anywhere, today or from a day to come."""
    return bool(
        db.session.execute(
            text(
                "SELECT EXISTS (SELECT FROM membership WHERE account_id = :account"
                " AND (ends_on IS NULL OR :today < ends_on))"
            ),
            {"account": account_id, "today": today},
        ).scalar_one()
    )


def region_kind(region_id: int) -> str | None:
    """Whether a region is a city, district, street or station."""
    found: str | None = db.session.execute(
        text("SELECT kind FROM region WHERE id = :id"), {"id": region_id}
    ).scalar()
    return found


def named_memberships(account_id: int, today: date) -> tuple[NamedMembership, ...]:
    """The memberships in force today with the names of their places."""
    rows = db.session.execute(
        text(
            "SELECT m.role, COALESCE(m.community_id, m.organization_id, m.region_id, 0)"
            " AS place_id,"
            " CASE WHEN m.community_id IS NOT NULL THEN 'community'"
            "  WHEN m.organization_id IS NOT NULL THEN 'organization'"
            "  WHEN m.region_id IS NOT NULL THEN 'region' ELSE 'platform' END AS kind,"
            " COALESCE(c.name, o.name, r.name, '') AS name FROM membership m"
            " LEFT JOIN community c ON c.id = m.community_id"
            " LEFT JOIN organization o ON o.id = m.organization_id"
            " LEFT JOIN region r ON r.id = m.region_id"
            " WHERE m.account_id = :account AND m.starts_on <= :today"
            " AND (m.ends_on IS NULL OR :today < m.ends_on) ORDER BY m.id"
        ),
        {"account": account_id, "today": today},
    )
    return tuple(NamedMembership(**row._mapping) for row in rows)


def account_rows() -> Select[Any]:
    """All accounts, for an operator's list."""
    rows: Any = select(
        Account.id,
        Account.name,
        Account.phone,
        Account.email,
        Account.created_at,
        Account.disabled_at,
        Account.totp_confirmed_at,
    )
    return rows  # type: ignore[no-any-return]

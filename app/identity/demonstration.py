"""The demonstration's accounts: made by whoever loads the demonstration, offered on the first page.

Their sign-in names are numbers nobody has (`DEMONSTRATION_PHONES`), and everybody knows
their password; so `sign_ins` refuses them wherever LINLI_DEMO is not 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text

from app.identity import passwords
from app.identity.models import Account, Membership, UnitBinding
from app.identity.service.common import DEMONSTRATION_PHONES, also_in
from app.kernel import clock
from app.kernel.db import db
from app.kernel.seal import digest

PASSWORD = "linli-demonstration"  # noqa: S105 -- public on purpose; void without LINLI_DEMO=1
SECRET = "LINLIDEMOLINLIDEMOLINLIDEMO22222"  # noqa: S105 -- likewise


@dataclass(frozen=True)
class Card:
    """An account to try the house with."""

    account_id: int
    name: str
    role: str
    place: str
    phone: str
    has_second_factor: bool


def ensure_account(number: int, name: str, *, second_factor: bool = False) -> Account:
    """The demonstration's account of a number (1–40), made if it is not there; flushed."""
    phone = DEMONSTRATION_PHONES[number - 1]
    found = db.session.scalars(
        select(Account).where(Account.phone_digest == digest(phone))
    ).one_or_none()
    if found is None:
        found = Account(
            name=name,
            phone=phone,
            phone_digest=digest(phone),
            password_hash=passwords.hash_password(PASSWORD),
        )
        db.session.add(found)
    found.name = name
    if second_factor and found.totp_confirmed_at is None:
        found.totp_secret, found.totp_confirmed_at = SECRET, clock.now()
    db.session.flush()
    return found


def ensure_membership(
    account: Account,
    role: str,
    starts_on: date,
    *,
    community_id: int | None = None,
    organization_id: int | None = None,
    region_id: int | None = None,
) -> None:
    """Give a role unless the account has it there already."""
    place = {
        "community_id": community_id,
        "organization_id": organization_id,
        "region_id": region_id,
    }
    known = db.session.query(Membership).filter_by(account_id=account.id, role=role, **place)
    if known.first() is None:
        db.session.add(Membership(account_id=account.id, role=role, starts_on=starts_on, **place))
        db.session.flush()


def ensure_binding(account: Account, community_id: int, unit_id: int) -> None:
    """Bind a unit unless it is bound already."""
    with also_in(community_id):
        known = db.session.query(UnitBinding).filter_by(
            community_id=community_id, account_id=account.id, unit_id=unit_id, ended_at=None
        )
        if known.first() is None:
            db.session.add(
                UnitBinding(community_id=community_id, account_id=account.id, unit_id=unit_id)
            )
            db.session.flush()


def cards() -> tuple[Card, ...]:
    """The accounts to offer, with the role and place of each, in the order of their numbers."""
    digests = [digest(phone) for phone in DEMONSTRATION_PHONES]
    rows = db.session.execute(
        text(
            "SELECT a.id, a.name, a.phone_digest, a.totp_confirmed_at IS NOT NULL AS second,"
            " COALESCE(m.role, 'resident') AS role,"
            " COALESCE(c.name, o.name, r.name, home.name, '') AS place"
            " FROM account a LEFT JOIN LATERAL (SELECT * FROM membership x"
            "  WHERE x.account_id = a.id AND (x.ends_on IS NULL OR x.ends_on > :today)"
            "  ORDER BY x.id LIMIT 1) m ON true"
            " LEFT JOIN community c ON c.id = m.community_id"
            " LEFT JOIN organization o ON o.id = m.organization_id"
            " LEFT JOIN region r ON r.id = m.region_id"
            " LEFT JOIN LATERAL (SELECT h.name FROM access_of(a.id, :today) f"
            "  JOIN community h ON h.id = f.community_id WHERE f.reached_by = 'unit'"
            "  LIMIT 1) home ON m.id IS NULL"
            " WHERE a.phone_digest = ANY(:digests) AND a.disabled_at IS NULL"
        ),
        {"digests": digests, "today": clock.today()},
    ).all()
    order = {value: number for number, value in enumerate(digests)}
    return tuple(
        Card(
            row.id,
            row.name,
            row.role,
            row.place,
            DEMONSTRATION_PHONES[order[bytes(row.phone_digest)]],
            row.second,
        )
        for row in sorted(rows, key=lambda row: order[bytes(row.phone_digest)])
    )

"""The demonstration's accounts: made by whoever loads the demonstration, offered on the first page.

Their sign-in names are numbers nobody has (`DEMONSTRATION_PHONES`), and everybody knows
their password; so `service.sign_ins` refuses them wherever LINLI_DEMO is not 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from app.identity.service.common import DEMONSTRATION_PHONES
from app.kernel import clock
from app.kernel.db import db
from app.kernel.seal import digest


@dataclass(frozen=True)
class Card:
    """An account to try the house with."""

    account_id: int
    name: str
    role: str
    place: str
    phone: str
    has_second_factor: bool


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

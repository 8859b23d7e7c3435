"""Reads of residents' bindings, and of the units they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, column, func, select, table, text

from app.identity.models import Account, UnitBinding
from app.kernel.db import db

UNIT = table("unit", *map(column, ("community_id", "id", "label", "sort_key", "binding_code")))


@dataclass(frozen=True)
class HomeRow:
    """A unit of one's own, in whichever community."""

    community_id: int
    community_name: str
    binding_id: int
    unit_id: int
    label: str
    bound_at: datetime
    others: int  # further accounts bound to the unit


@dataclass(frozen=True)
class AccountOfPerson:
    """An account bound to a unit that a person of the roll owns or lives in."""

    binding_id: int
    account_name: str
    label: str
    bound_at: datetime
    same_phone: bool  # as the roll has of this person


def unit_by_code(community_id: int, code: str) -> tuple[int, str, str] | None:
    """Unit, community's name and unit's label of a binding code; None unless exactly one."""
    rows = db.session.execute(
        text(
            "SELECT u.id, c.name, u.label FROM unit u JOIN community c ON c.id = u.community_id"
            " WHERE u.community_id = :community AND upper(u.binding_code) = :code LIMIT 2"
        ),
        {"community": community_id, "code": code},
    ).all()
    return (rows[0][0], rows[0][1], rows[0][2]) if len(rows) == 1 else None


def unit_names(community_id: int, unit_id: int) -> tuple[str, str]:
    """The names of a community and of a unit in it."""
    row = db.session.execute(
        text(
            "SELECT c.name, u.label FROM unit u JOIN community c ON c.id = u.community_id"
            " WHERE u.community_id = :community AND u.id = :unit"
        ),
        {"community": community_id, "unit": unit_id},
    ).one()
    return row[0], row[1]


def unit_label(community_id: int, unit_id: int) -> str | None:
    """What a unit is called; None when there is none."""
    found: str | None = db.session.execute(
        text("SELECT label FROM unit WHERE community_id = :community AND id = :unit"),
        {"community": community_id, "unit": unit_id},
    ).scalar()
    return found


def person_at_unit(community_id: int, unit_id: int, phone_digest: bytes | None) -> int | None:
    """The owner or occupant of a unit with this phone, when the roll has exactly one."""
    if phone_digest is None:
        return None
    found = db.session.execute(
        text(
            "SELECT DISTINCT p.id FROM person p JOIN ("
            "  SELECT person_id FROM ownership WHERE community_id = :community AND unit_id = :unit"
            "  UNION"
            "  SELECT person_id FROM occupant WHERE community_id = :community AND unit_id = :unit"
            ") here ON here.person_id = p.id"
            " WHERE p.community_id = :community AND p.phone_digest = :digest"
        ),
        {"community": community_id, "unit": unit_id, "digest": phone_digest},
    ).all()
    return found[0][0] if len(found) == 1 else None


def bindings_ever(community_id: int, unit_id: int) -> int:
    """How many bindings a unit ever had."""
    return int(
        db.session.execute(
            text(
                "SELECT count(*) FROM unit_binding"
                " WHERE community_id = :community AND unit_id = :unit"
            ),
            {"community": community_id, "unit": unit_id},
        ).scalar_one()
    )


def person_name(community_id: int, person_id: int) -> str | None:
    """What a person of the roll is called; None when there is none."""
    found: str | None = db.session.execute(
        text("SELECT name FROM person WHERE community_id = :community AND id = :person"),
        {"community": community_id, "person": person_id},
    ).scalar()
    return found


def accounts_of_person(
    community_id: int, person_id: int, today: date
) -> tuple[AccountOfPerson, ...]:
    """The live bindings of a person's present units; those with the person's phone first."""
    rows = db.session.execute(
        text(
            "SELECT b.id AS binding_id, a.name AS account_name, u.label,"
            " b.created_at AS bound_at,"
            " coalesce(a.phone_digest = p.phone_digest, false) AS same_phone"
            " FROM person p JOIN unit_binding b ON b.community_id = p.community_id"
            "  AND b.ended_at IS NULL"
            " JOIN account a ON a.id = b.account_id"
            " JOIN unit u ON u.community_id = b.community_id AND u.id = b.unit_id"
            " WHERE p.community_id = :community AND p.id = :person AND (b.person_id = p.id"
            "  OR b.unit_id IN ("
            "   SELECT unit_id FROM ownership WHERE community_id = :community"
            "    AND person_id = :person AND (ends_on IS NULL OR ends_on > :today)"
            "   UNION ALL SELECT unit_id FROM occupant WHERE community_id = :community"
            "    AND person_id = :person AND (ends_on IS NULL OR ends_on > :today)))"
            " ORDER BY same_phone DESC, u.sort_key, b.id"
        ),
        {"community": community_id, "person": person_id, "today": today},
    )
    return tuple(AccountOfPerson(**row._mapping) for row in rows)


def homes_of(account_id: int) -> tuple[HomeRow, ...]:
    """The units an account is bound to, in the communities in scope."""
    rows = db.session.execute(
        text(
            "SELECT b.community_id, c.name AS community_name, b.id AS binding_id, b.unit_id,"
            " u.label, b.created_at AS bound_at, (SELECT count(*) FROM unit_binding o"
            "  WHERE o.community_id = b.community_id AND o.unit_id = b.unit_id"
            "  AND o.ended_at IS NULL AND o.account_id <> b.account_id) AS others"
            " FROM unit_binding b JOIN community c ON c.id = b.community_id"
            " JOIN unit u ON u.community_id = b.community_id AND u.id = b.unit_id"
            " WHERE b.account_id = :account AND b.ended_at IS NULL"
            " ORDER BY c.name, u.sort_key, b.id"
        ),
        {"account": account_id},
    )
    return tuple(HomeRow(**row._mapping) for row in rows)


def bindings_of(community_id: int) -> Select[Any]:
    """The live bindings of a community, for a list."""
    return (
        select(
            UnitBinding.id,
            UnitBinding.unit_id,
            UNIT.c.label.label("label"),
            UNIT.c.sort_key.label("sort_key"),
            Account.name.label("account_name"),
            UnitBinding.created_at.label("bound_at"),
            func.count()
            .over(partition_by=(UnitBinding.community_id, UnitBinding.unit_id))
            .label("accounts"),
        )
        .select_from(UnitBinding)
        .join(
            UNIT,
            and_(UNIT.c.community_id == UnitBinding.community_id, UNIT.c.id == UnitBinding.unit_id),
        )
        .join(Account, Account.id == UnitBinding.account_id)
        .where(UnitBinding.community_id == community_id, UnitBinding.ended_at.is_(None))
    )

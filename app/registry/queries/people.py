"""Owners, occupants and people; phones leave here only where a function says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.period import Month
from app.kernel.seal import unseal
from app.registry.queries.units import LAST
from app.registry.rules import masked_name, masked_phone


@dataclass(frozen=True)
class OwnerRow:
    """A part of a unit, whose it is, and on which days (`ends_on` exclusive)."""

    id: int
    unit_id: int
    person_id: int
    name: str
    kind: str
    phone_tail: str | None
    share_numerator: int
    share_denominator: int
    starts_on: date
    ends_on: date | None
    document_no: str

    @property
    def masked(self) -> str:
        """The name for those who need not know it."""
        return masked_name(self.name, self.kind)

    @property
    def masked_phone(self) -> str:
        """The phone's last digits."""
        return masked_phone(self.phone_tail)

    @property
    def share(self) -> Fraction:
        """The part, exactly."""
        return Fraction(self.share_numerator, self.share_denominator)


@dataclass(frozen=True)
class HolderRow:
    """An owner during some days of a month; both days inside the month, `ends_on` exclusive."""

    person_id: int
    name: str
    kind: str
    share_numerator: int
    share_denominator: int
    starts_on: date
    ends_on: date


@dataclass(frozen=True)
class OccupantRow:
    """Who lives in a unit without owning it."""

    id: int
    unit_id: int
    person_id: int
    name: str
    person_kind: str
    phone_tail: str | None
    kind: str
    starts_on: date
    ends_on: date | None

    @property
    def masked(self) -> str:
        """The name for those who need not know it."""
        return masked_name(self.name, self.person_kind)

    @property
    def masked_phone(self) -> str:
        """The phone's last digits."""
        return masked_phone(self.phone_tail)


@dataclass(frozen=True)
class PersonRow:
    """A person as a community knows them. `phone` and `id_number` only from `person`."""

    id: int
    name: str
    kind: str
    phone_tail: str | None
    has_id: bool
    unit_count: int = 0
    phone: str | None = None
    id_number: str | None = None

    @property
    def masked(self) -> str:
        """The name for those who need not know it."""
        return masked_name(self.name, self.kind)

    @property
    def masked_phone(self) -> str:
        """The phone's last digits."""
        return masked_phone(self.phone_tail)


OWNER_ROWS = (
    "SELECT o.id, o.unit_id, o.person_id, p.name, p.kind, p.phone_tail, o.share_numerator,"
    " o.share_denominator, o.starts_on, o.ends_on, o.document_no FROM ownership o"
    " JOIN person p ON p.community_id = o.community_id AND p.id = o.person_id"
    " WHERE o.community_id = :c"
)
ON_DAY = " AND o.starts_on <= :on AND (o.ends_on IS NULL OR :on < o.ends_on)"


def owners_of(community_id: int, unit_id: int, on: date) -> list[OwnerRow]:
    """Who owns a unit on a day; the largest part first."""
    return owners_of_units(community_id, [unit_id], on).get(unit_id, [])


def owners_of_units(
    community_id: int, unit_ids: Iterable[int], on: date
) -> dict[int, list[OwnerRow]]:
    """Who owns some units on a day, by unit; a unit without owner is missing."""
    rows = db.session.execute(
        text(
            f"{OWNER_ROWS} AND o.unit_id = ANY (:ids) {ON_DAY}"
            " ORDER BY o.share_numerator::numeric / o.share_denominator DESC, o.id"
        ),
        {"c": community_id, "ids": list(unit_ids), "on": on},
    )
    found: dict[int, list[OwnerRow]] = {}
    for row in rows:
        found.setdefault(row.unit_id, []).append(OwnerRow(**row._mapping))
    return found


def ownership_history(community_id: int, unit_id: int) -> list[OwnerRow]:
    """All owners a unit ever had, the latest first."""
    rows = db.session.execute(
        text(f"{OWNER_ROWS} AND o.unit_id = :unit ORDER BY o.starts_on DESC, o.id"),
        {"c": community_id, "unit": unit_id},
    )
    return [OwnerRow(**row._mapping) for row in rows]


def holders_in_month(community_id: int, unit_id: int, month: Month) -> list[HolderRow]:
    """Who owned a unit during a month and on which of its days, in order of days."""
    rows = db.session.execute(
        text(
            "SELECT o.person_id, p.name, p.kind, o.share_numerator, o.share_denominator,"
            " greatest(o.starts_on, :first) AS starts_on,"
            " least(coalesce(o.ends_on, :after), :after) AS ends_on FROM ownership o"
            " JOIN person p ON p.community_id = o.community_id AND p.id = o.person_id"
            " WHERE o.community_id = :c AND o.unit_id = :unit AND o.starts_on < :after"
            " AND (o.ends_on IS NULL OR o.ends_on > :first) ORDER BY starts_on, o.id"
        ),
        {"c": community_id, "unit": unit_id, "first": month.first, "after": month.range.end},
    )
    return [HolderRow(**row._mapping) for row in rows]


def occupants_of(community_id: int, unit_id: int) -> list[OccupantRow]:
    """All who live or lived in a unit without owning it, the latest first."""
    rows = db.session.execute(
        text(
            "SELECT o.id, o.unit_id, o.person_id, p.name, p.kind AS person_kind, p.phone_tail,"
            " o.kind, o.starts_on, o.ends_on FROM occupant o"
            " JOIN person p ON p.community_id = o.community_id AND p.id = o.person_id"
            " WHERE o.community_id = :c AND o.unit_id = :unit ORDER BY o.starts_on DESC, o.id"
        ),
        {"c": community_id, "unit": unit_id},
    )
    return [OccupantRow(**row._mapping) for row in rows]


PERSON_ROWS = (
    "SELECT p.id, p.name, p.kind, p.phone_tail, p.id_digest IS NOT NULL AS has_id,"
    " (SELECT count(DISTINCT o.unit_id) FROM ownership o WHERE o.community_id = p.community_id"
    "  AND o.person_id = p.id AND o.ends_on IS NULL) AS unit_count"
    " FROM person p WHERE p.community_id = :c"
)


def person(community_id: int, person_id: int) -> PersonRow:
    """One person with phone and identity opened: for doors that ask `roster.people`.

    Raises NotFound.
    """
    row = db.session.execute(
        text(
            PERSON_ROWS.replace(
                " FROM person p", ", p.phone AS sealed, p.id_number AS sealed_id FROM person p"
            )
            + " AND p.id = :id"
        ),
        {"c": community_id, "id": person_id},
    ).one_or_none()
    if row is None:
        raise NotFound("person.unknown", N_("没有找到此人，或者您无权查看。"))
    values = dict(row._mapping)
    sealed, sealed_id = values.pop("sealed"), values.pop("sealed_id")
    return PersonRow(
        **values,
        phone=unseal(sealed) if sealed else None,
        id_number=unseal(sealed_id) if sealed_id else None,
    )


def search_people(community_id: int, word: str, limit: int = 20) -> list[PersonRow]:
    """People whose name begins so, or whose phone ends in these four digits."""
    plain = word.strip()
    if not plain:
        return []
    rows = db.session.execute(
        text(
            f"{PERSON_ROWS} AND ((p.name >= :name AND p.name < :name_end)"
            " OR p.phone_tail = :tail) ORDER BY p.name, p.id LIMIT :limit"
        ),
        {
            "c": community_id,
            "name": plain,
            "name_end": plain + LAST,
            "tail": plain[-4:] if plain.isdigit() and len(plain) in (4, 11) else "-",
            "limit": limit,
        },
    )
    return [PersonRow(**row._mapping) for row in rows]


def person_units(community_id: int, person_id: int) -> list[OwnerRow]:
    """All parts a person owns or owned, the latest first."""
    rows = db.session.execute(
        text(f"{OWNER_ROWS} AND o.person_id = :person ORDER BY o.starts_on DESC, o.id"),
        {"c": community_id, "person": person_id},
    )
    return [OwnerRow(**row._mapping) for row in rows]

"""Builders: the shortest true sentence for a community, a unit, an owner.

They write rows directly and commit, so that tests of one room need no other room's
services. Areas are strings, dates ISO strings, as an accountant would write them.
"""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from app.kernel.db import db
from app.kernel.tenancy import scoped
from app.registry.models import (
    Building,
    Community,
    Mandate,
    Organization,
    Ownership,
    Person,
    Region,
    Unit,
)

_serial = itertools.count(1)


def unique(word: str) -> str:
    """A name nobody else has in this database."""
    return f"{word}{next(_serial)}-{secrets.token_hex(3)}"


@dataclass
class Town:
    """A founded community with its street and its company."""

    community_id: int
    region_id: int
    organization_id: int
    name: str
    buildings: dict[str, int] = field(default_factory=dict)

    def add_unit(self, label: str = "1-101", area: str = "80.00", **columns: object) -> Unit:
        """A unit `building-room`; other columns by name."""
        building_code, _, room = label.partition("-")
        with scoped([self.community_id]):
            building_id = self.buildings.get(building_code)
            if building_id is None:
                building = Building(community_id=self.community_id, code=building_code)
                db.session.add(building)
                db.session.flush()
                building_id = self.buildings[building_code] = building.id
            unit = Unit(
                community_id=self.community_id,
                building_id=building_id,
                room=room,
                label=label,
                sort_key=label,
                area_m2=Decimal(area),
                binding_code=secrets.token_hex(4),
                **columns,
            )
            db.session.add(unit)
            db.session.commit()
            db.session.refresh(unit)
            return unit

    def add_owner(
        self,
        unit: Unit,
        name: str = "张三",
        starts_on: str = "2000-01-01",
        ends_on: str | None = None,
        share: tuple[int, int] = (1, 1),
        kind: str = "natural",
    ) -> Person:
        """An owner of a unit from a day on."""
        with scoped([self.community_id]):
            person = Person(community_id=self.community_id, name=name, kind=kind)
            db.session.add(person)
            db.session.flush()
            db.session.add(
                Ownership(
                    community_id=self.community_id,
                    unit_id=unit.id,
                    person_id=person.id,
                    share_numerator=share[0],
                    share_denominator=share[1],
                    starts_on=date.fromisoformat(starts_on),
                    ends_on=date.fromisoformat(ends_on) if ends_on else None,
                )
            )
            db.session.commit()
            return person


def found_town(**columns: object) -> Town:
    """A community below a street of its own, managed by a company of its own since 2020."""
    region = Region(kind="street", name=unique("示范街道"))
    company = Organization(kind="property_company", name=unique("示范物业"))
    db.session.add_all([region, company])
    db.session.flush()
    community = Community(region_id=region.id, name=unique("示范里"), **columns)
    db.session.add(community)
    db.session.flush()
    with scoped([community.id]):
        db.session.add(
            Mandate(
                community_id=community.id, organization_id=company.id, starts_on=date(2020, 1, 1)
            )
        )
        db.session.commit()
    return Town(community.id, region.id, company.id, community.name)

"""What a month of bills follows from, as frozen values: the input of `runs.rules`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from app.billing import rules
from app.billing.rules import DaysOff, Tier
from app.billing.subsidy.rules import Scheme
from app.kernel.money import Fen
from app.kernel.period import DateRange, Month


@dataclass(frozen=True)
class Unit:
    """A home as it is billed. `billable`: its days, None at an end for always."""

    id: int
    label: str
    building_id: int
    area_m2: Decimal
    entrance_id: int | None = None
    kind: str = "residential"
    status: str = "occupied"
    billable_from: date | None = None
    billable_until: date | None = None


@dataclass(frozen=True)
class Held:
    """A person's share of a unit on some days."""

    unit_id: int
    person_id: int
    days: DateRange
    share: Fraction = Fraction(1)
    developer: bool = False


@dataclass(frozen=True)
class Version:
    """A tariff's price on some days, yuan per unit of measure and month."""

    id: int
    days: DateRange
    price: Decimal
    tiers: tuple[Tier, ...] = ()


@dataclass(frozen=True)
class Tariff:
    """A charge and its prices; `ended_on` is the first day it no longer runs."""

    id: int
    basis: str
    versions: tuple[Version, ...] = ()
    unit_kinds: tuple[str, ...] = ()
    building_ids: frozenset[int] = frozenset()
    subsidised: bool = False
    position: int = 0
    ended_on: date | None = None

    def falls_on(self, unit: Unit) -> bool:
        """Whether a unit's kind and building are the tariff's."""
        return (not self.unit_kinds or unit.kind in self.unit_kinds) and (
            not self.building_ids or unit.building_id in self.building_ids
        )

    def runs_in(self, month: Month) -> bool:
        """Whether it runs on any day of a month."""
        return self.ended_on is None or self.ended_on > month.first


@dataclass(frozen=True)
class Reduction:
    """A percentage off a unit's charges by area or per unit; no tariff: all of them."""

    unit_id: int
    tariff_id: int | None
    days_off: DaysOff


@dataclass(frozen=True)
class Quantity:
    """How many spaces of a tariff a unit has on some days."""

    unit_id: int
    tariff_id: int
    quantity: Decimal
    days: DateRange


@dataclass(frozen=True)
class Reading:
    """What a unit's meter showed for a month."""

    id: int
    unit_id: int
    tariff_id: int
    month: Month
    previous: Decimal
    reading: Decimal
    read_on: date
    multiplier: Decimal = Decimal(1)


@dataclass(frozen=True)
class SharedCost:
    """A month's common cost of a scope."""

    id: int
    tariff_id: int
    month: Month
    amount_fen: Fen
    allocation: str
    building_id: int | None = None
    entrance_id: int | None = None


@dataclass(frozen=True)
class OneOff:
    """A single sum for a unit."""

    id: int
    unit_id: int
    tariff_id: int
    month: Month
    amount_fen: Fen


@dataclass(frozen=True)
class Facts:
    """Everything a community's bills follow from."""

    units: tuple[Unit, ...]
    tariffs: tuple[Tariff, ...]
    transfer_policy: str = rules.BY_DAY
    held: tuple[Held, ...] = ()
    reductions: tuple[Reduction, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    readings: tuple[Reading, ...] = ()
    shared_costs: tuple[SharedCost, ...] = ()
    one_offs: tuple[OneOff, ...] = ()
    schemes: tuple[Scheme, ...] = ()

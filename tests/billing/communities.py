"""Communities out of a seed, as facts for the rules; `rows.bring` writes them down.

Numbers are chosen to be awkward: areas and prices that round at the half, days at the edges
of the month, shares that tie, prices near the subsidy's rate.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from app.billing.rules import BY_DAY, TO_BUYER, TO_SELLER, DaysOff, Tier
from app.billing.runs.facts import (
    Facts,
    Held,
    OneOff,
    Quantity,
    Reading,
    Reduction,
    SharedCost,
    Tariff,
    Unit,
    Version,
)
from app.billing.subsidy.rules import Scheme, Step
from app.kernel.period import DateRange, Month
from tests.billing.rows import BUILDINGS, ENTRANCES

KINDS = ("residential", "residential", "residential", "commercial", "parking")
STATUSES = ("occupied", "occupied", "vacant", "unsold", "demolished")


def random_facts(seed: int, month: Month, *, units: int = 8) -> Facts:
    """A community whose every circumstance may fall into this month."""
    chance = random.Random(seed)
    some_units = tuple(_unit(chance, number, month) for number in range(1, units + 1))
    tariffs = _tariffs(chance, month)
    return Facts(
        units=some_units,
        tariffs=tariffs,
        transfer_policy=chance.choice((BY_DAY, BY_DAY, TO_SELLER, TO_BUYER)),
        held=tuple(_owners(chance, some_units, month)),
        reductions=tuple(_reductions(chance, some_units, tariffs, month)),
        quantities=tuple(_quantities(chance, some_units, tariffs, month)),
        readings=tuple(_readings(chance, some_units, tariffs, month)),
        shared_costs=tuple(_shared_costs(chance, tariffs, month)),
        one_offs=tuple(_one_offs(chance, some_units, tariffs, month)),
        schemes=_schemes(chance, some_units, month),
    )


def _day(chance: random.Random, month: Month) -> date:
    """A day in the month or a little outside it."""
    return month.first + timedelta(days=chance.randint(-6, month.days + 6))


def _days(chance: random.Random, month: Month) -> DateRange:
    start = chance.choice((date(2000, 1, 1), month.first, _day(chance, month)))
    end = chance.choice((None, _day(chance, month), start + timedelta(days=chance.randint(1, 40))))
    return DateRange(start, end if end and end > start else None)


def _area(chance: random.Random) -> Decimal:
    usual = Decimal(chance.randint(1500, 20000)) / 100
    return chance.choice((usual, usual, Decimal("65.34"), Decimal("88.88"), Decimal("0.00")))


def _price(chance: random.Random) -> Decimal:
    usual = Decimal(chance.randint(1, 30000)) / 10000
    return chance.choice((usual, Decimal("1.10"), Decimal("0.50"), Decimal("0.75"), Decimal(0)))


def _unit(chance: random.Random, number: int, month: Month) -> Unit:
    building = chance.choice(BUILDINGS)
    window = _days(chance, month) if chance.random() < 0.3 else DateRange(date(2000, 1, 1))
    return Unit(
        id=number,
        label=f"{building}-{chance.randint(1, 9)}{number:02d}",
        building_id=building,
        area_m2=_area(chance),
        entrance_id=chance.choice((None, *ENTRANCES[building])),
        kind=chance.choice(KINDS),
        status=chance.choice(STATUSES) if chance.random() < 0.4 else "occupied",
        billable_from=window.start if chance.random() < 0.5 else None,
        billable_until=window.end,
    )


def _owners(chance: random.Random, units: Iterable[Unit], month: Month) -> list[Held]:
    """Nobody, one, couples, sales, a gap between owners, a share that changes hands."""
    found: list[Held] = []
    person = 0

    def held(unit: Unit, days: DateRange, share: Fraction, who: int | None = None) -> int:
        nonlocal person
        person += 1
        developer = who is None and chance.random() < 0.2
        found.append(Held(unit.id, who or person, days, share, developer))
        return who or person

    for unit in units:
        shape = chance.randint(0, 7)
        always = DateRange(date(2000, 1, 1))
        sold = _day(chance, month)
        before, after = DateRange(date(2000, 1, 1), sold), DateRange(sold)
        if shape == 1:
            held(unit, always, Fraction(1))
        elif shape == 2:
            held(unit, always, Fraction(1, 2))
            held(unit, always, Fraction(chance.choice((1, 2)), 4))
        elif shape == 3:
            held(unit, before, Fraction(1))
            held(unit, after, Fraction(1))
        elif shape == 4:
            held(unit, before, Fraction(1))
            held(unit, DateRange(sold + timedelta(days=3)), Fraction(1, 3))
        elif shape == 5:
            first = held(unit, before, Fraction(2, 3))
            held(unit, always, Fraction(1, 3))
            held(unit, after, Fraction(1, 3), first)  # the share falls, the owners stay
            held(unit, after, Fraction(1, 3))
        elif shape == 6:
            back = sold + timedelta(days=chance.randint(1, 9))
            first = held(unit, before, Fraction(1))
            held(unit, DateRange(sold, back), Fraction(1))
            held(unit, DateRange(back), Fraction(1), first)
        elif shape == 7:
            first = held(unit, always, Fraction(1, 4))
            held(unit, always, Fraction(1, 4), first)
            held(unit, always, Fraction(1, 2))
    developers = {one.person_id for one in found if one.developer}
    return [
        Held(one.unit_id, one.person_id, one.days, one.share, one.person_id in developers)
        for one in found
    ]


def _tariffs(chance: random.Random, month: Month) -> tuple[Tariff, ...]:
    bases = ["area", "unit", "space", "metered", "shared", "one_off", "area"]
    return tuple(
        _tariff(chance, number, basis, month)
        for number, basis in enumerate(bases, start=1)
        if basis == "area" or chance.random() < 0.7
    )


def _tariff(chance: random.Random, number: int, basis: str, month: Month) -> Tariff:
    dated = basis not in ("shared", "one_off")
    return Tariff(
        id=number,
        basis=basis,
        versions=_versions(chance, number, basis, month) if dated else (),
        unit_kinds=chance.choice(((), (), ("residential",), ("residential", "parking"))),
        building_ids=chance.choice((frozenset(), frozenset(), frozenset({1}))),
        subsidised=number == 1 or chance.random() < 0.3,
        position=chance.randint(0, 3),
        ended_on=_day(chance, month) if chance.random() < 0.1 else None,
    )


def _versions(chance: random.Random, number: int, basis: str, month: Month) -> tuple[Version, ...]:
    cuts = sorted({_day(chance, month) for _ in range(chance.choice((0, 0, 1, 2)))})
    starts = [date(2000, 1, 1), *cuts]
    ends: list[date | None] = [*cuts, chance.choice((None, None, _day(chance, month)))]
    found = []
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if end is not None and end <= start:
            continue
        tiers = ()
        if basis == "metered":
            froms = sorted({Decimal(chance.randint(1, 400)) / 10 for _ in range(2)})
            tiers = tuple(Tier(each, _price(chance)) for each in froms[: chance.randint(0, 2)])
        found.append(Version(number * 10 + index, DateRange(start, end), _price(chance), tiers))
    return tuple(found)


def _reductions(
    chance: random.Random, units: Iterable[Unit], tariffs: tuple[Tariff, ...], month: Month
) -> list[Reduction]:
    return [
        Reduction(
            unit.id,
            chance.choice((None, chance.choice(tariffs).id)),
            DaysOff(
                _days(chance, month),
                chance.choice((Decimal(30), Decimal("33.33"), Decimal(100), Decimal("0.01"))),
            ),
        )
        for unit in units
        for _ in range(chance.choice((0, 0, 0, 1, 2)))
    ]


def _quantities(
    chance: random.Random, units: Iterable[Unit], tariffs: tuple[Tariff, ...], month: Month
) -> list[Quantity]:
    found = []
    for tariff in tariffs:
        for unit in units if tariff.basis == "space" else ():
            if chance.random() < 0.5:
                cut = _day(chance, month)
                spells = chance.choice(
                    (
                        [DateRange(date(2000, 1, 1))],
                        [DateRange(date(2000, 1, 1), cut), DateRange(cut)],
                        [DateRange(date(2000, 1, 1), cut)],
                    )
                )
                found += [
                    Quantity(unit.id, tariff.id, Decimal(chance.randint(1, 400)) / 100, spell)
                    for spell in spells
                ]
    return found


def _readings(
    chance: random.Random, units: Iterable[Unit], tariffs: tuple[Tariff, ...], month: Month
) -> list[Reading]:
    found = []
    for tariff in tariffs:
        for unit in units if tariff.basis == "metered" else ():
            for meter in range(chance.choice((0, 1, 1, 2))):
                previous = Decimal(chance.randint(0, 10**6)) / 1000
                found.append(
                    Reading(
                        id=tariff.id * 1000 + unit.id * 10 + meter,
                        unit_id=unit.id,
                        tariff_id=tariff.id,
                        month=month,
                        previous=previous,
                        reading=previous + Decimal(chance.randint(0, 90000)) / 1000,
                        read_on=_day(chance, month),
                        multiplier=chance.choice((Decimal(1), Decimal("0.333"), Decimal(40))),
                    )
                )
    return found


def _shared_costs(
    chance: random.Random, tariffs: tuple[Tariff, ...], month: Month
) -> list[SharedCost]:
    scopes = ((None, None), (1, None), (2, None), (1, 1), (2, 3))
    return [
        SharedCost(
            tariff.id * 10 + index,
            tariff.id,
            month,
            chance.choice((1, 7, chance.randint(1, 10**6))),
            chance.choice(("area", "unit")),
            *chance.choice(scopes),
        )
        for tariff in tariffs
        if tariff.basis == "shared"
        for index in range(chance.randint(0, 2))
    ]


def _one_offs(
    chance: random.Random, units: tuple[Unit, ...], tariffs: tuple[Tariff, ...], month: Month
) -> list[OneOff]:
    return [
        OneOff(index, chance.choice(units).id, tariff.id, month, chance.randint(1, 99999))
        for tariff in tariffs
        if tariff.basis == "one_off"
        for index in range(1, chance.randint(1, 4))
    ]


def _schemes(chance: random.Random, units: tuple[Unit, ...], month: Month) -> tuple[Scheme, ...]:
    shape = chance.randint(0, 4)
    if shape == 0:
        return ()
    cut = _day(chance, month)
    terms = {
        1: [DateRange(date(2020, 1, 1), date(2100, 1, 1))],
        2: [DateRange(cut, date(2100, 1, 1))],
        3: [DateRange(date(2020, 1, 1), cut)],
        4: [DateRange(date(2020, 1, 1), cut), DateRange(cut, date(2100, 1, 1))],
    }[shape]
    return tuple(_scheme(chance, index, days, units, month) for index, days in enumerate(terms, 1))


def _scheme(
    chance: random.Random, number: int, days: DateRange, units: tuple[Unit, ...], month: Month
) -> Scheme:
    steps = [Step(days.start, chance.choice((Decimal("0.75"), Decimal("0.5"), Decimal("0.9999"))))]
    for _ in range(chance.choice((0, 0, 1, 2))):
        steps.append(Step(_day(chance, month), Decimal(chance.randint(5000, 10000)) / 10000))
    named = chance.sample([unit.id for unit in units], k=min(3, len(units)))
    return Scheme(
        id=number,
        days=days,
        steps=tuple({step.starts_on: step for step in steps}.values()),
        unit_kinds=chance.choice((("residential",), ("residential", "commercial"))),
        include_unsold=chance.random() < 0.3,
        include_developer=chance.random() < 0.3,
        excluded=frozenset(named[:1]) if chance.random() < 0.5 else frozenset(),
        included=frozenset(named[1:2]) if chance.random() < 0.5 else frozenset(),
    )

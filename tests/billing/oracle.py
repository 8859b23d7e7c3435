"""The month computed again by other means: day by day, in Fractions, with nothing of ours.

Slow and plain: every day of every home is looked at alone, weights are added up, and only at
the end is anything rounded. Shares no code with `rules` but the shape of facts and lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from functools import partial
from typing import Any

from app.billing.runs.facts import Facts, Tariff, Unit
from app.kernel.period import Month

Key = tuple[int, int, int, int]  # unit, tariff, detail, party
Sums = dict[Key, tuple[int, int]]  # gross, subsidy


@dataclass
class Weights:
    """What one holder's days add up to on one line."""

    charged: Fraction = Fraction(0)
    eligible: Fraction = Fraction(0)


@dataclass
class Charge:
    """A line before it is divided: holders' weights, and the exact yuan or the fixed fen."""

    area: Fraction
    weights: dict[int, Weights] = field(default_factory=lambda: defaultdict(Weights))
    yuan: Fraction = Fraction(0)
    fixed_fen: int | None = None


def _charge_on(area: Fraction) -> Charge:
    return Charge(area)


def half_up(yuan: Fraction) -> int:
    """Whole fen, by comparing twice the rest with one."""
    fen = yuan * 100
    whole = fen.numerator // fen.denominator
    return whole + (1 if 2 * (fen - whole) >= 1 else 0)


def largest_remainder(total: int, weights: dict[Any, Fraction]) -> dict[Any, int]:
    """One fen after another to whoever is furthest below their share; ties to the first."""
    whole = sum(weights.values())
    parts = dict.fromkeys(weights, 0)
    if not whole:
        return parts
    shares = {key: total * weight / whole for key, weight in weights.items()}
    parts = {key: share.numerator // share.denominator for key, share in shares.items()}
    while sum(parts.values()) < total:
        late = max(sorted(parts), key=lambda key: shares[key] - parts[key])
        parts[late] += 1
    return parts


def days(month: Month) -> list[date]:
    """Every day of a month."""
    return [month.first + timedelta(days=n) for n in range(month.days)]


def billable(unit: Unit, day: date) -> bool:
    """Whether a home is billed on a day."""
    if unit.status == "demolished" and unit.billable_until is None:
        return False
    return (unit.billable_from is None or unit.billable_from <= day) and (
        unit.billable_until is None or day < unit.billable_until
    )


def holder_of_days(facts: Facts, unit: Unit, month: Month) -> dict[date, tuple[int, bool]]:
    """For each billable day the holder's number and whether a developer pays."""
    open_days = [day for day in days(month) if billable(unit, day)]
    owners = {
        day: frozenset(h.person_id for h in facts.held if h.unit_id == unit.id and day in h.days)
        for day in open_days
    }
    party, numbers = -1, {}
    last: frozenset[int] | None = None
    for day in open_days:
        if owners[day] != last:
            party, last = party + 1, owners[day]
        numbers[day] = party
    if facts.transfer_policy != "by_day" and numbers:
        owned = sorted({numbers[day] for day in open_days if owners[day]}) or [0]
        chosen = owned[0] if facts.transfer_policy.endswith("seller") else owned[-1]
        spell = [day for day in open_days if numbers[day] == chosen]
        developer = _pays(facts, unit, spell)
        return dict.fromkeys(open_days, (0, developer))
    developers = {
        one: _pays(facts, unit, [day for day in open_days if numbers[day] == one])
        for one in set(numbers.values())
    }
    return {day: (numbers[day], developers[numbers[day]]) for day in open_days}


def _pays(facts: Facts, unit: Unit, spell: list[date]) -> bool:
    weight: dict[int, Fraction] = defaultdict(Fraction)
    for held in facts.held:
        for day in spell:
            if held.unit_id == unit.id and day in held.days:
                weight[held.person_id] += held.share
    if not weight:
        return False
    payer = sorted(weight, key=lambda person: (-weight[person], person))[0]
    return any(h.person_id == payer and h.developer for h in facts.held)


def rate(facts: Facts, tariff: Tariff, unit: Unit, day: date, developer: bool) -> Fraction:
    """What a scheme pays of a square metre on a day."""
    if tariff.basis != "area" or not tariff.subsidised:
        return Fraction(0)
    for scheme in facts.schemes:
        steps = [s for s in scheme.steps if s.starts_on <= day]
        if day not in scheme.days or not steps or unit.id in scheme.excluded:
            continue
        named = unit.id in scheme.included
        by_kind = (
            unit.kind in scheme.unit_kinds
            and (unit.status != "unsold" or scheme.include_unsold)
            and (not developer or scheme.include_developer)
        )
        if named or by_kind:
            return Fraction(sorted(steps, key=lambda s: s.starts_on)[-1].rate)
    return Fraction(0)


def charges(facts: Facts, month: Month) -> Iterator[tuple[int, int, int, Charge]]:
    """Every line of a month as (unit, tariff, detail, charge)."""
    shared = list(_shared(facts, month))
    for unit in facts.units:
        holders = holder_of_days(facts, unit, month)
        if not holders:
            continue
        found: dict[tuple[int, int], Charge] = defaultdict(
            partial(_charge_on, Fraction(unit.area_m2))
        )
        for tariff in facts.tariffs:
            if tariff.basis in ("area", "unit", "space"):
                _by_day(facts, tariff, unit, holders, month, found)
        for tariff_id, detail_id, fen in _fixed(facts, unit, month, shared):
            charge = found[tariff_id, detail_id]
            charge.fixed_fen = fen
            for party, _ in holders.values():
                charge.weights[party].charged += 1
        for (tariff_id, detail_id), charge in found.items():
            yield unit.id, tariff_id, detail_id, charge


def _by_day(
    facts: Facts,
    tariff: Tariff,
    unit: Unit,
    holders: dict[date, tuple[int, bool]],
    month: Month,
    found: dict[tuple[int, int], Charge],
) -> None:
    if tariff.basis != "space" and not (
        (not tariff.unit_kinds or unit.kind in tariff.unit_kinds)
        and (not tariff.building_ids or unit.building_id in tariff.building_ids)
    ):
        return
    for day, (party, developer) in holders.items():
        if tariff.ended_on is not None and day >= tariff.ended_on:
            continue
        for version in tariff.versions:
            if day not in version.days:
                continue
            if tariff.basis == "space":
                rows = [
                    q for q in facts.quantities if (q.unit_id, q.tariff_id) == (unit.id, tariff.id)
                ]
                measured = sum((Fraction(q.quantity) for q in rows if day in q.days), Fraction(0))
            else:
                off = [
                    r.days_off.percent
                    for r in facts.reductions
                    if r.unit_id == unit.id
                    and r.tariff_id in (None, tariff.id)
                    and day in r.days_off.days
                ]
                measured = Fraction(unit.area_m2) if tariff.basis == "area" else Fraction(1)
                measured *= 1 - Fraction(max(off, default=0)) / 100
            charge = found[tariff.id, version.id]
            charge.weights[party].charged += measured
            charge.weights[party].eligible += rate(facts, tariff, unit, day, developer)
            charge.yuan += measured * Fraction(version.price) / month.days


def _fixed(
    facts: Facts, unit: Unit, month: Month, shared: list[tuple[int, int, int, int]]
) -> Iterator[tuple[int, int, int]]:
    running = {t.id: t for t in facts.tariffs if t.ended_on is None or t.ended_on > month.first}
    for reading in facts.readings:
        tariff = running.get(reading.tariff_id)
        if tariff is None or reading.unit_id != unit.id or reading.month != month:
            continue
        read_on = max(month.first, min(month.last, reading.read_on))
        for version in tariff.versions:
            if read_on in version.days:
                exact = Fraction(reading.reading - reading.previous) * Fraction(reading.multiplier)
                used = Fraction(half_up(exact * 100), 10_000)
                yuan, edge, price = Fraction(0), Fraction(0), Fraction(version.price)
                for tier in sorted(version.tiers, key=lambda tier: tier.from_quantity):
                    start = Fraction(tier.from_quantity)
                    yuan += max(Fraction(0), min(used, start) - edge) * price
                    edge, price = start, Fraction(tier.price)
                yuan += max(Fraction(0), used - edge) * price
                yield tariff.id, reading.id, half_up(yuan)
    for unit_id, tariff_id, cost_id, fen in shared:
        if unit_id == unit.id and tariff_id in running:
            yield tariff_id, cost_id, fen
    for one in facts.one_offs:
        if one.unit_id == unit.id and one.month == month and one.tariff_id in running:
            yield one.tariff_id, one.id, one.amount_fen


def _shared(facts: Facts, month: Month) -> Iterator[tuple[int, int, int, int]]:
    tariffs = {tariff.id: tariff for tariff in facts.tariffs}
    for cost in facts.shared_costs:
        if cost.month != month:
            continue
        tariff = tariffs[cost.tariff_id]
        scope = {
            unit.label: unit
            for unit in facts.units
            if any(billable(unit, day) for day in days(month))
            and (cost.building_id is None or cost.building_id == unit.building_id)
            and (cost.entrance_id is None or cost.entrance_id == unit.entrance_id)
            and (not tariff.unit_kinds or unit.kind in tariff.unit_kinds)
            and (not tariff.building_ids or unit.building_id in tariff.building_ids)
        }
        weights = {
            label: Fraction(unit.area_m2) if cost.allocation == "area" else Fraction(1)
            for label, unit in scope.items()
        }
        for label, fen in largest_remainder(cost.amount_fen, weights).items():
            if weights[label]:
                yield scope[label].id, cost.tariff_id, cost.id, fen


def bill(facts: Facts, month: Month) -> Sums:
    """Every line with something to pay: (unit, tariff, detail, holder) → (gross, subsidy)."""
    sums: Sums = {}
    for unit_id, tariff_id, detail_id, charge in charges(facts, month):
        gross = charge.fixed_fen if charge.fixed_fen is not None else half_up(charge.yuan)
        eligible = {party: weight.eligible for party, weight in charge.weights.items()}
        paid = min(gross, half_up(charge.area * sum(eligible.values()) / month.days))
        grosses = largest_remainder(gross, {p: w.charged for p, w in charge.weights.items()})
        paids = largest_remainder(paid, eligible)
        over = sum(max(0, paids[party] - grosses[party]) for party in paids)
        paids = {party: min(paids[party], grosses[party]) for party in paids}
        for party in sorted(paids):
            if eligible[party]:
                more = min(over, grosses[party] - paids[party])
                paids[party] += more
                over -= more
        for party, fen in grosses.items():
            if fen:
                sums[unit_id, tariff_id, detail_id, party] = (fen, paids[party])
    return sums

"""A community's month of bills from facts alone: the rule the SQL of this package must equal.

Pure and slow on purpose: one unit, one tariff, one version after another, in the words of
the rule book. The run itself never calls it; tests compare the two line by line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from app.billing import rules
from app.billing.rules import MEASURE, Weight
from app.billing.runs.facts import Facts, Held, Reading, Tariff, Unit
from app.billing.subsidy import rules as subsidy
from app.billing.subsidy.rules import Scheme, Span
from app.kernel.money import Fen, to_yuan
from app.kernel.period import DateRange, Month

Shares = dict[int, dict[int, tuple[Decimal, Decimal, Fen]]]  # cost → unit → weight, price, fen


@dataclass(frozen=True)
class Holder:
    """Who holds a unit on which days of a month: `party` counts them in order."""

    party: int
    days: DateRange
    payer_id: int | None
    developer: bool


@dataclass(frozen=True)
class Line:
    """One charge to one holder, as it is written."""

    unit_id: int
    party: int
    tariff_id: int
    version_id: int | None
    detail_id: int
    quantity: Decimal
    price: Decimal
    days: Decimal
    whole_gross_fen: Fen
    whole_subsidy_fen: Fen
    gross_fen: Fen
    subsidy_fen: Fen
    scheme_id: int | None = None
    subsidy_rate: Decimal | None = None
    subsidy_days: int = 0


@dataclass(frozen=True)
class _Charge:
    """A unit's charge before it is divided: per holder (quantity, days), and the whole sum."""

    tariff: Tariff
    version_id: int | None
    detail_id: int
    price: Decimal
    pieces: tuple[tuple[Decimal, Decimal], ...]
    gross_fen: Fen
    days: DateRange | None = None  # for the subsidy: whole days of the line


def charge_month(facts: Facts, month: Month) -> list[Line]:
    """Every line of a month, by unit, party and tariff; lines of nothing are not written."""
    spans = subsidy.spans(facts.schemes, month)
    schemes = {scheme.id: scheme for scheme in facts.schemes}
    shares = _shared_parts(facts, month)
    lines: list[Line] = []
    for unit in facts.units:
        window = billable_days(unit, month)
        if window is None:
            continue
        case = _Case(facts, month, unit, window, holders_of(unit, window, facts))
        for charge in _charges(case, shares):
            lines += _divided(case, charge, spans, schemes)
    return lines


def billable_days(unit: Unit, month: Month) -> DateRange | None:
    """A unit's days in a month; None when it has none or is demolished without an end."""
    if unit.status == "demolished" and unit.billable_until is None:
        return None
    return month.range.overlap(DateRange(unit.billable_from or month.first, unit.billable_until))


def holders_of(unit: Unit, window: DateRange, facts: Facts) -> list[Holder]:
    """Who holds a unit on which of these days, in order.

    A new holder begins where the set of owners changes. Days without an owner are held by
    nobody and billed without a payer. Under a whole-month policy the first (seller) or last
    (buyer) who owns has all the days. The payer has the largest share over the days, then
    the lowest number; the holder is a developer when the payer is.
    """
    held = [one for one in facts.held if one.unit_id == unit.id and one.days.overlap(window)]
    assert window.end is not None
    inside = {
        day
        for one in held
        for day in (one.days.start, one.days.end)
        if day is not None and window.start < day < window.end
    }
    cuts = sorted({window.start, *inside})
    spells: list[tuple[date, frozenset[int]]] = []
    for cut in cuts:
        owners = frozenset(one.person_id for one in held if cut in one.days)
        if not spells or spells[-1][1] != owners:
            spells.append((cut, owners))
    ends = [start for start, _ in spells[1:]] + [window.end]
    ranges = [DateRange(start, end) for (start, _), end in zip(spells, ends, strict=True)]
    if facts.transfer_policy != rules.BY_DAY:
        owned = [spell for spell, (_, owners) in zip(ranges, spells, strict=True) if owners]
        chosen = owned or ranges
        of = chosen[0] if facts.transfer_policy == rules.TO_SELLER else chosen[-1]
        return [_holder(0, window, of, held)]
    return [_holder(index, spell, spell, held) for index, spell in enumerate(ranges)]


def _holder(party: int, days: DateRange, judged_on: DateRange, held: list[Held]) -> Holder:
    weight: dict[int, Fraction] = {}
    developers = {one.person_id for one in held if one.developer}
    for one in held:
        common = one.days.overlap(judged_on)
        if common is not None and common.end is not None:
            length = (common.end - common.start).days
            weight[one.person_id] = weight.get(one.person_id, Fraction(0)) + one.share * length
    payer = min(weight, key=lambda person: (-weight[person], person)) if weight else None
    return Holder(party, days, payer, payer in developers)


@dataclass(frozen=True)
class _Case:
    """One unit in one month."""

    facts: Facts
    month: Month
    unit: Unit
    window: DateRange
    holders: list[Holder]


def _charges(case: _Case, shares: Shares) -> Iterator[_Charge]:
    facts, unit, month = case.facts, case.unit, case.month
    tariffs = {tariff.id: tariff for tariff in facts.tariffs if tariff.runs_in(month)}
    for tariff in tariffs.values():
        if tariff.basis in ("area", "unit", "space"):
            yield from _by_days(case, tariff)
    for reading in facts.readings:
        if reading.unit_id == unit.id and reading.month == month and reading.tariff_id in tariffs:
            yield from _metered(case, tariffs[reading.tariff_id], reading)
    for cost in facts.shared_costs:
        share = shares.get(cost.id, {}).get(unit.id)
        if share is not None and cost.tariff_id in tariffs:
            yield _undated(case, tariffs[cost.tariff_id], (None, cost.id), share)
    for one in facts.one_offs:
        if one.unit_id == unit.id and one.month == month and one.tariff_id in tariffs:
            sum_of_one = (Decimal(1), to_yuan(one.amount_fen), one.amount_fen)
            yield _undated(case, tariffs[one.tariff_id], (None, one.id), sum_of_one)


def _by_days(case: _Case, tariff: Tariff) -> Iterator[_Charge]:
    """Charges by area, per unit and per space: one for each version with days in the month."""
    unit, month = case.unit, case.month
    if tariff.basis != "space" and not tariff.falls_on(unit):
        return
    off = [
        one.days_off
        for one in case.facts.reductions
        if one.unit_id == unit.id and one.tariff_id in (None, tariff.id)
    ]
    for version in tariff.versions:
        days = _overlap(case.window, version.days, DateRange(month.first, tariff.ended_on))
        if days is None:
            continue
        if tariff.basis == "space":
            pieces = _space_pieces(case, tariff, days)
        else:
            quantity = unit.area_m2 if tariff.basis == "area" else Decimal(1)
            pieces = [
                (quantity, rules.reduced_days(common, off) if common else Decimal(0))
                for common in (days.overlap(holder.days) for holder in case.holders)
            ]
        measured = sum((quantity * each for quantity, each in pieces), Decimal(0))
        gross_fen = rules.line_fen(measured, version.price, Decimal(1), month.days)
        yield _Charge(tariff, version.id, version.id, version.price, tuple(pieces), gross_fen, days)


def _space_pieces(case: _Case, tariff: Tariff, days: DateRange) -> list[tuple[Decimal, Decimal]]:
    rows = [
        row
        for row in case.facts.quantities
        if row.unit_id == case.unit.id and row.tariff_id == tariff.id
    ]
    pieces = []
    for holder in case.holders:
        spells = [(row.quantity, _overlap(row.days, days, holder.days)) for row in rows]
        measured = [(quantity, _length(spell)) for quantity, spell in spells if spell]
        pieces.append(rules.space_measure(measured) if measured else (Decimal(0), Decimal(0)))
    return pieces


def _metered(case: _Case, tariff: Tariff, reading: Reading) -> Iterator[_Charge]:
    """A reading at the price of the day it was read, kept within the month."""
    priced_on = min(max(reading.read_on, case.month.first), case.month.last)
    for version in tariff.versions:
        if priced_on in version.days:
            quantity = rules.used(reading.previous, reading.reading, reading.multiplier)
            fen = rules.metered_fen(quantity, version.price, version.tiers)
            yield _undated(case, tariff, (version.id, reading.id), (quantity, version.price, fen))


def _shared_parts(facts: Facts, month: Month) -> dict[int, dict[int, tuple[Decimal, Decimal, Fen]]]:
    """For each common cost of the month, each unit's (weight, yuan per weight, fen)."""
    tariffs = {tariff.id: tariff for tariff in facts.tariffs}
    found: Shares = {}
    for cost in facts.shared_costs:
        scope = [
            unit
            for unit in facts.units
            if cost.month == month
            and billable_days(unit, month)
            and tariffs[cost.tariff_id].falls_on(unit)
            and cost.building_id in (None, unit.building_id)
            and cost.entrance_id in (None, unit.entrance_id)
        ]
        weights = {u.label: u.area_m2 if cost.allocation == "area" else Decimal(1) for u in scope}
        whole = sum(weights.values(), Decimal(0))
        if whole == 0:
            continue
        price = _to_four(Fraction(cost.amount_fen, 100) / Fraction(whole))
        parts = rules.shared_fen(cost.amount_fen, weights)
        found[cost.id] = {u.id: (weights[u.label], price, parts[u.label]) for u in scope}
    return found


def _undated(
    case: _Case,
    tariff: Tariff,
    origin: tuple[int | None, int],
    amount: tuple[Decimal, Decimal, Fen],
) -> _Charge:
    """A sum that days do not change: one holder has the month, several their days of it."""
    (version_id, detail_id), (quantity, price, gross_fen) = origin, amount
    sole = len(case.holders) == 1
    lengths = [case.month.days if sole else _length(holder.days) for holder in case.holders]
    pieces = tuple((quantity, Decimal(length)) for length in lengths)
    return _Charge(tariff, version_id, detail_id, price, pieces, gross_fen)


def _divided(
    case: _Case, charge: _Charge, spans: list[Span], schemes: dict[int, Scheme]
) -> Iterator[Line]:
    nets = [_netted(charge, case.unit, holder, spans, schemes) for holder in case.holders]
    weights = [
        Weight(quantity * days, sum((rate * length for _, rate, length in net), Decimal(0)))
        for (quantity, days), net in zip(charge.pieces, nets, strict=True)
    ]
    rate_days = sum((weight.eligible for weight in weights), Decimal(0))
    subsidy_fen = subsidy.net(charge.gross_fen, case.unit.area_m2, rate_days, case.month.days)
    parts = rules.split_line(charge.gross_fen, subsidy_fen, weights)
    for holder, piece, net, part in zip(case.holders, charge.pieces, nets, parts, strict=True):
        if part.gross_fen == 0:
            continue
        scheme_id, rate, length = _named(net)
        yield Line(
            unit_id=case.unit.id,
            party=holder.party,
            tariff_id=charge.tariff.id,
            version_id=charge.version_id,
            detail_id=charge.detail_id,
            quantity=piece[0],
            price=charge.price,
            days=piece[1],
            whole_gross_fen=charge.gross_fen,
            whole_subsidy_fen=subsidy_fen,
            gross_fen=part.gross_fen,
            subsidy_fen=part.subsidy_fen,
            scheme_id=scheme_id,
            subsidy_rate=rate,
            subsidy_days=length,
        )


def _netted(
    charge: _Charge, unit: Unit, holder: Holder, spans: list[Span], schemes: dict[int, Scheme]
) -> list[tuple[int, Decimal, int]]:
    """Which schemes pay how much for how many of a holder's days: (scheme, rate, days)."""
    if charge.days is None or charge.tariff.basis != "area" or not charge.tariff.subsidised:
        return []
    unsold = unit.status == "unsold"
    found = []
    for span in spans:
        common = _overlap(span.days, charge.days, holder.days)
        if common is not None and subsidy.benefits(
            schemes[span.scheme_id],
            unit.id,
            kind=unit.kind,
            unsold=unsold,
            developer=holder.developer,
        ):
            found.append((span.scheme_id, span.rate, _length(common)))
    return found


def _named(net: list[tuple[int, Decimal, int]]) -> tuple[int | None, Decimal | None, int]:
    """What a line says of its subsidy: the scheme begun first, the rate if it is one, the days."""
    if not net:
        return None, None, 0
    rates = {rate for _, rate, _ in net}
    return net[0][0], rates.pop() if len(rates) == 1 else None, sum(days for _, _, days in net)


def _overlap(*ranges: DateRange) -> DateRange | None:
    common: DateRange | None = ranges[0]
    for other in ranges[1:]:
        common = common.overlap(other) if common else None
    return common


def _length(days: DateRange) -> int:
    assert days.end is not None
    return (days.end - days.start).days


def _to_four(exact: Fraction) -> Decimal:
    scaled = exact * 10_000
    return (
        Decimal((2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)) * MEASURE
    )

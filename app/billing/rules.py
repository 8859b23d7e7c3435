"""One line of a bill, computed exactly and rounded once.

Pure. Quantities, prices and days are Decimals, sums are fen; nothing is rounded before the
line's end, and a line is rounded half up. `runs` does the same in SQL for a whole
community, and a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from app.kernel.apportion import apportion
from app.kernel.money import Fen, round_to_fen
from app.kernel.period import DateRange

BY_DAY = "by_day"
TO_SELLER = "whole_month_to_seller"
TO_BUYER = "whole_month_to_buyer"

MEASURE = Decimal("0.0001")  # what is measured is kept to four decimals


@dataclass(frozen=True)
class Tier:
    """What is used beyond `from_quantity` in a month costs `price` yuan each."""

    from_quantity: Decimal
    price: Decimal


@dataclass(frozen=True)
class DaysOff:
    """A percentage off on some days (30 means that 70 % is charged)."""

    days: DateRange
    percent: Decimal


@dataclass(frozen=True)
class Weight:
    """A holder's claim to a line: what is measured × days, and rate × eligible days."""

    charged: Decimal
    eligible: Decimal = Decimal(0)


@dataclass(frozen=True)
class Part:
    """A holder's part of a line, fen: gross = subsidy + resident, each ≥ 0."""

    gross_fen: Fen
    subsidy_fen: Fen

    @property
    def resident_fen(self) -> Fen:
        """What is left for the holder to pay."""
        return self.gross_fen - self.subsidy_fen


@dataclass(frozen=True)
class TierPart:
    """What was used within one tier, and at which price."""

    quantity: Decimal
    price: Decimal


def line_fen(quantity: Decimal, price: Decimal, days: Decimal, month_days: int) -> Fen:
    """One line's gross: round(quantity × price × days ÷ month_days), in fen.

    Price in yuan per unit of measure and month; `days` are already reduced. Half up.
    Source: RULES C2; (2013)浦民一(民)初字第30910号.
    """
    exact = Fraction(quantity) * Fraction(price) * Fraction(days) / month_days
    return round_to_fen(exact)


def reduced_days(days: DateRange, reductions: Iterable[DaysOff]) -> Decimal:
    """How many days are left to charge: ten days with 30 % off are seven.

    Where several reductions fall on one day the largest counts; they are never added,
    because together they could pass the whole. Source: RULES C5, convention.
    """
    assert days.end is not None, "a line's days end"
    given = list(reductions)
    left = Decimal(0)
    for offset in range((days.end - days.start).days):
        day = days.start + timedelta(days=offset)
        off = max((one.percent for one in given if day in one.days), default=Decimal(0))
        left += 1 - off / 100
    return left


def used(previous: Decimal, reading: Decimal, multiplier: Decimal) -> Decimal:
    """What a meter counted, kept to four decimals, half up."""
    return ((reading - previous) * multiplier).quantize(MEASURE, ROUND_HALF_UP)


def tier_parts(quantity: Decimal, price: Decimal, tiers: Iterable[Tier]) -> list[TierPart]:
    """Divide what was used among the tiers; the parts sum to the whole."""
    ordered = sorted(tiers, key=lambda tier: tier.from_quantity)
    starts = [Decimal(0)] + [tier.from_quantity for tier in ordered]
    prices = [price] + [tier.price for tier in ordered]
    ends = [*starts[1:], quantity]
    return [
        TierPart(min(end, quantity) - start, each)
        for start, end, each in zip(starts, ends, prices, strict=True)
        if quantity > start and min(end, quantity) > start
    ]


def metered_fen(quantity: Decimal, price: Decimal, tiers: Iterable[Tier] = ()) -> Fen:
    """The price of what was used, tier by tier: summed exactly in yuan, rounded once."""
    parts = tier_parts(quantity, price, tiers)
    return round_to_fen(
        sum((Fraction(part.quantity) * Fraction(part.price) for part in parts), Fraction(0))
    )


def shared_fen(amount_fen: Fen, weights: Mapping[str, Decimal]) -> dict[str, Fen]:
    """Divide a common cost among units by area or evenly, exactly; keys are unit labels.

    Ties of the largest remainder go to the smaller label. Source: RULES, global arithmetic.
    """
    return apportion(amount_fen, weights)


def space_measure(rows: Sequence[tuple[Decimal, int]]) -> tuple[Decimal, Decimal]:
    """Quantity and days of a line by spaces, from (quantity, days) of each spell.

    One spell, or several of the same length, keep their days. Spells of different lengths
    become space-days on one day: 1 space for 10 days and 2 for 20 are 50 space-days.
    """
    lengths = {days for _, days in rows}
    if len(lengths) == 1:
        return sum((quantity for quantity, _ in rows), Decimal(0)), Decimal(lengths.pop())
    return sum((quantity * days for quantity, days in rows), Decimal(0)), Decimal(1)


def split_line(gross_fen: Fen, subsidy_fen: Fen, holders: Sequence[Weight]) -> list[Part]:
    """Divide a month's line between those who held the unit in it, in their order.

    Gross goes by what was measured on each one's days, the subsidy by each one's eligible
    days and their rate, both by largest remainder with ties to the earlier holder, so that
    the rounded month is preserved. No one's subsidy passes their gross: what is over moves
    to the earliest other holder with eligible days and room, and is dropped when there is
    none, so the parts' subsidy may sum to less than the month's.
    Source: RULES C2, C4; worked case F04.
    """
    gross = _divide(gross_fen, [holder.charged for holder in holders])
    wanted = _divide(subsidy_fen, [holder.eligible for holder in holders])
    paid = [min(want, most) for want, most in zip(wanted, gross, strict=True)]
    over = sum(wanted) - sum(paid)
    for index, holder in enumerate(holders):
        if over and holder.eligible > 0:
            more = min(over, gross[index] - paid[index])
            paid[index] += more
            over -= more
    return [Part(whole, part) for whole, part in zip(gross, paid, strict=True)]


def _divide(total_fen: Fen, weights: Sequence[Decimal]) -> list[Fen]:
    if not any(weights):
        return [0] * len(weights)
    parts = apportion(total_fen, dict(enumerate(weights)))
    return [parts[index] for index in range(len(weights))]

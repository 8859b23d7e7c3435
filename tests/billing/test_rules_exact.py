"""The rules against plain Fractions: a difference of one fen anywhere fails.

Long versions: `LINLI_SUMS=1000000 … -m slow` (bar 15).
"""

from __future__ import annotations

import os
import random
from decimal import Decimal
from fractions import Fraction

import pytest

from app.billing import rules
from app.billing.rules import Tier, Weight
from app.billing.runs.rules import charge_month
from app.billing.subsidy import rules as subsidy
from app.kernel.period import Month
from tests.billing import oracle
from tests.billing.communities import random_facts

MONTHS = [Month(2024, 2), Month(2025, 2), Month(2025, 6), Month(2026, 1)]


def decimals(chance: random.Random, most: int, places: int) -> Decimal:
    return Decimal(chance.randint(0, most * 10**places)) / 10**places


def compare_sums(count: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(count):
        area, price = decimals(chance, 400, 2), decimals(chance, 9, 4)
        month_days = chance.choice((28, 29, 30, 31))
        days = chance.choice((Decimal(chance.randint(0, month_days)), decimals(chance, 28, 4)))
        exact = Fraction(area) * Fraction(price) * Fraction(days) / month_days
        gross = rules.line_fen(area, price, days, month_days)
        assert gross == oracle.half_up(exact)
        rate_days = sum(
            (decimals(chance, 1, 4) * chance.randint(0, 20) for _ in range(2)), Decimal(0)
        )
        paid = subsidy.net(gross, area, rate_days, month_days)
        wanted = oracle.half_up(Fraction(area) * Fraction(rate_days) / month_days)
        assert paid == min(gross, wanted)
        compare_split(chance, gross, paid)


def compare_split(chance: random.Random, gross: int, paid: int) -> None:
    holders = [
        Weight(decimals(chance, 31, 4), chance.choice((Decimal(0), decimals(chance, 31, 4))))
        for _ in range(chance.randint(1, 4))
    ]
    parts = rules.split_line(gross, paid, holders)
    charged = {i: Fraction(h.charged) for i, h in enumerate(holders)}
    shares = oracle.largest_remainder(gross, charged)
    assert [p.gross_fen for p in parts] == [shares[i] for i in range(len(holders))]
    assert all(0 <= p.subsidy_fen <= p.gross_fen for p in parts)
    room = sum(p.gross_fen for p, h in zip(parts, holders, strict=True) if h.eligible)
    can_pay = paid if any(h.eligible for h in holders) else 0
    assert sum(p.subsidy_fen for p in parts) == min(can_pay, room)


def test_a_few_thousand_sums_are_exact() -> None:
    compare_sums(int(os.environ.get("LINLI_SUMS", "4000")), 15)


@pytest.mark.slow
def test_a_million_sums_are_exact() -> None:
    compare_sums(1_000_000, 15_000)


@pytest.mark.parametrize("seed", range(4))
def test_tiers_and_shares_are_exact(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(250):
        used, price = decimals(chance, 60, 4), decimals(chance, 9, 4)
        starts = sorted({decimals(chance, 50, 1) + 1 for _ in range(chance.randint(0, 3))})
        tiers = [Tier(start, decimals(chance, 9, 4)) for start in starts]
        exact = sum(
            (
                Fraction(each) * max(Fraction(0), min(Fraction(used), end) - start)
                for start, end, each in zip(
                    [Fraction(0), *map(Fraction, starts)],
                    [*map(Fraction, starts), Fraction(10**9)],
                    [price, *(tier.price for tier in tiers)],
                    strict=True,
                )
            ),
            Fraction(0),
        )
        assert rules.metered_fen(used, price, tiers) == oracle.half_up(exact)
        weights = {f"1-{n:03d}": decimals(chance, 200, 2) for n in range(chance.randint(1, 9))}
        if any(weights.values()):
            amount = chance.randint(0, 10**6)
            exactly = {label: Fraction(weight) for label, weight in weights.items()}
            parts = rules.shared_fen(amount, weights)
            assert parts == oracle.largest_remainder(amount, exactly)
            assert sum(parts.values()) == amount


@pytest.mark.parametrize("seed", range(120))
def test_a_community_day_by_day_comes_to_the_same(seed: int) -> None:
    month = MONTHS[seed % 4]
    facts = random_facts(seed, month)
    found = {
        (line.unit_id, line.tariff_id, line.detail_id, line.party): (
            line.gross_fen,
            line.subsidy_fen,
        )
        for line in charge_month(facts, month)
    }
    assert found == oracle.bill(facts, month)

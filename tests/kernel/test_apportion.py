"""Division among many: exact to the fen, in a fixed order, the same as by brute force."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.apportion import apportion
from app.kernel.errors import RuleBroken
from app.kernel.money import round_to_fen

CASES = Path(__file__).parents[3] / "shared" / "cases" / "rule_cases.json"


def by_brute_force(total: int, weights: dict[int, Fraction]) -> dict[int, int]:
    """Hand out fen one by one, each to whoever is furthest below their exact share."""
    whole = sum(weights.values())
    sign, size = (1, total) if total >= 0 else (-1, -total)
    exact = {key: size * weight / whole for key, weight in weights.items()}
    parts = {key: exact[key].numerator // exact[key].denominator for key in weights}
    while sum(parts.values()) < size:
        most = max(
            (key for key in weights if parts[key] <= exact[key]),
            key=lambda key: (exact[key] - parts[key], -key),
        )
        parts[most] += 1
    return {key: sign * part for key, part in parts.items()}


WEIGHTS = st.dictionaries(
    st.integers(1, 999), st.decimals(0, 500, places=2).map(Fraction), min_size=1, max_size=12
).filter(lambda weights: sum(weights.values()) > 0)


@given(st.integers(-(10**12), 10**12), WEIGHTS)
def test_parts_sum_to_the_whole_and_stay_within_a_fen(total: int, weights: dict[int, Fraction]):
    parts = apportion(total, weights)
    whole = sum(weights.values())
    assert sum(parts.values()) == total
    assert all(abs(parts[key] - total * weights[key] / whole) < 1 for key in weights)
    assert all(parts[key] == 0 for key in weights if weights[key] == 0)


@given(st.integers(-(10**7), 10**7), WEIGHTS)
def test_brute_force_divides_alike(total: int, weights: dict[int, Fraction]):
    assert apportion(total, weights) == by_brute_force(total, weights)


@given(st.integers(0, 10**9), WEIGHTS)
def test_a_reversal_undoes_a_division(total: int, weights: dict[int, Fraction]):
    back = apportion(-total, weights)
    assert {key: -part for key, part in back.items()} == apportion(total, weights)


def test_ties_go_to_the_smaller_key_whatever_the_order():
    assert apportion(100, {3: 1, 1: 1, 2: 1}) == {1: 34, 2: 33, 3: 33}
    assert apportion(101, {"b": 1, "a": 1, "c": 1}) == {"a": 34, "b": 34, "c": 33}


def test_nobody_to_carry_a_sum_is_refused_but_nothing_is_nothing():
    with pytest.raises(RuleBroken):
        apportion(1, {})
    with pytest.raises(RuleBroken):
        apportion(1, {1: 0, 2: 0})
    with pytest.raises(RuleBroken):
        apportion(1, {1: -1, 2: 5})
    assert apportion(0, {1: 0, 2: 0}) == {1: 0, 2: 0}


def test_the_worked_repair_of_the_rule_book():
    """Case M02: a roof repair by building area, largest remainder, ties by unit."""
    if not CASES.exists():
        pytest.skip("the rule book's worked cases are not on this machine")
    case = next(one for one in json.loads(CASES.read_text())["cases"] if one["id"] == "M02")
    weights = {unit: Decimal(area) for unit, area in case["input"]["units"]}
    for cost in case["input"]["costs"]:
        parts = apportion(round_to_fen(Decimal(cost)), weights)
        expected = {
            unit: round_to_fen(Decimal(yuan)) for unit, yuan in case["expected"][cost].items()
        }
        assert parts == expected, cost


def against_fractions(count: int) -> None:
    """Bar 15: random areas, prices, subsidies and splits, 0 fen from exact fractions."""
    chance = random.Random(count)
    for _ in range(count):
        area = Decimal(chance.randrange(1, 40_000)) / 100
        price = Decimal(chance.randrange(1, 80_000)) / 10_000
        rate = Decimal(chance.randrange(50, 101)) / 100
        of = chance.randrange(28, 32)
        days = chance.randrange(1, of + 1)
        exact = Fraction(area) * Fraction(price) * days / of * 100
        gross = round_to_fen(Fraction(area) * Fraction(price) * days / of)
        assert gross == (exact + Fraction(1, 2)).__floor__()
        subsidy = min(gross, round_to_fen(Fraction(area) * Fraction(rate) * days / of))
        resident = gross - subsidy
        first = chance.randrange(1, of)
        for sum_fen in (gross, subsidy, resident):
            parts = apportion(sum_fen, {0: first, 1: of - first})
            wanted = Fraction(sum_fen * first, of)
            low = wanted.__floor__()
            rest = wanted - low
            assert parts[0] == low + (1 if rest > 0 and rest >= Fraction(1, 2) else 0)
            assert sum(parts.values()) == sum_fen


def test_random_bills_and_splits_differ_by_no_fen_from_fractions():
    against_fractions(3_000)


@pytest.mark.slow
def test_a_million_random_bills_and_splits_differ_by_no_fen_from_fractions():
    against_fractions(1_000_000)

"""Money: one rounding, half up, mirrored below zero, the same in Python and PostgreSQL."""

from __future__ import annotations

import random
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.kernel.db import db
from app.kernel.errors import RuleBroken
from app.kernel.money import ceil_to_fen, parse_yuan, round_to_fen, to_yuan


@pytest.mark.parametrize(
    ("yuan", "fen"),
    [
        ("49.005", 4901),  # RULES H: the half-up trap; half-even gives 49.00
        ("49.015", 4902),
        ("0.005", 1),
        ("0.0049999", 0),
        ("-49.005", -4901),
        ("-0.005", -1),
        ("-0.0049999", 0),
        ("39.4148", 3941),
        ("0", 0),
    ],
)
def test_half_a_fen_goes_up_and_below_zero_is_the_mirror(yuan: str, fen: int):
    assert round_to_fen(Decimal(yuan)) == fen


def test_a_fraction_that_no_decimal_holds_is_rounded_exactly():
    assert round_to_fen(Fraction(2, 3)) == 67
    assert round_to_fen(Fraction(5, 1000) - Fraction(1, 10**40)) == 0


@given(st.decimals(-(10**9), 10**9, places=6))
def test_rounding_agrees_with_decimals_half_up(yuan: Decimal):
    expected = int((yuan * 100).to_integral_value(rounding=ROUND_HALF_UP))
    assert round_to_fen(yuan) == expected
    assert round_to_fen(-yuan) == -expected


def compare_with_postgresql(count: int) -> None:
    """`count` random products of area, price and days are rounded alike on both sides."""
    chance = random.Random(count)
    rows = [
        (
            Decimal(chance.randrange(-(10**6), 10**7)) / 100,
            Decimal(chance.randrange(0, 10**6)) / 10000,
            chance.randrange(1, 32),
        )
        for _ in range(count)
    ]
    for begin in range(0, count, 50_000):
        part = rows[begin : begin + 50_000]
        # Cross-multiplied by 1,000,000 so that no division is rounded before the rounding.
        told = db.session.execute(
            text(
                "SELECT round(area * price * days / 31, 2) * 100 FROM unnest("
                "CAST(:areas AS numeric[]), CAST(:prices AS numeric[]), CAST(:days AS int[]))"
                " WITH ORDINALITY AS t (area, price, days, no) ORDER BY no"
            ),
            {
                "areas": [row[0] for row in part],
                "prices": [row[1] for row in part],
                "days": [row[2] for row in part],
            },
        ).scalars()
        for (area, price, days), fen in zip(part, told, strict=True):
            ours = round_to_fen(Fraction(area) * Fraction(price) * days / 31)
            assert ours == int(fen), (area, price, days)


def test_postgresql_rounds_as_we_do(house):
    compare_with_postgresql(5_000)


@pytest.mark.slow
def test_postgresql_rounds_as_we_do_a_million_times(house):
    compare_with_postgresql(1_000_000)


def test_a_legal_minimum_rounds_up():
    assert ceil_to_fen(Decimal("10.001")) == 1001
    assert ceil_to_fen(Decimal("10.00")) == 1000


def test_yuan_and_back():
    assert str(to_yuan(5)) == "0.05"
    assert str(to_yuan(-123456)) == "-1234.56"


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("12", 1200),
        ("１２．５０", 1250),
        ("¥1,234.50", 123450),
        (" 3.2元 ", 320),
        ("-0.01", -1),
        ("0", 0),
        ("007.10", 710),
        ("5.", 500),
        ("10000000000000", 10**15),
    ],
)
def test_what_people_type_is_read(typed: str, fen: int):
    assert parse_yuan(typed) == fen


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "一百",
        "1.005",
        "1e3000",
        "NaN",
        "Infinity",
        "10" * 9,
        "9" * 10_000_00,
        "1_000",
        ".",
        "--1",
    ],
)
def test_what_is_no_sum_is_refused_in_words(typed: str):
    with pytest.raises(RuleBroken) as refused:
        parse_yuan(typed)
    assert "%(" not in str(refused.value)

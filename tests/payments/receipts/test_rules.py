"""Numbers, check codes and sums in capitals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.payments.receipts import rules


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (1, "壹分"),
        (10, "壹角整"),
        (11, "壹角壹分"),
        (100, "壹元整"),
        (12005, "壹佰贰拾元零伍分"),
        (12050, "壹佰贰拾元伍角整"),
        (140950, "壹仟肆佰零玖元伍角整"),
        (600714, "陆仟零柒元壹角肆分"),
        (10700053, "壹拾万柒仟元伍角叁分"),
        (1640902, "壹万陆仟肆佰零玖元零贰分"),
        (32504, "叁佰贰拾伍元零肆分"),
        (1000000, "壹万元整"),
        (10000100, "壹拾万零壹元整"),
        (10_000_000_000, "壹亿元整"),
        (10_000_000_100, "壹亿零壹元整"),
        (10_050_000_000, "壹亿零伍拾万元整"),
    ],
)
def test_a_sum_is_written_as_on_a_cheque(fen: int, words: str) -> None:
    """Examples of 支付结算办法 附一 among them: 1,409.50, 6,007.14, 107,000.53, 16,409.02, 325.04.

    The rule allows the 零 before 角 to be left out where the yuan end in zeros: 107,000.53.
    """
    assert rules.in_capitals(fen) == words


def value(words: str) -> int:
    """The fen a written sum means, read from the left."""
    digits = {char: number for number, char in enumerate("零壹贰叁肆伍陆柒捌玖")}
    units = {"拾": 10, "佰": 100, "仟": 1000}
    total = section = digit = fen = 0
    for char in words:
        if char in digits:
            digit = digits[char]
        elif char in units:
            section, digit = section + digit * units[char], 0
        elif char in "万亿兆":
            total += (section + digit) * {"万": 10**4, "亿": 10**8, "兆": 10**12}[char]
            section = digit = 0
        elif char == "元":
            fen, section, digit = (total + section + digit) * 100, 0, 0
        elif char in "角分":
            fen, digit = fen + digit * {"角": 10, "分": 1}[char], 0
    return fen


@given(st.integers(1, 10**15))
def test_what_is_written_can_be_read_back(fen: int) -> None:
    assert value(rules.in_capitals(fen)) == fen


def test_numbers_and_codes_are_read_as_people_type_them() -> None:
    assert rules.written_number("service", 2026, 123) == "W2026-000123"
    assert rules.read_number("ｗ2026－123 ") == ("service", 2026, 123)
    assert rules.read_number("X2026-1") is None
    printed = rules.printed_code(12, "AB3D9K2MXY7Z")
    assert printed == "12-AB3D-9K2M-XY7Z"
    assert rules.read_code(" 12-ab3d 9k2m xy7z") == (12, "AB3D9K2MXY7Z")
    for wrong in ("", "12", "12-AB3D", "x-AB3D9K2MXY7Z", "12-AB3D9K2MXY7O"):
        assert rules.read_code(wrong) is None

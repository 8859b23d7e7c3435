from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import force_locale

from app.kernel import clock
from app.kernel.period import Month
from app.web import formats


@pytest.fixture(autouse=True)
def _within(house: Flask) -> None:
    """Filters ask for the language, so they need the application."""


@pytest.mark.parametrize(
    ("fen", "written"),
    [
        (123450, "¥1,234.50"),
        (0, "¥0.00"),
        (5, "¥0.05"),
        (-5, "−¥0.05"),
        (-123456789, "−¥1,234,567.89"),
        (None, "—"),
    ],
)
def test_money_is_yuan_with_a_true_minus(fen: int | None, written: str) -> None:
    assert formats.yuan(fen) == written


def test_negative_money_is_marked_by_class_and_sign() -> None:
    assert formats.money(-100) == '<span class="money is-negative">−¥1.00</span>'
    assert formats.money(100) == '<span class="money">¥1.00</span>'


@pytest.mark.parametrize(
    ("price", "written"),
    [("1.1000", "1.10"), ("0.7", "0.70"), ("2", "2.00"), ("1.2345", "1.2345"), ("10", "10.00")],
)
def test_a_price_keeps_two_decimals_and_drops_idle_ones(price: str, written: str) -> None:
    assert formats.area_price(Decimal(price)) == f"{written} 元/m²·月"
    with force_locale("en"):
        assert formats.area_price(Decimal(price)) == f"{written} yuan/m²·month"


def test_numbers_lose_idle_zeros_but_not_whole_ones() -> None:
    assert formats.number(Decimal("12.5000")) == "12.5"
    assert formats.number(Decimal("1200.00")) == "1,200"
    assert formats.number(-3) == "−3"


def test_days_and_months_in_both_languages() -> None:
    assert formats.day(date(2026, 3, 5)) == "2026年3月5日"
    assert formats.month(Month(2026, 3)) == "2026年3月"
    with force_locale("en"):
        assert formats.day(date(2026, 3, 5)) == "5 March 2026"
        assert formats.month(date(2026, 3, 1)) == "March 2026"


def test_a_half_open_range_is_written_with_its_last_day() -> None:
    assert formats.days(date(2026, 3, 1), date(2026, 4, 1)) == "2026-03-01 至 2026-03-31"
    assert formats.days(date(2026, 3, 1), None) == "自 2026-03-01 起"


def test_an_instant_is_written_on_a_chinese_clock() -> None:
    late = datetime(2026, 3, 4, 17, 30, tzinfo=UTC)
    assert formats.instant(late) == "2026-03-05 01:30"
    assert formats.short_day(late) == "2026-03-05"


def test_phones_and_names_are_masked() -> None:
    assert formats.phone("13812341234") == "138****1234"
    assert formats.phone("1234567") == "*******"
    assert formats.name("张三丰") == "张**"
    assert formats.name("张") == "张*"


def test_how_long_ago_in_one_unit() -> None:
    now = clock.now()
    assert formats.since(now - timedelta(seconds=5)) == "刚刚"
    assert formats.since(now - timedelta(minutes=5, seconds=1)) == "5 分钟前"
    with force_locale("en"):
        assert formats.since(now - timedelta(hours=1, seconds=1)) == "1 hour ago"
        assert formats.since(clock.today() - timedelta(days=3)) == "3 days ago"


def test_a_share_of_nothing_is_a_dash() -> None:
    assert formats.percent(formats.ratio(5, 0)) == "—"
    assert formats.percent(formats.ratio(7, 8)) == "87.5%"

"""Age of debts and late damages, worked by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing.arrears import rules
from app.billing.arrears.rules import Paid, Terms

DUE = date(2026, 9, 28)
TERMS = (Terms(Decimal("0.0003"), 0, date(2020, 1, 1)),)


def owed(principal: int, payments: list[Paid], on: date, terms=TERMS) -> int:
    return rules.late_damages(principal, DUE, payments, terms, on).amount_fen


@pytest.mark.parametrize(
    ("late", "age"),
    [
        (-5, "current"),
        (0, "current"),
        (1, "days_30"),
        (30, "days_30"),
        (31, "days_90"),
        (90, "days_90"),
        (91, "days_365"),
        (365, "days_365"),
        (366, "older"),
        (4000, "older"),
    ],
)
def test_an_age_begins_the_day_after_due(late, age):
    assert rules.age_of(DUE, DUE + timedelta(days=late)) == age


def test_no_clause_no_damages():
    assert owed(10000, [], date(2026, 12, 31), ()) == 0


def test_nothing_is_owed_on_the_due_day_itself():
    assert owed(10000, [], DUE) == 0
    assert owed(100_000, [], DUE + timedelta(days=1)) == 30  # 1,000.00 × 0.0003


def test_ten_days_late_costs_ten_days():
    """100.00 × 0.0003 × 10 = 0.30."""
    assert owed(10000, [], date(2026, 10, 8)) == 30


def test_grace_days_are_free_and_not_made_up_later():
    grace = (Terms(Decimal("0.0003"), 5, date(2020, 1, 1)),)
    assert owed(100_000, [], date(2026, 10, 3), grace) == 0
    assert owed(100_000, [], date(2026, 10, 8), grace) == 150  # five days


def test_the_day_of_payment_still_counts():
    """Paid in full on the tenth day: ten days, however long ago that is."""
    paid = [Paid(date(2026, 10, 8), 10000)]
    assert owed(10000, paid, date(2026, 10, 8)) == 30
    assert owed(10000, paid, date(2027, 10, 8)) == 30


def test_a_part_payment_lessens_the_principal_from_the_next_day():
    """1,000.00 for 10 days, 400.00 for 10: 3.00 + 1.20."""
    assert owed(100_000, [Paid(date(2026, 10, 8), 60_000)], date(2026, 10, 18)) == 420


def test_money_that_came_in_time_is_no_principal():
    assert owed(100_000, [Paid(date(2026, 9, 1), 90_000)], date(2026, 10, 8)) == 30


def test_a_clause_counts_only_on_its_days():
    """Twenty days late, ten of them under the clause."""
    terms = (Terms(Decimal("0.0003"), 0, date(2026, 10, 9)),)
    assert owed(100_000, [], date(2026, 10, 18), terms) == 300
    ended = (Terms(Decimal("0.0003"), 0, date(2020, 1, 1), date(2026, 10, 9)),)
    assert owed(100_000, [], date(2026, 12, 31), ended) == 300


def test_damages_never_pass_the_principal():
    terms = (Terms(Decimal("0.003"), 0, date(2020, 1, 1)),)
    late = rules.late_damages(10000, DUE, [], terms, date(2028, 9, 28))
    assert (late.amount_fen, late.capped) == (10000, True)


def test_the_benchmark_is_a_plain_yearly_rate():
    """0.0003 × 365 = 10.95 %; 1.3 × 3.0 % = 3.9 %."""
    assert rules.yearly_percent(Decimal("0.0003")) == Decimal("10.95")
    assert rules.over_benchmark(Decimal("0.0003"), Decimal("3.0"))
    assert not rules.over_benchmark(Decimal("0.0001"), Decimal("3.0"))


@given(
    st.integers(0, 500_000),
    st.integers(0, 400),
    st.integers(0, 20),
    st.lists(st.tuples(st.integers(-30, 400), st.integers(1, 200_000)), max_size=5),
)
def test_damages_are_what_counting_day_by_day_gives(principal, days, grace, payments):
    terms = (Terms(Decimal("0.0005"), grace, date(2020, 1, 1)),)
    paid = [Paid(DUE + timedelta(days=offset), fen) for offset, fen in payments]
    total = Fraction(0)
    for number in range(1 + grace, days + 1):
        day = DUE + timedelta(days=number)
        left = principal - sum(one.amount_fen for one in paid if one.on < day)
        total += Fraction(max(left, 0)) * Fraction(5, 10000)
    expected = min((2 * total.numerator + total.denominator) // (2 * total.denominator), principal)
    got = rules.late_damages(principal, DUE, paid, terms, DUE + timedelta(days=days))
    assert got.amount_fen == expected

"""How old a debt is, and what late payment costs where the contract says so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from app.kernel.money import Fen, round_to_fen
from app.kernel.source import Source

DAMAGES_RULE = Source("民法典", "585")
REDUCTION_RULE = Source("合同编通则解释", "65")  # a court may cut what is over 130 % of the loss
BENCHMARK_FACTOR = Decimal("1.3")
DUNNING_RULE = Source("民法典", "944")
DUNNING_DAYS = 15  # a reasonable period to answer a reminder; RULES C8, design
LIMITATION_YEARS = 3  # Civil Code 188, 195: restarts on demand; each month counts alone (C9)

# Days past due: first and last of each age, None for no end. The first is not due yet.
AGES: tuple[tuple[str, int | None, int | None], ...] = (
    ("current", None, 0),
    ("days_30", 1, 30),
    ("days_90", 31, 90),
    ("days_365", 91, 365),
    ("older", 366, None),
)


@dataclass(frozen=True)
class Terms:
    """A contract's clause on late payment, in force from `starts_on` to `ends_on` (exclusive)."""

    daily_rate: Decimal
    grace_days: int
    starts_on: date
    ends_on: date | None = None
    document_no: str = ""


@dataclass(frozen=True)
class Paid:
    """Money laid on a bill on a day."""

    on: date
    amount_fen: Fen


@dataclass(frozen=True)
class Damages:
    """Late damages of one bill up to a day: exact sum rounded once, capped at the principal."""

    amount_fen: Fen
    days_late: int
    capped: bool


NONE = Damages(0, 0, False)


def age_of(due_on: date, on: date) -> str:
    """The age of a debt on a day: a key of AGES."""
    late = (on - due_on).days
    for name, first, last in AGES:
        if (first is None or late >= first) and (last is None or late <= last):
            return name
    raise AssertionError("the ages leave no gap")


def late_damages(
    principal_fen: Fen, due_on: date, payments: Iterable[Paid], terms: Sequence[Terms], on: date
) -> Damages:
    """What a bill's late payment costs up to and including `on`, under the terms in force.

    Each day from the one after due (plus the days of grace) costs what is still open of the
    principal × that day's rate; a payment counts from the day after it. Rounded once, half up,
    never more than the principal. No terms, no damages: silence of the contract means none.
    Principal excludes damages, so none are owed on damages; payments are taken to pay the
    principal first, which is the reading kinder to the debtor.
    Source: RULES C7; Civil Code 585.
    """
    paid = sorted(payments, key=lambda payment: payment.on)
    total, days_late = Fraction(0), 0
    for term in terms:
        first = max(due_on + timedelta(days=1 + term.grace_days), term.starts_on)
        last = on if term.ends_on is None else min(on, term.ends_on - timedelta(days=1))
        fen_days, days = _open_days(principal_fen, paid, first, last)
        total += Fraction(term.daily_rate) * fen_days
        days_late += days
    amount = round_to_fen(total / 100)
    capped = amount > principal_fen
    return Damages(min(amount, max(principal_fen, 0)), days_late, capped)


def _open_days(
    principal_fen: Fen, paid: Sequence[Paid], first: date, last: date
) -> tuple[int, int]:
    """Fen × days open from `first` to `last`, inclusive, and on how many days anything was."""
    if last < first:
        return 0, 0
    left = principal_fen - sum(payment.amount_fen for payment in paid if payment.on < first)
    fen_days, days, since = 0, 0, first
    for payment in [*(one for one in paid if first <= one.on <= last), Paid(last, 0)]:
        span = (payment.on - since).days + 1
        if left > 0 and span > 0:
            fen_days += left * span
            days += span
        since = max(since, payment.on + timedelta(days=1))
        left -= payment.amount_fen
    return fen_days, days


def yearly_percent(daily_rate: Decimal) -> Decimal:
    """A daily rate as a plain yearly one in per cent, to compare with 1.3 × LPR."""
    return (daily_rate * 365 * 100).quantize(Decimal("0.01"))


def over_benchmark(daily_rate: Decimal, lpr_percent: Decimal) -> bool:
    """Whether a contract's rate is above 1.3 × LPR (a yearly per cent), where a court may cut it.

    The LPR is an input: it is published monthly and belongs to the day of the contract.
    Source: RULES C7 (Contract Interpretation 65), display only.
    """
    return yearly_percent(daily_rate) > BENCHMARK_FACTOR * lpr_percent

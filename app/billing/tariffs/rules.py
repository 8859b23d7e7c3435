"""What may be priced and how, when a new price follows an old one, and which readings are odd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from app.billing.rules import Tier, line_fen, metered_fen
from app.billing.tariffs.words import DOCUMENTED, VERSIONED
from app.kernel.errors import N_, Conflict, RuleBroken
from app.kernel.money import Fen
from app.kernel.period import Month
from app.kernel.source import Source

PRICE_STEP = Decimal("0.0001")  # yuan
LARGEST_PRICE = Decimal("99999999")  # yuan; what the column holds, past any real price
LATE_RATE_LIMIT = Decimal("0.003")  # a day; what a contract may reasonably say, see LateTerms
JUMP_FACTOR = 3  # a reading beyond this many times the usual use is asked about
JUMP_FLOOR = Decimal(30)  # units of measure; below it nobody minds a jump

PRICE_SOURCE = Source("RULES", "C2, C3", "design")


@dataclass(frozen=True)
class Step:
    """What is used beyond `from_quantity` in a month costs `price` yuan a unit of measure."""

    from_quantity: Decimal
    price: Decimal


@dataclass(frozen=True)
class Price:
    """A price to be set: yuan per unit of measure, from a day on, resting on a paper."""

    starts_on: date
    price: Decimal
    price_basis: str
    document_no: str = ""
    ceiling: Decimal | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Priced:
    """A price already set; `ends_on` is exclusive, None: still."""

    id: int
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True)
class Placement:
    """Where a new price goes: which one it closes, and when it ends itself (exclusive)."""

    closes_id: int | None
    ends_on: date | None


def check_price(basis: str, price: Price) -> None:
    """Refuse a price that no paper carries, that is over its ceiling, or too fine.

    Yuan, at most four decimals. Raises RuleBroken with the field. Source: RULES C2, C3.
    """
    if basis not in VERSIONED:
        raise RuleBroken("tariff.no_price", N_("公摊和一次性收费按实际金额计，不设单价。"))
    _check_yuan(price.price, "price")
    if price.price_basis in DOCUMENTED and not price.document_no.strip():
        raise RuleBroken(
            "tariff.document",
            N_("政府指导价、合同价和业主决定的价格，都要写明依据的文号。"),
            field="document_no",
        )
    if price.ceiling is not None:
        _check_yuan(price.ceiling, "ceiling")
        if price.price > price.ceiling:
            raise RuleBroken(
                "tariff.over_ceiling",
                N_("单价 %(price)s 元高于最高限价 %(ceiling)s 元，超出部分业主可以拒付。"),
                field="price",
                price=plain(price.price),
                ceiling=plain(price.ceiling),
            )
    _check_steps(basis, price)


def _check_yuan(value: Decimal, field: str) -> None:
    if not value.is_finite() or value < 0 or value > LARGEST_PRICE:
        raise RuleBroken("tariff.price", N_("单价应是不小于 0 的数。"), field=field)
    if value != value.quantize(PRICE_STEP):
        raise RuleBroken("tariff.precision", N_("单价最多四位小数。"), field=field)


def _check_steps(basis: str, price: Price) -> None:
    if price.steps and basis != "metered":
        raise RuleBroken("tariff.steps", N_("只有按表计量的收费才能分档。"), field="steps")
    for step in price.steps:
        _check_yuan(step.price, "steps")
        if step.from_quantity <= 0:
            raise RuleBroken(
                "tariff.step_start", N_("分档起点应大于 0；第一档从 0 开始，用上面的单价。"),
                field="steps",
            )  # fmt: skip
    for lower, upper in pairwise(price.steps):
        if upper.from_quantity <= lower.from_quantity:
            raise RuleBroken(
                "tariff.step_order", N_("分档起点应从小到大，不能重复。"), field="steps"
            )


def place_price(
    existing: Sequence[Priced], starts_on: date, billed_until: Month | None
) -> Placement:
    """Fit a new price among the others: it closes the one in force and gives way to the next.

    `billed_until` is the last month with live bill lines: nothing up to its end may change.
    Raises RuleBroken for a day already billed, Conflict for a day that already begins one.
    """
    if billed_until is not None and starts_on <= billed_until.last:
        raise RuleBroken(
            "tariff.billed",
            N_("已出账到 %(month)s，新价格最早从 %(day)s 起。当月差额请开调整单，或先撤回批次。"),
            field="starts_on",
            month=billed_until,
            day=billed_until.shift(1).first,
        )
    closes = None
    later = [one.starts_on for one in existing if one.starts_on > starts_on]
    for one in existing:
        if one.starts_on == starts_on:
            raise Conflict(
                "tariff.same_day", N_("%(day)s 已有一个价格。要更正它，请先撤回。"),
                field="starts_on", day=starts_on,
            )  # fmt: skip
        if one.starts_on < starts_on and (one.ends_on is None or one.ends_on > starts_on):
            closes = one.id
    return Placement(closes, min(later, default=None))


@dataclass(frozen=True)
class Finding:
    """What is odd about a reading; `refused` ones cannot be kept, others can be confirmed."""

    code: str
    message: str
    refused: bool
    params: tuple[tuple[str, object], ...] = ()


def judge_reading(
    previous: Decimal, reading: Decimal, multiplier: Decimal, usual: Decimal | None
) -> Finding | None:
    """Say what is odd about a reading, or nothing.

    `usual` is the meter's mean use of recent months, in units of measure, if it has any. A
    meter never runs backwards; a use past three times the usual is asked about.
    """
    if reading < previous:
        return Finding(
            "reading.backwards",
            N_("本次读数 %(reading)s 小于上次 %(previous)s。若已换表，请先登记换表。"),
            True,
            (("reading", plain(reading)), ("previous", plain(previous))),
        )
    used = (reading - previous) * multiplier
    if usual is None or used <= JUMP_FLOOR or used <= JUMP_FACTOR * usual:
        return None
    return Finding(
        "reading.jump",
        N_("本月用量 %(used)s，平时约 %(usual)s。请核对读数；确认无误请勾选“已核对”。"),
        False,
        (("used", plain(used)), ("usual", plain(usual.quantize(Decimal("0.1"))))),
    )


TYPICAL_AREA_M2 = Decimal(80)
TYPICAL_USE = Decimal(12)  # units of measure a month


def typical(basis: str, price: Decimal, steps: Sequence[Step]) -> tuple[Decimal, Fen]:
    """What a usual home pays in a full month: (quantity it is for, fen).

    80 m², one household, one space, or a use of twelve.
    """
    if basis == "metered":
        tiers = [Tier(one.from_quantity, one.price) for one in steps]
        return TYPICAL_USE, metered_fen(TYPICAL_USE, price, tiers)
    quantity = TYPICAL_AREA_M2 if basis == "area" else Decimal(1)
    return quantity, line_fen(quantity, price, Decimal(1), 1)


def plain(value: Decimal) -> str:
    """A number as a person writes it: no exponent, no idle zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

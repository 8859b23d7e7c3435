"""What a payer chose, made into what is asked for: bills oldest first, then money ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.kernel.errors import N_, RuleBroken
from app.kernel.money import Fen, to_yuan


@dataclass(frozen=True)
class OpenBill:
    """A bill that can be paid."""

    id: int
    unit_id: int
    due_on: date
    open_fen: Fen


@dataclass(frozen=True)
class Part:
    """A part of a payment: for a bill, or ahead for a home (no bill)."""

    unit_id: int
    amount_fen: Fen
    bill_id: int | None


def choose(
    bills: Sequence[OpenBill],
    chosen: Sequence[int],
    ahead_fen: Mapping[int, Fen],
    only_fen: Fen | None,
    *,
    partial: bool,
) -> list[Part]:
    """The parts of a payment for chosen bills and money ahead per home. Fen.

    `only_fen` pays a part of the chosen bills, the oldest due first, where the community
    allows it; money ahead is then not taken. Raises RuleBroken with a sentence.
    """
    known = {bill.id: bill for bill in bills}
    if any(one not in known for one in chosen):
        raise RuleBroken("pay.bill", N_("选中的账单已经付清或有变化，请重新选择。"), field="bills")
    wanted = sorted((known[one] for one in set(chosen)), key=lambda bill: (bill.due_on, bill.id))
    total = sum(bill.open_fen for bill in wanted)
    if only_fen is not None and only_fen != total:
        _check_part(only_fen, total, partial=partial, ahead=any(ahead_fen.values()))
    left = total if only_fen is None else only_fen
    parts = []
    for bill in wanted:
        fen = min(left, bill.open_fen)
        if fen:
            parts.append(Part(bill.unit_id, fen, bill.id))
            left -= fen
    parts += [Part(unit_id, fen, None) for unit_id, fen in sorted(ahead_fen.items()) if fen]
    if not parts:
        raise RuleBroken("pay.nothing", N_("请选择要缴的账单。"), field="bills")
    return parts


def ahead_choices(monthly_fen: Fen, most_months: int) -> list[tuple[int, Fen]]:
    """How many months may be paid ahead and what each choice costs; none without a bill yet."""
    if monthly_fen <= 0:
        return []
    months = sorted({1, 3, 6, 12, most_months} & set(range(1, most_months + 1)))
    return [(number, number * monthly_fen) for number in months]


def _check_part(only_fen: Fen, total_fen: Fen, *, partial: bool, ahead: bool) -> None:
    if not partial:
        raise RuleBroken("pay.whole", N_("本小区的账单请一次付清。"), field="amount_fen")
    if ahead:
        raise RuleBroken("pay.part_ahead", N_("只付一部分时不能同时预存。"), field="amount_fen")
    if not 0 < only_fen < total_fen:
        raise RuleBroken(
            "pay.part",
            N_("金额应大于 0，且不超过所选账单合计 %(total)s 元。"),
            field="amount_fen",
            total=to_yuan(total_fen),
        )

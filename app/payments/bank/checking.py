"""The daily three-way check: what is on one side and not on another. Pure; fen, days.

A payment is expected in a transfer or statement within `LATE_AFTER` days, is called late after
them and missing after `MISSING_AFTER`. Bank sides are judged up to the last day a statement
covers: what nobody brought in is not missing at the bank.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.kernel.errors import N_
from app.kernel.money import Fen

LATE_AFTER, MISSING_AFTER = 3, 10

KIND_WORDS = {
    "missing": N_("没有到账"),
    "late": N_("到账延迟"),
    "partial": N_("到账金额不符"),
    "disputed": N_("付款人拒付"),
    "doubled": N_("到账多于收款"),
    "unmatched": N_("银行有、账上没有"),
    "unbacked": N_("账上有、银行没有"),
}
SIDE_WORDS = {
    "payment": N_("收款"),
    "payout": N_("线上到账"),
    "line": N_("银行流水"),
    "entry": N_("凭证"),
}
FIGURE_WORDS = {
    "gateway_in": N_("线上收款"),
    "gateway_out": N_("平台转出"),
    "bank_in": N_("银行收入"),
    "bank_out": N_("银行支出"),
    "book_bank": N_("银行存款变动（1002）"),
    "book_transit": N_("在途收款变动（1012）"),
    "book_cash": N_("库存现金变动（1001）"),
}


@dataclass(frozen=True)
class Expected:
    """Money one side has: so much from a day on, of which so much was seen on the other side."""

    subject: str
    on: date
    amount_fen: Fen
    seen_fen: Fen
    disputed_fen: Fen = 0


@dataclass(frozen=True)
class Difference:
    """What does not agree: `amount_fen` is what the other side lacks (below zero: has too much)."""

    subject: str
    kind: str
    on: date
    amount_fen: Fen


def classify(one: Expected, day: date) -> Difference | None:
    """What is wrong with an expectation on a day; None when all is well or still on its way."""
    if one.disputed_fen:
        return Difference(one.subject, "disputed", one.on, one.disputed_fen)
    left = one.amount_fen - one.seen_fen
    if not left:
        return None
    if abs(one.seen_fen) > abs(one.amount_fen) or one.seen_fen * one.amount_fen < 0:
        return Difference(one.subject, "doubled", one.on, left)
    if one.seen_fen:
        return Difference(one.subject, "partial", one.on, left)
    age = (day - one.on).days
    if age <= LATE_AFTER:
        return None
    return Difference(one.subject, "late" if age <= MISSING_AFTER else "missing", one.on, left)

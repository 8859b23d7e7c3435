"""Corrections and money received as debits and credits. Pure; fen, a debit is positive."""

from __future__ import annotations

from collections.abc import Mapping

from app.billing.postings import BOOK, income_account
from app.kernel.apportion import apportion
from app.kernel.money import Fen
from app.ledger.chart import (
    ADVANCES,
    BAD_DEBT,
    BANK,
    CASH,
    DAMAGES_INCOME,
    FEE_INCOME,
    HELD_FOR_OWNERS,
    IN_TRANSIT,
    RECEIVABLE,
)
from app.ledger.rules import Line

NOTED = "bill_note:{kind}"
RECEIVED = "settlement:received"
CREDIT_USED = "settlement:credit_used"
TAKEN_BACK = "settlement:taken_back"

# Where money lies the moment it is received. `credit` is money the house already held.
MEANS = {
    "cash": CASH,
    "bank": BANK,
    "pos": IN_TRANSIT,
    "online": IN_TRANSIT,
    "credit": ADVANCES,
}

__all__ = [
    "BOOK",
    "CREDIT_USED",
    "MEANS",
    "NOTED",
    "RECEIVED",
    "TAKEN_BACK",
    "note",
    "settlement",
    "taken_back",
]


def note(
    unit_id: int,
    kind: str,
    ground: str,
    amount_fen: Fen,
    *,
    fee_mode: str,
    income: Mapping[str, Fen],
) -> list[Line]:
    """A correction's entry: the receivable moves, and what it was booked against moves back.

    An error touches the accounts of the bill's own lines in proportion to `income` (gross by
    tariff's income account). A waiver or write-off is a cost to the manager (6701) under 包干制
    and lessens what is held for the owners under 酬金制; money that comes after a write-off
    takes it back by a debit. Damages are the manager's (6301) or the owners'.

    credit 10.00 for an error, 包干制:   6001 10.00 / 1122 unit 10.00
    waiver 10.00, 包干制:                6701 10.00 / 1122 unit 10.00
    damages 0.30:                        1122 unit 0.30 / 6301 0.30
    """
    sign = 1 if kind == "debit" else -1
    commission = fee_mode == "commission"
    if ground == "damages":
        parts = {HELD_FOR_OWNERS if commission else DAMAGES_INCOME: amount_fen}
    elif ground in {"waiver", "write_off"}:
        parts = {HELD_FOR_OWNERS if commission else BAD_DEBT: amount_fen}
    else:
        weights: dict[str, Fen] = {}
        for code, fen in (income if any(income.values()) else {FEE_INCOME: 1}).items():
            account = income_account(fee_mode, code)
            weights[account] = weights.get(account, 0) + fen
        parts = apportion(amount_fen, weights)
    against = [Line(code, -sign * fen) for code, fen in sorted(parts.items()) if fen]
    return [Line(RECEIVABLE, sign * amount_fen, unit_id), *against]


def settlement(unit_id: int, means: str, allocated_fen: Fen, credit_fen: Fen) -> list[Line]:
    """Money received: it pays the unit's bills, and what is over is held for the unit.

    120.00 by bank for bills of 100.00:   1002 120.00 / 1122 unit 100.00, 2203 unit 20.00
    20.00 of it used later:               2203 unit 20.00 / 1122 unit 20.00
    """
    account = MEANS[means]
    lines = [
        Line(account, allocated_fen + credit_fen, unit_id if account == ADVANCES else None),
        Line(RECEIVABLE, -allocated_fen, unit_id),
        Line(ADVANCES, -credit_fen, unit_id),
    ]
    return [line for line in lines if line.amount_fen]


def taken_back(
    unit_id: int, means: str, amount_fen: Fen, credit_fen: Fen, used_fen: Fen
) -> list[Line]:
    """Money taken back: `credit_fen` of it from what was kept, the rest from the unit's bills.

    Of the credit, `used_fen` had been laid on bills since and is owed on them again.

    all of 120.00 by bank, 100.00 on bills and 20.00 kept:   1122 unit 100.00, 2203 unit 20.00
      / 1002 120.00
    the same after the 20.00 paid a later bill:              1122 unit 120.00 / 1002 120.00
    """
    lines = [
        Line(RECEIVABLE, amount_fen - credit_fen + used_fen, unit_id),
        Line(ADVANCES, credit_fen - used_fen, unit_id),
        Line(MEANS[means], -amount_fen),
    ]
    return [line for line in lines if line.amount_fen]

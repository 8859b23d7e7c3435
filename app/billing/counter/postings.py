"""Cash banked, cash missing or over, as debits and credits. Pure; fen, a debit is positive."""

from __future__ import annotations

from app.kernel.money import Fen
from app.ledger.chart import BANK, CASH, PENDING_DIFFERENCES
from app.ledger.rules import Line

BANKED = "till:banked"
DIFFERENCE = "shift:difference"


def banked(amount_fen: Fen) -> list[Line]:
    """500.00 carried to the bank:   1002 500.00 / 1001 500.00"""
    return [Line(BANK, amount_fen), Line(CASH, -amount_fen)]


def difference(difference_fen: Fen) -> list[Line]:
    """What was counted less the book, until somebody decides what becomes of it.

    3.00 missing:   1901 3.00 / 1001 3.00
    3.00 over:      1001 3.00 / 1901 3.00
    Source: 企业会计准则应用指南 附录 (1901 待处理财产损溢).
    """
    return [Line(CASH, difference_fen), Line(PENDING_DIFFERENCES, -difference_fen)]

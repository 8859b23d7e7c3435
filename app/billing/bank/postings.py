"""What bank lines post by themselves. Pure; fen, a debit is positive.

Money from residents is posted by its settlement; these are the rest.
"""

from __future__ import annotations

from app.kernel.money import Fen
from app.ledger.chart import BANK, GATEWAY_FEES, IN_TRANSIT
from app.ledger.rules import Line

FEE = "bank:fee"
OWN = "bank:own"
CLEARED = "bank:cleared"

MONEY = {"bank": BANK, "wechat": IN_TRANSIT, "alipay": IN_TRANSIT}
SETTLED_AS = {"bank": "bank", "wechat": "online", "alipay": "online"}


def fee(account_kind: str, amount_fen: Fen) -> list[Line]:
    """What a bank or wallet kept (below zero) or gave back.

    5.00 kept by the bank:   6603 5.00 / 1002 5.00
    0.60 by a wallet:        6603 0.60 / 1012 0.60
    """
    return [Line(GATEWAY_FEES, -amount_fen), Line(MONEY[account_kind], amount_fen)]


def own(amount_fen: Fen) -> list[Line]:
    """Money that was in transit and lies in the bank now: a wallet's withdrawal, a card's batch.

    300.00 from a wallet:    1002 300.00 / 1012 300.00
    """
    return [Line(BANK, amount_fen), Line(IN_TRANSIT, -amount_fen)]

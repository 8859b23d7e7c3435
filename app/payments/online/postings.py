"""The gateway's transfers to the bank as debits and credits. Pure; fen, a debit is positive."""

from __future__ import annotations

from app.kernel.money import Fen
from app.ledger.chart import BANK, GATEWAY_FEES, IN_TRANSIT
from app.ledger.rules import Line

PAID = "payout:paid"


def payout(amount_fen: Fen, fee_fen: Fen) -> list[Line]:
    """What was in transit lies in the bank, less what the gateway kept.

    99.40 arrive of 100.00:   1002 99.40, 6603 0.60 / 1012 100.00
    """
    lines = [
        Line(BANK, amount_fen),
        Line(GATEWAY_FEES, fee_fen),
        Line(IN_TRANSIT, -(amount_fen + fee_fen)),
    ]
    return [line for line in lines if line.amount_fen]

"""Correct bills, lay money on them, take it back. Each act with its entry; never commits.

Order of locks, the same everywhere: the unit (so that two payments of one home wait for each
other), then its bills by due day and id, then the books.
"""

from app.billing.bills.service.batches import Incoming, settle_many
from app.billing.bills.service.notes import GROUNDS, NOTE_KINDS, check_note, correct, lock_bill
from app.billing.bills.service.returns import take_back
from app.billing.bills.service.settlements import (
    Settled,
    apply_credit,
    apply_credits,
    settle,
)
from app.billing.bills.service.settlements import by_source as settlement_by_source

__all__ = [
    "GROUNDS",
    "NOTE_KINDS",
    "Incoming",
    "Settled",
    "apply_credit",
    "apply_credits",
    "check_note",
    "correct",
    "lock_bill",
    "settle",
    "settle_many",
    "settlement_by_source",
    "take_back",
]

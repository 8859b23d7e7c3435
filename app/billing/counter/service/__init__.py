"""Take money at the counter, undo it, open and close shifts, bank the cash. Never commits.

Order of locks: the shift, the payment, then those of `bills.service`.
"""

from app.billing.counter.service.shifts import (
    accept_shift,
    bank_cash,
    close_shift,
    open_shift,
)
from app.billing.counter.service.takings import Taken, reverse_payment, take_payment

__all__ = [
    "Taken",
    "accept_shift",
    "bank_cash",
    "close_shift",
    "open_shift",
    "reverse_payment",
    "take_payment",
]

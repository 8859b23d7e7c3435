"""What becomes of bank lines. A person confirms; nothing here settles by itself. Never commits.

Order of locks: the line, then the unit, its bills and the books, as everywhere.
"""

from app.billing.bank.service.checking import check_day, explain_difference
from app.billing.bank.service.confirming import HomePart, confirm_best, confirm_homes
from app.billing.bank.service.matching import enter_fee, enter_own, match_known, undo
from app.billing.bank.service.proposing import propose_account, propose_all
from app.payments.bank.service import explain, take_up_again

__all__ = [
    "HomePart",
    "check_day",
    "confirm_best",
    "confirm_homes",
    "enter_fee",
    "enter_own",
    "explain",
    "explain_difference",
    "match_known",
    "propose_account",
    "propose_all",
    "take_up_again",
    "undo",
]

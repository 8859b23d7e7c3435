"""Accounts at banks and wallets, what moved on them, and what became of it; never commits.

What is laid on bills is billing's (`app/billing/bank`); it acts on lines through these verbs
and names their rows' types from here.
"""

from app.payments.bank.models import BankAccount, BankLine, BankMatch, CheckDay, CheckDifference
from app.payments.bank.service.accounts import close_account, open_account
from app.payments.bank.service.checks import keep_day, lock_difference, mark_explained
from app.payments.bank.service.files import (
    apply_file,
    ask_to_apply,
    choose_columns,
    read_file,
    receive,
)
from app.payments.bank.service.lines import (
    accounts_of,
    add_match,
    check_open,
    explain,
    keep_proposal,
    left_of,
    lock_line,
    lock_match,
    mark_undone,
    serial,
    take_up_again,
    waiting,
)
from app.payments.bank.service.taking import (
    Item,
    add_items,
    begin_payment,
    lock_payment,
    mark_returned,
)
from app.payments.models import Payment

__all__ = [
    "BankAccount",
    "BankLine",
    "BankMatch",
    "CheckDay",
    "CheckDifference",
    "Item",
    "Payment",
    "accounts_of",
    "add_items",
    "add_match",
    "apply_file",
    "ask_to_apply",
    "begin_payment",
    "check_open",
    "choose_columns",
    "close_account",
    "explain",
    "keep_day",
    "keep_proposal",
    "left_of",
    "lock_difference",
    "lock_line",
    "lock_match",
    "lock_payment",
    "mark_explained",
    "mark_returned",
    "mark_undone",
    "open_account",
    "read_file",
    "receive",
    "serial",
    "take_up_again",
    "waiting",
]

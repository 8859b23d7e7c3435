"""Accounts at banks and wallets, and the files that tell what moved on them; never commits."""

from app.payments.bank.service.accounts import close_account, open_account
from app.payments.bank.service.files import (
    apply_file,
    ask_to_apply,
    choose_columns,
    read_file,
    receive,
)

__all__ = [
    "apply_file",
    "ask_to_apply",
    "choose_columns",
    "close_account",
    "open_account",
    "read_file",
    "receive",
]

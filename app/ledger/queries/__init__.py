"""What the books tell: balances, statements, entries, months and checks; reads alone."""

from app.ledger.queries.balances import (
    TrialBalance,
    TrialRow,
    balances,
    opening_fen,
    trial_balance,
)
from app.ledger.queries.checks import CheckRun, FindingRow, last_checks
from app.ledger.queries.entries import EntryRow, PostingRow, entries, entry, postings
from app.ledger.queries.months import (
    BookState,
    MonthState,
    books,
    closed_through,
    month_states,
)
from app.ledger.queries.statements import UnitLine, account_statement, unit_account

__all__ = [
    "BookState",
    "CheckRun",
    "EntryRow",
    "FindingRow",
    "MonthState",
    "PostingRow",
    "TrialBalance",
    "TrialRow",
    "UnitLine",
    "account_statement",
    "balances",
    "books",
    "closed_through",
    "entries",
    "entry",
    "last_checks",
    "month_states",
    "opening_fen",
    "postings",
    "trial_balance",
    "unit_account",
]

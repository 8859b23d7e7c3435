"""What the books tell: balances, statements, entries, months and checks; reads alone."""

from app.ledger.queries.balances import (
    TrialBalance,
    TrialRow,
    balances,
    opening_fen,
    trial_balance,
)
from app.ledger.queries.checks import CheckRun, FindingRow, last_checks
from app.ledger.queries.entries import (
    ACCOUNT_NAMES,
    EntryRow,
    PostingRow,
    book_of_entry,
    concerning_unit,
    entries,
    entry,
    entry_by,
    journal,
    postings,
)
from app.ledger.queries.months import (
    BookState,
    MonthState,
    books,
    closed_through,
    month_states,
)
from app.ledger.queries.statements import UnitLine, account_statement, statement_order, unit_account

__all__ = [
    "ACCOUNT_NAMES",
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
    "book_of_entry",
    "books",
    "closed_through",
    "concerning_unit",
    "entries",
    "entry",
    "entry_by",
    "journal",
    "last_checks",
    "month_states",
    "opening_fen",
    "postings",
    "statement_order",
    "trial_balance",
    "unit_account",
]

"""Balances: what the last closing kept, plus the postings since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.money import Fen
from app.kernel.period import Month
from app.ledger import rules
from app.ledger.chart import BY_KEY, DEBIT_KINDS, Account


@dataclass(frozen=True)
class TrialRow:
    """One account's month: fen, debit positive; opening + debit − credit = closing."""

    account: Account
    opening_fen: Fen
    debit_fen: Fen
    credit_fen: Fen

    @property
    def moved(self) -> bool:
        """Whether there is anything to show of it."""
        return bool(self.opening_fen or self.debit_fen or self.credit_fen)

    @property
    def closing_fen(self) -> Fen:
        """The balance at the month's end, debit positive."""
        return self.opening_fen + self.debit_fen - self.credit_fen

    @property
    def natural_fen(self) -> Fen:
        """The closing balance on the account's usual side: income and debts read positive."""
        return self.closing_fen if self.account.kind in DEBIT_KINDS else -self.closing_fen

    @property
    def opening_debit_fen(self) -> Fen | None:
        """The opening balance when it is a debit."""
        return self.opening_fen if self.opening_fen > 0 else None

    @property
    def opening_credit_fen(self) -> Fen | None:
        """The opening balance when it is a credit, as a positive sum."""
        return -self.opening_fen if self.opening_fen < 0 else None

    @property
    def closing_debit_fen(self) -> Fen | None:
        """The closing balance when it is a debit."""
        return self.closing_fen if self.closing_fen > 0 else None

    @property
    def closing_credit_fen(self) -> Fen | None:
        """The closing balance when it is a credit, as a positive sum."""
        return -self.closing_fen if self.closing_fen < 0 else None


@dataclass(frozen=True)
class TrialBalance:
    """All accounts of a book in a month; debits and credits sum to the same."""

    book: str
    month: Month
    rows: tuple[TrialRow, ...]

    @property
    def moved(self) -> bool:
        """Whether anything moved in the book up to this month."""
        return any(row.moved for row in self.rows)

    def total(self, name: str) -> Fen:
        """The sum of a column, such as `debit_fen`."""
        return sum(getattr(row, name) or 0 for row in self.rows)


# `snap` is the last closing before the month; postings up to it are not read again.
_TRIAL = text(
    "WITH snap AS (SELECT max(month) AS month FROM month_close"
    "  WHERE community_id = :c AND book = :book AND month < :month),"
    " moved AS ("
    "  SELECT b.account_code, b.balance_fen AS opening, 0 AS debit, 0 AS credit"
    "   FROM closing_balance b, snap"
    "   WHERE b.community_id = :c AND b.book = :book AND b.month = snap.month"
    "  UNION ALL SELECT p.account_code,"
    "   CASE WHEN e.month < :month THEN p.amount_fen ELSE 0 END,"
    "   CASE WHEN e.month = :month AND p.amount_fen > 0 THEN p.amount_fen ELSE 0 END,"
    "   CASE WHEN e.month = :month AND p.amount_fen < 0 THEN -p.amount_fen ELSE 0 END"
    "   FROM snap, entry e JOIN posting p"
    "    ON p.community_id = e.community_id AND p.entry_id = e.id"
    "   WHERE e.community_id = :c AND e.book = :book AND e.month <= :month"
    "    AND e.month > coalesce(snap.month, '-infinity'))"
    " SELECT a.code, coalesce(sum(m.opening), 0) AS opening, coalesce(sum(m.debit), 0) AS debit,"
    "  coalesce(sum(m.credit), 0) AS credit"
    " FROM ledger_account a LEFT JOIN moved m ON m.account_code = a.code"
    " WHERE a.community_id = :c AND a.book = :book GROUP BY a.code ORDER BY a.code"
)


def trial_balance(community_id: int, book: str, month: Month) -> TrialBalance:
    """Opening, movement and closing of every account of a book in a month.

    Fen. Reads the last closing's balances and only the postings after it; always equals
    the plain sum of all postings. A book never opened has no rows.
    """
    rules.check_book(book)
    found = db.session.execute(_TRIAL, {"c": community_id, "book": book, "month": month.first})
    rows = tuple(
        TrialRow(BY_KEY[book, row.code], int(row.opening), int(row.debit), int(row.credit))
        for row in found
        if (book, row.code) in BY_KEY
    )
    return TrialBalance(book, month, rows)


def balances(community_id: int, book: str, codes: Iterable[str]) -> dict[str, Fen]:
    """The present balance of accounts of a book, debit positive; 0 where nothing moved."""
    wanted = list(codes)
    found = db.session.execute(
        text(
            "WITH snap AS (SELECT closed_through AS month FROM book"
            "  WHERE community_id = :c AND code = :book)"
            " SELECT account_code, sum(fen) AS fen FROM ("
            "  SELECT b.account_code, b.balance_fen AS fen FROM closing_balance b, snap"
            "   WHERE b.community_id = :c AND b.book = :book AND b.month = snap.month"
            "    AND b.account_code = ANY(:codes)"
            "  UNION ALL SELECT p.account_code, p.amount_fen FROM snap, entry e JOIN posting p"
            "    ON p.community_id = e.community_id AND p.entry_id = e.id"
            "   WHERE e.community_id = :c AND e.book = :book AND p.account_code = ANY(:codes)"
            "    AND e.month > coalesce(snap.month, '-infinity')) moved GROUP BY account_code"
        ),
        {"c": community_id, "book": book, "codes": wanted},
    )
    summed = {row.account_code: int(row.fen) for row in found}
    return {code: summed.get(code, 0) for code in wanted}


def opening_fen(community_id: int, book: str, code: str, month: Month) -> Fen:
    """An account's balance just before a month begins, debit positive."""
    before = month.shift(-1)
    row = next(
        (one for one in trial_balance(community_id, book, before).rows if one.account.code == code),
        None,
    )
    return row.closing_fen if row else 0

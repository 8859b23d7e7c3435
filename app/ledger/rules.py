"""What makes an entry acceptable and a month closable: pure, before PostgreSQL repeats it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import LARGEST_FEN, Fen
from app.kernel.period import Month
from app.ledger.chart import BOOKS, BY_KEY


@dataclass(frozen=True)
class Line:
    """One posting to be: debit positive, credit negative, in fen."""

    account_code: str
    amount_fen: Fen
    unit_id: int | None = None


def check_book(book: str) -> None:
    """Raises NotFound when there is no such book."""
    if book not in BOOKS:
        raise NotFound("ledger.no_book", N_("没有“%(book)s”这本账簿。"), book=book)


def check_lines(book: str, lines: Sequence[Line]) -> None:
    """An entry has two sides that sum to zero, on accounts of its book, with units where kept.

    Fen. Raises RuleBroken with a sentence naming the account. Source: DESIGN decision 3.
    """
    check_book(book)
    for line in lines:
        _check_line(book, line)
    off = sum(line.amount_fen for line in lines)
    if off != 0 or len(lines) < 2:  # one posting alone cannot sum to zero, so two sides exist
        raise RuleBroken(
            "ledger.unbalanced", N_("凭证借贷不平，相差 %(fen)s 分，没有记账。"), fen=off
        )


def _check_line(book: str, line: Line) -> None:
    account = BY_KEY.get((book, line.account_code))
    if account is None:
        raise RuleBroken(
            "ledger.no_account",
            N_("账簿“%(book)s”没有科目 %(account)s。"),
            book=book,
            account=line.account_code,
        )
    if account.by_unit and line.unit_id is None:
        raise RuleBroken(
            "ledger.unit_needed",
            N_("科目 %(account)s 按户核算，必须写明房屋。"),
            account=line.account_code,
        )
    if line.amount_fen == 0 or abs(line.amount_fen) > LARGEST_FEN:
        raise RuleBroken(
            "ledger.amount",
            N_("科目 %(account)s 的金额 %(fen)s 分不能记账。"),
            account=line.account_code,
            fen=line.amount_fen,
        )


def check_open(month: Month, closed_through: Month | None) -> None:
    """Entries go only into open months. Raises RuleBroken. Source: RULES G8 (period lock)."""
    if closed_through is not None and month <= closed_through:
        raise RuleBroken(
            "ledger.month_closed",
            N_("%(month)s 已结账（已结至 %(closed)s），不能再记账。"),
            month=str(month),
            closed=str(closed_through),
        )


def next_to_close(closed_through: Month | None, first_entry: Month | None) -> Month | None:
    """The one month that may be closed next: the one after the last, or the first with entries.

    None when nothing was ever entered, for then there is nothing to lock.
    """
    return closed_through.shift(1) if closed_through is not None else first_entry


def check_closable(
    month: Month, *, closed_through: Month | None, first_entry: Month | None, running: Month
) -> None:
    """Months close once, in order, and only when they are over.

    Raises Conflict when already closed, RuleBroken otherwise.
    """
    if closed_through is not None and month <= closed_through:
        raise Conflict("ledger.already_closed", N_("%(month)s 已经结账。"), month=str(month))
    if month >= running:
        raise RuleBroken(
            "ledger.month_not_over",
            N_("%(month)s 还没有结束，不能结账。"),
            month=str(month),
        )
    due = next_to_close(closed_through, first_entry)
    if due is None:
        raise RuleBroken("ledger.nothing_to_close", N_("这本账还没有凭证，不需要结账。"))
    if month != due:
        raise RuleBroken(
            "ledger.close_in_order",
            N_("结账要按顺序：请先结 %(due)s，再结 %(month)s。"),
            due=str(due),
            month=str(month),
        )

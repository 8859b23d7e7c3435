"""The arithmetic of a closing, in PostgreSQL: first month, digest, balances kept."""

from __future__ import annotations

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.period import Month

# One line a posting, in the order of entries and numbers; see docs/bookkeeping.md.
_DIGEST = text(
    "SELECT encode(sha256(convert_to(coalesce(string_agg(concat_ws('|', p.entry_id, p.no,"
    " p.account_code, p.unit_id, p.amount_fen), E'\\n' ORDER BY p.entry_id, p.no), ''),"
    " 'UTF8')), 'hex') FROM entry e JOIN posting p"
    " ON p.community_id = e.community_id AND p.entry_id = e.id"
    " WHERE e.community_id = :c AND e.book = :book AND e.month = :month"
)
_BALANCES = text(
    "INSERT INTO closing_balance (community_id, book, month, account_code, balance_fen)"
    " SELECT :c, :book, :month, code, sum(fen) FROM ("
    "  SELECT account_code AS code, balance_fen AS fen FROM closing_balance"
    "   WHERE community_id = :c AND book = :book AND month = :before"
    "  UNION ALL"
    "  SELECT p.account_code, sum(p.amount_fen) FROM entry e JOIN posting p"
    "   ON p.community_id = e.community_id AND p.entry_id = e.id"
    "   WHERE e.community_id = :c AND e.book = :book AND e.month = :month"
    "   GROUP BY p.account_code) moved GROUP BY code"
)


def first_month(community_id: int, book: str) -> Month | None:
    """The earliest month with an entry."""
    found = db.session.execute(
        text("SELECT min(month) FROM entry WHERE community_id = :c AND book = :book"),
        {"c": community_id, "book": book},
    ).scalar_one()
    return Month.of(found) if found else None


def digest(community_id: int, book: str, month: Month) -> str:
    """A sha256 over the month's postings in their order, computed in PostgreSQL."""
    return str(
        db.session.execute(
            _DIGEST, {"c": community_id, "book": book, "month": month.first}
        ).scalar_one()
    )


def keep_balances(community_id: int, book: str, month: Month) -> None:
    """Write each account's balance at the end of the month: the last one's plus this month's."""
    db.session.execute(
        _BALANCES,
        {
            "c": community_id,
            "book": book,
            "month": month.first,
            "before": month.shift(-1).first,
        },
    )

"""Which months of which book are open, closed or next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, text

from app.kernel import clock
from app.kernel.db import db
from app.kernel.money import Fen
from app.kernel.period import Month
from app.ledger import rules
from app.ledger.chart import BOOKS


@dataclass(frozen=True)
class MonthState:
    """A month of a book: `closed`, `next` (may be closed now), `open` or `running`."""

    month: Month
    state: str
    entry_count: int
    turnover_fen: Fen  # the sum of its debits
    closed_at: datetime | None = None
    closed_by: int | None = None
    digest: str | None = None


@dataclass(frozen=True)
class BookState:
    """A book at a glance. `next_month` is the month to close next, `closable` whether it may be."""

    code: str
    closed_through: Month | None
    next_month: Month | None
    closable: bool
    first_month: Month | None
    last_month: Month | None
    entry_count: int
    bank_fen: Fen
    receivable_fen: Fen


def books(community_id: int) -> list[BookState]:
    """All four books in the chart's order, opened or not; one statement."""
    rows = db.session.execute(
        text(
            "SELECT code.code, b.closed_through, e.first, e.last,"
            "  coalesce(e.count, 0) AS entry_count,"
            "  coalesce(p.bank, 0) AS bank, coalesce(p.receivable, 0) AS receivable"
            " FROM unnest(CAST(:books AS text[])) WITH ORDINALITY AS code (code, no)"
            " LEFT JOIN book b ON b.community_id = :c AND b.code = code.code"
            " LEFT JOIN LATERAL (SELECT min(month) AS first, max(month) AS last, count(*)"
            "  FROM entry WHERE community_id = :c AND book = code.code) e ON true"
            " LEFT JOIN LATERAL (SELECT"
            "   sum(fen) FILTER (WHERE account_code IN ('1001', '1002', '1012')) AS bank,"
            "   sum(fen) FILTER (WHERE account_code IN ('1122', '1221')) AS receivable"
            "  FROM (SELECT account_code, balance_fen AS fen FROM closing_balance"
            "    WHERE community_id = :c AND book = code.code AND month = b.closed_through"
            "   UNION ALL SELECT p.account_code, p.amount_fen FROM entry e JOIN posting p"
            "    ON p.community_id = e.community_id AND p.entry_id = e.id"
            "    WHERE e.community_id = :c AND e.book = code.code"
            "     AND e.month > coalesce(b.closed_through, '-infinity')) moved) p ON true"
            " ORDER BY code.no"
        ),
        {"c": community_id, "books": list(BOOKS)},
    )
    running = Month.of(clock.today())
    return [_book(row, running) for row in rows]


def closed_through(community_id: int, book: str) -> Month | None:
    """The last closed month of a book; None when none is, or the book is not opened yet."""
    found = db.session.execute(
        text("SELECT closed_through FROM book WHERE community_id = :c AND code = :book"),
        {"c": community_id, "book": book},
    ).scalar_one_or_none()
    return _month(found)


def month_states(community_id: int, book: str) -> list[MonthState]:
    """The months of a book from its first entry to the running one, newest first."""
    rules.check_book(book)
    rows = db.session.execute(
        text(
            "SELECT coalesce(m.month, k.month) AS month, coalesce(m.count, 0) AS entry_count,"
            "  coalesce(m.turnover, 0) AS turnover, k.closed_at, k.closed_by, k.digest"
            " FROM (SELECT e.month, count(DISTINCT e.id) AS count,"
            "   sum(p.amount_fen) FILTER (WHERE p.amount_fen > 0) AS turnover"
            "  FROM entry e JOIN posting p ON p.community_id = e.community_id"
            "   AND p.entry_id = e.id WHERE e.community_id = :c AND e.book = :book"
            "  GROUP BY e.month) m"
            " FULL JOIN (SELECT * FROM month_close WHERE community_id = :c AND book = :book) k"
            "  ON k.month = m.month"
        ),
        {"c": community_id, "book": book},
    ).all()
    if not rows:
        return []
    known = {Month.of(row.month): row for row in rows}
    running = Month.of(clock.today())
    closed = [month for month, row in known.items() if row.closed_at is not None]
    due = rules.next_to_close(max(closed, default=None), min(known))
    states = []
    for month in min(known).until(max(running, *known)):
        row = known.get(month)
        states.append(
            MonthState(
                month,
                _state(month, row is not None and row.closed_at is not None, due, running),
                int(row.entry_count) if row else 0,
                int(row.turnover) if row else 0,
                row.closed_at if row else None,
                row.closed_by if row else None,
                row.digest if row else None,
            )
        )
    return states[::-1]


def _state(month: Month, closed: bool, due: Month | None, running: Month) -> str:
    if closed:
        return "closed"
    if month >= running:
        return "running"
    return "next" if month == due else "open"


def _book(row: Row[Any], running: Month) -> BookState:
    closed_through, first = _month(row.closed_through), _month(row.first)
    due = rules.next_to_close(closed_through, first)
    return BookState(
        code=row.code,
        closed_through=closed_through,
        next_month=due,
        closable=due is not None and due < running,
        first_month=first,
        last_month=_month(row.last),
        entry_count=row.entry_count,
        bank_fen=int(row.bank),
        receivable_fen=int(row.receivable),
    )


def _month(day: date | None) -> Month | None:
    return Month.of(day) if day else None

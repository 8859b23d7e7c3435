"""What acts on a line need of the books and the streets."""

from __future__ import annotations

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.period import Month
from app.ledger import queries as books
from app.payments.bank.service import BankLine


def month_for(line: BankLine, book: str) -> Month:
    """The line's month, or the first of the book that takes entries."""
    closed = books.closed_through(line.community_id, book)
    month = Month.of(line.booked_on)
    return max(month, closed.shift(1)) if closed else month


def street_names(community_id: int) -> list[str]:
    """The streets that pay this community's subsidy."""
    return list(
        db.session.scalars(
            text(
                "SELECT DISTINCT r.name FROM subsidy_scheme s"
                " JOIN region r ON r.id = s.payer_region_id WHERE s.community_id = :c"
            ),
            {"c": community_id},
        )
    )

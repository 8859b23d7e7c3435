"""The month a bill's entry goes into."""

from __future__ import annotations

from datetime import date

from app.billing.bills import postings
from app.kernel import clock
from app.kernel.period import Month
from app.ledger import queries as books


def open_month(community_id: int, wanted: date | None = None) -> Month:
    """The month of a day, today unless given, or the first that takes entries when it is closed."""
    closed = books.closed_through(community_id, postings.BOOK)
    month = Month.of(wanted or clock.today())
    return max(month, closed.shift(1)) if closed else month

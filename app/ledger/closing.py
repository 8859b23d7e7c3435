"""The arithmetic of a closing, in PostgreSQL: first month, digest, balances kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.period import Month

# A closing's digest is over the one before it, itself, and the seals of its month's entries,
# a line each; `{closing}` has the columns of month_close. See docs/bookkeeping.md.
DIGEST_OF = """
SELECT m.community_id, m.book, m.month, max(e.id) AS last_entry_id,
       encode(sha256(convert_to(concat_ws(E'\\n',
         coalesce(before.digest, ''), m.book, to_char(m.month::timestamp, 'YYYY-MM'),
         to_char(m.closed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
         coalesce(m.closed_by::text, ''),
         string_agg(e.id || ':' || encode(s.digest, 'hex'), E'\\n' ORDER BY e.id)
       ), 'UTF8')), 'hex') AS digest
  FROM {closing} m
  LEFT JOIN month_close before ON before.community_id = m.community_id
   AND before.book = m.book AND before.month = (m.month - interval '1 month')::date
  LEFT JOIN entry e ON e.community_id = m.community_id AND e.book = m.book AND e.month = m.month
  LEFT JOIN entry_seal s ON s.community_id = e.community_id AND s.entry_id = e.id
 GROUP BY m.community_id, m.book, m.month, m.closed_at, m.closed_by, before.digest
"""

_CLOSE = text(
    "WITH closing AS (SELECT CAST(:c AS bigint) AS community_id,"  # noqa: S608 -- constants
    " CAST(:book AS text) AS book,"
    " CAST(:month AS date) AS month, CAST(:at AS timestamptz) AS closed_at,"
    " CAST(:by AS bigint) AS closed_by), computed AS ("
    + DIGEST_OF.format(closing="closing")
    + ") INSERT INTO month_close"
    " (community_id, book, month, closed_at, closed_by, last_entry_id, digest)"
    " SELECT community_id, book, month, :at, :by, last_entry_id, digest FROM computed"
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


def keep(community_id: int, book: str, month: Month, *, at: datetime, by: int | None) -> None:
    """Write the closing with its digest, and each account's balance at the end of the month."""
    _seal_entries()
    db.session.execute(
        _CLOSE, {"c": community_id, "book": book, "month": month.first, "at": at, "by": by}
    )
    db.session.execute(
        _BALANCES,
        {"c": community_id, "book": book, "month": month.first, "before": month.shift(-1).first},
    )


def _seal_entries() -> None:
    """Let PostgreSQL seal this transaction's own entries now instead of at its commit."""
    db.session.execute(text("SET CONSTRAINTS entry_postings IMMEDIATE"))
    db.session.execute(text("SET CONSTRAINTS entry_postings DEFERRED"))

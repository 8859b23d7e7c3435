"""Reads of the daily check: expectations of each side, figures of the day. Set-based.

The statements join tables of payments and ledger, lower rooms, as matching does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, String, cast, func, select, text

from app.billing.bank import queries
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen
from app.ledger.chart import BANK, CASH, IN_TRANSIT
from app.payments.bank import checking as rules
from app.payments.bank.checking import Difference, Expected
from app.payments.bank.models import CheckDay, CheckDifference

_BOOKS = text(
    "SELECT DISTINCT book FROM (SELECT book FROM bank_account WHERE community_id = :c"
    " UNION SELECT book FROM settlement_account WHERE community_id = :c) b ORDER BY book"
)

_REACH = text("""
SELECT min(a.checked_from) AS since, max(GREATEST(f.ends_on, l.last_on)) AS until
  FROM bank_account a
  LEFT JOIN (SELECT account_id, max(ends_on) AS ends_on FROM statement_file
      WHERE community_id = :c AND status = 'applied' GROUP BY 1) f ON f.account_id = a.id
  LEFT JOIN (SELECT account_id, max(booked_on) AS last_on FROM bank_line
      WHERE community_id = :c GROUP BY 1) l ON l.account_id = a.id
 WHERE a.community_id = :c AND a.book = :book AND a.kind = 'bank'
""")

_ONLINE = text("""
SELECT 'payment:' || p.id AS subject, p.received_on AS day, p.amount_fen,
       COALESCE(x.fen, 0)::bigint AS seen_fen, p.disputed_fen
  FROM payment p LEFT JOIN (SELECT l.payment_id, sum(l.amount_fen) AS fen FROM payout_line l
      JOIN payout o ON o.community_id = l.community_id AND o.id = l.payout_id
       AND o.status = 'paid' WHERE l.community_id = :c AND l.kind = 'payment'
      GROUP BY 1) x ON x.payment_id = p.id
 WHERE p.community_id = :c AND p.book = :book AND p.channel = 'stripe'
   AND p.status IN ('received', 'settled') AND p.received_on <= :day
   AND (p.amount_fen <> COALESCE(x.fen, 0) OR p.disputed_fen > 0)
""")

_PAYOUTS = text("""
SELECT 'payout:' || o.id AS subject, o.arrives_on AS day, o.amount_fen,
       COALESCE(m.fen, 0)::bigint AS seen_fen, 0 AS disputed_fen
  FROM payout o JOIN settlement_account s ON s.community_id = o.community_id
    AND s.id = o.settlement_account_id AND s.book = :book
  LEFT JOIN (SELECT payout_id, sum(amount_fen) AS fen FROM bank_match WHERE community_id = :c
      AND undone_at IS NULL GROUP BY 1) m ON m.payout_id = o.id
 WHERE o.community_id = :c AND o.status = 'paid' AND o.arrives_on BETWEEN :since AND :until
   AND o.amount_fen <> COALESCE(m.fen, 0)
""")

_TRANSFERS = text("""
SELECT 'payment:' || p.id AS subject, p.received_on AS day,
       p.amount_fen - p.refunded_fen AS amount_fen, COALESCE(m.fen, 0)::bigint AS seen_fen,
       p.disputed_fen
  FROM payment p LEFT JOIN (SELECT payment_id, sum(amount_fen) AS fen FROM bank_match
      WHERE community_id = :c AND undone_at IS NULL GROUP BY 1) m ON m.payment_id = p.id
 WHERE p.community_id = :c AND p.book = :book AND p.channel IN ('counter', 'bank')
   AND p.means IN ('transfer', 'pos') AND p.received_on BETWEEN :since AND :until
   AND p.amount_fen - p.refunded_fen <> COALESCE(m.fen, 0)
""")

_LINES = text("""
SELECT 'line:' || l.id AS subject, l.booked_on AS day,
       l.amount_fen - COALESCE((SELECT sum(m.amount_fen) FROM bank_match m
         WHERE m.community_id = l.community_id AND m.line_id = l.id
           AND m.undone_at IS NULL), 0)::bigint AS left_fen
  FROM bank_line l JOIN bank_account a ON a.community_id = l.community_id
    AND a.id = l.account_id AND a.book = :book
 WHERE l.community_id = :c AND l.status IN ('unmatched', 'proposed') AND l.booked_on <= :day
""")

_FIGURES = text("""
SELECT
 (SELECT COALESCE(sum(amount_fen), 0) FROM payment WHERE community_id = :c AND book = :book
   AND channel = 'stripe' AND received_on = :day)::bigint AS gateway_in,
 (SELECT COALESCE(sum(o.amount_fen), 0) FROM payout o JOIN settlement_account s
   ON s.community_id = o.community_id AND s.id = o.settlement_account_id AND s.book = :book
   WHERE o.community_id = :c AND o.status = 'paid' AND o.arrives_on = :day)::bigint
   AS gateway_out,
 (SELECT COALESCE(sum(l.amount_fen) FILTER (WHERE l.amount_fen > 0), 0) FROM bank_line l
   JOIN bank_account a ON a.community_id = l.community_id AND a.id = l.account_id
    AND a.book = :book AND a.kind = 'bank'
   WHERE l.community_id = :c AND l.booked_on = :day)::bigint AS bank_in,
 (SELECT COALESCE(sum(l.amount_fen) FILTER (WHERE l.amount_fen < 0), 0) FROM bank_line l
   JOIN bank_account a ON a.community_id = l.community_id AND a.id = l.account_id
    AND a.book = :book AND a.kind = 'bank'
   WHERE l.community_id = :c AND l.booked_on = :day)::bigint AS bank_out,
 COALESCE(sum(p.amount_fen) FILTER (WHERE p.account_code = :bank), 0)::bigint AS book_bank,
 COALESCE(sum(p.amount_fen) FILTER (WHERE p.account_code = :transit), 0)::bigint AS book_transit,
 COALESCE(sum(p.amount_fen) FILTER (WHERE p.account_code = :cash), 0)::bigint AS book_cash
 FROM entry e LEFT JOIN posting p ON p.community_id = e.community_id AND p.entry_id = e.id
WHERE e.community_id = :c AND e.book = :book AND e.posted_on = :day
""")


@dataclass(frozen=True)
class DayRow:
    """A checked day of a book."""

    day: date
    figures: dict[str, Fen]
    found_count: int
    checked_at: datetime


def books(community_id: int) -> list[str]:
    """Books that have an account at a bank, a wallet or the gateway."""
    return list(db.session.scalars(_BOOKS, {"c": community_id}))


def reach(community_id: int, book: str) -> tuple[date, date] | None:
    """From when a book's bank accounts are checked and until when their statements reach."""
    row = db.session.execute(_REACH, {"c": community_id, "book": book}).one()
    return None if row.since is None or row.until is None else (row.since, row.until)


def differences(community_id: int, book: str, day: date) -> list[Difference]:
    """All that does not agree at the end of a day, each thing once."""
    found = {
        one.subject: one
        for expected, until in _expected(community_id, book, day)
        if (one := rules.classify(expected, until)) is not None
    }
    here = {"c": community_id, "book": book, "day": day}
    for row in db.session.execute(_LINES, here):
        found[row.subject] = Difference(row.subject, "unmatched", row.day, row.left_fen)
    found |= {one.subject: one for one in _unbacked(community_id, book, day)}
    return sorted(found.values(), key=lambda one: (one.on, one.subject))


def _expected(community_id: int, book: str, day: date) -> Iterator[tuple[Expected, date]]:
    here: dict[str, Any] = {"c": community_id, "book": book, "day": day}
    for row in db.session.execute(_ONLINE, here):
        yield Expected(*row), day
    at_bank = reach(community_id, book)
    if at_bank is None:
        return
    since, until = at_bank[0], min(day, at_bank[1])
    for sql in (_PAYOUTS, _TRANSFERS):
        for row in db.session.execute(sql, {**here, "since": since, "until": until}):
            yield Expected(*row), until


def _unbacked(community_id: int, book: str, day: date) -> Iterator[Difference]:
    at_bank = reach(community_id, book)
    if at_bank is None:
        return
    since, until = at_bank[0], min(day, at_bank[1])
    here = {"c": community_id, "book": book, "since": since, "code": BANK}
    for row in db.session.execute(text(queries.ENTRIES), here):
        if (until - row.posted_on).days > rules.LATE_AFTER:
            left = int(row.left_fen)
            yield Difference(f"entry:{row.id}", "unbacked", row.posted_on, left)


def figures(community_id: int, book: str, day: date) -> dict[str, Fen]:
    """What each side says of a day."""
    row = db.session.execute(
        _FIGURES,
        {
            "c": community_id,
            "book": book,
            "day": day,
            "bank": BANK,
            "transit": IN_TRANSIT,
            "cash": CASH,
        },
    ).one()
    return {key: int(value) for key, value in row._mapping.items()}


def days(community_id: int, book: str, limit: int = 31) -> list[DayRow]:
    """The days checked last, newest first."""
    rows = db.session.execute(
        select(CheckDay.day, CheckDay.figures, CheckDay.found_count, CheckDay.checked_at)
        .where(CheckDay.community_id == community_id, CheckDay.book == book)
        .order_by(CheckDay.day.desc())
        .limit(limit)
    ).all()
    return [DayRow(*row) for row in rows]


def listed(community_id: int, book: str) -> Select[Any]:
    """Differences that are not gone, explained or not."""
    return select(
        CheckDifference.id,
        CheckDifference.subject,
        func.split_part(CheckDifference.subject, ":", 1).label("side"),
        func.split_part(cast(CheckDifference.subject, String), ":", 2).label("number"),
        CheckDifference.kind,
        CheckDifference.day,
        CheckDifference.amount_fen,
        CheckDifference.found_at,
        CheckDifference.reason,
        CheckDifference.explained_at,
    ).where(
        CheckDifference.community_id == community_id,
        CheckDifference.book == book,
        CheckDifference.gone_at.is_(None),
    )


def difference(community_id: int, difference_id: int) -> CheckDifference:
    """One difference. Raises NotFound."""
    one = db.session.get(CheckDifference, (community_id, difference_id))
    if one is None:
        raise NotFound("bank.no_difference", N_("没有这项差异。"))
    return one

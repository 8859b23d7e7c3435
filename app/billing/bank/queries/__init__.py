"""Reads for matching: homes with what is open, what our books expect; set-based.

The statements join tables of the lower rooms (payments, registry, ledger): a line is compared
with thousands of rows, so names and sums are read together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.money import Fen
from app.ledger.chart import BANK
from app.payments.bank.models import BankAccount, BankLine
from app.payments.bank.rooms import Door, Doors
from app.payments.bank.rules import Book, Home, Known, Movement, OpenBill

LOOK_BACK = timedelta(days=120)

_HOMES = text("""
SELECT u.id, u.label, b.code AS building, COALESCE(e.code, '') AS entrance, u.room, names.list
       AS names, bills.list AS bills
  FROM unit u JOIN building b ON b.community_id = u.community_id AND b.id = u.building_id
  LEFT JOIN entrance e ON e.community_id = u.community_id AND e.id = u.entrance_id
  LEFT JOIN (SELECT h.unit_id, array_agg(DISTINCT p.name) AS list FROM (
      SELECT unit_id, person_id FROM ownership WHERE community_id = :c
         AND (ends_on IS NULL OR ends_on > :day)
      UNION ALL SELECT unit_id, person_id FROM occupant WHERE community_id = :c
         AND (ends_on IS NULL OR ends_on > :day)
      UNION ALL SELECT unit_id, payer_id FROM bill WHERE community_id = :c AND open_fen > 0
         AND payer_id IS NOT NULL) h
      JOIN person p ON p.community_id = :c AND p.id = h.person_id GROUP BY h.unit_id
    ) names ON names.unit_id = u.id
  LEFT JOIN (SELECT unit_id, jsonb_agg(jsonb_build_array(id, month, due_on, open_fen)) AS list
      FROM bill WHERE community_id = :c AND open_fen > 0 GROUP BY unit_id
    ) bills ON bills.unit_id = u.id
 WHERE u.community_id = :c AND (CAST(:units AS bigint[]) IS NULL OR u.id = ANY (:units))
""")

_KNOWN = text("""
SELECT 'payment' AS kind, p.id, p.amount_fen - p.refunded_fen - COALESCE(m.fen, 0) AS left_fen,
       p.received_on AS day, p.reference AS number, p.payer_name AS name
  FROM payment p LEFT JOIN (SELECT payment_id, sum(amount_fen) AS fen FROM bank_match
      WHERE community_id = :c AND undone_at IS NULL AND payment_id IS NOT NULL GROUP BY 1) m
    ON m.payment_id = p.id
 WHERE p.community_id = :c AND p.book = :book AND p.channel <> 'stripe'
   AND p.means IN ('transfer', 'pos') AND p.received_on >= :since
   AND p.amount_fen - p.refunded_fen - COALESCE(m.fen, 0) <> 0
UNION ALL
SELECT 'payout', o.id, o.amount_fen - COALESCE(m.fen, 0), o.arrives_on, o.gateway_payout_id, ''
  FROM payout o JOIN settlement_account s ON s.community_id = o.community_id
    AND s.id = o.settlement_account_id AND s.book = :book
  LEFT JOIN (SELECT payout_id, sum(amount_fen) AS fen FROM bank_match
      WHERE community_id = :c AND undone_at IS NULL AND payout_id IS NOT NULL GROUP BY 1) m
    ON m.payout_id = o.id
 WHERE o.community_id = :c AND o.status = 'paid' AND o.arrives_on >= :since
   AND o.amount_fen - COALESCE(m.fen, 0) <> 0
""")

# Entries of the bank account that no payment, payout or line stands behind.
ENTRIES = """
SELECT e.id, e.kind, e.posted_on, e.memo, x.fen - COALESCE(m.fen, 0) AS left_fen
  FROM entry e JOIN (SELECT entry_id, sum(amount_fen) AS fen FROM posting
      WHERE community_id = :c AND book = :book AND account_code = :code
      GROUP BY 1 HAVING sum(amount_fen) <> 0) x ON x.entry_id = e.id
  LEFT JOIN (SELECT entry_id, sum(amount_fen) AS fen FROM bank_match WHERE community_id = :c
      AND undone_at IS NULL AND kind IN ('deposit', 'entry') GROUP BY 1) m ON m.entry_id = e.id
 WHERE e.community_id = :c AND e.book = :book AND e.posted_on >= :since
   AND e.kind NOT IN ('payout:paid', 'opening') AND NOT starts_with(e.kind, 'bank:')
   AND x.fen <> COALESCE(m.fen, 0) AND e.reverses_id IS NULL
   AND NOT EXISTS (SELECT FROM entry r WHERE r.community_id = :c AND r.reverses_id = e.id)
   AND NOT EXISTS (SELECT FROM settlement s WHERE s.community_id = :c AND s.entry_id = e.id
      AND s.payment_id IS NOT NULL)
"""

_STREETS = text(
    "SELECT DISTINCT r.name FROM subsidy_scheme s JOIN region r ON r.id = s.payer_region_id"
    " WHERE s.community_id = :c"
)


@dataclass(frozen=True)
class HomeChoice:
    """A home a person may lay money on by hand."""

    unit_id: int
    label: str
    names: tuple[str, ...]
    open_fen: Fen
    bills: tuple[OpenBill, ...]


def book_of(community_id: int, account: BankAccount, since: date, day: date) -> Book:
    """All that lines of an account since a day may be matched to; four statements."""
    known = known_of(community_id, account, since)
    if account.book != "service":
        return Book.of((), Doors(), known)
    homes, doors = _homes(community_id, day)
    streets = db.session.scalars(_STREETS, {"c": community_id}).all()
    return Book.of(homes, doors, known, streets)


def known_of(community_id: int, account: BankAccount, since: date) -> list[Known]:
    """What the books have and no line was matched to, from so long before `since`."""
    if account.kind != "bank":
        return []
    here = {"c": community_id, "book": account.book, "since": since - LOOK_BACK}
    known = [
        Known(row.kind, row.id, int(row.left_fen), row.day, (row.number,), row.name)
        for row in db.session.execute(_KNOWN, here)
    ]
    known += [
        Known(
            "deposit" if row.kind == "till:banked" else "entry",
            row.id,
            int(row.left_fen),
            row.posted_on,
            (row.memo,),
        )
        for row in db.session.execute(text(ENTRIES), {**here, "code": BANK})
    ]
    return known


def _homes(community_id: int, day: date) -> tuple[list[Home], Doors]:
    rows = db.session.execute(_HOMES, {"c": community_id, "day": day, "units": None}).all()
    homes = [_home(row) for row in rows]
    return homes, Doors.of(Door(row.id, row.building, row.entrance, row.room) for row in rows)


def _home(row: Any) -> Home:
    bills = tuple(
        OpenBill(one[0], date.fromisoformat(one[1]), date.fromisoformat(one[2]), one[3])
        for one in sorted(row.bills or (), key=lambda one: (one[2], one[0]))
    )
    return Home(row.id, row.label, tuple(row.names or ()), bills)


def homes(community_id: int, unit_ids: list[int], day: date) -> list[HomeChoice]:
    """Some homes with what is open there."""
    rows = db.session.execute(_HOMES, {"c": community_id, "day": day, "units": unit_ids}).all()
    found = sorted((_home(row) for row in rows), key=lambda one: unit_ids.index(one.unit_id))
    return [HomeChoice(one.unit_id, one.label, one.names, one.open_fen, one.bills) for one in found]


def movement(line: BankLine, left_fen: Fen | None = None) -> Movement:
    """A line as matching reads it; with `left_fen` only what is not matched yet."""
    return Movement(
        amount_fen=line.amount_fen if left_fen is None else left_fen,
        on=line.booked_on,
        counterparty=line.counterparty,
        remark=line.remark,
        reference=line.reference,
        order_no=line.order_no,
        kind=line.kind,
    )

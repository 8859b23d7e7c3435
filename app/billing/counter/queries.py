"""Reads of the counter: homes to take money for, a payment taken, shifts and their movements.

Joins bills, payments, receipts and the roll in SQL text: a cashier's page is one question.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select, text

from app.billing.counter.models import Shift, TillMovement
from app.identity.rules import read_printed_code
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen
from app.registry import queries as registry

MOST_HOMES = 20


@dataclass(frozen=True)
class HomeRow:
    """A home that a search found: whose it is, what is open."""

    id: int
    label: str
    area_m2: Any
    owners: str
    bills: int
    open_fen: Fen
    credit_fen: Fen


@dataclass(frozen=True)
class OpenBill:
    """A bill with something left to pay."""

    id: int
    month: date
    due_on: date
    payer_id: int | None
    payer_name: str | None
    total_fen: Fen
    open_fen: Fen
    mine: bool  # of who owns the home today, or of nobody in particular


@dataclass(frozen=True)
class PaymentRow:
    """A payment over the counter with its receipt, and whether it was undone."""

    id: int
    amount_fen: Fen
    means: str
    payer_name: str
    reference: str
    note: str
    refunded_fen: Fen
    settled_at: datetime
    shift_id: int
    shift_open: bool
    cashier_id: int | None
    tendered_fen: Fen | None
    unit_id: int
    unit_label: str
    receipt_id: int
    written: str


@dataclass(frozen=True)
class Sums:
    """What went through a shift's till, by how it was paid; fen, banked below zero."""

    count: int
    cash_fen: Fen
    pos_fen: Fen
    transfer_fen: Fen
    banked_fen: Fen


_HOMES = text("""
SELECT u.id, u.label, u.area_m2,
  COALESCE((SELECT string_agg(p.name, '、' ORDER BY o.share_numerator DESC, p.id) FROM ownership o
    JOIN person p ON p.community_id = o.community_id AND p.id = o.person_id
   WHERE o.community_id = :c AND o.unit_id = u.id AND o.starts_on <= :today
     AND (o.ends_on IS NULL OR o.ends_on > :today)), '') AS owners,
  (SELECT count(*) FROM bill b WHERE b.community_id = :c AND b.unit_id = u.id
     AND b.open_fen > 0) AS bills,
  COALESCE((SELECT sum(b.open_fen) FROM bill b WHERE b.community_id = :c AND b.unit_id = u.id
     AND b.open_fen > 0), 0)::bigint AS open_fen,
  COALESCE((SELECT sum(CASE WHEN s.means = 'credit' THEN -s.amount_fen ELSE s.credit_fen END)
    FROM settlement s WHERE s.community_id = :c AND s.unit_id = u.id), 0)::bigint AS credit_fen
FROM unit u WHERE u.community_id = :c AND u.id = ANY (CAST(:ids AS bigint[]))
ORDER BY u.sort_key, u.id
""")
_OPEN = text("""
SELECT b.id, b.month, b.due_on, b.payer_id, p.name AS payer_name,
  b.resident_fen + b.notes_fen AS total_fen, b.open_fen,
  b.payer_id IS NULL OR EXISTS (SELECT FROM ownership o WHERE o.community_id = :c
    AND o.unit_id = :unit AND o.person_id = b.payer_id AND o.starts_on <= :today
    AND (o.ends_on IS NULL OR o.ends_on > :today)) AS mine
FROM bill b LEFT JOIN person p ON p.community_id = b.community_id AND p.id = b.payer_id
WHERE b.community_id = :c AND b.unit_id = :unit AND b.open_fen > 0 ORDER BY b.due_on, b.id
""")
_PAYMENTS = """
SELECT p.id, p.amount_fen, p.means, COALESCE(NULLIF(r.payer_name, ''), p.payer_name) AS payer_name,
  p.reference, p.note, p.refunded_fen, p.settled_at, m.shift_id, s.closed_at IS NULL AS shift_open,
  m.made_by AS cashier_id, m.tendered_fen, r.unit_id, r.unit_label, r.id AS receipt_id,
  'W' || to_char(r.year, 'FM0000') || '-' || to_char(r.number, 'FM000000') AS written
FROM till_movement m
  JOIN payment p ON p.community_id = m.community_id AND p.id = m.payment_id
  JOIN shift s ON s.community_id = m.community_id AND s.id = m.shift_id
  JOIN receipt r ON r.community_id = p.community_id AND r.payment_id = p.id
WHERE m.community_id = :c AND m.kind = 'taken'
"""


def find_homes(community_id: int, word: str, today: date) -> list[HomeRow]:
    """Homes by room, owner's name, phone's last four, or the code or QR text of a bill."""
    return homes(community_id, _found(community_id, word), today)


def homes(community_id: int, ids: list[int], today: date) -> list[HomeRow]:
    """These homes with what is open on them."""
    if not ids:
        return []
    rows = db.session.execute(_HOMES, {"c": community_id, "ids": ids, "today": today})
    return [HomeRow(**row._mapping) for row in rows]


def home(community_id: int, unit_id: int, today: date) -> HomeRow:
    """One home. Raises NotFound."""
    found = homes(community_id, [unit_id], today)
    if not found:
        raise NotFound("unit.none", N_("没有这套房屋。"))
    return found[0]


def open_bills(community_id: int, unit_id: int, today: date) -> list[OpenBill]:
    """What is open on a home, of all who held it, the oldest due first."""
    rows = db.session.execute(_OPEN, {"c": community_id, "unit": unit_id, "today": today})
    return [OpenBill(**row._mapping) for row in rows]


def payment(community_id: int, payment_id: int) -> PaymentRow:
    """One payment over the counter. Raises NotFound."""
    row = db.session.execute(
        text(f"{_PAYMENTS} AND p.id = :id"), {"c": community_id, "id": payment_id}
    ).one_or_none()
    if row is None:
        raise NotFound("payment.none", N_("没有这笔柜台收款。"))
    return PaymentRow(**row._mapping)


def payments_of_shift(community_id: int, shift_id: int, most: int = 1000) -> list[PaymentRow]:
    """What a shift took, newest first."""
    rows = db.session.execute(
        text(f"{_PAYMENTS} AND m.shift_id = :shift ORDER BY m.id DESC LIMIT :most"),
        {"c": community_id, "shift": shift_id, "most": most},
    )
    return [PaymentRow(**row._mapping) for row in rows]


def shift_of(community_id: int, cashier_id: int) -> Shift | None:
    """A cashier's open shift, if there is one."""
    return db.session.scalars(
        select(Shift).filter_by(community_id=community_id, cashier_id=cashier_id, closed_at=None)
    ).one_or_none()


def shift(community_id: int, shift_id: int) -> Shift:
    """One shift. Raises NotFound."""
    found = db.session.get(Shift, (community_id, shift_id))
    if found is None:
        raise NotFound("shift.none", N_("没有这个班次。"))
    return found


def sums(community_id: int, shift_id: int) -> Sums:
    """What went through a shift's till: taken less given back, and what was banked."""
    row = db.session.execute(
        select(
            _count(),
            _sum(TillMovement.means == "cash", TillMovement.kind != "banked"),
            _sum(TillMovement.means == "pos"),
            _sum(TillMovement.means == "transfer"),
            _sum(TillMovement.kind == "banked"),
        ).where(TillMovement.community_id == community_id, TillMovement.shift_id == shift_id)
    ).one()
    return Sums(*(int(value) for value in row))


def others(community_id: int, shift_id: int) -> list[TillMovement]:
    """What else went through a shift's till: given back, banked."""
    return list(
        db.session.scalars(
            select(TillMovement)
            .filter_by(community_id=community_id, shift_id=shift_id)
            .where(TillMovement.kind != "taken")
            .order_by(TillMovement.id)
        )
    )


shift_status: ColumnElement[str] = case(
    (Shift.closed_at.is_(None), "open"), (Shift.accepted_at.is_(None), "closed"), else_="accepted"
)


def shifts(community_id: int) -> Select[Any]:
    """A community's shifts with their totals, unordered, for a list."""
    moved = (
        select(
            TillMovement.shift_id,
            _count().label("count"),
            _sum(TillMovement.means == "cash", TillMovement.kind != "banked").label("cash_fen"),
            _sum(TillMovement.means == "pos").label("pos_fen"),
            _sum(TillMovement.means == "transfer").label("transfer_fen"),
            _sum(TillMovement.kind == "banked").label("banked_fen"),
        )
        .where(TillMovement.community_id == community_id)
        .group_by(TillMovement.shift_id)
        .subquery()
    )
    names = ("count", "cash_fen", "pos_fen", "transfer_fen", "banked_fen")
    return (
        select(
            Shift.id,
            Shift.cashier_name,
            Shift.opened_at,
            Shift.closed_at,
            Shift.float_fen,
            Shift.counted_fen,
            Shift.expected_fen,
            Shift.difference_fen,
            Shift.reason,
            Shift.accepted_name,
            Shift.accepted_at,
            shift_status.label("status"),
            *(func.coalesce(moved.c[name], 0).label(name) for name in names),
        )
        .outerjoin(moved, moved.c.shift_id == Shift.id)
        .where(Shift.community_id == community_id)
    )


def _sum(*wheres: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(TillMovement.amount_fen).filter(*wheres), 0)


def _count() -> ColumnElement[int]:
    return func.count().filter(TillMovement.kind == "taken")


def _found(community_id: int, word: str) -> list[int]:
    """A word as a bill's code (typed, or the address in its QR code), else as people search."""
    code = read_printed_code(word.rsplit("/b/", 1)[-1].replace("/", "-"))
    if code is not None and code[0] == community_id:
        found = db.session.execute(
            text("SELECT id FROM unit WHERE community_id = :c AND binding_code = :code"),
            {"c": community_id, "code": code[1]},
        ).scalar_one_or_none()
        if found is not None:
            return [found]
    return [row.id for row in registry.search_units(community_id, word, MOST_HOMES)]

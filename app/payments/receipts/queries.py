"""Reads of receipts and requests for fapiao: lists, one, a resident's own, a check by code.

A resident sees a receipt of a home bound to their account when they paid it themselves, or when
its payer is the person of the binding (bound by the code alone: an owner on the day of binding);
never what another owner before or after them paid. Reads `unit_binding` and `ownership` in SQL
text, because the question is one of sets. Source: RULES G1, G4.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    text,
)

from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen
from app.kernel.period import Month
from app.payments.receipts import rules
from app.payments.receipts.models import FapiaoRequest, Receipt

NONE = N_("没有这张收据。")
LAST_CHARACTER = "\U0010ffff"
status_of: ColumnElement[str] = case(
    (Receipt.voided_at.is_not(None), "void"), (Receipt.returned_fen > 0, "part"), else_="good"
)
WRITTEN: ColumnElement[str] = (
    case(rules.BOOK_LETTERS, value=Receipt.book)
    + func.to_char(Receipt.year, "FM0000")
    + "-"
    + func.to_char(Receipt.number, "FM000000")
).label("written")
MONTHS: ColumnElement[str] = literal_column(
    "(SELECT string_agg(l ->> 'month', ' ' ORDER BY l ->> 'month')"
    " FROM jsonb_array_elements(receipt.lines) l)"
).label("months")
SUBSIDY_FEN: ColumnElement[int] = literal_column(
    "(SELECT COALESCE(sum((l ->> 'subsidy_fen')::bigint), 0)::bigint"
    " FROM jsonb_array_elements(receipt.lines) l)"
).label("subsidy_fen")
BY_NUMBER = cast(Receipt.year, BigInteger) * 10**9 + Receipt.number


@dataclass(frozen=True)
class LineRow:
    """A bill's part of a receipt, as it stood when the money was laid."""

    month: Month
    bill_id: int
    amount_fen: Fen
    gross_fen: Fen
    subsidy_fen: Fen
    open_fen: Fen


@dataclass(frozen=True)
class ReceiptRow:
    """A receipt with its lines."""

    community_id: int
    id: int
    book: str
    year: int
    number: int
    code: str
    settlement_id: int
    payment_id: int | None
    unit_id: int
    unit_label: str
    payer_name: str
    amount_fen: Fen
    credit_fen: Fen
    channel: str
    means: str
    reference: str
    received_on: date
    issued_at: datetime
    issuer_name: str
    returned_fen: Fen
    voided_at: datetime | None
    voided_reason: str | None
    lines: tuple[LineRow, ...]

    @property
    def written(self) -> str:
        """Its number as people quote it."""
        return rules.written_number(self.book, self.year, self.number)

    @property
    def printed_code(self) -> str:
        """What its QR code asks about, to be typed."""
        return rules.printed_code(self.community_id, self.code)

    @property
    def status(self) -> str:
        """good, part (some went back) or void."""
        if self.voided_at is not None:
            return "void"
        return "part" if self.returned_fen else "good"

    @property
    def subsidy_fen(self) -> Fen:
        """What the street pays of the bills named; never part of the receipt's sum."""
        return sum(line.subsidy_fen for line in self.lines)


def receipts(community_id: int) -> Select[*tuple[Any, ...]]:
    """A community's receipts, unordered, for a list."""
    rows = select(
        Receipt.id,
        Receipt.book,
        Receipt.year,
        Receipt.number,
        Receipt.unit_id,
        Receipt.unit_label,
        Receipt.payer_name,
        Receipt.amount_fen,
        Receipt.credit_fen,
        Receipt.returned_fen,
        Receipt.channel,
        Receipt.means,
        Receipt.reference,
        Receipt.received_on,
        Receipt.issued_at,
        Receipt.issuer_name,
        Receipt.voided_reason,
        status_of.label("status"),
        WRITTEN,
    ).where(Receipt.community_id == community_id)
    return rows


def matching(rows: Select[*tuple[Any, ...]], word: str) -> Select[Any]:
    """Narrow to a number, a room or a payer's name by their beginning."""
    number = rules.read_number(word)
    if number is not None:
        book, year, serial = number
        return rows.where(Receipt.book == book, Receipt.year == year, Receipt.number == serial)
    sought = unicodedata.normalize("NFKC", word).strip()[:60]
    label = Receipt.unit_label.collate("C")
    clauses = [
        and_(label >= sought, label < sought + LAST_CHARACTER),
        and_(Receipt.payer_name >= sought, Receipt.payer_name < sought + LAST_CHARACTER),
        Receipt.reference == sought,
    ]
    return rows.where(or_(*clauses))


@dataclass(frozen=True)
class Totals:
    """How many receipts match, what they come to, what went back of it."""

    count: int
    amount_fen: Fen
    returned_fen: Fen


def totals(rows: Select[*tuple[Any, ...]]) -> Totals:
    """What the receipts of a list come to."""
    found = rows.order_by(None).subquery()
    row = db.session.execute(
        select(
            func.count(), func.sum(found.c.amount_fen), func.sum(found.c.returned_fen)
        ).select_from(found)
    ).one()
    return Totals(int(row[0]), int(row[1] or 0), int(row[2] or 0))


def receipt(community_id: int, receipt_id: int) -> ReceiptRow:
    """One receipt. Raises NotFound."""
    row = db.session.get(Receipt, (community_id, receipt_id))
    if row is None:
        raise NotFound("receipt.none", NONE)
    return row_of(row)


def receipts_of_payment(community_id: int, payment_id: int) -> list[ReceiptRow]:
    """The receipts of a payment, one a home, for the page that thanks the payer."""
    rows = db.session.scalars(
        select(Receipt)
        .filter_by(community_id=community_id, payment_id=payment_id)
        .order_by(Receipt.id)
    )
    return [row_of(row) for row in rows]


def by_code(community_id: int, code: str) -> ReceiptRow | None:
    """The receipt of a check code, if there is one."""
    row = db.session.scalars(
        select(Receipt).filter_by(community_id=community_id, code=code)
    ).one_or_none()
    return None if row is None else row_of(row)


_OWN = text("""
SELECT r.id FROM receipt r
WHERE r.community_id = :c AND (CAST(:id AS bigint) IS NULL OR r.id = :id) AND (
  EXISTS (SELECT FROM payment p WHERE p.community_id = :c AND p.id = r.payment_id
    AND p.channel = 'stripe' AND p.started_by = :account)
  OR EXISTS (SELECT FROM unit_binding m WHERE m.community_id = :c AND m.unit_id = r.unit_id
    AND m.account_id = :account AND m.ended_at IS NULL AND (
      m.person_id = r.payer_id
      OR (m.person_id IS NULL AND EXISTS (SELECT FROM ownership o
        WHERE o.community_id = :c AND o.unit_id = r.unit_id
          AND o.starts_on <= (m.created_at AT TIME ZONE 'Asia/Shanghai')::date
          AND (o.ends_on IS NULL OR o.ends_on > (m.created_at AT TIME ZONE 'Asia/Shanghai')::date)
          AND o.person_id = r.payer_id))
      OR (m.person_id IS NULL AND r.payer_id IS NULL))))
ORDER BY r.issued_at DESC, r.id DESC LIMIT 500
""")


def own_receipts(community_id: int, account_id: int) -> list[ReceiptRow]:
    """A resident's own receipts, newest first."""
    ids = list(
        db.session.scalars(_OWN, {"c": community_id, "account": account_id, "id": None}).all()
    )
    rows = db.session.scalars(
        select(Receipt)
        .where(Receipt.community_id == community_id, Receipt.id.in_(ids))
        .order_by(Receipt.issued_at.desc(), Receipt.id.desc())
    )
    return [row_of(row) for row in rows]


def own_receipt(community_id: int, account_id: int, receipt_id: int) -> ReceiptRow:
    """A receipt the account may see. Raises NotFound for any other, existing or not."""
    found = db.session.scalars(
        _OWN, {"c": community_id, "account": account_id, "id": receipt_id}
    ).first()
    if found is None:
        raise NotFound("receipt.none", NONE)
    return receipt(community_id, receipt_id)


def row_of(row: Receipt) -> ReceiptRow:
    """A receipt as a frozen row."""
    named = {
        name: getattr(row, name) for name in ReceiptRow.__dataclass_fields__ if name != "lines"
    }
    lines = tuple(
        LineRow(
            Month.parse(line["month"]),
            line["bill_id"],
            line["amount_fen"],
            line["gross_fen"],
            line["subsidy_fen"],
            line["open_fen"],
        )
        for line in row.lines
    )
    return ReceiptRow(**named, lines=lines)


def requests(community_id: int) -> Select[*tuple[Any, ...]]:
    """A community's requests for fapiao with their receipts, unordered, for a list."""
    rows = (
        select(
            FapiaoRequest.id,
            FapiaoRequest.receipt_id,
            FapiaoRequest.title_kind,
            FapiaoRequest.title,
            FapiaoRequest.tax_number,
            FapiaoRequest.email,
            FapiaoRequest.amount_fen,
            FapiaoRequest.status,
            FapiaoRequest.fapiao_number,
            FapiaoRequest.issued_on,
            FapiaoRequest.reason,
            FapiaoRequest.created_at,
            Receipt.unit_label,
            Receipt.received_on,
            Receipt.returned_fen,
            WRITTEN,
            MONTHS,
            SUBSIDY_FEN,
        )
        .join(
            Receipt,
            and_(
                Receipt.community_id == FapiaoRequest.community_id,
                Receipt.id == FapiaoRequest.receipt_id,
            ),
        )
        .where(FapiaoRequest.community_id == community_id)
    )
    return rows


def request_of(community_id: int, receipt_id: int) -> FapiaoRequest | None:
    """The latest request on a receipt, if there is one."""
    return db.session.scalars(
        select(FapiaoRequest)
        .filter_by(community_id=community_id, receipt_id=receipt_id)
        .order_by(FapiaoRequest.id.desc())
        .limit(1)
    ).one_or_none()


def requests_matching(rows: Select[*tuple[Any, ...]], word: str) -> Select[Any]:
    """Narrow to a receipt's number, a room or a title by their beginning."""
    number = rules.read_number(word)
    if number is not None:
        book, year, serial = number
        return rows.where(Receipt.book == book, Receipt.year == year, Receipt.number == serial)
    sought = unicodedata.normalize("NFKC", word).strip()[:60]
    label = Receipt.unit_label.collate("C")
    return rows.where(
        or_(
            and_(label >= sought, label < sought + LAST_CHARACTER),
            FapiaoRequest.title.startswith(sought, autoescape=True),
        )
    )


def request(community_id: int, request_id: int) -> FapiaoRequest:
    """One request for a fapiao. Raises NotFound."""
    row = db.session.get(FapiaoRequest, (community_id, request_id))
    if row is None:
        raise NotFound("fapiao.none", N_("没有这份发票申请。"))
    return row

"""Statements: an account's entries, and a unit's account, with the balance after each line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, column, func, select, text

from app.kernel.db import db
from app.kernel.money import Fen
from app.kernel.period import Month
from app.ledger import rules
from app.ledger.chart import ADVANCES, RECEIVABLE
from app.ledger.models import Entry, Posting
from app.ledger.queries.entries import UNIT


@dataclass(frozen=True)
class UnitLine:
    """A line of a unit's account: what it owes more (positive) or less (negative), in fen."""

    entry_id: int
    no: int
    posted_on: date
    month: Month
    kind: str
    source: str
    memo: str
    account_code: str
    amount_fen: Fen
    balance_fen: Fen


def account_statement(
    community_id: int,
    book: str,
    code: str,
    *,
    start: Month | None = None,
    end: Month | None = None,
    opening_fen: Fen = 0,
) -> Select[Any]:
    """An account's entries for a list: a line an entry, with the balance after it.

    Rows: entry_id, month, posted_on, kind, source, memo, unit_count, unit_label (of a
    single unit), debit_fen, credit_fen, balance_fen; `seq` is their order. Months are
    inclusive; `opening_fen` is the balance before `start` (queries.opening_fen), from which
    the balance runs, so that it is right whatever is shown of it.
    """
    rules.check_book(book)
    line = (
        select(
            Entry.id.label("entry_id"),
            Entry.month,
            Entry.posted_on,
            Entry.kind,
            Entry.source,
            Entry.memo,
            func.count(Posting.unit_id.distinct()).label("unit_count"),
            func.min(Posting.unit_id).label("unit_id"),
            func.sum(Posting.amount_fen).label("amount_fen"),
        )
        .join(
            Posting,
            and_(Posting.community_id == Entry.community_id, Posting.entry_id == Entry.id),
        )
        .where(
            Entry.community_id == community_id,
            Entry.book == book,
            Posting.account_code == code,
        )
        .group_by(Entry.community_id, Entry.id)
    )
    if start is not None:
        line = line.where(Entry.month >= start.first)
    if end is not None:
        line = line.where(Entry.month <= end.first)
    of = line.subquery("line")
    order = (of.c.month, of.c.entry_id)
    whole = (
        select(
            of.c.entry_id,
            of.c.month,
            of.c.posted_on,
            of.c.kind,
            of.c.source,
            of.c.memo,
            of.c.unit_count,
            case((of.c.unit_count == 1, UNIT.c.label)).label("unit_label"),
            case((of.c.amount_fen > 0, of.c.amount_fen)).label("debit_fen"),
            case((of.c.amount_fen < 0, -of.c.amount_fen)).label("credit_fen"),
            (func.sum(of.c.amount_fen).over(order_by=order) + opening_fen).label("balance_fen"),
            func.row_number().over(order_by=order).label("seq"),
        )
        .select_from(of)
        .outerjoin(UNIT, and_(UNIT.c.community_id == community_id, UNIT.c.id == of.c.unit_id))
        .subquery("statement")
    )
    return select(whole)


def statement_order() -> ColumnElement[Any]:
    """What orders a statement's rows, for a list: months, then entries."""
    return column("seq", BigInteger)


def unit_account(community_id: int, unit_id: int, book: str = "service") -> list[UnitLine]:
    """A unit's receivable and advances, oldest first, with what it owes after each line.

    Fen; a negative balance is credit in the unit's favour.
    """
    rows = db.session.execute(
        text(
            "SELECT e.id AS entry_id, p.no, e.posted_on, e.month, e.kind, e.source, e.memo,"
            " p.account_code, p.amount_fen, sum(p.amount_fen) OVER"
            "  (ORDER BY e.posted_on, e.id, p.no) AS balance_fen"
            " FROM posting p JOIN entry e ON e.community_id = p.community_id AND e.id = p.entry_id"
            " WHERE p.community_id = :c AND p.unit_id = :unit AND p.book = :book"
            "  AND p.account_code = ANY(:codes) ORDER BY e.posted_on, e.id, p.no"
        ),
        {"c": community_id, "unit": unit_id, "book": book, "codes": [RECEIVABLE, ADVANCES]},
    ).mappings()
    return [
        UnitLine(**{**row, "month": Month.of(row["month"]), "balance_fen": int(row["balance_fen"])})
        for row in rows
    ]

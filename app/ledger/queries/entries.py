"""Entries and their postings.

A posting carries its unit's key; the unit's label stands in the registry's table and is
joined here in SQL, because a thousand labels cannot be asked for one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import BigInteger, Select, Text, and_, case, column, func, select, table
from sqlalchemy.orm import aliased

from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen
from app.kernel.period import Month
from app.ledger.chart import CHART
from app.ledger.models import Entry, EntrySeal, Posting

UNIT = table(
    "unit",
    column("community_id", BigInteger),
    column("id", BigInteger),
    column("label", Text),
    column("sort_key", Text),
)


ACCOUNT_NAMES = {f"{one.book}:{one.code}": one.name for one in CHART}


@dataclass(frozen=True)
class EntryRow:
    """An entry in a list or on its own page; `amount_fen` is the sum of its debits."""

    id: int
    book: str
    month: Month
    posted_on: date
    kind: str
    source: str
    memo: str
    amount_fen: Fen
    posting_count: int
    reverses_id: int | None
    reversed_by_id: int | None
    resolution_id: int | None
    created_by: int | None
    created_at: datetime
    digest: str | None


@dataclass(frozen=True)
class PostingRow:
    """A line of an entry; debit and credit are positive sums, one of them None."""

    no: int
    account_code: str
    unit_id: int | None
    unit_label: str | None
    debit_fen: Fen | None
    credit_fen: Fen | None


def entries(community_id: int, book: str) -> Select[Any]:
    """The entries of a book for a list: `Entry`'s columns, `amount_fen`, `posting_count` and
    `reversed_by_id`; filter and order by what `Entry` has."""
    sums = (
        select(
            func.sum(Posting.amount_fen).filter(Posting.amount_fen > 0).label("amount_fen"),
            func.count().label("posting_count"),
        )
        .where(Posting.community_id == Entry.community_id, Posting.entry_id == Entry.id)
        .correlate(Entry)
        .lateral("sums")
    )
    reversal = aliased(Entry)
    rows: Any = (
        select(
            Entry.id,
            Entry.book,
            Entry.month,
            Entry.posted_on,
            Entry.kind,
            Entry.source,
            Entry.memo,
            Entry.reverses_id,
            Entry.resolution_id,
            Entry.created_by,
            Entry.created_at,
            sums.c.amount_fen,
            sums.c.posting_count,
            reversal.id.label("reversed_by_id"),
        )
        .join(sums, onclause=Entry.id > 0)
        .outerjoin(
            reversal,
            and_(reversal.community_id == Entry.community_id, reversal.reverses_id == Entry.id),
        )
        .where(Entry.community_id == community_id, Entry.book == book)
    )
    return cast(Select[Any], rows)


def concerning_unit(rows: Select[Any], label: str) -> Select[Any]:
    """Narrow a list of entries to those with a posting on the unit of this label."""
    return rows.where(
        select(Posting.no)
        .join(
            UNIT,
            and_(UNIT.c.community_id == Posting.community_id, UNIT.c.id == Posting.unit_id),
        )
        .where(
            Posting.community_id == Entry.community_id,
            Posting.entry_id == Entry.id,
            UNIT.c.label == label,
        )
        .correlate(Entry)
        .exists()
    )


def entry(community_id: int, book: str, entry_id: int) -> EntryRow:
    """One entry. Raises NotFound, also for an entry of another book."""
    row = db.session.execute(
        entries(community_id, book).where(Entry.id == entry_id).add_columns(_seal())
    ).one_or_none()
    if row is None:
        raise NotFound("ledger.no_entry", N_("没有这张凭证。"))
    values = dict(row._mapping)
    values["month"] = Month.of(row.month)
    values["amount_fen"] = int(row.amount_fen)
    return EntryRow(**values)


def book_of_entry(community_id: int, entry_id: int) -> str:
    """The book an entry stands in. Raises NotFound."""
    book = db.session.execute(
        select(Entry.book).where(Entry.community_id == community_id, Entry.id == entry_id)
    ).scalar_one_or_none()
    if book is None:
        raise NotFound("ledger.no_entry", N_("没有这张凭证。"))
    return book


def journal(community_id: int, book: str) -> Select[Any]:
    """Every posting of a book with its entry's words, for a sheet."""
    amount = Posting.amount_fen
    rows: Any = (
        select(
            Entry.id.label("entry_id"),
            Entry.posted_on,
            Entry.month,
            Entry.kind,
            Entry.source,
            Entry.memo,
            Posting.no,
            Posting.account_code,
            (Posting.book + ":" + Posting.account_code).label("account_name"),
            UNIT.c.label.label("unit_label"),
            case((amount > 0, amount)).label("debit_fen"),
            case((amount < 0, -amount)).label("credit_fen"),
        )
        .join(
            Posting,
            and_(Posting.community_id == Entry.community_id, Posting.entry_id == Entry.id),
        )
        .outerjoin(
            UNIT,
            and_(UNIT.c.community_id == Posting.community_id, UNIT.c.id == Posting.unit_id),
        )
        .where(Entry.community_id == community_id, Entry.book == book)
    )
    return cast(Select[Any], rows)


def postings(community_id: int, entry_id: int) -> Select[Any]:
    """An entry's lines for a list, in their order; rows have PostingRow's fields."""
    amount = Posting.amount_fen
    return (
        select(
            Posting.no,
            Posting.account_code,
            Posting.unit_id,
            UNIT.c.label.label("unit_label"),
            case((amount > 0, amount)).label("debit_fen"),
            case((amount < 0, -amount)).label("credit_fen"),
        )
        .outerjoin(
            UNIT,
            and_(UNIT.c.community_id == Posting.community_id, UNIT.c.id == Posting.unit_id),
        )
        .where(Posting.community_id == community_id, Posting.entry_id == entry_id)
    )


def _seal() -> Any:
    return (
        select(func.encode(EntrySeal.digest, "hex"))
        .where(EntrySeal.community_id == Entry.community_id, EntrySeal.entry_id == Entry.id)
        .correlate(Entry)
        .scalar_subquery()
        .label("digest")
    )


def entry_by(community_id: int, kind: str, source: str) -> int | None:
    """The number of the entry of an act (`bill_note:credit`, `note:7`), if it was entered."""
    return db.session.scalars(
        select(Entry.id).filter_by(community_id=community_id, kind=kind, source=source)
    ).one_or_none()

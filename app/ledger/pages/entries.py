"""Entries of a book and the page of one; the journal as a sheet."""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for
from flask_babel import gettext
from sqlalchemy import BigInteger, Select, column, or_

from app.kernel.errors import N_
from app.kernel.period import Month
from app.ledger import queries
from app.ledger.models import Entry, Posting
from app.ledger.pages.common import (
    account_title,
    book_title,
    kind_title,
    names_of,
    pages,
    source_url,
    steps,
    tabs,
    unit_url,
)
from app.ledger.words import kind_titles
from app.web.door import needs
from app.web.lists import Column, Filter, Listing


def _since(rows: Select[Any], month: Month) -> Select[Any]:
    return rows.where(Entry.month >= month.first)


def _until(rows: Select[Any], month: Month) -> Select[Any]:
    return rows.where(Entry.month <= month.first)


def _of_kind(rows: Select[Any], kind: str) -> Select[Any]:
    return rows.where(Entry.kind == kind)


def _of_unit(rows: Select[Any], label: str) -> Select[Any]:
    return queries.concerning_unit(rows, label)


def _search(rows: Select[Any], word: str) -> Select[Any]:
    found = or_(Entry.memo.contains(word, autoescape=True), Entry.source == word)
    if word.isdecimal() and len(word) < 19:
        found = or_(found, Entry.id == int(word))
    return rows.where(found)


_AMOUNT: Any = column("amount_fen", BigInteger)
ENTRIES = Listing(
    "entries",
    columns=(
        Column("id", N_("凭证号"), Entry.id),
        Column("posted_on", N_("日期"), Entry.posted_on, kind="date"),
        Column("month", N_("所属月份"), Entry.month, kind="month"),
        Column("kind", N_("事项"), Entry.kind, words=kind_titles()),
        Column("source", N_("来源"), shown=False),
        Column("memo", N_("摘要")),
        Column("posting_count", N_("分录"), column("posting_count", BigInteger), "number"),
        Column("amount_fen", N_("金额"), _AMOUNT, "money"),
        Column("reverses_id", N_("冲销的凭证"), shown=False),
        Column("reversed_by_id", N_("被冲销于"), shown=False),
    ),
    default_sort="-id",
    tiebreak=Entry.id.desc(),
    filters=(
        Filter("start", N_("起始月份"), _since, kind="month"),
        Filter("end", N_("截止月份"), _until, kind="month"),
        Filter("kind", N_("事项"), _of_kind, choices=kind_titles()),
        Filter("unit", N_("房号"), _of_unit, kind="text"),
    ),
    search=_search,
    search_label=N_("凭证号、来源或摘要"),
)
POSTINGS = Listing(
    "postings",
    columns=(
        Column("no", N_("行"), Posting.no),
        Column("account_code", N_("科目"), Posting.account_code),
        Column("unit_label", N_("房号")),
        Column("debit_fen", N_("借方"), column("debit_fen", BigInteger), "money"),
        Column("credit_fen", N_("贷方"), column("credit_fen", BigInteger), "money"),
    ),
    default_sort="no",
    tiebreak=Posting.no,
    per_page=100,
)
JOURNAL = Listing(
    "journal",
    columns=(
        Column("entry_id", N_("凭证号"), Entry.id),
        Column("posted_on", N_("日期"), kind="date"),
        Column("month", N_("所属月份"), kind="month"),
        Column("kind", N_("事项"), words=kind_titles()),
        Column("source", N_("来源")),
        Column("memo", N_("摘要")),
        Column("no", N_("行")),
        Column("account_code", N_("科目代码")),
        Column("account_name", N_("科目"), words=queries.ACCOUNT_NAMES),
        Column("unit_label", N_("房号")),
        Column("debit_fen", N_("借方"), kind="money"),
        Column("credit_fen", N_("贷方"), kind="money"),
    ),
    default_sort="entry_id",
    tiebreak=Posting.no,
    filters=ENTRIES.filters[:2],
)


@pages.get("/c/<int:community_id>/ledger/<book>/entries")
@needs("ledger.read")
def entries(community_id: int, book: str) -> Any:
    """The entries of a book, newest first."""
    title = book_title(book)
    return ENTRIES.answer(
        queries.entries(community_id, book),
        "ledger/entries.html",
        book=book,
        title=title,
        source_url=source_url,
        kind_title=kind_title,
        steps=steps(community_id),
        tabs=tabs(community_id, book),
    )


@pages.get("/c/<int:community_id>/ledger/<book>/journal.xlsx")
@needs("ledger.read")
def journal(community_id: int, book: str) -> Any:
    """Every posting of the months asked for, in order, as a sheet."""
    book_title(book)
    return JOURNAL.export(queries.journal(community_id, book), "xlsx")


@pages.get("/c/<int:community_id>/ledger/<book>/entries/<int:entry_id>")
@needs("ledger.read")
def entry(community_id: int, book: str, entry_id: int) -> Any:
    """One entry: what, when, by whom, its lines, what it reverses or what reversed it."""
    book_title(book)
    found = queries.entry(community_id, book, entry_id)
    at = url_for("ledger.entries", community_id=community_id, book=book)
    return POSTINGS.answer(
        queries.postings(community_id, entry_id),
        "ledger/entry.html",
        book=book,
        entry=found,
        maker=names_of(community_id, {found.created_by}).get(found.created_by or 0),
        title=kind_title(found.kind),
        source=source_url(community_id, found.kind, found.source),
        account_title=account_title,
        unit_url=unit_url,
        steps=steps(community_id, book, (entries_title(), at)),
    )


@pages.get("/c/<int:community_id>/ledger/entries/<int:entry_id>")
@needs("ledger.read")
def entry_by_number(community_id: int, entry_id: int) -> Any:
    """An entry by its number alone, in whichever book it stands."""
    book = queries.book_of_entry(community_id, entry_id)
    return redirect(
        url_for("ledger.entry", community_id=community_id, book=book, entry_id=entry_id)
    )


def entries_title() -> str:
    """The name of the list."""
    return str(gettext("凭证"))

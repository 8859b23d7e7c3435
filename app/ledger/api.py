"""The books for programs: trial balance and entries. Reading only; rooms post, programs do not."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.kernel.errors import N_, NotFound
from app.kernel.period import Month as MonthValue
from app.ledger import queries
from app.ledger.chart import BOOKS
from app.ledger.models import Entry
from app.web.api import PREFIX, ApiBlueprint, PageArguments, list_of, page_of
from app.web.door import needs
from app.web.fields import Id, Month, Schema

api = ApiBlueprint(
    "books",
    __name__,
    url_prefix=f"{PREFIX}/communities/<int:community_id>/books",
    description="Trial balances and entries of the four books.",
)
BOOK = {
    "in": "path",
    "name": "book",
    "required": True,
    "schema": {"type": "string", "enum": list(BOOKS)},
}


class MonthArguments(Schema):
    """Which month."""

    month = Month(required=True)


class EntryArguments(PageArguments):
    """Which entries."""

    month = Month()


class TrialRowOut(Schema):
    """An account's month; debit positive."""

    code = fields.String(required=True, attribute="account.code")
    name = fields.String(required=True, attribute="account.name")
    kind = fields.String(required=True, attribute="account.kind")
    opening_fen = fields.Integer(required=True)
    debit_fen = fields.Integer(required=True)
    credit_fen = fields.Integer(required=True)
    closing_fen = fields.Integer(required=True)


class TrialBalanceOut(Schema):
    """A book's month. Debits and credits sum to the same."""

    book = fields.String(required=True)
    month = fields.String(required=True)
    rows = fields.List(fields.Nested(TrialRowOut), required=True)


class EntryOut(Schema):
    """An entry; `amount_fen` is the sum of its debits."""

    id = Id(required=True)
    month = fields.Date(required=True)
    posted_on = fields.Date(required=True)
    kind = fields.String(required=True)
    source = fields.String(required=True)
    memo = fields.String(required=True)
    amount_fen = fields.Integer(required=True)
    posting_count = fields.Integer(required=True)
    reverses_id = Id(required=True, allow_none=True)
    reversed_by_id = Id(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


class PostingOut(Schema):
    """A line of an entry: one of debit and credit."""

    no = fields.Integer(required=True)
    account_code = fields.String(required=True)
    unit_id = Id(required=True, allow_none=True)
    unit_label = fields.String(required=True, allow_none=True)
    debit_fen = fields.Integer(required=True, allow_none=True)
    credit_fen = fields.Integer(required=True, allow_none=True)


@api.route("/<book>/trial-balance", parameters=[BOOK])
@needs("ledger.read")
@api.arguments(MonthArguments, location="query")
@api.response(200, TrialBalanceOut)
def trial_balance(arguments: dict[str, MonthValue], community_id: int, book: str) -> Any:
    """Opening, movement and closing of every account in a month."""
    _known(book)
    return queries.trial_balance(community_id, book, arguments["month"])


@api.route("/<book>/entries", parameters=[BOOK])
@needs("ledger.read")
@api.arguments(EntryArguments, location="query")
@api.response(200, list_of(EntryOut))
def entries(arguments: dict[str, Any], community_id: int, book: str) -> dict[str, Any]:
    """Entries, the latest first."""
    _known(book)
    month = arguments.pop("month", None)
    rows = queries.entries(community_id, book)
    if month is not None:
        rows = rows.where(Entry.month == month.first)
    return page_of(rows, arguments["page"], arguments["per_page"], Entry.id.desc())


@api.route("/<book>/entries/<int:entry_id>/postings", parameters=[BOOK])
@needs("ledger.read")
@api.arguments(PageArguments, location="query")
@api.response(200, list_of(PostingOut))
def postings(
    arguments: dict[str, Any], community_id: int, book: str, entry_id: int
) -> dict[str, Any]:
    """An entry's lines in their order."""
    _known(book)
    queries.entry(community_id, book, entry_id)
    rows = queries.postings(community_id, entry_id)
    return page_of(rows, arguments["page"], arguments["per_page"], rows.selected_columns.no)


def _known(book: str) -> None:
    if book not in BOOKS:
        raise NotFound("ledger.no_book", N_("没有这本账簿。"))

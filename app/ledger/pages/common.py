"""The blueprint, the books' tabs, and links that are drawn only where the page exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, current_app, request, url_for
from flask_babel import gettext

from app.kernel import audit, clock
from app.kernel.errors import N_, HouseError
from app.kernel.period import Month
from app.ledger import rules, words
from app.ledger.chart import BOOKS, BY_KEY, KINDS
from app.web import reader
from app.web.navigation import BOOKS as BOOKS_SECTION
from app.web.navigation import NavItem, register

pages = Blueprint("ledger", "app.ledger", template_folder="templates")


@pages.context_processor
def _words() -> dict[str, Any]:
    """The words our templates use."""
    return {
        "BOOK_NAMES": BOOKS,
        "BOOK_PURPOSES": words.BOOK_PURPOSES,
        "ACCOUNT_KINDS": KINDS,
        "MONTH_STATES": words.MONTH_STATES,
    }


register(
    NavItem(BOOKS_SECTION, "ledger.overview", N_("账簿总览"), "books", "ledger.read", 10),
    NavItem(BOOKS_SECTION, "ledger.checks", N_("核对账簿"), "shield-check", "ledger.read", 20),
)


def book_title(book: str) -> str:
    """A book's name in the reader's language. Raises NotFound for a fifth."""
    rules.check_book(book)
    return str(gettext(BOOKS[book]))


def account_title(book: str, code: str) -> str:
    """`1122 应收业主费用`."""
    account = BY_KEY.get((book, code))
    return f"{code} {gettext(account.name)}" if account else code


def kind_title(kind: str) -> str:
    """What an act is called."""
    known = words.KINDS.get(kind)
    return gettext(known.title) if known else kind


def steps(community_id: int, book: str | None = None, *more: tuple[str, str]) -> list[Any]:
    """The way here: the books, the book, and what lies between."""
    way = [(gettext("账簿总览"), url_for("ledger.overview", community_id=community_id))]
    if book is not None:
        here = url_for("ledger.book", community_id=community_id, book=book)
        way.append((book_title(book), here))
    return [*way, *more]


def tabs(community_id: int, book: str) -> list[tuple[str, str, bool]]:
    """The pages of one book."""
    shown = (
        ("ledger.book", gettext("月份与结账")),
        ("ledger.trial_balance", gettext("试算平衡表")),
        ("ledger.entries", gettext("凭证")),
    )
    return [
        (title, url_for(name, community_id=community_id, book=book), request.endpoint == name)
        for name, title in shown
    ]


def link(endpoint: str | None, values: Mapping[str, Any]) -> str | None:
    """The address of a page, or None where this house has no such page."""
    if endpoint is None or endpoint not in current_app.view_functions:
        return None
    return url_for(endpoint, **values)


def source_url(community_id: int, kind: str, source: str) -> str | None:
    """Where an entry's source is shown, if it is a number with a page."""
    known = words.KINDS.get(kind)
    if known is None or known.parameter is None or not source.isdecimal():
        return None
    return link(known.endpoint, {"community_id": community_id, known.parameter: int(source)})


def subject_url(community_id: int, subject: str) -> str | None:
    """Where the subject of a finding (`entry:12`) is shown."""
    noun, _, key = subject.partition(":")
    endpoint, parameter = words.SUBJECTS.get(noun, (None, ""))
    if endpoint is None or not (key.isdecimal() or noun == "book"):
        return None
    value: Any = int(key) if key.isdecimal() else key
    return link(endpoint, {"community_id": community_id, parameter: value})


def month_asked(name: str = "month", default: Month | None = None) -> Month:
    """The month named in the address; the running one where it is missing or unreadable."""
    try:
        return Month.parse(request.args[name])
    except (KeyError, HouseError):
        return default or Month.of(clock.today())


def may(action: str) -> bool:
    """Whether to show this reader a button; the door decides again."""
    return action in reader.allowed_actions(reader.place())


def unit_url(community_id: int, unit_id: int | None) -> str | None:
    """A unit's statement, where the reader may see bills."""
    if unit_id is None or not may("bill.read"):
        return None
    return link("bills.statement", {"community_id": community_id, "unit_id": unit_id})


def names_of(community_id: int, account_ids: set[int | None]) -> dict[int, str]:
    """Who accounts are, by the names the audit trail of this community knows them under."""
    known = audit.names(community_id, {one for one in account_ids if one is not None})
    return {one: known.get(one, gettext("账号 %(id)s", id=one)) for one in account_ids if one}

"""The books at a glance, the months of one, and closing a month."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.kernel.errors import HouseError
from app.kernel.period import Month
from app.ledger import queries, service
from app.ledger.pages.common import book_title, may, names_of, pages, steps, tabs
from app.web import formats
from app.web.door import needs
from app.web.errors import sentence


@pages.get("/c/<int:community_id>/ledger")
@needs("ledger.read")
def overview(community_id: int) -> Any:
    """Four books: what is in the bank, what is owed, how far each is closed; the last check."""
    checks = queries.last_checks(community_id, limit=1)
    return render_template(
        "ledger/overview.html",
        books=queries.books(community_id),
        check=checks[0] if checks else None,
        may_close=may("ledger.close"),
    )


@pages.get("/c/<int:community_id>/ledger/<book>")
@needs("ledger.read")
def book(community_id: int, book: str) -> Any:
    """The months of a book: closed, next to close, open, running."""
    title = book_title(book)
    states = queries.month_states(community_id, book)
    return render_template(
        "ledger/book.html",
        book=book,
        title=title,
        states=states,
        names=names_of(community_id, {one.closed_by for one in states}),
        steps=steps(community_id),
        tabs=tabs(community_id, book),
        may_close=may("ledger.close"),
    )


@pages.route("/c/<int:community_id>/ledger/<book>/close", methods=["GET", "POST"])
@needs("ledger.close")
def close(community_id: int, book: str) -> Any:
    """Say what closing means, then close the one month that is next."""
    back = url_for("ledger.book", community_id=community_id, book=book)
    title = book_title(book)
    if request.method == "POST":
        return _close(community_id, book, back)
    state = next(one for one in queries.books(community_id) if one.code == book)
    if state.next_month is None or not state.closable:
        flash(gettext("现在没有可以结账的月份。"), "warning")
        return redirect(back, 303)
    return render_template(
        "ledger/close.html",
        book=book,
        title=title,
        state=state,
        trial=queries.trial_balance(community_id, book, state.next_month),
        back=back,
        steps=steps(community_id, book),
    )


def _close(community_id: int, book: str, back: str) -> Any:
    try:
        month = Month.parse(request.form.get("month", ""))
        service.close_month(community_id, book, month)
    except HouseError as error:
        flash(sentence(error), "error")
        return redirect(back, 303)
    flash(gettext("%(month)s 已结账，不能再记入凭证。", month=formats.month(month)))
    return redirect(back, 303)

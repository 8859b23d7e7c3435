"""The daily check: each day three ways, and the differences until somebody says why."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.billing.bank import service
from app.billing.bank.pages.common import AT, may, pages, words
from app.billing.bank.queries import checks
from app.billing.bank.schemas import Why
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import HouseError
from app.ledger.chart import BOOKS
from app.payments.bank import listing
from app.web.door import needs
from app.web.forms import blank_form, read_form


@pages.get(f"{AT}/check")
@needs("bank.read")
def check(community_id: int) -> Any:
    """The last days and what does not agree."""
    known = checks.books(community_id)
    book = request.args.get("book", "")
    book = book if book in known else next(iter(known), "service")
    tabs = [
        (gettext(BOOKS[one]), url_for("matching.check", community_id=community_id, book=one),
         one == book)
        for one in known
    ]  # fmt: skip
    return listing.DIFFERENCES.answer(
        checks.listed(community_id, book),
        "matching/check.html",
        days=checks.days(community_id, book, 14),
        reach=checks.reach(community_id, book),
        known=known,
        entries=tabs if len(tabs) > 1 else [],
        may_match=may("bank.match"),
        **words(),
    )


@pages.post(f"{AT}/check")
@needs("bank.match")
def check_now(community_id: int) -> Any:
    """Compare once more, as of today."""
    found = service.check_day(community_id, clock.today())
    total = sum(one.found_count for one in found)
    if total:
        flash(gettext("已对账，有 %(count)s 项差异。", count=f"{total:,}"), "warning")
    else:
        flash(gettext("已对账，三方相符。"))
    return redirect(url_for("matching.check", community_id=community_id), 303)


@pages.route(f"{AT}/differences/<int:difference_id>", methods=["GET", "POST"])
@needs("bank.match")
def difference(community_id: int, difference_id: int) -> Any:
    """One difference, and why it is."""
    one = checks.difference(community_id, difference_id)
    form = blank_form(Why)
    if request.method == "POST":
        form = read_form(Why)
        if form.ok:
            try:
                with db.session.begin_nested():
                    service.explain_difference(community_id, difference_id, form["reason"])
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("已记下说明。"))
                back = url_for("matching.check", community_id=community_id, book=one.book)
                return redirect(back, 303)
    side, _, number = one.subject.partition(":")
    page = render_template(
        "matching/difference.html", one=one, side=side, number=number, form=form, **words()
    )
    return page, 200 if form.ok else 422

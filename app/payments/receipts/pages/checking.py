"""Where the QR code of a receipt leads: whether it is genuine, to whoever holds the paper."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for

from app.kernel.tenancy import scoped
from app.payments.receipts import queries, rules
from app.payments.receipts.pages.common import pages
from app.payments.receipts.schemas import STATUS_WORDS, CheckReceipt
from app.registry import queries as registry
from app.web import shell
from app.web.door import public
from app.web.forms import blank_form, read_form


@pages.route("/receipts/check", methods=["GET", "POST"])
@public
def check_form() -> Any:
    """Type a check code."""
    shell.use(shell.PLAIN)
    form = blank_form(CheckReceipt)
    if request.method == "POST":
        form = read_form(CheckReceipt)
        if form.ok:
            return redirect(url_for("receipts.check", code=form["code"]), 303)
    page = render_template("receipts/check.html", form=form, row=None, code="")
    return page, 422 if form.errors else 200


@pages.get("/receipts/check/<code>")
@public
def check(code: str) -> Any:
    """Number, day, sum and the payer's masked name of a genuine receipt; 404 for any other."""
    shell.use(shell.PLAIN)
    row = community = None
    meant = rules.read_code(code[:60])
    if meant is not None:
        with scoped([meant[0]]):
            row = queries.by_code(*meant)
            community = registry.community(meant[0]) if row else None
    page = render_template(
        "receipts/check.html",
        form=blank_form(CheckReceipt, code=code[:60]),
        row=row,
        community=community,
        code=code,
        STATUS_WORDS=STATUS_WORDS,
    )
    return page, 200 if row else 404

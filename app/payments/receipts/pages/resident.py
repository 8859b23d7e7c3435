"""A resident's own receipts, and the fapiao asked for on them."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.kernel import audit
from app.kernel.errors import HouseError
from app.payments.receipts import fapiao, paper, queries
from app.payments.receipts.pages.common import pages, pdf
from app.payments.receipts.schemas import FAPIAO_WORDS, STATUS_WORDS, AskFapiao
from app.web.door import needs
from app.web.forms import blank_form, read_form


@pages.get("/c/<int:community_id>/my/receipts")
@needs("own.read")
def my_receipts(community_id: int) -> Any:
    """One's receipts, newest first."""
    rows = queries.own_receipts(community_id, _me())
    return render_template("receipts/my_receipts.html", rows=rows, STATUS_WORDS=STATUS_WORDS)


@pages.get("/c/<int:community_id>/my/receipts/<int:receipt_id>")
@needs("own.read")
def my_receipt(community_id: int, receipt_id: int) -> Any:
    """One of one's receipts."""
    row = queries.own_receipt(community_id, _me(), receipt_id)
    return render_template(
        "receipts/my_receipt.html",
        row=row,
        lines=paper.lines_of(row),
        notes=paper.notes_of(row),
        means=paper.means_words(row),
        fapiao=queries.request_of(community_id, receipt_id),
        STATUS_WORDS=STATUS_WORDS,
        FAPIAO_WORDS=FAPIAO_WORDS,
    )


@pages.get("/c/<int:community_id>/my/receipts/<int:receipt_id>/receipt.pdf")
@needs("own.read")
def my_receipt_pdf(community_id: int, receipt_id: int) -> Any:
    """One's receipt on paper."""
    return pdf(queries.own_receipt(community_id, _me(), receipt_id))


@pages.route("/c/<int:community_id>/my/receipts/<int:receipt_id>/fapiao", methods=["GET", "POST"])
@needs("own.read")
def my_fapiao(community_id: int, receipt_id: int) -> Any:
    """Ask for a fapiao on one's receipt."""
    row = queries.own_receipt(community_id, _me(), receipt_id)
    back = url_for("receipts.my_receipt", community_id=community_id, receipt_id=receipt_id)
    form = blank_form(AskFapiao, title_kind="person", title=row.payer_name)
    if request.method == "POST":
        form = read_form(AskFapiao)
        if form.ok:
            try:
                fapiao.ask(community_id, receipt_id, **form.values)
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("已提交发票申请，开好后这里会显示发票号码。"))
                return redirect(back, 303)
    page = render_template("receipts/ask_fapiao.html", form=form, row=row, back=back)
    return page, 422 if form.errors else 200


def _me() -> int:
    account_id = audit.actor().account_id
    assert account_id is not None, "the door lets nobody in without an account"
    return account_id

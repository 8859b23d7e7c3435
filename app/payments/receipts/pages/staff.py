"""Receipts for staff: the list with its sums, one, its paper."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_babel import gettext

from app.kernel.db import db
from app.kernel.errors import N_
from app.payments.receipts import paper, queries, rules
from app.payments.receipts.models import Receipt
from app.payments.receipts.pages.common import pages, pdf
from app.payments.receipts.schemas import FAPIAO_WORDS, STATUS_WORDS
from app.web import sheets
from app.web.door import needs
from app.web.lists import Column, Filter, Listing, Page
from app.web.navigation import BILLS as SECTION
from app.web.navigation import NavItem, register
from app.web.reader import allowed_actions, place

RECEIPTS = Listing(
    "receipts",
    columns=(
        Column("written", N_("收据号"), queries.BY_NUMBER),
        Column("received_on", N_("收款日期"), Receipt.received_on, "date"),
        Column("unit_label", N_("房号"), Receipt.unit_label),
        Column("payer_name", N_("交款人"), Receipt.payer_name),
        Column("means", N_("支付方式"), words=rules.MEANS),
        Column("amount_fen", N_("金额"), Receipt.amount_fen, "money"),
        Column("credit_fen", N_("其中预存"), Receipt.credit_fen, "money", shown=False),
        Column("returned_fen", N_("已退回"), Receipt.returned_fen, "money", shown=False),
        Column("channel", N_("渠道"), words=rules.CHANNELS, shown=False),
        Column("reference", N_("凭条号"), shown=False),
        Column("issuer_name", N_("经办人"), shown=False),
        Column("issued_at", N_("开具时间"), Receipt.issued_at, "instant", shown=False),
        Column("status", N_("状态"), words=STATUS_WORDS),
        Column("voided_reason", N_("作废原因"), shown=False),
    ),
    default_sort="-written",
    tiebreak=Receipt.id,
    filters=(
        Filter(
            "since",
            N_("从"),
            lambda rows, day: rows.where(Receipt.received_on >= day),
            kind="date",
        ),
        Filter(
            "until",
            N_("到"),
            lambda rows, day: rows.where(Receipt.received_on <= day),
            kind="date",
        ),
        Filter(
            "channel",
            N_("渠道"),
            lambda rows, code: rows.where(Receipt.channel == code),
            choices=rules.CHANNELS,
        ),
        Filter(
            "status",
            N_("状态"),
            lambda rows, code: rows.where(queries.status_of == code),
            choices=STATUS_WORDS,
        ),
    ),
    search=queries.matching,
    search_label=N_("收据号、房号、交款人或凭条号"),
)


@pages.get("/c/<int:community_id>/receipts")
@needs("receipt.read")
def receipts(community_id: int) -> Any:
    """All receipts, searched and filtered, with what they come to."""
    rows = queries.receipts(community_id)
    if request.args.get("format") in sheets.WRITERS:
        return RECEIPTS.answer(rows, "receipts/receipts.html")
    asked = RECEIPTS.asked()
    narrowed = RECEIPTS.narrow(rows, asked)
    total = queries.totals(narrowed)
    wanted = RECEIPTS.ordered(narrowed, asked).limit(asked.per_page)
    found = db.session.execute(wanted.offset((asked.number - 1) * asked.per_page)).all()
    page = Page(RECEIPTS, asked, list(found), total.count)
    return render_template(
        "receipts/receipts.html", page=page, total=total, STATUS_WORDS=STATUS_WORDS
    )


@pages.get("/c/<int:community_id>/receipts/<int:receipt_id>")
@needs("receipt.read")
def receipt(community_id: int, receipt_id: int) -> Any:
    """One receipt: what was paid, what went back, its fapiao."""
    row = queries.receipt(community_id, receipt_id)
    return render_template(
        "receipts/receipt.html",
        row=row,
        lines=paper.lines_of(row),
        notes=paper.notes_of(row),
        means=paper.means_words(row),
        channel=gettext(rules.CHANNELS[row.channel]),
        fapiao=queries.request_of(community_id, receipt_id),
        may_fapiao="fapiao.edit" in allowed_actions(place()),
        STATUS_WORDS=STATUS_WORDS,
        FAPIAO_WORDS=FAPIAO_WORDS,
    )


@pages.get("/c/<int:community_id>/receipts/<int:receipt_id>/receipt.pdf")
@needs("receipt.read")
def receipt_pdf(community_id: int, receipt_id: int) -> Any:
    """One receipt on paper, twice on a page."""
    return pdf(queries.receipt(community_id, receipt_id))


register(NavItem(SECTION, "receipts.receipts", N_("收据"), "file-text", "receipt.read", 40))

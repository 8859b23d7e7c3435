"""Staff see online payments, what happened to each, and give money back."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.billing.online import queries
from app.billing.online.pages.common import TONES, me, pages
from app.billing.online.schemas import (
    DISPUTE_WORDS,
    MEANS_WORDS,
    REFUND_WORDS,
    STATUS_WORDS,
    AskRefund,
)
from app.kernel import audit
from app.kernel.db import db
from app.kernel.errors import N_, HouseError
from app.payments.online import queries as payments
from app.payments.online import rules, service
from app.web import formats, sheets
from app.web.door import needs
from app.web.forms import blank_form, read_form
from app.web.lists import Column, Filter, Listing, Page
from app.web.navigation import BILLS as SECTION
from app.web.navigation import NavItem, register
from app.web.reader import allowed_actions, place

PAYMENTS = Listing(
    "online-payments",
    columns=(
        Column("id", N_("缴费编号"), queries.BY_ID),
        Column("began_at", N_("开始时间"), queries.BY_BEGAN, "instant"),
        Column("homes", N_("房屋")),
        Column("payer_name", N_("付款人")),
        Column("amount_fen", N_("金额"), queries.BY_AMOUNT, "money"),
        Column("refunded_fen", N_("已退回"), queries.BY_REFUNDED, "money", shown=False),
        Column("disputed_fen", N_("争议中"), queries.BY_DISPUTED, "money", shown=False),
        Column("fee_fen", N_("平台手续费"), kind="money", shown=False),
        Column("means", N_("付款方式"), words=MEANS_WORDS),
        Column("received_on", N_("收款日期"), queries.BY_RECEIVED, "date"),
        Column("status", N_("状态"), words=STATUS_WORDS),
        Column("intent_id", N_("支付平台编号"), shown=False),
    ),
    default_sort="-id",
    tiebreak=queries.BY_ID,
    filters=(
        Filter(
            "status",
            N_("状态"),
            queries.of_status,
            choices=STATUS_WORDS,
        ),
        Filter(
            "means",
            N_("付款方式"),
            queries.by_means,
            choices=MEANS_WORDS,
        ),
        Filter(
            "since",
            N_("收款自"),
            queries.received_since,
            kind="date",
        ),
        Filter(
            "until",
            N_("收款至"),
            queries.received_until,
            kind="date",
        ),
    ),
    search=queries.matching,
    search_label=N_("房号、付款人或支付平台编号"),
)


@pages.get("/c/<int:community_id>/online-payments")
@needs("payment.read")
def payments_list(community_id: int) -> Any:
    """All online payments with the totals of what matches, and what does not agree."""
    rows = queries.payments(community_id)
    if request.args.get("format") in sheets.WRITERS:
        return PAYMENTS.answer(rows, "online/payments.html")
    asked = PAYMENTS.asked()
    narrowed = PAYMENTS.narrow(rows, asked)
    totals = queries.totals(narrowed)
    wanted = PAYMENTS.ordered(narrowed, asked).limit(asked.per_page)
    found = db.session.execute(wanted.offset((asked.number - 1) * asked.per_page)).all()
    return render_template(
        "online/payments.html",
        page=Page(PAYMENTS, asked, list(found), totals.count),
        totals=totals,
        problems=payments.disagreements(community_id),
        problem_words=problem_words,
        STATUS_WORDS=STATUS_WORDS,
        TONES=TONES,
        may_set="payment.settings" in allowed_actions(place()),
    )


@pages.get("/c/<int:community_id>/online-payments/<int:payment_id>")
@needs("payment.read")
def payment(community_id: int, payment_id: int) -> Any:
    """One payment: what for, what became of it, everything that happened."""
    one = payments.payment(community_id, payment_id)
    refunds = payments.refunds_of(community_id, payment_id)
    disputes = payments.disputes_of(community_id, payment_id)
    names = audit.names(
        community_id,
        {who for row in refunds for who in (row.requested_by, row.approved_by) if who},
    )
    allowed = allowed_actions(place())
    return render_template(
        "online/payment.html",
        one=one,
        items=queries.items_of(community_id, payment_id),
        refunds=refunds,
        disputes=disputes,
        names=names,
        me=me(),
        events=_timeline(one, payments.events_of(community_id, payment_id)),
        may_refund="payment.refund" in allowed and one.status in rules.CAME,
        may_approve="payment.approve" in allowed,
        STATUS_WORDS=STATUS_WORDS,
        MEANS_WORDS=MEANS_WORDS,
        REFUND_WORDS=REFUND_WORDS,
        DISPUTE_WORDS=DISPUTE_WORDS,
        TONES=TONES,
    )


@pages.route(
    "/c/<int:community_id>/online-payments/<int:payment_id>/refund", methods=["GET", "POST"]
)
@needs("payment.refund")
def ask_refund(community_id: int, payment_id: int) -> Any:
    """Ask that money be given back; above the community's limit a second person agrees."""
    one = payments.payment(community_id, payment_id)
    left = service.left_fen(community_id, payment_id)
    here = url_for("online.payment", community_id=community_id, payment_id=payment_id)
    form = blank_form(AskRefund, amount_fen=left, key=secrets.token_hex(16))
    if request.method == "POST":
        form = read_form(AskRefund)
        if form.ok:
            try:
                made = service.request_refund(community_id, payment_id, **form.values)
            except HouseError as error:
                form.take(error)
            else:
                flash(
                    gettext("已申请退款，等另一个人批准。")
                    if made.status == "requested"
                    else gettext("已批准，正在退回付款人。")
                )
                return redirect(here, 303)
    page = render_template(
        "online/ask_refund.html",
        form=form,
        one=one,
        left_fen=left,
        alone_fen=queries.pay_rules(community_id).refund_alone_fen,
        back=here,
    )
    return page, 422 if form.errors else 200


@pages.post("/c/<int:community_id>/online-payments/refunds/<int:refund_id>/approve")
@needs("payment.approve")
def approve_refund(community_id: int, refund_id: int) -> Any:
    """Agree to a refund that another person asked for."""
    one = service.approve(community_id, refund_id)
    flash(gettext("已批准，正在退回付款人。"))
    return redirect(
        url_for("online.payment", community_id=community_id, payment_id=one.payment_id), 303
    )


@pages.post("/c/<int:community_id>/online-payments/refunds/<int:refund_id>/reject")
@needs("payment.approve")
def reject_refund(community_id: int, refund_id: int) -> Any:
    """Turn a refund down."""
    one = service.reject(community_id, refund_id)
    flash(gettext("没有批准，不退款。"))
    return redirect(
        url_for("online.payment", community_id=community_id, payment_id=one.payment_id), 303
    )


def problem_words(problem: str) -> str:
    """In what a notification differs, for people."""
    known = [rules.PROBLEMS.get(name, name) for name in problem.split(",")]
    return gettext("、").join(gettext(word) for word in known)


EVENT_WORDS = {
    "checkout.session.completed": N_("收银台完成"),
    "checkout.session.async_payment_succeeded": N_("延迟付款成功"),
    "checkout.session.async_payment_failed": N_("延迟付款失败"),
    "checkout.session.expired": N_("收银台关闭"),
    "payment_intent.succeeded": N_("付款成功"),
    "payment_intent.processing": N_("付款处理中"),
    "payment_intent.payment_failed": N_("付款被拒绝"),
    "refund.created": N_("退款发出"),
    "refund.updated": N_("退款有进展"),
    "charge.dispute.created": N_("拒付：开始"),
    "charge.dispute.updated": N_("拒付：有进展"),
    "charge.dispute.closed": N_("拒付：结束"),
    "polled": N_("主动查询"),
    "asked": N_("主动查询"),
}
EVENT_TONES = {"failed": "bad", "done": "good"}


def _timeline(
    one: payments.PaymentRow, events: Iterable[payments.EventRow]
) -> list[tuple[str, str, str, str]]:
    """What happened, in order: begun here, told by the gateway, entered here."""
    began = (formats.instant(one.began_at), gettext("开始缴费"), one.payer_name, "plain")
    told = [
        (
            formats.instant(event.happened_at),
            gettext("支付平台：%(what)s", what=gettext(EVENT_WORDS.get(event.type, event.type))),
            problem_words(event.problem) if event.problem else "",
            EVENT_TONES.get(event.status, "plain"),
        )
        for event in events
    ]
    if one.settled_at is None:
        return [began, *told]
    return [began, *told, (formats.instant(one.settled_at), gettext("已入账"), "", "good")]


register(
    NavItem(SECTION, "online.payments_list", N_("线上收款"), "credit-card", "payment.read", 60)
)

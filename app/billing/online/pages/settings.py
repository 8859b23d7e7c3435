"""Where online money goes, book by book, and the community's rules on paying and giving back."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.billing.online import queries
from app.billing.online.pages.common import pages
from app.billing.online.schemas import OVERPAID_WORDS, NewAccount, PaySettings
from app.billing.postings import BOOK
from app.kernel.errors import HouseError
from app.payments import stripe_gateway as gateway
from app.payments.online import queries as payments
from app.payments.online import service
from app.web.door import needs
from app.web.forms import blank_form, read_form


@pages.route("/c/<int:community_id>/online-payments/settings", methods=["GET", "POST"])
@needs("payment.settings")
def pay_settings(community_id: int) -> Any:
    """The rules of paying online, and the accounts."""
    now = queries.pay_rules(community_id)
    form = blank_form(
        PaySettings,
        partial_payment=now.partial_payment,
        overpaid_policy=now.overpaid_policy,
        refund_alone_fen=now.refund_alone_fen,
        prepay_months=now.prepay_months,
    )
    if request.method == "POST":
        form = read_form(PaySettings)
        if form.ok:
            service.change_rules(community_id, **form.values)
            flash(gettext("缴费规则已保存。"))
            return redirect(_here(community_id), 303)
    page = render_template(
        "online/settings.html",
        form=form,
        accounts=payments.accounts(community_id),
        configured=gateway.configured(),
        OVERPAID_WORDS=OVERPAID_WORDS,
    )
    return page, 422 if form.errors else 200


@pages.route("/c/<int:community_id>/online-payments/settings/account", methods=["GET", "POST"])
@needs("payment.settings")
def new_account(community_id: int) -> Any:
    """Name the account that the service book's online money goes to."""
    form = blank_form(NewAccount)
    if request.method == "POST":
        form = read_form(NewAccount)
        if form.ok:
            try:
                service.begin_account(community_id, BOOK, **form.values)
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("收款账户已登记，可以线上缴费了。"))
                return redirect(_here(community_id), 303)
    page = render_template("online/new_account.html", form=form, back=_here(community_id))
    return page, 422 if form.errors else 200


@pages.post("/c/<int:community_id>/online-payments/settings/account/<int:account_id>/end")
@needs("payment.settings")
def end_account(community_id: int, account_id: int) -> Any:
    """Take no more online money for a book."""
    service.end_account(community_id, account_id)
    flash(gettext("收款账户已停用，不再接受线上缴费。"))
    return redirect(_here(community_id), 303)


def _here(community_id: int) -> str:
    return url_for("online.pay_settings", community_id=community_id)

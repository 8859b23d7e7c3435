"""A resident pays: chooses bills, goes to the checkout, comes back and sees what became of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.billing.bills.queries import own
from app.billing.bills.rows import BillRow
from app.billing.online import queries, rules
from app.billing.online.pages.common import TONES, me, pages, pays_online
from app.billing.online.schemas import MEANS_WORDS, REFUND_WORDS, STATUS_WORDS, PayForm
from app.billing.postings import BOOK
from app.kernel.errors import N_, HouseError, RuleBroken
from app.kernel.money import Fen
from app.payments.online import queries as payments
from app.payments.online import service
from app.payments.online.service import Item
from app.web import formats
from app.web.door import needs
from app.web.forms import Form, blank_form, read_form
from app.web.navigation import RESIDENT, NavItem, register
from app.web.reader import reader

REFRESH_SECONDS = 3
LONGEST_TITLE = 120


@dataclass(frozen=True)
class PayBill:
    """A bill on the pay page; `busy` while someone is paying it."""

    bill: BillRow
    busy: queries.UnderWay | None
    mine: bool  # the payment on its way is the reader's own


@dataclass(frozen=True)
class PayHome:
    """A home on the pay page."""

    unit_id: int
    label: str
    bills: tuple[PayBill, ...]
    ahead: tuple[tuple[str, str], ...]  # what may be chosen: value, words
    monthly_fen: Fen


@pages.route("/c/<int:community_id>/my/pay", methods=["GET", "POST"])
@needs("own.pay")
def pay(community_id: int) -> Any:
    """Choose what to pay; nothing is charged before the checkout."""
    homes = own.homes(community_id, me())
    pay_rules = queries.pay_rules(community_id)
    shown = _homes(community_id, homes, pay_rules.prepay_months)
    form = blank_form(PayForm, key=secrets.token_hex(16))
    form.typed["bills"] = [
        str(one.bill.id) for home in shown for one in home.bills if one.busy is None
    ]
    if request.method == "POST":
        form = read_form(PayForm)
        if form.ok:
            try:
                one = _start(community_id, form, shown, partial=pay_rules.partial_payment)
            except HouseError as error:
                form.take(error)
            else:
                return redirect(
                    url_for("online.my_payment", community_id=community_id, payment_id=one.id), 303
                )
    page = render_template(
        "online/pay.html",
        form=form,
        homes=shown,
        partial=pay_rules.partial_payment,
        open=pays_online(community_id),
        total_fen=sum(one.bill.open_fen for home in shown for one in home.bills if not one.busy),
    )
    return page, 422 if form.errors else 200


@pages.get("/c/<int:community_id>/my/payments")
@needs("own.pay")
def my_payments(community_id: int) -> Any:
    """One's online payments, newest first."""
    return render_template(
        "online/my_payments.html",
        rows=queries.own_payments(community_id, me()),
        STATUS_WORDS=STATUS_WORDS,
        TONES=TONES,
    )


@pages.get("/c/<int:community_id>/my/payments/<int:payment_id>")
@needs("own.pay")
def my_payment(community_id: int, payment_id: int) -> Any:
    """One payment, also where the checkout leads back to: it only reads."""
    queries.own_payment(community_id, me(), payment_id)
    one = payments.payment(community_id, payment_id)
    came_back = request.args.get("from", "")
    waits = one.status in ("pending", "received") or (
        one.status == "started" and came_back == "checkout"
    )
    return render_template(
        "online/my_payment.html",
        one=one,
        items=queries.items_of(community_id, payment_id),
        settled=queries.settled_of(community_id, payment_id),
        refunds=payments.refunds_of(community_id, payment_id),
        came_back=came_back,
        refresh=REFRESH_SECONDS if waits else 0,
        has_receipts="receipts.my_receipt" in current_app.view_functions,
        STATUS_WORDS=STATUS_WORDS,
        MEANS_WORDS=MEANS_WORDS,
        REFUND_WORDS=REFUND_WORDS,
        TONES=TONES,
    )


@pages.get("/c/<int:community_id>/my/payments/<int:payment_id>/checkout")
@needs("own.pay")
def my_checkout(community_id: int, payment_id: int) -> Any:
    """Go on to the gateway: its checkout is opened, or the open one found again."""
    queries.own_payment(community_id, me(), payment_id)
    title = _title(queries.items_of(community_id, payment_id))
    here = {"community_id": community_id, "payment_id": payment_id}
    base = current_app.config["PUBLIC_URL"]
    try:
        url = service.open_checkout(
            community_id,
            payment_id,
            title=title,
            success_url=base + url_for("online.my_payment", **here, **{"from": "checkout"}),
            cancel_url=base + url_for("online.my_payment", **here, **{"from": "cancel"}),
        )
    except HouseError as error:
        flash(gettext(error.message), "error")
        url = url_for("online.my_payment", **here)
    return redirect(url, 303)


@pages.post("/c/<int:community_id>/my/payments/<int:payment_id>/give-up")
@needs("own.pay")
def give_up(community_id: int, payment_id: int) -> Any:
    """Close a checkout that one does not want any more."""
    queries.own_payment(community_id, me(), payment_id)
    try:
        one = service.give_up(community_id, payment_id)
    except HouseError as error:
        flash(gettext(error.message), "error")
    else:
        if one.status == "expired":
            flash(gettext("已放弃，没有扣款。账单可以重新缴纳。"))
            return redirect(url_for("online.pay", community_id=community_id), 303)
        flash(gettext("付款已经完成，不能放弃。"), "warning")
    return redirect(
        url_for("online.my_payment", community_id=community_id, payment_id=payment_id), 303
    )


def _homes(community_id: int, homes: list[own.OwnHome], most_months: int) -> list[PayHome]:
    bills = [bill.id for home in homes for bill in home.open_bills]
    busy = queries.under_way(community_id, bills) if bills else {}
    return [
        PayHome(
            home.unit_id,
            home.label,
            tuple(
                PayBill(bill, busy.get(bill.id), _is_mine(busy.get(bill.id)))
                for bill in home.open_bills
            ),
            tuple(
                (
                    f"{home.unit_id}:{number}",
                    gettext("%(number)s 个月，%(amount)s", number=number, amount=formats.yuan(fen)),
                )
                for number, fen in rules.ahead_choices(_monthly_fen(home), most_months)
            ),
            _monthly_fen(home),
        )
        for home in homes
    ]


def _is_mine(busy: queries.UnderWay | None) -> bool:
    return busy is not None and busy.started_by == me()


def _monthly_fen(home: own.OwnHome) -> Fen:
    """What a month ahead costs: the resident's part of the newest bill."""
    return home.latest.resident_fen if home.latest else 0


def _start(community_id: int, form: Form, homes: list[PayHome], *, partial: bool) -> Any:
    values = form.values
    chosen = values.get("bills") or []
    bills = [
        rules.OpenBill(one.bill.id, home.unit_id, one.bill.due_on, one.bill.open_fen)
        for home in homes
        for one in home.bills
    ]
    known = payments.by_key(community_id, values["key"], me())
    busy = {one.bill.id for home in homes for one in home.bills if one.busy}
    if known is None and busy & set(chosen):
        raise RuleBroken(
            "pay.under_way", N_("选中的账单正在缴纳中，请先完成或放弃那一笔。"), field="bills"
        )
    if known is not None:  # the same form sent again
        return known
    parts = rules.choose(
        bills, chosen, _ahead(values.get("ahead") or [], homes), values["amount_fen"],
        partial=partial,
    )  # fmt: skip
    who = reader()
    return service.start(
        community_id,
        BOOK,
        [Item(part.unit_id, part.amount_fen, part.bill_id) for part in parts],
        key=values["key"],
        payer_name=who.name if who else "",
    )


def _ahead(asked: list[str], homes: list[PayHome]) -> dict[int, Fen]:
    """Money ahead per home, of the choices that were offered."""
    offered = {value: home for home in homes for value, _ in home.ahead}
    found = {}
    for value in asked:
        home = offered.get(value)
        if home is not None:
            found[home.unit_id] = int(value.partition(":")[2]) * home.monthly_fen
    return found


def _title(items: list[queries.ItemRow]) -> str:
    """What the gateway's page and the bank's notice say; in Chinese, for they go to the bank."""
    homes = " ".join(dict.fromkeys(item.unit_label for item in items))
    months = [str(item.month) for item in items if item.month is not None]
    words = [f"物业费 {'、'.join(months)}"] if months else []
    if any(item.month is None for item in items):
        words.append("预存物业费")
    return f"{homes} {'，'.join(words)}"[:LONGEST_TITLE]


register(NavItem("", "online.pay", N_("缴费"), "credit-card", "own.pay", 30, RESIDENT))

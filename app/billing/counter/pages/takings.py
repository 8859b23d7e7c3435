"""Find a home, take its money, print the receipt; undo a wrong entry."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.billing.counter import queries, rules, service
from app.billing.counter.pages.common import me, pages
from app.billing.counter.queries import OpenBill
from app.billing.counter.schemas import ReversePayment, TakePayment
from app.kernel import clock
from app.kernel.errors import N_, HouseError
from app.web import formats
from app.web.door import needs
from app.web.forms import Form, blank_form, read_form
from app.web.navigation import BILLS as SECTION
from app.web.navigation import NavItem, register
from app.web.reader import allowed_actions, place

LATEST = 8


@pages.get("/c/<int:community_id>/counter")
@needs("counter.take")
def counter(community_id: int) -> Any:
    """The search, what it found, the shift and what it took last."""
    word = request.args.get("q", "").strip()[:200]
    found = queries.find_homes(community_id, word, clock.today()) if word else []
    if len(found) == 1:
        return redirect(
            url_for("counter.take", community_id=community_id, unit_id=found[0].id), 303
        )
    shift = queries.shift_of(community_id, me())
    return render_template(
        "counter/counter.html",
        word=word,
        found=found,
        shift=shift,
        sums=queries.sums(community_id, shift.id) if shift else None,
        latest=queries.payments_of_shift(community_id, shift.id, LATEST) if shift else [],
        MEANS=rules.MEANS,
    )


@pages.route("/c/<int:community_id>/counter/units/<int:unit_id>", methods=["GET", "POST"])
@needs("counter.take")
def take(community_id: int, unit_id: int) -> Any:
    """A home's open bills, and the money for them."""
    today = clock.today()
    bills = queries.open_bills(community_id, unit_id, today)
    ticked = [bill.id for bill in bills if bill.mine]
    form = _blank(bills)
    if request.method == "POST":
        form = read_form(TakePayment)
        ticked = [int(one) for one in request.form.getlist("bill") if one.isdecimal()][:500]
        if form.ok:
            try:
                taken = _take(community_id, unit_id, form.values, ticked)
            except HouseError as error:
                form.take(error)
            else:
                done = url_for(
                    "counter.taken", community_id=community_id, payment_id=taken.payment_id
                )
                return redirect(done, 303)
    page = render_template(
        "counter/take.html",
        form=form,
        home=queries.home(community_id, unit_id, today),
        bills=bills,
        ticked=set(ticked),
        payers=_payers(bills),
        shift=queries.shift_of(community_id, me()),
    )
    return page, 422 if form.errors else 200


def _take(
    community_id: int, unit_id: int, values: Mapping[str, Any], ticked: Sequence[int]
) -> service.Taken:
    return service.take_payment(
        community_id,
        unit_id,
        values["amount_fen"],
        key=f"form:{unit_id}:{values['key']}",
        means=values["means"],
        bill_ids=ticked,
        payer_id=values["payer_id"],
        payer_name=values["payer_name"],
        tendered_fen=values["tendered_fen"],
        reference=values["reference"],
        note=values["note"],
    )


def _blank(bills: Sequence[OpenBill]) -> Form:
    mine = [bill for bill in bills if bill.mine]
    named = next((bill.payer_id for bill in mine if bill.payer_id), None)
    due = sum(bill.open_fen for bill in mine)
    return blank_form(
        TakePayment,
        amount_fen=due or None,
        means="cash",
        payer_id=named,
        key=secrets.token_hex(12),
    )


def _payers(bills: Sequence[OpenBill]) -> list[tuple[str, str]]:
    found = {str(bill.payer_id): bill.payer_name or "" for bill in bills if bill.payer_id}
    return list(found.items())


@pages.get("/c/<int:community_id>/counter/payments/<int:payment_id>")
@needs("counter.take")
def taken(community_id: int, payment_id: int) -> Any:
    """What was taken: the receipt to print, the change to give."""
    one = queries.payment(community_id, payment_id)
    change = rules.change_fen(one.amount_fen, one.tendered_fen)
    return render_template(
        "counter/taken.html", one=one, change_fen=change, MEANS=rules.MEANS, mine=me()
    )


@pages.route(
    "/c/<int:community_id>/counter/payments/<int:payment_id>/reverse", methods=["GET", "POST"]
)
@needs("counter.take")
def reverse(community_id: int, payment_id: int) -> Any:
    """Undo a payment whole, with a reason; the receipt becomes void."""
    form = blank_form(ReversePayment)
    if request.method == "POST":
        form = read_form(ReversePayment)
        if form.ok:
            try:
                undone = service.reverse_payment(
                    community_id,
                    payment_id,
                    reason=form["reason"],
                    may_approve="payment.approve" in allowed_actions(place()),
                )
            except HouseError as error:
                form.take(error)
            else:
                sum_ = formats.yuan(-undone.amount_fen)
                flash(gettext("已冲正，请退还 %(amount)s。收据已作废。", amount=sum_), "warning")
                return redirect(
                    url_for("counter.taken", community_id=community_id, payment_id=payment_id), 303
                )
    one = queries.payment(community_id, payment_id)
    page = render_template("counter/reverse.html", form=form, one=one, MEANS=rules.MEANS)
    return page, 422 if form.errors else 200


register(NavItem(SECTION, "counter.counter", N_("柜台收款"), "cash", "counter.take", 10))

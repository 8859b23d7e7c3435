"""Shifts: begun, counted, printed, accepted; cash carried to the bank."""

from __future__ import annotations

import secrets
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.billing.counter import queries, rules, service
from app.billing.counter.models import Shift
from app.billing.counter.pages.common import SHIFT_WORDS, me, pages
from app.billing.counter.schemas import BankCash, CloseShift, OpenShift
from app.billing.counter.service.shifts import till_fen
from app.kernel.errors import N_, HouseError, RuleBroken
from app.web import formats
from app.web.door import needs
from app.web.forms import Form, blank_form, read_form
from app.web.lists import Column, Filter, Listing
from app.web.navigation import BILLS as SECTION
from app.web.navigation import NavItem, register
from app.web.reader import allowed_actions, place

SHIFTS = Listing(
    "shifts",
    columns=(
        Column("opened_at", N_("开班时间"), Shift.opened_at, "instant"),
        Column("cashier_name", N_("收款人"), Shift.cashier_name),
        Column("closed_at", N_("交班时间"), Shift.closed_at, "instant"),
        Column("count", N_("笔数"), kind="number"),
        Column("float_fen", N_("备用金"), Shift.float_fen, "money", shown=False),
        Column("cash_fen", N_("现金"), kind="money"),
        Column("pos_fen", N_("POS 刷卡"), kind="money"),
        Column("transfer_fen", N_("银行转账"), kind="money"),
        Column("banked_fen", N_("存入银行"), kind="money", shown=False),
        Column("expected_fen", N_("账面现金"), Shift.expected_fen, "money", shown=False),
        Column("counted_fen", N_("清点现金"), Shift.counted_fen, "money", shown=False),
        Column("difference_fen", N_("长短款"), Shift.difference_fen, "money"),
        Column("reason", N_("长短款原因"), shown=False),
        Column("accepted_name", N_("验收人"), shown=False),
        Column("accepted_at", N_("验收时间"), kind="instant", shown=False),
        Column("status", N_("状态"), words=SHIFT_WORDS),
    ),
    default_sort="-opened_at",
    tiebreak=Shift.id,
    filters=(
        Filter(
            "status",
            N_("状态"),
            lambda rows, code: rows.where(queries.shift_status == code),
            choices=SHIFT_WORDS,
        ),
    ),
    search=lambda rows, word: rows.where(Shift.cashier_name.startswith(word, autoescape=True)),
    search_label=N_("收款人"),
)


@pages.get("/c/<int:community_id>/shifts")
@needs("receipt.read")
def shifts(community_id: int) -> Any:
    """All shifts with what they took."""
    return SHIFTS.answer(
        queries.shifts(community_id), "counter/shifts.html", SHIFT_WORDS=SHIFT_WORDS
    )


@pages.get("/c/<int:community_id>/shifts/<int:shift_id>")
@needs("receipt.read")
def shift(community_id: int, shift_id: int) -> Any:
    """One shift: its sums, the count, every payment; to read and to print."""
    one = queries.shift(community_id, shift_id)
    allowed = allowed_actions(place())
    return render_template(
        "counter/shift.html",
        one=one,
        sums=queries.sums(community_id, shift_id),
        held_fen=till_fen(one),
        payments=queries.payments_of_shift(community_id, shift_id),
        others=queries.others(community_id, shift_id),
        notes=[(int(w), n) for w, n in sorted((one.notes_counted or {}).items(), key=_worth)],
        is_mine=one.cashier_id == me() and "counter.take" in allowed,
        may_accept=one.cashier_id != me() and "shift.accept" in allowed,
        may_take="counter.take" in allowed,
        MEANS=rules.MEANS,
        KINDS=rules.KINDS,
    )


def _worth(pair: tuple[str, int]) -> int:
    return -int(pair[0])


@pages.route("/c/<int:community_id>/shifts/open", methods=["GET", "POST"])
@needs("counter.take")
def open_shift(community_id: int) -> Any:
    """Begin one's shift with the cash in the till."""
    form = blank_form(OpenShift, float_fen=0)
    if request.method == "POST":
        form = read_form(OpenShift)
        if form.ok:
            try:
                service.open_shift(community_id, form["float_fen"])
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("已开班，可以收款了。"))
                return redirect(url_for("counter.counter", community_id=community_id), 303)
    return render_template("counter/open_shift.html", form=form), 422 if form.errors else 200


@pages.route("/c/<int:community_id>/shifts/<int:shift_id>/close", methods=["GET", "POST"])
@needs("counter.take")
def close_shift(community_id: int, shift_id: int) -> Any:
    """Count the till and end one's shift."""
    form = blank_form(CloseShift)
    if request.method == "POST":
        form = read_form(CloseShift)
        if form.ok:
            try:
                closed = _close(community_id, shift_id, form)
            except HouseError as error:
                form.take(error)
            else:
                _say_closed(closed)
                return redirect(
                    url_for("counter.shift", community_id=community_id, shift_id=shift_id), 303
                )
    one = queries.shift(community_id, shift_id)
    page = render_template(
        "counter/close_shift.html",
        form=form,
        one=one,
        sums=queries.sums(community_id, shift_id),
        held_fen=till_fen(one),
        worths=[(f"n{worth}", worth) for worth in rules.DENOMINATIONS],
    )
    return page, 422 if form.errors else 200


def _close(community_id: int, shift_id: int, form: Form) -> Shift:
    notes = {worth: form[f"n{worth}"] for worth in rules.DENOMINATIONS if form[f"n{worth}"]}
    counted = form["counted_fen"]
    if counted is None and not notes:
        raise RuleBroken("shift.uncounted", N_("请清点钱箱，空的就填 0。"), field="counted_fen")
    if counted is None:
        counted = rules.counted_fen(notes)
    return service.close_shift(
        community_id, shift_id, counted, notes=notes or None, reason=form["reason"]
    )


def _say_closed(closed: Shift) -> None:
    if closed.difference_fen:
        difference = formats.yuan(closed.difference_fen)
        flash(gettext("已交班。长短款 %(difference)s 已记账。", difference=difference), "warning")
    else:
        flash(gettext("已交班，账实相符。"))


@pages.post("/c/<int:community_id>/shifts/<int:shift_id>/accept")
@needs("shift.accept")
def accept_shift(community_id: int, shift_id: int) -> Any:
    """Take over what another counted."""
    service.accept_shift(community_id, shift_id)
    flash(gettext("已验收。"))
    return redirect(url_for("counter.shift", community_id=community_id, shift_id=shift_id), 303)


@pages.route("/c/<int:community_id>/counter/bank", methods=["GET", "POST"])
@needs("counter.take")
def bank_cash(community_id: int) -> Any:
    """Carry cash from one's till to the bank."""
    form = blank_form(BankCash, key=secrets.token_hex(12))
    if request.method == "POST":
        form = read_form(BankCash)
        if form.ok:
            try:
                moved = service.bank_cash(
                    community_id,
                    form["amount_fen"],
                    slip=form["slip"],
                    key=f"bank:{form['key']}",
                )
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("已记存入银行。"))
                return redirect(
                    url_for("counter.shift", community_id=community_id, shift_id=moved.shift_id),
                    303,
                )
    one = queries.shift_of(community_id, me())
    page = render_template(
        "counter/bank_cash.html", form=form, one=one, held_fen=till_fen(one) if one else 0
    )
    return page, 422 if form.errors else 200


register(NavItem(SECTION, "counter.shifts", N_("班次"), "clock", "receipt.read", 15))

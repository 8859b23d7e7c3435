"""The resident's face, on a phone: what is due, why, what the street pays, until when, and then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import render_template, request
from flask_babel import gettext

from app.billing.bills.explain import Words, explain
from app.billing.bills.pages.common import EVENTS, event_words, pages, pdf, timeline
from app.billing.bills.print import press, sheets
from app.billing.bills.queries import accounts, own, sheet
from app.billing.bills.queries.own import OwnHome
from app.billing.bills.rows import BillRow, FullBill
from app.billing.bills.schemas import STATUS_WORDS
from app.kernel import audit, clock
from app.kernel.errors import N_
from app.kernel.money import Fen
from app.web.door import needs
from app.web.navigation import RESIDENT, NavItem, register


@dataclass(frozen=True)
class Cliff:
    """The street's part of the regular bill: now, and from the day it ends."""

    payer: str
    last_day: date
    ended: bool
    now_fen: Fen
    then_fen: Fen
    next_step_on: date | None
    next_rate: Any


@dataclass(frozen=True)
class HomeView:
    """A home as its page shows it."""

    home: OwnHome
    full: FullBill | None
    lines: list[Words]
    cliff: Cliff | None
    due_on: date | None
    overdue: bool
    street_percent: int  # the street's part of the newest bill, for the bar

    @property
    def earlier(self) -> tuple[BillRow, ...]:
        """Open bills other than the newest, oldest first."""
        return tuple(bill for bill in self.home.open_bills if bill != self.home.latest)


@pages.get("/c/<int:community_id>/my")
@needs("own.read")
def my(community_id: int) -> Any:
    """What is due now for each home, the newest bill and what becomes of the subsidy."""
    homes = own.homes(community_id, _me())
    latest = [home.latest.id for home in homes if home.latest]
    full = {one.bill.unit_id: one for one in sheet.bills(community_id, latest)}
    views = [_view(home, full.get(home.unit_id)) for home in homes]
    return render_template("bills/my.html", views=views)


@pages.get("/c/<int:community_id>/my/bills")
@needs("own.read")
def my_bills(community_id: int) -> Any:
    """Past bills of every home, newest first."""
    homes = own.homes(community_id, _me())
    return render_template("bills/my_bills.html", homes=homes, STATUS_WORDS=STATUS_WORDS)


@pages.get("/c/<int:community_id>/my/bills/<int:bill_id>")
@needs("own.read")
def my_bill(community_id: int, bill_id: int) -> Any:
    """One bill: each line in words, with its source."""
    bill = own.own_bill(community_id, _me(), bill_id)
    full = sheet.bill(community_id, bill.id)
    return render_template(
        "bills/my_bill.html",
        full=full,
        bill=bill,
        lines=[explain(line) for line in full.lines],
        cliff=_cliff(full),
        events=timeline(accounts.history(community_id, bill.unit_id, bill.id)),
        STATUS_WORDS=STATUS_WORDS,
    )


@pages.get("/c/<int:community_id>/my/bills/<int:bill_id>/bill.pdf")
@needs("own.read")
def my_bill_pdf(community_id: int, bill_id: int) -> Any:
    """One's bill on paper."""
    bill = own.own_bill(community_id, _me(), bill_id)
    document = sheets.document(
        [sheet.bill(community_id, bill.id)], paper=request.args.get("paper", "a5")
    )
    return pdf(press.compile_pdf("bill.typ", document), f"{bill.month} {bill.unit_label}.pdf")


@pages.get("/c/<int:community_id>/my/units/<int:unit_id>/statement")
@needs("own.read")
def my_statement(community_id: int, unit_id: int) -> Any:
    """One's account of a home: the bills one may see, corrections, payments, balance."""
    home = own.homes(community_id, _me(), unit_id)[0]
    mine = [bill.id for bill in home.bills]
    # Where every bill is theirs, the whole account is, with what is kept as credit.
    alone = own.all_bills_are(community_id, unit_id, mine)
    found = accounts.statement(community_id, unit_id, bill_ids=None if alone else mine)
    rows = [{"event": one, "words": event_words(one)} for one in reversed(found.events)]
    return render_template(
        "bills/my_statement.html", home=home, statement=found, rows=rows, EVENTS=EVENTS
    )


def _me() -> int:
    account_id = audit.actor().account_id
    assert account_id is not None, "the door lets nobody in without an account"
    return account_id


def _view(home: OwnHome, full: FullBill | None) -> HomeView:
    waiting = home.open_bills
    due_on = waiting[0].due_on if waiting else None
    return HomeView(
        home=home,
        full=full,
        lines=[explain(line) for line in full.lines] if full else [],
        cliff=_cliff(full) if full else None,
        due_on=due_on,
        overdue=due_on is not None and due_on < clock.today(),
        street_percent=_street_percent(full),
    )


def _street_percent(full: FullBill | None) -> int:
    if full is None or not full.bill.gross_fen:
        return 0
    return round(100 * full.bill.subsidy_fen / full.bill.gross_fen)


def _cliff(full: FullBill) -> Cliff | None:
    outlook = full.outlook
    if outlook is None:
        return None
    regular = [line for line in full.lines if line.is_regular]
    return Cliff(
        payer=outlook.payer or gettext("街道办事处"),
        last_day=date.fromordinal(outlook.ends_on.toordinal() - 1),
        ended=outlook.ends_on <= clock.today(),
        now_fen=sum(line.whole_gross_fen - line.whole_subsidy_fen for line in regular),
        then_fen=outlook.after_fen,
        next_step_on=outlook.next_step_on,
        next_rate=outlook.next_rate,
    )


register(
    NavItem("", "bills.my", N_("首页"), "home", "own.read", 10, RESIDENT),
    NavItem("", "bills.my_bills", N_("账单"), "receipt", "own.read", 20, RESIDENT),
)

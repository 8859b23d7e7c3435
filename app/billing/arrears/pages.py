"""Arrears by age for a community, a company and a region; one home's debts, reminder, damages."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext

from app.billing.arrears import queries, rules, service
from app.billing.arrears.rows import UnitArrears
from app.billing.bills.queries import lists, sheet
from app.kernel import clock, tenancy
from app.kernel.errors import N_
from app.registry import queries as registry
from app.web import sheets
from app.web.door import needs
from app.web.lists import Column
from app.web.navigation import BILLS as SECTION
from app.web.navigation import COMPANY, REGION, NavItem, register
from app.web.reader import allowed_actions, place

pages = Blueprint("arrears", __name__, template_folder="templates")

AGE_WORDS = {
    "current_fen": N_("未到期"),
    "days_30_fen": N_("1–30 天"),
    "days_90_fen": N_("31–90 天"),
    "days_365_fen": N_("91–365 天"),
    "older_fen": N_("一年以上"),
    "overdue_fen": N_("逾期合计"),
}
_AGES = tuple(Column(key, words, kind="money") for key, words in AGE_WORDS.items())
UNIT_COLUMNS = (
    Column("building_code", N_("楼栋")),
    Column("unit_label", N_("房号")),
    *_AGES,
    Column("bill_count", N_("未付账单"), kind="number"),
    Column("oldest_due_on", N_("最早到期"), kind="date"),
)
COMMUNITY_COLUMNS = (
    Column("community_name", N_("小区名")),
    *_AGES,
    Column("overdue_units", N_("逾期户数"), kind="number"),
)


class _Flat:
    """A row with its ages beside its own columns, for tables and sheets."""

    def __init__(self, row: Any) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row.ages if name in AGE_WORDS else self._row, name)


@pages.get("/c/<int:community_id>/arrears")
@needs("arrears.read")
def arrears(community_id: int) -> Any:
    """Homes with something past due, by age, with the buildings' subtotals."""
    today = clock.today()
    building = request.args.get("building", type=int)
    units = queries.by_unit(
        community_id, today, building_id=building, overdue_only=not request.args.get("all")
    )
    named = "roster.people" in allowed_actions(place())
    if not named:  # the owners' organs and the street see sums, no rooms: RULES G4
        units = [replace(one, unit_label=f"{one.building_code}-***") for one in units]
    if request.args.get("format") in sheets.WRITERS:
        return sheets.answer("arrears", UNIT_COLUMNS, map(_Flat, units), request.args["format"])
    return render_template(
        "arrears/arrears.html",
        total=queries.total(community_id, today),
        buildings=[_Flat(one) for one in queries.by_building(units, today)],
        rows=_of_page(units),
        count=len(units),
        previous_url=_url(page=_page_number() - 1) if _page_number() > 1 else None,
        next_url=_url(page=_page_number() + 1) if len(units) > _page_number() * PER_PAGE else None,
        export_url=_url(format="xlsx", page=None),
        choices=lists.buildings(community_id),
        chosen=building,
        everyone=bool(request.args.get("all")),
        AGE_WORDS=AGE_WORDS,
        may_open=named and "bill.read" in allowed_actions(place()),
    )


@pages.get("/c/<int:community_id>/units/<int:unit_id>/arrears")
@needs("bill.read")
def unit(community_id: int, unit_id: int) -> Any:
    """One home's overdue bills, late damages where the contract sets them, reminders."""
    terms = queries.late_terms(community_id)
    late = queries.late_bills(community_id, unit_id, clock.today(), terms)
    lpr = _lpr()
    return render_template(
        "arrears/unit.html",
        unit=registry.unit(community_id, unit_id),
        late=late,
        terms=terms[-1] if terms else None,
        yearly=rules.yearly_percent(terms[-1].daily_rate) if terms else None,
        lpr=lpr,
        over=bool(terms and lpr and rules.over_benchmark(terms[-1].daily_rate, lpr)),
        benchmark=lpr * rules.BENCHMARK_FACTOR if lpr else None,
        total_fen=sum(one.open_fen for one in late),
        payers={one.payer_id: one.payer_name for one in late},
        reminders=queries.reminders(community_id, unit_id),
        may_work="arrears.work" in allowed_actions(place()),
        may_print="bill.print" in allowed_actions(place()),
        may_correct="bill.correct" in allowed_actions(place()),
    )


@pages.post("/c/<int:community_id>/units/<int:unit_id>/reminder")
@needs("bill.print")
def reminder(community_id: int, unit_id: int) -> Any:
    """Write a reminder and hand it over as a PDF; that it was written is recorded."""
    payer = request.form.get("payer_id", type=int)
    made = service.remind(community_id, unit_id, payer)
    answer = send_file(
        io.BytesIO(made.content),
        mimetype="application/pdf",
        as_attachment=True,
        download_name=f"{gettext('缴费提醒函')} {made.number}.pdf",
    )
    answer.headers["Cache-Control"] = "no-store, private"
    return answer


@pages.route("/c/<int:community_id>/bills/<int:bill_id>/damages", methods=["GET", "POST"])
@needs("bill.correct")
def damages(community_id: int, bill_id: int) -> Any:
    """Add a bill's late damages as a debit note, after a look at what that means."""
    bill = sheet.bill(community_id, bill_id).bill
    back = url_for("arrears.unit", community_id=community_id, unit_id=bill.unit_id)
    if request.method == "POST":
        service.charge_damages(community_id, bill_id)
        flash(gettext("违约金已加入账单。"))
        return redirect(back, 303)
    terms = queries.late_terms(community_id)
    late = queries.late_bills(community_id, bill.unit_id, clock.today(), terms)
    found = next((one for one in late if one.bill_id == bill_id), None)
    return render_template(
        "arrears/damages.html", bill=bill, late=found, back=back, terms=terms[-1] if terms else None
    )


@pages.get("/o/<int:organization_id>/arrears")
@needs("company.read")
def company(organization_id: int) -> Any:
    """The arrears of every community a company manages."""
    return _communities()


@pages.get("/regions/<int:region_id>/arrears")
@needs("region.read")
def region(region_id: int) -> Any:
    """The arrears of every community below a region; no homes, no names."""
    return _communities()


def _communities() -> Any:
    found = queries.by_community(sorted(tenancy.scope() - {tenancy.NOWHERE}), clock.today())
    rows = [_Flat(one) for one in found]
    if request.args.get("format") in sheets.WRITERS:
        return sheets.answer("arrears", COMMUNITY_COLUMNS, rows, request.args["format"])
    return render_template("arrears/communities.html", rows=rows, AGE_WORDS=AGE_WORDS)


PER_PAGE = 100


def _page_number() -> int:
    return max(1, request.args.get("page", 1, int))


def _of_page(units: list[UnitArrears]) -> list[_Flat]:
    start = (_page_number() - 1) * PER_PAGE
    return [_Flat(one) for one in units[start : start + PER_PAGE]]


def _url(**changes: Any) -> str:
    """This page's address with something changed."""
    kept = {key: request.args[key] for key in ("building", "all") if request.args.get(key)}
    return url_for(str(request.endpoint), **{**(request.view_args or {}), **kept, **changes})


def _lpr() -> Decimal | None:
    """The LPR typed in to compare with, a yearly per cent; nothing when it cannot be read."""
    try:
        value = Decimal(request.args.get("lpr", "").strip().rstrip("%"))
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 < value < 100 else None


register(
    NavItem(SECTION, "arrears.arrears", N_("欠费"), "alert-circle", "arrears.read", 40),
    NavItem(SECTION, "arrears.company", N_("欠费"), "alert-circle", "company.read", 40, COMPANY),
    NavItem(SECTION, "arrears.region", N_("欠费"), "alert-circle", "region.read", 40, REGION),
)

"""Pages of subsidies: agreements, whom they pay for, what they paid, when they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext

from app.billing.subsidy import queries, rules, service
from app.billing.subsidy.queries import GROUNDS, SchemeRow, UnitGround
from app.billing.subsidy.schemas import CONVENTIONS, NAMINGS, SchemeEnd, SchemeNew, UnitsNamed
from app.billing.tariffs.pages.common import asked, attempt, may, named_units
from app.billing.tariffs.words import UNIT_KINDS
from app.kernel import clock
from app.kernel.errors import N_
from app.kernel.period import DateRange, Month
from app.registry import queries as registry
from app.registry.queries.many import label_begins
from app.web.door import needs
from app.web.formats import day
from app.web.forms import Form, blank_form, read_form
from app.web.lists import Column, Filter, Listing, Page
from app.web.navigation import CHARGES, NavItem, register

pages = Blueprint("subsidy", __name__, template_folder="templates")
AT = "/c/<int:community_id>/subsidy"
STATES = {"coming": N_("未开始"), "paying": N_("补贴中"), "ended": N_("已结束")}
CHART_MONTHS = 24

register(NavItem(CHARGES, "subsidy.index", N_("街道补贴"), "heart-handshake", "subsidy.read", 20))


@pages.get(AT)
@needs("subsidy.read")
def index(community_id: int) -> Any:
    """All agreements; a single one is shown at once."""
    return _show(
        "index.html",
        rows=queries.schemes(community_id),
        on=clock.today(),
        cliff=queries.cliff(community_id, clock.today()),
    )


@pages.route(f"{AT}/new", methods=["GET", "POST"])
@needs("subsidy.edit")
def new_scheme(community_id: int) -> Any:
    """Record an agreement; “look first” shows its last day by both conventions."""
    community = registry.community(community_id)
    offices = registry.region_path(community.region_id)[::-1]
    payer = next((one for one in offices if one.kind == "street"), offices[0])
    form = blank_form(
        SchemeNew,
        entered_on=community.entered_on,
        payer_region_id=payer.id,
        term_months=36,
        convention=rules.INCLUSIVE_START,
        unit_kinds=["residential"],
    )
    if request.method == "POST":
        form = read_form(SchemeNew)
        if "look" in request.form:
            attempt(form, lambda: _check(form))
        else:
            made = attempt(form, lambda: service.record_scheme(community_id, form["made"]))
            if made is not None:
                flash(gettext("补贴协议已登记，从下一次出账起抵减。"))
                return _to(community_id, made.id)
    seen = _seen(community_id, form)
    return _show("scheme_form.html", form, offices=[(one.id, one.name) for one in offices], **seen)


@pages.get(f"{AT}/<int:scheme_id>")
@needs("subsidy.read")
def scheme(community_id: int, scheme_id: int) -> Any:
    """One agreement: days left, the rate, what it paid so far, what comes after it."""
    on = clock.today()
    row = queries.scheme(community_id, scheme_id)
    grounds = queries.units(community_id, row, on)
    paid = queries.paid_by_month(community_id, scheme_id)
    return _show(
        "scheme.html",
        row=row,
        on=on,
        rate=row.rate_on(on),
        days_left=max(0, (row.unpaid_from - max(on, row.starts_on)).days),
        out=_left_out(grounds),
        paid_units=sum(one.paid for one in grounds),
        unit_count=len(grounds),
        paid=paid,
        chart_data=_chart(paid),
        total_fen=sum(one.subsidy_fen for one in paid),
        cliff=queries.cliff(community_id, on),
        alerts=_alerts(row),
    )


UNITS = Listing(
    "subsidy-units",
    columns=(
        Column("label", N_("房号"), "sort_key"),
        Column("kind", N_("类型"), "kind", words=UNIT_KINDS),
        Column("area_m2", N_("面积"), "area_m2", "area"),
        Column("ground", N_("补贴与否"), "ground"),
        Column("reason", N_("理由")),
    ),
    default_sort="label",
    tiebreak="id",
    filters=(
        Filter(
            "paid",
            N_("补贴与否"),
            lambda rows, value: rows,
            choices={"yes": N_("补贴"), "no": N_("不补贴")},
        ),
        Filter("ground", N_("原因"), lambda rows, value: rows, choices=GROUNDS),
    ),
    search=lambda rows, word: rows.where(label_begins(word)),
    search_label=N_("房号"),
)


@pages.get(f"{AT}/<int:scheme_id>/units")
@needs("subsidy.read")
def units(community_id: int, scheme_id: int) -> Any:
    """Whom an agreement pays for and whom not, with the reason of each."""
    row = queries.scheme(community_id, scheme_id)
    page = _paged(queries.units(community_id, row, clock.today()))
    return _show("units.html", row=row, page=page)


@pages.route(f"{AT}/<int:scheme_id>/units/name", methods=["GET", "POST"])
@needs("subsidy.edit")
def name_units(community_id: int, scheme_id: int) -> Any:
    """Leave units out or take them in, with the reason, many at once."""
    row = queries.scheme(community_id, scheme_id)
    form = blank_form(UnitsNamed, naming="exclude")
    if request.method == "POST":
        form = read_form(UnitsNamed)
        ids = [unit.id for unit in named_units(community_id, form)]
        changed = attempt(form, lambda: _name(community_id, scheme_id, ids, form))
        if changed is not None:
            flash(ngettext("已登记 %(num)s 户。", "已登记 %(num)s 户。", changed))
            url = url_for("subsidy.units", community_id=community_id, scheme_id=scheme_id)
            return redirect(url, 303)
    return _show("name_units.html", form, row=row)


@pages.route(f"{AT}/<int:scheme_id>/terminate", methods=["GET", "POST"])
@needs("subsidy.edit")
def terminate(community_id: int, scheme_id: int) -> Any:
    """End an agreement before its term."""
    row = queries.scheme(community_id, scheme_id)
    form, made = asked(
        SchemeEnd,
        lambda read: service.terminate_scheme(
            community_id, scheme_id, read["last_day"], read["reason"]
        ),
        blank_form(SchemeEnd, last_day=Month.of(clock.today()).last),
        posted=request.method == "POST",
    )
    if made is None:
        return _show("terminate.html", form, row=row)
    flash(gettext("补贴协议已提前终止。"))
    return _to(community_id, scheme_id)


@pages.route(f"{AT}/<int:scheme_id>/withdraw", methods=["GET", "POST"])
@needs("subsidy.edit")
def withdraw(community_id: int, scheme_id: int) -> Any:
    """Take back an agreement recorded by mistake."""
    row = queries.scheme(community_id, scheme_id)
    if request.method == "POST":
        service.withdraw_scheme(community_id, scheme_id)
        flash(gettext("已撤销协议 %(number)s。", number=row.agreement_no))
        return redirect(url_for("subsidy.index", community_id=community_id), 303)
    return _show("withdraw.html", row=row)


def _show(template: str, form: Form | None = None, **context: Any) -> Any:
    words = {"STATES": STATES, "UNIT_KINDS": UNIT_KINDS, "GROUNDS": GROUNDS, "NAMINGS": NAMINGS}
    status = 200 if form is None or form.ok else 422
    page = render_template(
        f"subsidy/{template}", form=form, may=may, CONVENTIONS=CONVENTIONS, **words, **context
    )
    return page, status


def _to(community_id: int, scheme_id: int) -> Any:
    return redirect(url_for("subsidy.scheme", community_id=community_id, scheme_id=scheme_id), 303)


def _check(form: Form) -> None:
    terms = form["made"]
    days = rules.term(terms.entered_on, terms.term_months, terms.convention)
    service.steps_of(days, terms.rates)


def _seen(community_id: int, form: Form) -> dict[str, Any]:
    """First and last days by both conventions, and the months already billed without it."""
    entered_on, months = form.values.get("entered_on"), form.values.get("term_months")
    if entered_on is None or months is None:
        return {"terms": {}, "billed": []}
    terms = {one: rules.term(entered_on, months, one) for one in CONVENTIONS}
    return {
        "terms": {one: (days.start, _last(days)) for one, days in terms.items()},
        "billed": queries.billed_months(community_id, terms[rules.INCLUSIVE_START]),
    }


def _last(days: DateRange) -> date:
    assert days.end is not None, "a term ends"
    return days.end - timedelta(days=1)


def _name(community_id: int, scheme_id: int, ids: Sequence[int], form: Form) -> int:
    if form["naming"] == "clear":
        return service.unname_units(community_id, scheme_id, ids)
    return service.name_units(
        community_id,
        scheme_id,
        ids,
        included=form["naming"] == "include",
        reason=form["reason"],
    )


def _left_out(grounds: Sequence[UnitGround]) -> list[tuple[str, str]]:
    """Why units are not paid for, and how many for each reason."""
    counted = Counter(one.ground for one in grounds if not one.paid)
    return [
        (gettext(GROUNDS[ground]), ngettext("%(num)s 套", "%(num)s 套", count))
        for ground, count in counted.most_common()
    ]


def _alerts(row: SchemeRow) -> list[tuple[str, str]]:
    """The days on which the people are told, and how long before the end."""
    return [
        (
            day(rules.corresponding_day(row.unpaid_from, -months)),
            gettext("还有 %(months)s 个月", months=months),
        )
        for months in rules.ALERT_MONTHS
    ]


def _paged(rows: list[UnitGround]) -> Page:
    """One page of rows that were judged in Python, by the address's words."""
    wanted = UNITS.asked()
    paid, ground = wanted.filters.get("paid"), wanted.filters.get("ground")
    word = wanted.search.upper()
    kept = [
        one
        for one in rows
        if (paid is None or one.paid == (paid == "yes"))
        and (ground is None or one.ground == ground)
        and one.label.startswith(word)
    ]
    column = next(one for one in UNITS.columns if one.key == wanted.sort)
    kept.sort(key=lambda one: getattr(one, str(column.sort)), reverse=wanted.descending)
    last = max(1, -(-len(kept) // wanted.per_page))
    number = min(wanted.number, last)
    first = (number - 1) * wanted.per_page
    asked_for = type(wanted)(**{**wanted.__dict__, "number": number})
    return Page(UNITS, asked_for, kept[first : first + wanted.per_page], len(kept))


def _chart(paid: Sequence[queries.MonthPaid]) -> dict[str, list[Any]]:
    """The months in order, for the picture."""
    months = list(reversed(paid[:CHART_MONTHS]))
    return {
        "months": [str(Month.of(one.month)) for one in months],
        "paid": [one.subsidy_fen for one in months],
        "own": [one.gross_fen - one.subsidy_fen for one in months],
    }

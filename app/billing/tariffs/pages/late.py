"""Late terms: none by default; only what the contract says (C7)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import gettext

from app.billing.tariffs import queries, service
from app.billing.tariffs.pages import pages
from app.billing.tariffs.pages.common import asked, attempt, done, show
from app.billing.tariffs.pages.tariffs import AT
from app.billing.tariffs.schemas import LateTermsEnd, LateTermsNew
from app.kernel import clock
from app.kernel.period import Month
from app.web.door import needs
from app.web.forms import Form, blank_form, read_form

BENCHMARK = Decimal("1.3")  # × LPR: beyond 130 % of the loss a court may cut (CI 65)
YEAR_DAYS = 365


@pages.get(f"{AT}/late-terms")
@needs("tariff.read")
def late_terms(community_id: int) -> Any:
    """What the contract says on late payment."""
    return show("late_terms.html", rows=queries.late_terms(community_id), on=clock.today())


@pages.route(f"{AT}/late-terms/new", methods=["GET", "POST"])
@needs("tariff.edit")
def new_late_terms(community_id: int) -> Any:
    """Write down a contract's late damages; “look first” compares with 1.3 × LPR."""
    form = blank_form(
        LateTermsNew,
        starts_on=Month.of(clock.today()).shift(1).first,
        grace_days=0,
        lpr=Decimal("3.00"),
    )
    if request.method == "POST":
        form = read_form(LateTermsNew)
        if "look" not in request.form:
            made = attempt(form, lambda: _set(community_id, form))
            if made is not None:
                return done(gettext("违约金约定已登记。"), "late_terms", community_id=community_id)
    return show("late_form.html", form, compared=_compared(form))


@pages.route(f"{AT}/late-terms/<int:terms_id>/end", methods=["GET", "POST"])
@needs("tariff.edit")
def end_late_terms(community_id: int, terms_id: int) -> Any:
    """Stop charging late damages."""
    form, made = asked(
        LateTermsEnd,
        lambda read: service.end_late_terms(community_id, terms_id, read["last_day"]),
        blank_form(LateTermsEnd, last_day=clock.today()),
        posted=request.method == "POST",
    )
    if made is None:
        return show("end_late_terms.html", form)
    return done(gettext("违约金约定已终止。"), "late_terms", community_id=community_id)


def _set(community_id: int, form: Form) -> Any:
    return service.set_late_terms(
        community_id,
        daily_rate=form["daily_permille"] / 1000,
        grace_days=form["grace_days"],
        starts_on=form["starts_on"],
        document_no=form["document_no"],
    )


def _compared(form: Form) -> dict[str, Decimal] | None:
    """The contract's rate and the benchmark, both a year, as shares of one."""
    rate, lpr = form.values.get("daily_permille"), form.values.get("lpr")
    if rate is None or lpr is None:
        return None
    return {"contract": rate / 1000 * YEAR_DAYS, "benchmark": BENCHMARK * lpr / 100}

"""The collection rate over time, of a community and of a company's communities together."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_babel import gettext

from app.billing.dunning.pages.common import pages
from app.billing.dunning.queries import collection as queries
from app.billing.dunning.queries.collection import Cohort
from app.kernel import clock, tenancy
from app.kernel.errors import N_
from app.web import formats, sheets
from app.web.door import needs
from app.web.lists import Column
from app.web.navigation import BILLS as SECTION
from app.web.navigation import COMPANY, NavItem, register

COLUMNS = (
    Column("month", N_("账期"), kind="month"),
    Column("bill_count", N_("账单数"), kind="number"),
    Column("billed_fen", N_("应收"), kind="money"),
    Column("d30", N_("30 天内"), kind="percent"),
    Column("d90", N_("90 天内"), kind="percent"),
    Column("d365", N_("一年内"), kind="percent"),
    Column("to_date_fen", N_("至今已收"), kind="money"),
    Column("to_date", N_("至今"), kind="percent"),
)


@pages.get("/c/<int:community_id>/collection/over-time")
@needs("arrears.read")
def over_time(community_id: int) -> Any:
    """By month billed: what came in within 30, 90 and 365 days, and to date."""
    return _answer([community_id])


@pages.get("/o/<int:organization_id>/collection")
@needs("company.read")
def company_over_time(organization_id: int) -> Any:
    """The same of all communities a company manages, together."""
    return _answer(sorted(tenancy.scope() - {tenancy.NOWHERE}))


def _answer(ids: list[int]) -> Any:
    rows = queries.cohorts(ids, clock.today())
    if request.args.get("format") in sheets.WRITERS:
        return sheets.answer("collection", COLUMNS, rows, request.args["format"])
    billed, collected = queries.total(rows)
    return render_template(
        "dunning/over_time.html",
        rows=rows,
        billed_fen=billed,
        collected_fen=collected,
        rate=collected / billed if billed else None,
        names=[formats.month(row.month) for row in rows],
        series=[
            _line(gettext("30 天内"), rows, "d30"),
            _line(gettext("90 天内"), rows, "d90"),
            _line(gettext("一年内"), rows, "d365"),
            _line(gettext("至今"), rows, "to_date"),
        ],
    )


def _line(name: str, rows: list[Cohort], key: str) -> dict[str, Any]:
    shares = [getattr(row, key) for row in rows]
    values = [None if share is None else round(float(share), 4) for share in shares]
    return {"name": name, "values": values, "kind": "line", "unit": "percent"}


register(
    NavItem(SECTION, "dunning.over_time", N_("收缴率走势"), "chart-line", "arrears.read", 51),
    NavItem(
        SECTION,
        "dunning.company_over_time",
        N_("收缴率走势"),
        "chart-line",
        "company.read",
        51,
        COMPANY,
    ),
)

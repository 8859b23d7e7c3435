"""A company's and a region's communities side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import render_template, request, url_for

from app.billing.portfolio import queries as portfolio
from app.billing.portfolio.queries import CommunityMoney
from app.desk import queries, rules
from app.desk.pages.common import know_place, pages
from app.kernel import clock
from app.kernel.errors import N_
from app.registry import queries as registry
from app.web import reader, sheets
from app.web.door import Place, needs
from app.web.lists import Column, Listing, page_of
from app.web.navigation import COMPANY, OVERVIEW, REGION, NavItem, register

REGION_WORDS = {
    "city": N_("市"),
    "district": N_("区"),
    "street": N_("街道"),
    "station": N_("社区"),
}
LIST = Listing(
    "portfolio",
    columns=(
        Column("name", N_("小区名"), "name"),
        Column("region_name", N_("辖区"), "region_name"),
        Column("company_name", N_("物业公司"), "company_name"),
        Column("unit_count", N_("户数"), "unit_count", "number"),
        Column("month_state", N_("本月账单"), "month_state", words=rules.STATE_WORDS),
        Column("billed_fen", N_("近一年应收"), "billed_fen", "money"),
        Column("collected_fen", N_("近一年实收"), "collected_fen", "money", shown=False),
        Column("rate", N_("收缴率"), "rate", "percent"),
        Column("overdue_fen", N_("逾期欠费"), "overdue_fen", "money"),
        Column("subsidy_until", N_("停补日期"), "subsidy_until", "date"),
    ),
    default_sort="name",
    tiebreak="id",
    per_page=100,
)
COMPANY_LIST = replace(
    LIST, columns=tuple(one for one in LIST.columns if one.key != "company_name")
)


@pages.get("/o/<int:organization_id>/")
@needs("company.read")
def company(organization_id: int) -> Any:
    """The communities in mandate: runs due, what came in, arrears by age, subsidies ending."""
    facts = registry.organization(organization_id)
    know_place(Place(organization_id=organization_id), facts.name)
    ids, today = queries.in_view(), clock.today()
    rows = portfolio.communities(ids, today)
    return _answer(
        COMPANY_LIST, rows, "desk/company.html", facts=facts, arrears=queries.ages(ids, today)
    )


@pages.get("/regions/<int:region_id>/")
@needs("region.read")
def region(region_id: int) -> Any:
    """The communities below a street, district or city: collection, warnings, subsidies."""
    path = registry.region_path(region_id)
    know_place(Place(region_id=region_id), path[-1].name)
    rows = portfolio.communities(queries.in_view(), clock.today())
    return _answer(
        LIST,
        rows,
        "desk/region.html",
        path=path,
        crumbs=[
            (one.name, url_for("desk.region", region_id=one.id))
            for one in path[:-1]
            if _mine(one.id)
        ],
        below=registry.children(region_id),
        region_words=REGION_WORDS,
    )


def _mine(region_id: int) -> bool:
    """Whether the reader may open a region above; an office sees what lies below it."""
    return "region.read" in reader.allowed_actions(Place(region_id=region_id))


def _answer(listing: Listing, rows: list[CommunityMoney], template: str, **context: Any) -> Any:
    """The page, or the list as a file."""
    form = request.args.get("format")
    page = page_of(rows, listing)
    if form in sheets.WRITERS:
        return sheets.answer(listing.name, listing.columns, page.every, form)
    return render_template(
        template,
        page=page,
        sums=queries.add_up(rows),
        endings=_endings(rows),
        tones=rules.STATE_TONES,
        words=rules.STATE_WORDS,
        **context,
    )


def _endings(rows: list[CommunityMoney]) -> list[tuple[CommunityMoney, int, int]]:
    """Subsidies that end within a year, the nearest first: community, warning, months left."""
    today = clock.today()
    found = [
        (row, warned, rules.months_left(row.subsidy_until, today) or 0)
        for row in rows
        if (warned := rules.warning(row.subsidy_until, today)) is not None
    ]
    return sorted(found, key=lambda one: (one[0].subsidy_until, one[0].name))


register(
    NavItem(OVERVIEW, "desk.company", N_("公司概况"), "building", "company.read", 10, COMPANY),
    NavItem(OVERVIEW, "desk.region", N_("辖区概况"), "map-pin", "region.read", 10, REGION),
)

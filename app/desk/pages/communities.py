"""The communities a person reaches, as a list."""

from __future__ import annotations

from typing import Any

from flask import g
from sqlalchemy import select

from app.billing.portfolio import queries as portfolio
from app.desk import queries
from app.desk.pages.common import pages
from app.desk.rules import STATE_TONES, STATE_WORDS
from app.kernel import clock
from app.kernel.errors import N_
from app.registry import queries as registry
from app.web.door import needs
from app.web.lists import Column, Filter, Listing
from app.web.navigation import ANYWHERE, NavItem, register


def listing(table: Any) -> Listing:
    """The list over a portfolio's subquery."""
    c = table.c
    return Listing(
        "communities",
        columns=(
            Column("name", N_("小区名"), c.name),
            Column("region_name", N_("辖区"), c.region_name),
            Column("company_name", N_("物业公司"), c.company_name),
            Column("unit_count", N_("户数"), c.unit_count, "number"),
            Column("month_state", N_("本月账单"), c.month_state, words=STATE_WORDS),
            Column("billed_fen", N_("近一年应收"), c.billed_fen, "money"),
            Column("collected_fen", N_("近一年实收"), c.collected_fen, "money", shown=False),
            Column("overdue_fen", N_("逾期欠费"), c.overdue_fen, "money"),
            Column("subsidy_until", N_("停补日期"), c.subsidy_until, "date"),
        ),
        default_sort="name",
        tiebreak=c.id,
        filters=(
            Filter(
                "region",
                N_("辖区"),
                lambda rows, value: rows.where(c.region_id == int(value)),
                choices=_regions,
            ),
            Filter(
                "state",
                N_("本月账单"),
                lambda rows, value: rows.where(c.month_state == value),
                choices=STATE_WORDS,
            ),
        ),
        search=lambda rows, word: rows.where(c.name.contains(word, autoescape=True)),
        search_label=N_("小区名称"),
    )


@pages.get("/communities")
@needs("community.read")
def communities() -> Any:
    """Every community the reader reaches; search, filter, sort, export."""
    table = portfolio.table(queries.in_view(), clock.today())
    return listing(table).answer(
        select(table), "desk/communities.html", tones=STATE_TONES, words=STATE_WORDS
    )


def _regions() -> dict[str, str]:
    """The streets and stations the reader's communities lie in."""
    if "desk_regions" not in g:
        rows = registry.communities(queries.in_view())
        g.desk_regions = {
            str(row.region_id): row.region_name
            for row in sorted(rows, key=lambda row: row.region_name)
        }
    found: dict[str, str] = g.desk_regions
    return found


register(
    NavItem("", "desk.communities", N_("小区"), "buildings", "community.read", 10, ANYWHERE),
)

"""A community's overview, and the way to its first month of bills."""

from __future__ import annotations

from typing import Any

from flask import render_template

from app.billing.bills.queries import lists as bills
from app.billing.portfolio import queries as portfolio
from app.billing.subsidy import queries as subsidy
from app.desk import queries, rules
from app.desk.pages.common import know_place, pages
from app.kernel import clock
from app.kernel.errors import N_
from app.kernel.period import Month
from app.registry import queries as registry
from app.web import formats, reader
from app.web.door import Place, needs
from app.web.navigation import OVERVIEW, NavItem, register

CHART_MONTHS = 12
CLASS_WORDS = {"basic": N_("基础类"), "improved": N_("完善类"), "extended": N_("提升类")}
MODE_WORDS = {"fixed": N_("包干制"), "commission": N_("酬金制")}


@pages.get("/c/<int:community_id>/")
@needs("community.read")
def community(community_id: int) -> str:
    """Facts, the month's state, what came in, when the subsidy ends, what to do next."""
    today, here = clock.today(), Place(community_id=community_id)
    facts = registry.community(community_id)
    know_place(here, facts.name)
    money = portfolio.communities([community_id], today)[0]
    cliff = subsidy.cliff(community_id, today)
    this_month = Month.of(today)
    collected = bills.collection(community_id, this_month.shift(1 - CHART_MONTHS), this_month)
    allowed = reader.allowed_actions(here)
    things = rules.next_things(
        money.month_state, rules.warning(money.subsidy_until, today), money.overdue_fen
    )
    return render_template(
        "desk/community.html",
        facts=facts,
        money=money,
        cliff=cliff,
        month=this_month,
        months=collected,
        chart=_chart(collected),
        things=[one for one in things if one.action in allowed] if money.last_month else [],
        allowed=allowed,
        words=rules.STATE_WORDS,
        tones=rules.STATE_TONES,
        class_words=CLASS_WORDS,
        mode_words=MODE_WORDS,
    )


@pages.get("/c/<int:community_id>/start")
@needs("community.read")
def start(community_id: int) -> str:
    """From an empty community to its first month of bills, with what is done already."""
    steps = rules.first_steps(queries.standing(community_id, clock.today()))
    return render_template(
        "desk/start.html",
        steps=steps,
        current=rules.next_step(steps),
        allowed=reader.allowed_actions(Place(community_id=community_id)),
    )


def _chart(months: list[Any]) -> dict[str, list[Any]]:
    """Billed and collected by due month, for `charts.chart`."""
    return {
        "months": [formats.month(one.month) for one in months],
        "billed": [one.billed_fen for one in months],
        "collected": [one.collected_fen for one in months],
    }


register(
    NavItem(OVERVIEW, "desk.community", N_("概况"), "building-community", "community.read", 1),
    NavItem(OVERVIEW, "desk.start", N_("开始使用"), "flag", "run.prepare", 2),
)

"""Reductions: list, grant, end early."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext, ngettext

from app.billing.models import Reduction
from app.billing.tariffs import queries, service
from app.billing.tariffs.pages import pages
from app.billing.tariffs.pages.common import WORDS, asked, attempt, done, named_units, show
from app.billing.tariffs.pages.tariffs import AT
from app.billing.tariffs.schemas import LastDay, ReductionNew
from app.billing.tariffs.words import REDUCTION_KINDS
from app.kernel import clock
from app.kernel.errors import N_
from app.kernel.period import Month
from app.registry.queries.many import UNITS, label_begins
from app.web.door import needs
from app.web.forms import blank_form, read_form
from app.web.lists import Column, Filter, Listing

STATES = {"now": N_("生效中"), "coming": N_("未开始"), "ended": N_("已结束")}


def _by_state(rows: Any, value: str) -> Any:
    on = clock.today()
    if value == "coming":
        return rows.where(Reduction.starts_on > on)
    if value == "ended":
        return rows.where(Reduction.ends_on <= on)
    return rows.where(
        Reduction.starts_on <= on, (Reduction.ends_on.is_(None)) | (Reduction.ends_on > on)
    )


REDUCTIONS = Listing(
    "reductions",
    columns=(
        Column("label", N_("房号"), UNITS.c.sort_key),
        Column("kind", N_("种类"), Reduction.kind, words=REDUCTION_KINDS),
        Column("percent", N_("减免 %"), Reduction.percent, "number"),
        Column("tariff_name", N_("收费项目")),
        Column("starts_on", N_("从"), Reduction.starts_on, "date"),
        Column("ends_on", N_("到（不含）"), Reduction.ends_on, "date"),
        Column("document_no", N_("依据"), Reduction.document_no),
    ),
    default_sort="label",
    tiebreak=Reduction.id,
    filters=(
        Filter("state", N_("状态"), _by_state, choices=STATES),
        Filter(
            "kind",
            N_("种类"),
            lambda rows, value: rows.where(Reduction.kind == value),
            choices=REDUCTION_KINDS,
        ),
    ),
    search=lambda rows, word: rows.where(label_begins(word)),
    search_label=N_("房号"),
)


@pages.get(f"{AT}/reductions")
@needs("tariff.read")
def reduction_list(community_id: int) -> Any:
    """Who pays less, why, and on what paper."""
    return REDUCTIONS.answer(
        queries.reductions(community_id), "tariffs/reductions.html", on=clock.today(), **WORDS
    )


@pages.route(f"{AT}/reductions/new", methods=["GET", "POST"])
@needs("tariff.edit")
def new_reduction(community_id: int) -> Any:
    """Grant a reduction to some units."""
    form = blank_form(ReductionNew, starts_on=Month.of(clock.today()).first)
    if request.method == "POST":
        form = read_form(ReductionNew)
        units = named_units(community_id, form) if "units" in form.values else []
        given = {key: value for key, value in form.values.items() if key != "units"}
        made = attempt(
            form,
            lambda: service.grant_reductions(
                community_id, unit_ids=[unit.id for unit in units], **given
            ),
        )
        if made is not None:
            sentence = ngettext("已登记 %(num)s 户的减免。", "已登记 %(num)s 户的减免。", len(made))
            return done(sentence, "reduction_list", community_id=community_id)
    return show("reduction_form.html", form, tariffs=queries.names(community_id, "area", "unit"))


@pages.route(f"{AT}/reductions/<int:reduction_id>/end", methods=["GET", "POST"])
@needs("tariff.edit")
def end_reduction(community_id: int, reduction_id: int) -> Any:
    """End a reduction early."""
    form, made = asked(
        LastDay,
        lambda read: service.end_reduction(community_id, reduction_id, read["last_day"]),
        blank_form(LastDay, last_day=clock.today()),
        posted=request.method == "POST",
    )
    if made is None:
        return show("end_reduction.html", form)
    return done(gettext("减免已提前结束。"), "reduction_list", community_id=community_id)

"""Lists: cases, ends of limitation, promises and plans, objections; the community's steps."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.billing.dunning import rules, service
from app.billing.dunning.pages.common import (
    answer_rows,
    buildings,
    by_word,
    keep,
    nameless,
    pages,
)
from app.billing.dunning.queries import agreements, cases
from app.billing.dunning.queries import letters as happenings
from app.billing.dunning.words import (
    CHANNEL_WORDS,
    KIND_WORDS,
    NEXT_WORDS,
    OBJECTION_WORDS,
    PLAN_WORDS,
    PROMISE_WORDS,
    STAGE_WORDS,
    STATE_TONES,
    STATE_WORDS,
    TONES,
    WARNING_TONES,
    WARNING_WORDS,
)
from app.kernel import clock
from app.kernel.errors import N_, HouseError
from app.web.door import needs
from app.web.fields import Choice, Schema, Text, Whole
from app.web.forms import blank_form, read_form
from app.web.lists import Column, Filter, Listing
from app.web.navigation import BILLS as SECTION
from app.web.navigation import NavItem, register

SORT = "asc"  # rows at hand are sorted by the column's own attribute
BUILDING = Filter(
    "building",
    N_("楼栋"),
    keep(lambda row, value: str(row.building_id) == value),
    choices=buildings,
)
AGES = {"30": N_("逾期超过 30 天"), "90": N_("逾期超过 90 天"), "365": N_("逾期超过一年")}
SUMS = {"100000": N_("1,000 元以上"), "300000": N_("3,000 元以上"), "1000000": N_("1 万元以上")}

CASES = Listing(
    "dunning",
    columns=(
        Column("unit_label", N_("房号")),
        Column("payer_name", N_("付款人")),
        Column("open_fen", N_("逾期合计"), SORT, "money"),
        Column("bill_count", N_("账单数"), SORT, "number", shown=False),
        Column("days_past_due", N_("逾期天数"), SORT, "number"),
        Column("stage_kind", N_("已到步骤"), words=STAGE_WORDS),
        Column("next_kind", N_("下一步"), words=NEXT_WORDS, shown=False),
        Column("next_on", N_("下一步最早日期"), SORT, "date"),
        Column("state", N_("状态"), words=STATE_WORDS),
        Column("limitation_on", N_("时效届满"), SORT, "date"),
        Column("building_code", N_("楼栋"), shown=False),
    ),
    default_sort="-open_fen",
    tiebreak="sort_key",
    filters=(
        Filter("stage", N_("已到步骤"), keep(lambda r, v: r.stage_kind == v), choices=STAGE_WORDS),
        Filter("state", N_("状态"), keep(lambda r, v: r.state == v), choices=STATE_WORDS),
        Filter("age", N_("账龄"), keep(lambda r, v: r.days_past_due > int(v)), choices=AGES),
        Filter("sum", N_("金额"), keep(lambda r, v: r.open_fen >= int(v)), choices=SUMS),
        Filter(
            "limitation",
            N_("时效"),
            keep(lambda r, v: r.warning is not None and r.warning <= int(v)),
            choices=WARNING_WORDS,
        ),
        BUILDING,
    ),
    search=by_word,
    search_label=N_("房号或姓名"),
)
LIMITATION = Listing(
    "limitation",
    columns=(
        Column("unit_label", N_("房号")),
        Column("payer_name", N_("付款人")),
        Column("month", N_("账期"), SORT, "month"),
        Column("due_on", N_("缴费期限"), SORT, "date"),
        Column("open_fen", N_("未付"), SORT, "money"),
        Column("last_restart_on", N_("最近一次中断"), SORT, "date"),
        Column("limitation_on", N_("时效届满"), SORT, "date"),
        Column("left_days", N_("剩余天数"), SORT, "number"),
    ),
    default_sort="limitation_on",
    tiebreak="bill_id",
    filters=(
        Filter(
            "limitation",
            N_("时效"),
            keep(lambda r, v: r.warning != "" and int(r.warning) <= int(v)),
            choices=WARNING_WORDS,
        ),
        BUILDING,
    ),
    search=by_word,
    search_label=N_("房号或姓名"),
)
PROMISES = Listing(
    "promises",
    columns=(
        Column("unit_label", N_("房号")),
        Column("payer_name", N_("付款人")),
        Column("made_on", N_("承诺日"), SORT, "date"),
        Column("pay_on", N_("付款日"), SORT, "date"),
        Column("amount_fen", N_("承诺金额"), SORT, "money"),
        Column("received_fen", N_("之后收到"), SORT, "money"),
        Column("state", N_("状态"), words=PROMISE_WORDS),
    ),
    default_sort="-pay_on",
    tiebreak="id",
    filters=(
        Filter("state", N_("状态"), keep(lambda r, v: r.state == v), choices=PROMISE_WORDS),
        BUILDING,
    ),
    search=by_word,
    search_label=N_("房号或姓名"),
)
PLANS = Listing(
    "plans",
    columns=(
        Column("number", N_("编号"), SORT),
        Column("unit_label", N_("房号")),
        Column("payer_name", N_("付款人")),
        Column("total_fen", N_("总额"), SORT, "money"),
        Column("paid_fen", N_("已付"), SORT, "money"),
        Column("signed_on", N_("签署日"), SORT, "date"),
        Column("next_on", N_("下一期"), SORT, "date"),
        Column("state", N_("状态"), words=PLAN_WORDS),
    ),
    default_sort="-number",
    tiebreak="id",
    filters=(
        Filter("state", N_("状态"), keep(lambda r, v: r.state == v), choices=PLAN_WORDS),
        BUILDING,
    ),
    search=by_word,
    search_label=N_("房号或姓名"),
)


@pages.get("/c/<int:community_id>/dunning")
@needs("arrears.read")
def index(community_id: int) -> Any:
    """Open cases: who owes, how far, what comes next; choose some to write to."""
    rows = nameless(cases.cases(community_id, clock.today()))
    near = [row for row in rows if row.warning is not None]
    return answer_rows(
        CASES,
        rows,
        "dunning/index.html",
        STATE_TONES=STATE_TONES,
        STATE_WORDS=STATE_WORDS,
        NEXT_WORDS=NEXT_WORDS,
        open_fen=sum(row.open_fen for row in rows),
        ready=sum(row.state == "ready" for row in rows),
        paused=sum(row.state in {"paused", "promise", "plan"} for row in rows),
        disputed=sum("disputed" in row.standing for row in rows),
        near=len(near),
    )


@pages.post("/c/<int:community_id>/dunning/look")
@needs("arrears.work")
def look(community_id: int) -> Any:
    """Open and close cases now, as every morning."""
    opened, closed = service.look(community_id)
    flash(gettext("新建 %(opened)s 件，结束 %(closed)s 件。", opened=opened, closed=closed))
    return redirect(url_for("dunning.index", community_id=community_id), 303)


@pages.get("/c/<int:community_id>/dunning/limitation")
@needs("arrears.read")
def limitation(community_id: int) -> Any:
    """The last day of every overdue bill's three years, the nearest first."""
    rows = nameless(cases.limitations(community_id, clock.today()))
    return answer_rows(
        LIMITATION,
        rows,
        "dunning/limitation.html",
        WARNING_WORDS=WARNING_WORDS,
        WARNING_TONES=WARNING_TONES,
    )


@pages.get("/c/<int:community_id>/dunning/promises")
@needs("arrears.read")
def promises(community_id: int) -> Any:
    """Promises to pay, kept or not."""
    rows = nameless(agreements.promises(community_id, clock.today()))
    return answer_rows(
        PROMISES, rows, "dunning/promises.html", TONES=TONES, PROMISE_WORDS=PROMISE_WORDS
    )


@pages.get("/c/<int:community_id>/dunning/plans")
@needs("arrears.read")
def plans(community_id: int) -> Any:
    """Instalment plans, kept or not."""
    rows = nameless(agreements.plans(community_id, clock.today()))
    return answer_rows(PLANS, rows, "dunning/plans.html", TONES=TONES, PLAN_WORDS=PLAN_WORDS)


@pages.get("/c/<int:community_id>/dunning/objections")
@needs("arrears.work")
def objections(community_id: int) -> Any:
    """Objections and requests that wait for an answer."""
    rows = happenings.objections(community_id, only_open=True)
    return render_template("dunning/objections.html", rows=rows, OBJECTION_WORDS=OBJECTION_WORDS)


def _stage_schema() -> type[Schema]:
    fields: dict[str, Any] = {}
    for no in range(1, MOST_STAGES + 1):
        fields[f"kind_{no}"] = Choice(KIND_WORDS, load_default="")
        fields[f"channel_{no}"] = Choice(CHANNEL_WORDS, load_default="paper")
        fields[f"days_{no}"] = Whole(least=1, most=1000, load_default=None, allow_none=True)
        fields[f"answer_{no}"] = Whole(least=7, most=90, load_default=15)
        fields[f"signer_{no}"] = Text(most=40, load_default="")
    return type("Stages", (Schema,), {"__doc__": "The community's steps.", **fields})


MOST_STAGES = 4
Stages = _stage_schema()


@pages.route("/c/<int:community_id>/dunning/stages", methods=["GET", "POST"])
@needs("arrears.work")
def stages(community_id: int) -> Any:
    """The community's steps: after how many days, how long to answer, who signs."""
    form = blank_form(Stages, **_written(cases.stages(community_id)))
    if request.method == "POST":
        form = read_form(Stages)
        if form.ok:
            try:
                service.set_stages(community_id, _stages(form.values))
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("催告步骤已保存，之后的步骤按新设置进行。"))
                return redirect(url_for("dunning.index", community_id=community_id), 303)
    page = render_template("dunning/stages.html", form=form, numbers=range(1, MOST_STAGES + 1))
    return page, 422 if form.errors else 200


def _written(known: tuple[rules.Stage, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for no, stage in enumerate(known[:MOST_STAGES], 1):
        values |= {
            f"kind_{no}": stage.kind,
            f"channel_{no}": stage.channel,
            f"days_{no}": stage.days_after_due,
            f"answer_{no}": stage.answer_days,
            f"signer_{no}": stage.signer,
        }
    return values


def _stages(values: Any) -> list[rules.Stage]:
    """The steps filled in; one without days is left out."""
    found: list[rules.Stage] = []
    for no in range(1, MOST_STAGES + 1):
        if values[f"days_{no}"] is not None and values[f"kind_{no}"]:
            found.append(
                rules.Stage(
                    len(found) + 1,
                    values[f"kind_{no}"],
                    values[f"channel_{no}"],
                    values[f"days_{no}"],
                    values[f"answer_{no}"],
                    values[f"signer_{no}"],
                )
            )
    return found


register(
    NavItem(SECTION, "dunning.index", N_("催告"), "bell", "arrears.read", 41),
)

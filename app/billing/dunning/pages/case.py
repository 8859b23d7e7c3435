"""One case: its bills, its next step, all that happened; what staff take down."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext

from app.billing.dunning import paper, service
from app.billing.dunning.pages.common import Ask, act_on, case_url, form_page, may, pages
from app.billing.dunning.queries import agreements, cases
from app.billing.dunning.queries import letters as happenings
from app.billing.dunning.schemas import (
    Answer,
    NewAct,
    NewPause,
    NewPlan,
    NewPromise,
    Reason,
    Signature,
)
from app.billing.dunning.words import (
    HAPPENING_WORDS,
    NEXT_WORDS,
    OBJECTION_WORDS,
    PART_WORDS,
    PAUSE_WORDS,
    PLAN_WORDS,
    STAGE_WORDS,
    STATE_TONES,
    STATE_WORDS,
    TONES,
    WARNING_TONES,
    WARNING_WORDS,
)
from app.kernel import audit, clock
from app.web import formats
from app.web.door import needs
from app.web.forms import blank_form

WORDS = {
    "STAGE_WORDS": STAGE_WORDS,
    "NEXT_WORDS": NEXT_WORDS,
    "STATE_WORDS": STATE_WORDS,
    "STATE_TONES": STATE_TONES,
    "PLAN_WORDS": PLAN_WORDS,
    "PART_WORDS": PART_WORDS,
    "TONES": TONES,
    "PAUSE_WORDS": PAUSE_WORDS,
    "OBJECTION_WORDS": OBJECTION_WORDS,
    "WARNING_WORDS": WARNING_WORDS,
    "WARNING_TONES": WARNING_TONES,
}


@pages.get("/c/<int:community_id>/dunning/cases/<int:case_id>")
@needs("arrears.work")
def case(community_id: int, case_id: int) -> Any:
    """A case with its bills, agreements and history."""
    today = clock.today()
    one = cases.case(community_id, case_id, today)
    told = happenings.timeline(community_id, case_id)
    names = audit.names(community_id, {line.who for line in told if line.who})
    return render_template(
        "dunning/case.html",
        case=one,
        plans=agreements.plans(community_id, today, case_id=case_id),
        pauses=[
            pause
            for pause in happenings.pauses(community_id, case_id)
            if pause.ended_on is None and pause.until_on >= today
        ],
        objections=[
            asked
            for asked in happenings.objections(community_id, case_id=case_id)
            if asked.answered_on is None
        ],
        events=[_event(line, names) for line in told],
        may=may,
        **WORDS,
    )


def _event(line: Any, names: dict[int, str]) -> tuple[str, str, str, str]:
    title = gettext(HAPPENING_WORDS.get(line.kind, line.kind))
    if line.stage_kind:
        title += f" · {gettext(STAGE_WORDS[line.stage_kind])}"
    if line.amount_fen:
        title += f" · {formats.yuan(line.amount_fen)}"
    words = []
    if line.said:
        words.append(gettext("对方：%(words)s", words=line.said))
    if line.done:
        words.append(line.done)
    if line.until_on:
        words.append(gettext("至 %(day)s", day=formats.day(line.until_on)))
    if line.who in names:
        words.append(gettext("经办：%(name)s", name=names[line.who]))
    tones = {"letter_delivered": "warn", "promise": "good", "plan": "good", "objection": "bad"}
    when = formats.day(line.on)
    return when, title, gettext("；").join(words), tones.get(line.kind, "plain")


@pages.route("/c/<int:community_id>/dunning/cases/<int:case_id>/acts", methods=["GET", "POST"])
@needs("arrears.work")
def new_act(community_id: int, case_id: int) -> Any:
    """Take down a call, a visit, a message, an acknowledgement."""
    one = cases.case(community_id, case_id, clock.today())
    back = case_url(community_id, case_id)
    form: Any = blank_form(NewAct, kind="phone", happened_on=clock.today())
    if request.method == "POST":
        form = act_on(
            NewAct,
            lambda values: service.record_act(community_id, case_id, **values),
            gettext("已登记。"),
            back,
        )
        if not hasattr(form, "errors"):
            return form
    asks = [
        Ask("kind", gettext("方式"), "radios"),
        Ask("happened_on", gettext("日期"), "date"),
        Ask("said", gettext("对方说了什么"), "textarea"),
        Ask("done", gettext("我们做了什么、下一步"), "textarea"),
    ]
    if one.next_kind == "reminder" and one.state == "ready":
        hint = gettext("勾选后，从这一天起给对方答复期，期满才能进行下一步。")
        asks.append(Ask("as_step", gettext("这就是“友好提醒”这一步"), "checkbox", hint))
    return form_page(form, gettext("登记联系"), asks, back, where=one.unit_label)


@pages.route("/c/<int:community_id>/dunning/cases/<int:case_id>/pause", methods=["GET", "POST"])
@needs("arrears.work")
def new_pause(community_id: int, case_id: int) -> Any:
    """Grant a pause."""
    one = cases.case(community_id, case_id, clock.today())
    back = case_url(community_id, case_id)
    form: Any = blank_form(NewPause, reason="hardship", until_on=clock.today() + timedelta(days=90))
    if request.method == "POST":
        form = act_on(
            NewPause,
            lambda values: service.pause(community_id, case_id, **values),
            gettext("已暂缓，到期自动恢复。"),
            back,
        )
        if not hasattr(form, "errors"):
            return form
    asks = [
        Ask("reason", gettext("原因"), "radios"),
        Ask("words", gettext("说明"), "textarea"),
        Ask("until_on", gettext("暂缓到（含）"), "date", gettext("最长一年，到期再看。")),
    ]
    lead = gettext("暂缓期间不发提醒、不进入下一步；诉讼时效照常计算。")
    return form_page(form, gettext("暂缓催告"), asks, back, lead=lead, where=one.unit_label)


@pages.post("/c/<int:community_id>/dunning/pauses/<int:pause_id>/end")
@needs("arrears.work")
def end_pause(community_id: int, pause_id: int) -> Any:
    """End a pause before its day."""
    service.resume(community_id, pause_id)
    flash(gettext("已恢复催告。"))
    return redirect(url_for("dunning.index", community_id=community_id), 303)


@pages.route("/c/<int:community_id>/dunning/cases/<int:case_id>/promise", methods=["GET", "POST"])
@needs("arrears.work")
def new_promise(community_id: int, case_id: int) -> Any:
    """Take down a promise to pay."""
    one = cases.case(community_id, case_id, clock.today())
    back = case_url(community_id, case_id)
    form: Any = blank_form(
        NewPromise, amount_fen=one.open_fen, pay_on=clock.today() + timedelta(days=14)
    )
    if request.method == "POST":
        form = act_on(
            NewPromise,
            lambda values: service.promise(community_id, case_id, **values),
            gettext("已登记承诺，到期前不再提醒。"),
            back,
        )
        if not hasattr(form, "errors"):
            return form
    asks = [
        Ask("pay_on", gettext("付款日"), "date"),
        Ask("amount_fen", gettext("承诺金额"), "money"),
        Ask("words", gettext("原话或说明"), "textarea"),
    ]
    lead = gettext("是否履行，由之后收到的款项自动判断。承诺付款会使诉讼时效重新计算。")
    return form_page(form, gettext("登记付款承诺"), asks, back, lead=lead, where=one.unit_label)


@pages.route("/c/<int:community_id>/dunning/cases/<int:case_id>/plan", methods=["GET", "POST"])
@needs("arrears.work")
def new_plan(community_id: int, case_id: int) -> Any:
    """Draw up an instalment plan."""
    one = cases.case(community_id, case_id, clock.today())
    back = case_url(community_id, case_id)
    form: Any = blank_form(NewPlan, count=3, first_on=clock.today() + timedelta(days=14))
    form.typed["bill_ids"] = [str(debt.bill_id) for debt in one.debts]
    if request.method == "POST":
        form = act_on(
            NewPlan,
            lambda values: _plan_url(service.draw_up(community_id, case_id, **values)),
            gettext("协议已拟定，请打印签署。"),
            back,
        )
        if not hasattr(form, "errors"):
            return form
    options = [
        (str(debt.bill_id), f"{formats.month(debt.month)}  {formats.yuan(debt.open_fen)}")
        for debt in one.debts
    ]
    asks = [
        Ask("bill_ids", gettext("分期的账单"), "checkboxes", options=options),
        Ask("count", gettext("分几期"), "number", gettext("每月一期，2 到 36 期。")),
        Ask("first_on", gettext("第一期付款日"), "date"),
    ]
    lead = gettext("每期金额相等，合计正好等于所选账单；除不尽的余分计入前几期。")
    return form_page(form, gettext("拟定分期协议"), asks, back, lead=lead, where=one.unit_label)


def _plan_url(plan: Any) -> str:
    return url_for("dunning.plan", community_id=plan.community_id, plan_id=plan.id)


@pages.get("/c/<int:community_id>/dunning/plans/<int:plan_id>")
@needs("arrears.work")
def plan(community_id: int, plan_id: int) -> Any:
    """An instalment plan, part by part."""
    found = agreements.plan(community_id, plan_id, clock.today())
    parts = list(zip(found.parts, found.at.parts, strict=True))
    return render_template("dunning/plan.html", plan=found, parts=parts, **WORDS)


@pages.get("/c/<int:community_id>/dunning/plans/<int:plan_id>/agreement.pdf")
@needs("arrears.work")
def agreement(community_id: int, plan_id: int) -> Any:
    """The agreement on paper, to sign."""
    found = agreements.plan(community_id, plan_id, clock.today())
    content = paper.agreement_pdf(paper.sender(community_id, found.made_on), found)
    answer = send_file(
        io.BytesIO(content),
        mimetype="application/pdf",
        as_attachment=True,
        download_name=f"{gettext('分期缴费协议')} {found.number}.pdf",
    )
    answer.headers["Cache-Control"] = "no-store, private"
    return answer


@pages.route("/c/<int:community_id>/dunning/plans/<int:plan_id>/sign", methods=["GET", "POST"])
@needs("arrears.work")
def sign_plan(community_id: int, plan_id: int) -> Any:
    """Put a plan in force."""
    found = agreements.plan(community_id, plan_id, clock.today())
    back = url_for("dunning.plan", community_id=community_id, plan_id=plan_id)
    form: Any = blank_form(Signature, signed_on=clock.today())
    if request.method == "POST":
        form = act_on(
            Signature,
            lambda values: service.sign(community_id, plan_id, **values),
            gettext("分期协议已生效，按期履行期间不催告、不加收违约金。"),
            back,
        )
        if not hasattr(form, "errors"):
            return form
    asks = [Ask("signed_on", gettext("双方签署日"), "date")]
    return form_page(form, gettext("登记签署"), asks, back, where=found.number)


@pages.route("/c/<int:community_id>/dunning/plans/<int:plan_id>/end", methods=["GET", "POST"])
@needs("arrears.work")
def end_plan(community_id: int, plan_id: int) -> Any:
    """End a plan."""
    found = agreements.plan(community_id, plan_id, clock.today())
    back = url_for("dunning.plan", community_id=community_id, plan_id=plan_id)
    form: Any = blank_form(Reason)
    if request.method == "POST":
        form = act_on(
            Reason,
            lambda values: service.end_plan(community_id, plan_id, values["reason"]),
            gettext("分期协议已终止。"),
            back,
        )
        if not hasattr(form, "errors"):
            return form
    asks = [Ask("reason", gettext("原因"), "textarea")]
    return form_page(form, gettext("终止分期协议"), asks, back, where=found.number)


@pages.route("/c/<int:community_id>/dunning/objections/<int:objection_id>", methods=["GET", "POST"])
@needs("arrears.work")
def answer_objection(community_id: int, objection_id: int) -> Any:
    """Answer an objection or a request for instalments."""
    back = url_for("dunning.objections", community_id=community_id)
    found = [
        one for one in happenings.objections(community_id, only_open=True) if one.id == objection_id
    ]
    form: Any = blank_form(Answer)
    if request.method == "POST":
        form = act_on(
            Answer,
            lambda values: service.answer(community_id, objection_id, values["answer"]),
            gettext("已答复，业主在自己的页面上可以看到。"),
            back,
        )
        if not hasattr(form, "errors"):
            return form
    if not found and not form.errors:
        flash(gettext("这条异议已经答复。"))
        return redirect(back, 303)
    asks = [Ask("answer", gettext("答复"), "textarea", gettext("业主会看到。"))]
    lead = found[0].words if found else ""
    return form_page(form, gettext("答复业主"), asks, back, lead=lead)

"""A community's own facts, and who has the mandate over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.kernel import clock
from app.kernel.errors import N_, HouseError, NotFound
from app.registry import queries, rules, service
from app.registry.pages import pages
from app.registry.pages.common import Ask, Words, answer_form, may, show_form
from app.registry.schemas import CommunityFactsIn, MandateEnd, MandateNew
from app.web.door import needs
from app.web.forms import blank_form, read_form

MANDATES = "/c/<int:community_id>/mandates"


@pages.route("/c/<int:community_id>/facts", methods=["GET", "POST"])
@needs("community.edit")
def facts(community_id: int) -> Any:
    """Change a community's facts."""
    found = queries.community(community_id)
    here = url_for("registry.facts", community_id=community_id)

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        service.edit_community(community_id, **values)
        return here, gettext("已保存小区资料。")

    return answer_form(
        CommunityFactsIn,
        fact_asks(),
        Words(
            gettext("小区资料"),
            gettext("保存"),
            url_for("registry.units", community_id=community_id),
        ),
        act,
        **{name: getattr(found, name) for name in CommunityFactsIn._declared_fields},
    )


def fact_asks() -> tuple[Ask, ...]:
    """The fields of a community's facts."""
    return (
        Ask("name", gettext("小区名称")),
        Ask("address", gettext("地址")),
        Ask("year_built", gettext("建成年份"), "number"),
        Ask("year_renovated", gettext("改造年份"), "number"),
        Ask("renovation_class", gettext("改造类别"), "select"),
        Ask(
            "entered_on", gettext("物业正式进驻日"), "date", gettext("街道补贴的期限从这一天算起。")
        ),
        Ask("fee_mode", gettext("计费方式"), "radios"),
        Ask("transfer_policy", gettext("月中过户时当月费用"), "radios"),
        Ask("due_day", gettext("每月应缴日"), "number", gettext("1 到 28 之间。")),
        Ask("service_phone", gettext("服务电话"), "phone", gettext("印在账单上。")),
    )


@pages.get(MANDATES)
@needs("mandate.read")
def mandates(community_id: int) -> Any:
    """Every appointment over a community."""
    return render_template(
        "registry/mandates.html",
        mandates=queries.mandates(community_id),
        today=clock.today(),
        can_edit=may("mandate.edit"),
    )


@pages.route(f"{MANDATES}/new", methods=["GET", "POST"])
@needs("mandate.edit")
def new_mandate(community_id: int) -> Any:
    """Appoint a property company."""
    companies = [(str(one.id), one.name) for one in queries.organizations("property_company")]

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        given = dict(values)
        service.begin_mandate(
            community_id, given.pop("organization_id"), given.pop("starts_on"), **given
        )
        return _list(community_id), gettext("已登记委托。")

    return answer_form(
        MandateNew,
        (
            Ask("organization_id", gettext("物业公司"), "select", options=companies),
            Ask("starts_on", gettext("开始日"), "date", gettext("公司从这一天起可以查看和管理。")),
            Ask(
                "ends_on", gettext("终止日"), "date", gettext("从这一天起不能再查看；未定就留空。")
            ),
            Ask("document_no", gettext("合同或文件编号")),
        ),
        Words(
            gettext("登记物业委托"),
            gettext("登记"),
            _list(community_id),
            steps=_steps(community_id),
        ),
        act,
    )


@pages.route(f"{MANDATES}/<int:mandate_id>/end", methods=["GET", "POST"])
@needs("mandate.edit")
def end_mandate(community_id: int, mandate_id: int) -> Any:
    """End an appointment: asks again when the owners' sixty days are not kept."""
    found = {one.id: one for one in queries.mandates(community_id)}.get(mandate_id)
    if found is None:
        raise NotFound("registry.unknown", N_("没有找到这条记录，或者您无权查看。"))
    form = blank_form(MandateEnd)
    short = False
    if request.method == "POST":
        form = read_form(MandateEnd)
        short = form.ok and rules.notice_is_short(clock.today(), form["ends_on"])
        if short and not form["sure"]:
            form.refuse("sure", gettext("提前通知不足 60 日，请确认已另有约定。"))
        if form.ok:
            try:
                service.end_mandate(community_id, mandate_id, form["ends_on"], form["reason"])
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("委托已终止，从终止日起该公司不能再查看本小区。"))
                return redirect(_list(community_id), 303)
    asks = [
        Ask("ends_on", gettext("终止日"), "date", gettext("从这一天起，公司的人员看不到本小区。")),
        Ask("reason", gettext("原因"), "textarea"),
        Ask("sure", gettext("提前通知不足 60 日，但已另有约定或依据"), "checkbox",
            gettext("民法典第 946 条：业主解聘物业应当提前 60 日书面通知。")),
    ]  # fmt: skip
    return show_form(
        form,
        asks,
        Words(
            gettext("终止与 %(name)s 的委托", name=found.organization_name),
            gettext("终止委托"),
            _list(community_id),
            steps=_steps(community_id),
            warning=gettext("名册、资金、投票和账簿都留在小区，不随公司离开。终止后不能撤回。"),
            look="danger",
        ),
    )


def _list(community_id: int) -> str:
    return url_for("registry.mandates", community_id=community_id)


def _steps(community_id: int) -> list[tuple[str, str]]:
    return [(gettext("历次委托"), _list(community_id))]

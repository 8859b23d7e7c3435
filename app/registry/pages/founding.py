"""Founding communities by a company or a street; regions and organizations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, url_for
from flask_babel import gettext

from app.kernel import clock
from app.kernel.errors import N_, RuleBroken
from app.registry import queries, service, words
from app.registry.pages import pages
from app.registry.pages.common import Ask, Words, answer_form
from app.registry.pages.community import fact_asks
from app.registry.queries.places import founding_regions
from app.registry.rules import REGION_BELOW
from app.registry.schemas import CommunityNew, OrganizationIn, RegionIn, RegionTop
from app.web import reader
from app.web.door import Place, needs

USUAL = {"fee_mode": "fixed", "transfer_policy": "by_day", "due_day": 28}


@pages.get("/communities/new")
@needs("community.found")
def found() -> Any:
    """Where a community may be founded: by which company or street of the reader's."""
    companies = [
        one
        for one in queries.organizations("property_company")
        if "community.found" in reader.allowed_actions(Place(organization_id=one.id))
    ]
    regions = [
        one
        for one in founding_regions()
        if "community.found" in reader.allowed_actions(Place(region_id=one.id))
    ]
    return render_template("registry/found.html", companies=companies, regions=regions)


@pages.route("/o/<int:organization_id>/communities/new", methods=["GET", "POST"])
@needs("community.found")
def found_by_company(organization_id: int) -> Any:
    """A company founds a community it is to manage; its mandate begins with it."""
    company = queries.organization(organization_id)
    regions = [(str(one.id), one.name) for one in founding_regions()]
    asks = (
        Ask("region_id", gettext("街道或社区"), "select", options=regions),
        *fact_asks(),
        Ask(
            "mandate_from",
            gettext("委托开始日"),
            "date",
            gettext("留空：用正式进驻日，没有则用今天。"),
        ),
        Ask("document_no", gettext("合同或文件编号")),
    )
    back = url_for("desk.company", organization_id=organization_id)
    return answer_form(
        CommunityNew,
        asks,
        Words(
            gettext("新建小区"),
            gettext("新建小区"),
            back,
            gettext("建立后由%(name)s管理；接着导入名册，再定收费标准。", name=company.name),
        ),
        lambda values: _found(values, organization_id),
        **USUAL,
    )


@pages.route("/regions/<int:region_id>/communities/new", methods=["GET", "POST"])
@needs("community.found")
def found_by_region(region_id: int) -> Any:
    """A street founds a community in itself or one of its stations."""
    below = founding_regions(region_id)
    companies = [(str(one.id), one.name) for one in queries.organizations("property_company")]
    asks = (
        Ask("region_id", gettext("街道或社区"), "select",
            options=[(str(one.id), one.name) for one in below]),
        *fact_asks(),
        Ask("organization_id", gettext("物业公司"), "select",
            gettext("还没有选定就留空，以后再登记委托。"), companies),
        *_mandate_asks(),
    )  # fmt: skip

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        if values["region_id"] not in {one.id for one in below}:
            raise RuleBroken(
                "community.region", N_("请从列出的街道或社区中选择。"), field="region_id"
            )
        return _found(values, values["organization_id"])

    return answer_form(
        CommunityNew,
        asks,
        Words(
            gettext("新建小区"), gettext("新建小区"), url_for("desk.region", region_id=region_id)
        ),
        act,
        region_id=region_id if len(below) == 1 else None,
        **USUAL,
    )


def _mandate_asks() -> tuple[Ask, ...]:
    usual = gettext("留空：用正式进驻日，没有则用今天。")
    return (
        Ask("mandate_from", gettext("委托开始日"), "date", usual),
        Ask("document_no", gettext("合同或文件编号")),
    )


def _found(values: Mapping[str, Any], organization_id: int | None) -> tuple[str, str]:
    facts = dict(values)
    facts.pop("organization_id")
    starts_on = facts.pop("mandate_from") or facts["entered_on"] or clock.today()
    document_no = facts.pop("document_no")
    made = service.found_community(facts.pop("region_id"), facts.pop("name"), **facts)
    if organization_id is not None:
        service.begin_mandate(made.id, organization_id, starts_on, document_no=document_no)
    return (
        url_for("desk.community", community_id=made.id),
        gettext("已建立小区“%(name)s”。", name=made.name),
    )


@pages.get("/regions")
@needs("platform.run")
def regions() -> Any:
    """The regions that stand alone, and below each what is in it."""
    tops = queries.children(None)
    return render_template("registry/regions.html", top=None, path=[], regions=tops, words=words)


@pages.route("/regions/new", methods=["GET", "POST"])
@needs("platform.run")
def new_region() -> Any:
    """Enter a city, or a region that stands alone."""

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        made = service.found_region(values["kind"], values["name"])
        return url_for("registry.regions"), gettext("已添加%(name)s。", name=made.name)

    return answer_form(
        RegionTop,
        (Ask("kind", gettext("级别"), "select"), Ask("name", gettext("名称"))),
        Words(gettext("添加辖区"), gettext("添加"), url_for("registry.regions"),
              steps=[(gettext("辖区一览"), url_for("registry.regions"))]),
        act,
        kind="city",
    )  # fmt: skip


@pages.get("/regions/<int:region_id>/below")
@needs("region.edit")
def below_region(region_id: int) -> Any:
    """What lies directly below a region."""
    return render_template(
        "registry/regions.html",
        top=queries.region(region_id),
        path=queries.region_path(region_id)[:-1],
        regions=queries.children(region_id),
        words=words,
    )


@pages.route("/regions/<int:region_id>/below/new", methods=["GET", "POST"])
@needs("region.edit")
def new_region_below(region_id: int) -> Any:
    """Enter a region below another."""
    top = queries.region(region_id)
    here = url_for("registry.below_region", region_id=region_id)
    kind = REGION_BELOW.get(top.kind, "station")

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        made = service.found_region(kind, values["name"], region_id)
        return here, gettext("已添加%(name)s。", name=made.name)

    return answer_form(
        RegionIn,
        (Ask("name", gettext(words.REGION_KIND_WORDS[kind])),),
        Words(gettext("在%(name)s下添加", name=top.name), gettext("添加"), here,
              steps=[(top.name, here)]),
        act,
    )  # fmt: skip


@pages.route("/regions/<int:region_id>/rename", methods=["GET", "POST"])
@needs("region.edit")
def rename_region(region_id: int) -> Any:
    """Give a region another name."""
    top = queries.region(region_id)
    here = url_for("registry.below_region", region_id=region_id)

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        service.rename_region(region_id, values["name"])
        return here, gettext("已保存名称。")

    return answer_form(
        RegionIn,
        (Ask("name", gettext("名称")),),
        Words(
            gettext("修改%(name)s", name=top.name), gettext("保存"), here, steps=[(top.name, here)]
        ),
        act,
        name=top.name,
    )


@pages.get("/organizations")
@needs("platform.run")
def organizations() -> Any:
    """Companies and offices."""
    return render_template(
        "registry/organizations.html", organizations=queries.organizations(), words=words
    )


@pages.route("/organizations/new", methods=["GET", "POST"])
@needs("platform.run")
def new_organization() -> Any:
    """Enter a company or office."""

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        made = service.found_organization(**values)
        return url_for("registry.organizations"), gettext("已添加%(name)s。", name=made.name)

    around = _organization_words(gettext("添加单位"), gettext("添加"))
    return answer_form(OrganizationIn, _organization_asks(), around, act, kind="property_company")


@pages.route("/o/<int:organization_id>/edit", methods=["GET", "POST"])
@needs("platform.run")
def edit_organization(organization_id: int) -> Any:
    """Change a company or office."""
    found = queries.organization(organization_id)

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        changed = dict(values)
        changed["phone"] = changed["phone"] or None
        service.edit_organization(organization_id, **changed)
        return url_for("registry.organizations"), gettext("已保存%(name)s。", name=values["name"])

    return answer_form(
        OrganizationIn,
        _organization_asks(),
        _organization_words(gettext("修改%(name)s", name=found.name), gettext("保存")),
        act,
        kind=found.kind,
        name=found.name,
        credit_code=found.credit_code,
        phone=found.phone,
    )


def _organization_asks() -> tuple[Ask, ...]:
    return (
        Ask("kind", gettext("类型"), "select"),
        Ask("name", gettext("名称")),
        Ask("credit_code", gettext("统一社会信用代码")),
        Ask("phone", gettext("服务电话"), "phone"),
    )


def _organization_words(title: str, submit: str) -> Words:
    here = url_for("registry.organizations")
    return Words(title, submit, here, steps=[(gettext("单位一览"), here)])

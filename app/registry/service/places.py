"""Regions, organizations and communities: founding and changing them."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from app.kernel import audit, clock, tenancy
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, RuleBroken
from app.registry import rules
from app.registry.models import Community, Organization, Region
from app.registry.service.common import change, needed, thing


def found_region(kind: str, name: str, parent_id: int | None = None) -> Region:
    """Enter a city, district, street or station. Raises RuleBroken, Conflict, NotFound."""
    parent = thing(Region, parent_id) if parent_id is not None else None
    rules.check_region(kind, parent.kind if parent else None)
    name = needed(name, "name")
    _refuse_namesake(name, parent_id)
    region = Region(kind=kind, name=name, parent_id=parent_id)
    db.session.add(region)
    db.session.flush()
    audit.record(
        "registry:found-region",
        f"region:{region.id}",
        after={"kind": kind, "name": name, "parent_id": parent_id},
    )
    return region


def rename_region(region_id: int, name: str) -> Region:
    """Give a region another name; what lies in it stays. Raises Conflict, NotFound."""
    region = thing(Region, region_id)
    name = needed(name, "name")
    if name != region.name:
        _refuse_namesake(name, region.parent_id)
    before, after = change(region, {"name": name})
    if after:
        audit.record("registry:rename-region", f"region:{region.id}", before=before, after=after)
    db.session.flush()
    return region


def found_organization(
    kind: str, name: str, credit_code: str | None = None, phone: str | None = None
) -> Organization:
    """Enter a company or office; its name and credit code are unique. Raises Conflict."""
    name = needed(name, "name")
    credit_code = _credit_code(credit_code)
    _refuse_same_company(name, credit_code, None)
    company = Organization(kind=kind, name=name, credit_code=credit_code, phone=phone or None)
    db.session.add(company)
    db.session.flush()
    audit.record(
        "registry:found-organization",
        f"organization:{company.id}",
        after={"kind": kind, "name": name, "credit_code": credit_code},
    )
    return company


def edit_organization(organization_id: int, **changes: Any) -> Organization:
    """Change name, kind, credit_code or phone of a company. Raises Conflict, NotFound."""
    company = thing(Organization, organization_id)
    if "name" in changes:
        changes["name"] = needed(changes["name"], "name")
    if "credit_code" in changes:
        changes["credit_code"] = _credit_code(changes["credit_code"])
    _refuse_same_company(changes.get("name"), changes.get("credit_code"), company.id)
    before, after = change(company, changes)
    if after:
        audit.record(
            "registry:edit-organization", f"organization:{company.id}", before=before, after=after
        )
    db.session.flush()
    return company


def found_community(region_id: int, name: str, **facts: Any) -> Community:
    """Enter a community in a street or station, and bring it into view for this act.

    `facts` are columns of Community: address, year_built, year_renovated, renovation_class,
    entered_on, fee_mode, transfer_policy, due_day, service_phone.
    Raises RuleBroken, Conflict when the region has one of that name, NotFound.
    """
    region = thing(Region, region_id)
    if region.kind not in ("street", "station"):
        raise RuleBroken(
            "community.region", N_("小区应设在街道或社区工作站之下。"), field="region_id"
        )
    name = needed(name, "name")
    _refuse_same_community(region_id, name)
    rules.check_years(facts.get("year_built"), facts.get("year_renovated"), clock.today())
    community = Community(region_id=region_id, name=name, **facts)
    db.session.add(community)
    db.session.flush()
    tenancy.enter({*tenancy.scope(), community.id})
    audit.record(
        "registry:found-community",
        f"community:{community.id}",
        community_id=community.id,
        after={"name": name, "region_id": region_id, **_shown(facts)},
    )
    return community


def edit_community(community_id: int, **changes: Any) -> Community:
    """Change facts of a community. Raises RuleBroken, Conflict, NotFound."""
    community = thing(Community, community_id)
    if "name" in changes:
        changes["name"] = needed(changes["name"], "name")
        if changes["name"] != community.name:
            _refuse_same_community(community.region_id, changes["name"])
    rules.check_years(
        changes.get("year_built", community.year_built),
        changes.get("year_renovated", community.year_renovated),
        clock.today(),
    )
    before, after = change(community, changes)
    if after:
        audit.record(
            "registry:edit-community",
            f"community:{community_id}",
            community_id=community_id,
            before=before,
            after=after,
        )
    db.session.flush()
    return community


def _credit_code(text: str | None) -> str | None:
    code = rules.normal_code(text or "")
    if code and (len(code) != 18 or not code.isalnum() or not code.isascii()):
        raise RuleBroken(
            "organization.credit_code",
            N_("统一社会信用代码是 18 位数字和大写字母。"),
            field="credit_code",
        )
    return code or None


def _refuse_namesake(name: str, parent_id: int | None) -> None:
    if db.session.scalar(
        select(Region.id).where(
            Region.name == name, Region.parent_id.is_not_distinct_from(parent_id)
        )
    ):
        raise Conflict("region.known", N_("同一上级下已有“%(name)s”。"), field="name", name=name)


def _refuse_same_company(name: str | None, credit_code: str | None, own_id: int | None) -> None:
    others = select(Organization.id).where(Organization.id.is_distinct_from(own_id))
    if name and db.session.scalar(others.where(Organization.name == name)):
        raise Conflict("organization.known", N_("已有单位“%(name)s”。"), field="name", name=name)
    if credit_code and db.session.scalar(others.where(Organization.credit_code == credit_code)):
        raise Conflict(
            "organization.code_known", N_("此信用代码已登记给另一单位。"), field="credit_code"
        )


def _refuse_same_community(region_id: int, name: str) -> None:
    if db.session.scalar(
        select(Community.id).where(Community.region_id == region_id, Community.name == name)
    ):
        raise Conflict("community.known", N_("该辖区已有小区“%(name)s”。"), field="name", name=name)


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, date) else value
        for key, value in facts.items()
        if value not in (None, "")
    }

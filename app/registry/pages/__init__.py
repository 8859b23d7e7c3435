"""Pages of the roll: units, people, buildings, imports, mandates, and founding communities."""

from __future__ import annotations

from flask import Blueprint

from app.kernel.errors import N_
from app.web.navigation import ANYWHERE, COMPANY, MANAGE, REGION, ROLL, NavItem, register

pages = Blueprint("registry", __name__, template_folder="../templates")

from app.registry.pages import (  # noqa: E402 -- they hang their routes on `pages`
    buildings,
    community,
    founding,
    imports,
    owners,
    people,
    units,
)

__all__ = [
    "buildings",
    "community",
    "founding",
    "imports",
    "owners",
    "pages",
    "people",
    "units",
]

register(
    NavItem(ROLL, "registry.units", N_("房屋"), "home", "roster.read", 10),
    NavItem(ROLL, "registry.people", N_("业主和住户"), "users", "roster.people", 20),
    NavItem(ROLL, "registry.buildings", N_("楼栋一览"), "buildings", "roster.read", 30),
    NavItem(ROLL, "registry.imports", N_("导入名册"), "file-import", "roster.import", 40),
    NavItem(MANAGE, "registry.facts", N_("小区资料"), "settings", "community.edit", 10),
    NavItem(MANAGE, "registry.mandates", N_("历次委托"), "gavel", "mandate.read", 20),
    NavItem(
        "", "registry.found_by_company", N_("新建小区"), "plus", "community.found", 80, COMPANY
    ),
    NavItem("", "registry.found_by_region", N_("新建小区"), "plus", "community.found", 80, REGION),
    NavItem("", "registry.below_region", N_("下级辖区"), "map-pin", "region.edit", 70, REGION),
    NavItem("", "registry.regions", N_("辖区一览"), "map-pin", "platform.run", 50, ANYWHERE),
    NavItem("", "registry.organizations", N_("单位一览"), "building", "platform.run", 55, ANYWHERE),
)

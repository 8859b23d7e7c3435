"""Pages of tariffs: /c/<community>/tariffs and everything below it."""

from __future__ import annotations

from flask import Blueprint

from app.kernel.errors import N_
from app.web.navigation import CHARGES, NavItem, register

pages = Blueprint("tariffs", __name__, template_folder="../templates")

from app.billing.tariffs.pages import (  # noqa: E402 -- they hang their routes on `pages`
    charges,
    late,
    meters,
    prices,
    quantities,
    readings,
    reductions,
    tariffs,
)

__all__ = [
    "charges",
    "late",
    "meters",
    "pages",
    "prices",
    "quantities",
    "readings",
    "reductions",
    "tariffs",
]

register(
    NavItem(CHARGES, "tariffs.index", N_("收费标准"), "tag", "tariff.read", 10),
    NavItem(CHARGES, "tariffs.meter_list", N_("抄表"), "droplet", "tariff.read", 30),
)

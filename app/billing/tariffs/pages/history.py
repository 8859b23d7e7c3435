"""What was done to a charge, in words, for its timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from flask_babel import gettext, ngettext

from app.billing.tariffs.queries import HistoryRow
from app.billing.tariffs.words import PRICE_BASES
from app.kernel.errors import N_
from app.web.formats import instant, price

ACTS = {
    "tariff:create": N_("开设收费项目"),
    "tariff:edit": N_("修改设置"),
    "tariff:price": N_("设定价格"),
    "tariff:price_withdrawn": N_("撤回价格"),
    "tariff:quantities": N_("登记各户数量"),
    "tariff:quantity_end": N_("结束一户的数量"),
    "tariff:end": N_("终止收费"),
}

Event = tuple[str, str, str, str]


def events(acts: Iterable[HistoryRow]) -> list[Event]:
    """(when, what, by whom and on which paper, tone) of each act."""
    return [
        (instant(one.at), gettext(ACTS.get(one.action, one.action)), _said(one), _tone(one))
        for one in acts
    ]


def _said(one: HistoryRow) -> str:
    parts = [_details(one), gettext("经办：%(name)s", name=one.actor)]
    return str(gettext("；")).join(part for part in parts if part)


def _details(one: HistoryRow) -> Any:
    after, before = one.after, one.before
    if one.action == "tariff:price":
        basis = gettext(PRICE_BASES.get(after.get("price_basis", ""), ""))
        said = gettext("%(price)s，从 %(day)s 起", price=_yuan(after), day=after["starts_on"])
        return gettext("，").join(part for part in (said, basis, after["document_no"]) if part)
    if one.action == "tariff:price_withdrawn":
        return gettext("%(price)s，原定从 %(day)s 起", price=_yuan(before), day=before["starts_on"])
    if one.action == "tariff:quantities":
        return ngettext(
            "%(num)s 户，从 %(day)s 起",
            "%(num)s 户，从 %(day)s 起",
            len(after["units"]),
            day=after["starts_on"],
        )
    if "last_day" in after:
        return gettext("最后一天 %(day)s", day=after["last_day"])
    return ""


def _yuan(facts: Mapping[str, Any]) -> str:
    return price(Decimal(facts["price"]))


def _tone(one: HistoryRow) -> str:
    if one.action in {"tariff:end", "tariff:price_withdrawn"}:
        return "warn"
    return "good" if one.action in {"tariff:create", "tariff:price"} else "plain"

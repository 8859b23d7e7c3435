"""What forms and JSON bring to the verbs of subsidies; one schema for both. Days are inclusive."""

from __future__ import annotations

from typing import Any

from marshmallow import post_load

from app.billing.subsidy.service import Rate, Terms
from app.billing.tariffs.schemas.fields import UnitLabels
from app.billing.tariffs.words import UNIT_KINDS
from app.kernel.errors import N_
from app.web.fields import Choice, Choices, Date, Flag, Id, Length, Price, Schema, Text, Whole

CONVENTIONS = {
    "inclusive_start": N_("进驻当日起算"),
    "civil_code_201": N_("进驻次日起算（民法典第二百零一条）"),
}
NAMINGS = {"exclude": N_("不补贴"), "include": N_("列入补贴"), "clear": N_("取消单独列名")}
YEARS = (1, 2, 3)


class SchemeNew(Schema):
    """An agreement. `rate_1` to `rate_3` are the years' rates; a year left out keeps the last.

    A rate outside 0.50–1.00 yuan needs `override_document` (D1).
    """

    agreement_no = Text(most=80, least=1, required=True)
    payer_region_id = Id(required=True)
    signed_on = Date(allow_none=True, load_default=None)
    entered_on = Date(required=True)
    term_months = Whole(least=1, most=120, load_default=36)
    convention = Choice(CONVENTIONS, load_default="inclusive_start")
    rate_1 = Price(required=True)
    rate_2 = Price(allow_none=True, load_default=None)
    rate_3 = Price(allow_none=True, load_default=None)
    override_document = Text(most=120, load_default="")
    unit_kinds = Choices(UNIT_KINDS, load_default=lambda: ["residential"], validate=Length(min=1))
    include_unsold = Flag()
    include_developer = Flag()

    @post_load
    def _made(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        paper = data["override_document"]
        rates: list[Rate] = []
        for year in YEARS:
            given = data[f"rate_{year}"]
            if given is None and not rates:
                continue
            rates.append(Rate(given if given is not None else rates[-1].rate, paper))
        while len(rates) > 1 and rates[-1] == rates[-2]:
            rates.pop()
        made = Terms(
            agreement_no=data["agreement_no"],
            entered_on=data["entered_on"],
            rates=tuple(rates),
            payer_region_id=data["payer_region_id"],
            signed_on=data["signed_on"],
            term_months=data["term_months"],
            convention=data["convention"],
            unit_kinds=tuple(data["unit_kinds"]),
            include_unsold=data["include_unsold"],
            include_developer=data["include_developer"],
        )
        return data | {"made": made}


class UnitsNamed(Schema):
    """Units to leave out, to take in, or to leave to the agreement's own terms again."""

    naming = Choice(NAMINGS, required=True)
    units = UnitLabels(required=True)
    reason = Text(most=120, load_default="")


class SchemeEnd(Schema):
    """The last day an agreement pays, before its term, and why."""

    last_day = Date(required=True)
    reason = Text(most=200, least=1, required=True)

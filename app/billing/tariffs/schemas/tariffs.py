"""Tariffs, prices, quantities, reductions."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from marshmallow import ValidationError, fields, post_load, validates_schema

from app.billing.tariffs.rules import Price as NewPrice
from app.billing.tariffs.rules import Step
from app.billing.tariffs.schemas.fields import IncomeAccount, UnitLabels
from app.billing.tariffs.words import BASES, PRICE_BASES, REDUCTION_KINDS, UNIT_KINDS
from app.web.fields import (
    Choice,
    Choices,
    Date,
    Exact,
    Flag,
    Id,
    Percent,
    Price,
    Schema,
    Text,
    Whole,
)


class TariffEdit(Schema):
    """What may change of a charge; bills already issued keep what they were computed from."""

    name = Text(most=40, least=1, required=True)
    unit_kinds = Choices(UNIT_KINDS, load_default=list, metadata={"description": "none: all"})
    building_ids = fields.List(Id(), load_default=list, metadata={"description": "none: all"})
    subsidised = Flag(metadata={"description": "whether the street's subsidy nets it (area only)"})
    income_code = IncomeAccount(required=True)
    measure = Text(most=10, load_default="", metadata={"description": "of a metered charge: m³"})
    position = Whole(most=999, load_default=0)


class TariffNew(TariffEdit):
    """A charge to open; `basis` says what is measured and never changes."""

    class Meta(Schema.Meta):
        exclude = ("position",)

    basis = Choice({code: one.name for code, one in BASES.items()}, required=True)


class PriceNew(Schema):
    """A price from a day on. The second and third steps are for metered charges alone."""

    starts_on = Date(required=True)
    price = Price(required=True)
    price_basis = Choice(PRICE_BASES, required=True)
    document_no = Text(most=120, load_default="")
    ceiling = Price(allow_none=True, load_default=None)
    second_from = Exact(allow_none=True, load_default=None)
    second_price = Price(allow_none=True, load_default=None)
    third_from = Exact(allow_none=True, load_default=None)
    third_price = Price(allow_none=True, load_default=None)

    @validates_schema(skip_on_field_errors=True)
    def _steps_whole(self, data: dict[str, Any], **_: Any) -> None:
        for step in ("second", "third"):
            given = [data.get(f"{step}_{part}") is not None for part in ("from", "price")]
            if any(given) and not all(given):
                missing = "price" if given[0] else "from"
                raise ValidationError(gettext("分档的起点和单价要一起填写。"), f"{step}_{missing}")
        if data.get("third_from") is not None and data.get("second_from") is None:
            raise ValidationError(gettext("请先填写第二档。"), "second_from")

    @post_load
    def _made(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        steps = tuple(
            Step(data[f"{step}_from"], data[f"{step}_price"])
            for step in ("second", "third")
            if data.get(f"{step}_from") is not None
        )
        keep = ("starts_on", "price", "price_basis", "document_no", "ceiling")
        return data | {"made": NewPrice(**{key: data[key] for key in keep}, steps=steps)}


class LastDay(Schema):
    """The last day on which something holds."""

    last_day = Date(required=True)


class QuantitiesNew(Schema):
    """How many of a charge units have from a day on: one number for all those named.

    A form may instead paste lines of `unit quantity`, in `lines`.
    """

    starts_on = Date(required=True)
    units = UnitLabels(load_default=list)
    quantity = Exact(places=2, most="9999", allow_none=True, load_default=None)
    lines = Text(most=200_000, lines=True, load_default="")

    @validates_schema(skip_on_field_errors=True)
    def _either(self, data: dict[str, Any], **_: Any) -> None:
        if data["lines"]:
            return
        if not data["units"]:
            raise ValidationError(gettext("请填写房屋，或在下面粘贴多行。"), "units")
        if data["quantity"] is None:
            raise ValidationError(gettext("请填写数量；不再有的填 0。"), "quantity")


class ReductionNew(Schema):
    """A reduction of some units: only where a local rule or the contract allows it (C5)."""

    units = UnitLabels(required=True)
    tariff_id = Id(allow_none=True, load_default=None, metadata={"description": "none: all"})
    kind = Choice(REDUCTION_KINDS, required=True)
    percent = Percent(least="0.01", required=True)
    starts_on = Date(required=True)
    last_day = Date(allow_none=True, load_default=None)
    document_no = Text(most=120, least=1, required=True)

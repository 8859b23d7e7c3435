"""A month's sums, and the contract's terms on late payment."""

from __future__ import annotations

from app.billing.tariffs.schemas.fields import UnitLabels
from app.billing.tariffs.words import ALLOCATIONS
from app.web.fields import Choice, Date, Exact, Id, Money, Month, Schema, Text, Whole


class SharedCostNew(Schema):
    """A month's common cost of the community, a building or an entrance."""

    tariff_id = Id(required=True)
    month = Month(required=True)
    amount_fen = Money(least=1, required=True)
    allocation = Choice(ALLOCATIONS, required=True)
    building_id = Id(allow_none=True, load_default=None, metadata={"description": "none: all"})
    entrance_id = Id(allow_none=True, load_default=None, metadata={"description": "none: all"})
    document_no = Text(most=120, load_default="")


class OneOffNew(Schema):
    """A single sum for each of some units, taken into a month's run."""

    tariff_id = Id(required=True)
    units = UnitLabels(required=True)
    month = Month(required=True)
    amount_fen = Money(least=1, required=True)
    description = Text(most=80, least=1, required=True)


class LateTermsNew(Schema):
    """The contract's late damages: per mille of the sum a day, after some days of grace.

    `lpr` is only an input of the form: 1.3 × LPR is shown beside the rate as the benchmark
    above which courts may cut (C7).
    """

    daily_permille = Exact(places=3, least="0.001", most="3", required=True)
    grace_days = Whole(most=365, load_default=0)
    starts_on = Date(required=True)
    document_no = Text(most=120, least=1, required=True)
    lpr = Exact(places=2, most="30", allow_none=True, load_default=None)


class LateTermsEnd(Schema):
    """The last day on which late damages run."""

    last_day = Date(required=True)

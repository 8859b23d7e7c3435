"""What forms and JSON bring to the verbs of tariffs; one schema for both.

Sums are fen in JSON and yuan in a form; prices, areas, readings and percentages are exact
decimals as strings; days are inclusive, so `last_day` is the last day on which a thing holds.
"""

from app.billing.tariffs.schemas.charges import (
    LateTermsEnd,
    LateTermsNew,
    OneOffNew,
    SharedCostNew,
)
from app.billing.tariffs.schemas.meters import (
    MeterNew,
    MeterRemove,
    MeterReplace,
    ReadingsFile,
)
from app.billing.tariffs.schemas.tariffs import (
    LastDay,
    PriceNew,
    QuantitiesNew,
    ReductionNew,
    TariffEdit,
    TariffNew,
)

__all__ = [
    "LastDay",
    "LateTermsEnd",
    "LateTermsNew",
    "MeterNew",
    "MeterRemove",
    "MeterReplace",
    "OneOffNew",
    "PriceNew",
    "QuantitiesNew",
    "ReadingsFile",
    "ReductionNew",
    "SharedCostNew",
    "TariffEdit",
    "TariffNew",
]

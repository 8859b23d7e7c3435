"""Tables of tariffs, runs, bills and what was received against them."""

from app.billing.models.bills import (
    RUN_STATUSES,
    Allocation,
    Bill,
    BillLine,
    BillNote,
    BillRun,
    Settlement,
)
from app.billing.models.measures import (
    Meter,
    MeterReading,
    OneOffCharge,
    SharedCost,
)
from app.billing.models.tariffs import (
    BASES,
    PRICE_BASES,
    REDUCTION_KINDS,
    LateTerms,
    Reduction,
    Tariff,
    TariffBuilding,
    TariffQuantity,
    TariffTier,
    TariffVersion,
)

__all__ = [
    "BASES",
    "PRICE_BASES",
    "REDUCTION_KINDS",
    "RUN_STATUSES",
    "Allocation",
    "Bill",
    "BillLine",
    "BillNote",
    "BillRun",
    "LateTerms",
    "Meter",
    "MeterReading",
    "OneOffCharge",
    "Reduction",
    "Settlement",
    "SharedCost",
    "Tariff",
    "TariffBuilding",
    "TariffQuantity",
    "TariffTier",
    "TariffVersion",
]

"""Verbs of tariffs; each is one business act, recorded in the audit trail, and none commits."""

from app.billing.tariffs.service.charges import (
    add_shared_cost,
    cancel_one_off,
    cancel_shared_cost,
    charge_units,
)
from app.billing.tariffs.service.late import end_late_terms, set_late_terms
from app.billing.tariffs.service.meters import (
    register_meter,
    remove_meter,
    replace_meter,
)
from app.billing.tariffs.service.prices import set_price, withdraw_price
from app.billing.tariffs.service.quantities import end_quantity, set_quantities
from app.billing.tariffs.service.readings import import_readings, record_readings
from app.billing.tariffs.service.reductions import end_reduction, grant_reductions
from app.billing.tariffs.service.tariffs import (
    create_starter,
    create_tariff,
    edit_tariff,
    end_tariff,
)

__all__ = [
    "add_shared_cost",
    "cancel_one_off",
    "cancel_shared_cost",
    "charge_units",
    "create_starter",
    "create_tariff",
    "edit_tariff",
    "end_late_terms",
    "end_quantity",
    "end_reduction",
    "end_tariff",
    "grant_reductions",
    "import_readings",
    "record_readings",
    "register_meter",
    "remove_meter",
    "replace_meter",
    "set_late_terms",
    "set_price",
    "set_quantities",
    "withdraw_price",
]

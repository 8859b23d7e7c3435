"""The month for programs: tariffs, agreements, measures, sums, runs, bills, notes, arrears.

The same verbs and schemas as the pages. Writes that move money, and sums that the next run
will bill, need an Idempotency-Key; runs and notes a token made in a sign-in with a second
factor; the two persons of a run are two tokens of two accounts.
"""

from __future__ import annotations

from app.web.api import PREFIX, ApiBlueprint

api = ApiBlueprint(
    "month",
    __name__,
    url_prefix=f"{PREFIX}/communities/<int:community_id>",
    description="Tariffs, subsidy agreements, bill runs, bills and arrears.",
)

from app.billing.api import (  # noqa: E402 -- they hang their routes on `api`
    bills,
    charges,
    dunning,
    measures,
    meters,
    runs,
    subsidies,
    tariffs,
)

__all__ = [
    "api",
    "bills",
    "charges",
    "dunning",
    "measures",
    "meters",
    "runs",
    "subsidies",
    "tariffs",
]

"""Bills for staff and residents: lists, one bill, corrections, accounts, paper."""

from app.billing.bills.pages import paper, resident, staff  # noqa: F401 -- hang the routes
from app.billing.bills.pages.common import pages

__all__ = ["pages"]

"""Pages of matching: the queue, one line, many confirmed together, the daily check."""

from app.billing.bank.pages import check, lines, one  # noqa: F401 -- hang the routes
from app.billing.bank.pages.common import pages

__all__ = ["pages"]

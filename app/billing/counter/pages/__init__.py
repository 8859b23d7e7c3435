"""The counter's pages: take money, undo it, keep shifts."""

from app.billing.counter.pages import shifts, takings  # noqa: F401 -- hang the routes
from app.billing.counter.pages.common import pages

__all__ = ["pages"]

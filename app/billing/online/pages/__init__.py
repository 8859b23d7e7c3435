"""Paying online: the resident's pages, and those of staff."""

from app.billing.online.pages import resident, settings, staff  # noqa: F401 -- hang the routes
from app.billing.online.pages.common import pages

__all__ = ["pages"]

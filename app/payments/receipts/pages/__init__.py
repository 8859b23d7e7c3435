"""Receipts for staff, residents and whoever holds one; requests for fapiao."""

from app.payments.receipts.pages import (  # noqa: F401 -- hang the routes
    checking,
    requests,
    resident,
    staff,
)
from app.payments.receipts.pages.common import pages

__all__ = ["pages"]

"""What the pages of online payments share."""

from __future__ import annotations

from flask import Blueprint

from app.billing.postings import BOOK
from app.kernel import audit
from app.payments import stripe_gateway as gateway
from app.payments.online import queries as payments

pages = Blueprint("online", "app.billing.online", template_folder="templates")

TONES = {
    "started": "warn",
    "pending": "calm",
    "received": "calm",
    "settled": "good",
    "failed": "bad",
    "expired": "plain",
}


@pages.app_template_global()
def pays_online(community_id: int) -> bool:
    """Whether bills can be paid online here: for the buttons of other pages."""
    return gateway.configured() and payments.takes_money(community_id, BOOK)


@pages.app_template_global()
def in_sandbox() -> bool:
    """Whether what looks like paying moves no money."""
    return gateway.sandbox()


def me() -> int:
    """The account before the page."""
    account_id = audit.actor().account_id
    assert account_id is not None, "the door lets nobody in without an account"
    return account_id

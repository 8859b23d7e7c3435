"""What the counter's pages share."""

from __future__ import annotations

from flask import Blueprint

from app.kernel import audit
from app.kernel.errors import N_

pages = Blueprint("counter", "app.billing.counter", template_folder="templates")

SHIFT_WORDS = {"open": N_("当班"), "closed": N_("待验收"), "accepted": N_("已验收")}


def me() -> int:
    """Who stands at the counter."""
    account_id = audit.actor().account_id
    assert account_id is not None, "the door lets nobody in without an account"
    return account_id

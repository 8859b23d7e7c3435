"""What the pages of matching share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext

from app.kernel.db import db
from app.kernel.errors import N_, HouseError
from app.payments.bank import checking
from app.payments.bank.listing import STATUS_WORDS
from app.web.errors import sentence
from app.web.reader import allowed_actions, place

pages = Blueprint("matching", "app.billing.bank", template_folder="templates")

AT = "/c/<int:community_id>/bank"
STATUS_TONES = {"unmatched": "warn", "proposed": "calm", "matched": "good", "explained": "plain"}
WHAT_WORDS = {
    "homes": N_("付房屋的账单"),
    "subsidy": N_("政府补贴"),
    "payment": N_("已登记的收款"),
    "payout": N_("线上收款到账"),
    "deposit": N_("柜台存入的现金"),
    "entry": N_("账上的凭证"),
    "fee": N_("手续费"),
    "own": N_("在途资金到账"),
}


def may(action: str) -> bool:
    """Whether the reader may do this here; for choosing what to show."""
    return action in allowed_actions(place())


def reasons(proposal: Any) -> list[str]:
    """Why something is proposed, in the reader's language; from a row or a rule's proposal."""
    found = proposal["reasons"] if isinstance(proposal, dict) else proposal.reasons
    return [gettext(words) % values if values else gettext(words) for words, values in found]


def act(community_id: int, line_id: int, do: Callable[[], object], done: str) -> Any:
    """Carry out an act on a line and go back to it; what it refuses is said there."""
    try:
        with db.session.begin_nested():
            do()
    except HouseError as error:
        flash(sentence(error), "error")
    else:
        flash(done)
    return redirect(line_url(community_id, line_id), 303)


def line_url(community_id: int, line_id: int) -> str:
    """A line's page."""
    return url_for("matching.line", community_id=community_id, line_id=line_id)


def words() -> dict[str, Any]:
    """Words every template of this room may need."""
    return {
        "STATUS_WORDS": STATUS_WORDS,
        "STATUS_TONES": STATUS_TONES,
        "WHAT_WORDS": WHAT_WORDS,
        "KIND_WORDS": checking.KIND_WORDS,
        "SIDE_WORDS": checking.SIDE_WORDS,
        "FIGURE_WORDS": checking.FIGURE_WORDS,
    }

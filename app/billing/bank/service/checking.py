"""The daily check of gateway, bank and books; its differences are listed until explained."""

from __future__ import annotations

from datetime import date, timedelta

from app.billing.bank.queries import checks
from app.kernel import clock
from app.payments.bank import service as bank
from app.payments.bank.service import CheckDay, CheckDifference


def check_day(community_id: int, day: date | None = None) -> list[CheckDay]:
    """Compare all books as they stood at the end of a day, yesterday unless given.

    Writes each book's result of the day, lists what is new, and takes off what agrees now.
    An explanation holds as long as kind and sum of a difference stay the same.
    """
    wanted = day or clock.today() - timedelta(days=1)
    return [
        bank.keep_day(
            community_id,
            book,
            wanted,
            checks.differences(community_id, book, wanted),
            checks.figures(community_id, book, wanted),
        )
        for book in checks.books(community_id)
    ]


def explain_difference(community_id: int, difference_id: int, reason: str) -> CheckDifference:
    """Say why two sides differ; of a bank line, the line is explained with it.

    Raises NotFound, RuleBroken without a reason, Conflict when it is explained or gone.
    """
    one = bank.lock_difference(community_id, difference_id, reason)
    side, _, number = one.subject.partition(":")
    if side == "line":
        bank.explain(community_id, int(number), reason)
    bank.mark_explained(one, reason)
    return one

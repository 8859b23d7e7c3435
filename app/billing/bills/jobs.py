"""Jobs of bills: print a month, use held money on new bills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import force_locale

from app.billing.bills import service
from app.billing.bills.print import batch
from app.kernel import queue
from app.kernel.period import Month


@queue.job("billing:print-bills")
def print_bills(  # noqa: PLR0917 -- named by the task's args
    community_id: int,
    month: str,
    building_id: int | None = None,
    paper: str = "a5",
    each: bool = False,
    language: str = "zh_Hans_CN",
) -> Mapping[str, Any]:
    """Print a month's bills, of one building or of all; keeps the file and names it."""
    with force_locale(language):
        made = batch.print_month(
            community_id, Month.parse(month), building_id, paper=paper, each=each
        )
    return {"file_id": made.file_id, "bills": made.bill_count, "name": made.name}


@queue.job("billing:apply-credits")
def apply_credits(community_id: int, **_news: object) -> Mapping[str, Any]:
    """Lay money held for units on the bills just issued; safe to run twice."""
    return {"units": service.apply_credits(community_id)}

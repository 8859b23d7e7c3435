"""Jobs of the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.billing.runs import service
from app.kernel import queue
from app.kernel.period import Month


@queue.job("billing:issue-bills")
def issue_bills(
    community_id: int,
    *,
    month: str,
    prepared_by: int | None = None,
    confirmed_by: int | None = None,
) -> Mapping[str, Any]:
    """Issue a community's month; safe to run twice."""
    run = service.issue_bills(
        community_id, Month.parse(month), prepared_by=prepared_by, confirmed_by=confirmed_by
    )
    return {"run_id": run.id, "bills": run.bill_count}

"""Jobs of matching and the daily check; each safe to run twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.billing.bank import service
from app.kernel import queue

PROPOSE = "billing:propose-matches"


@queue.job(PROPOSE)
def propose_matches(community_id: int, account_id: int | None = None) -> Mapping[str, Any]:
    """Compute anew what waiting lines may be."""
    if account_id is None:
        return {"proposed": service.propose_all(community_id)}
    return {"proposed": service.propose_account(community_id, account_id)}


@queue.job("billing:three-way-check")
def three_way_check(community_id: int) -> Mapping[str, Any]:
    """Compare gateway, bank and books as of yesterday; proposals are made anew first."""
    service.propose_all(community_id)
    days = service.check_day(community_id)
    return {"differences": sum(one.found_count for one in days)}

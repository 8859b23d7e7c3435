"""Every night: say where a subsidy ends in a year, in six months, in three."""

from __future__ import annotations

from app.billing.subsidy import service
from app.kernel import clock, queue


@queue.job("subsidy:cliff")
def cliff(community_id: int) -> dict[str, object]:
    """Give the warnings that are due today in a community."""
    return {"given": len(service.warn_of_end(community_id, clock.today()))}

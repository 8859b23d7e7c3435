"""The ledger's jobs: the nightly check of one community's books."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.kernel.queue import job
from app.ledger import service

CHECK = "ledger:check"


@job(CHECK)
def check(community_id: int) -> Mapping[str, Any]:
    """Run every invariant; what it finds is logged and kept as the task's result."""
    return service.check_books(community_id)

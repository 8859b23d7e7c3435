"""Jobs of statement files; each safe to run twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.kernel import queue
from app.payments.bank import service
from app.payments.bank.service.files import APPLY, READ


@queue.job(READ)
def read_statement(community_id: int, file_id: int) -> Mapping[str, Any]:
    """Read an uploaded statement and write its preview."""
    return {"status": service.read_file(community_id, file_id).status}


@queue.job(APPLY)
def apply_statement(community_id: int, file_id: int) -> Mapping[str, Any]:
    """Bring a previewed statement's lines in."""
    one = service.apply_file(community_id, file_id)
    return {"status": one.status, "new": one.new_count}

"""Jobs for the tests of the queue; registered in the test process and in its workers."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from app.kernel import audit, queue
from app.kernel.errors import N_, RuleBroken


@queue.job("test:mark")
def mark(community_id: int, word: str = "", wait_seconds: float = 0) -> Mapping[str, Any]:
    """Leave one audit row, after a while: the effect that must happen exactly once."""
    audit.record("test:marked", f"word:{word}", community_id=community_id,
                 after={"pid": os.getpid()})  # fmt: skip
    time.sleep(wait_seconds)
    return {"word": word, "asked_by": queue.requested_by()}


@queue.job("test:refuse")
def refuse(community_id: int) -> None:
    """Break a rule."""
    audit.record("test:marked", "word:refused", community_id=community_id)
    raise RuleBroken("test.broken", N_("%(month)s 已结账。"), month="2026-03")


@queue.job("test:crash")
def crash(community_id: int) -> None:
    """Fail as a programmer's mistake does."""
    audit.record("test:marked", "word:crashed", community_id=community_id)
    raise ZeroDivisionError

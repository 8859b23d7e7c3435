"""A plain-Python ledger to compare with, and short sentences to post with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from app.kernel.db import transaction
from app.kernel.period import Month
from app.ledger import service
from app.ledger.models import Entry
from app.ledger.rules import Line


def post(
    community_id: int,
    month: str,
    *lines: tuple[str, int] | tuple[str, int, int],
    kind: str = "test:posted",
    source: str,
    book: str = "service",
    **more: object,
) -> Entry:
    """Post lines (account, fen[, unit]) into `2026-03` and commit."""
    with transaction():
        return service.post(
            community_id,
            book,
            Month.parse(month),
            kind,
            source,
            [Line(*line) for line in lines],
            **more,  # type: ignore[arg-type]
        )


class Oracle:
    """Books as a list of (month, account, fen): slow, short and obviously right."""

    def __init__(self) -> None:
        self.moves: list[tuple[Month, str, int]] = []

    def post(self, month: Month, lines: Sequence[Line]) -> None:
        """Remember an entry."""
        self.moves += [(month, line.account_code, line.amount_fen) for line in lines]

    def trial(self, month: Month) -> dict[str, tuple[int, int, int]]:
        """Account → (opening, debit, credit) of a month, where anything ever moved."""
        out: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for when, code, fen in self.moves:
            if when < month:
                out[code][0] += fen
            elif when == month:
                out[code][1 if fen > 0 else 2] += abs(fen)
        return {code: (o, d, c) for code, (o, d, c) in out.items()}

"""Many acts entered at once: the same laws as `service.post`, a few statements for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from app.kernel import audit, counters
from app.kernel.db import db
from app.kernel.period import Month
from app.ledger import rules, service
from app.ledger.rules import Line


@dataclass(frozen=True)
class Act:
    """One business act to enter: see `service.post`."""

    month: Month
    kind: str
    source: str
    lines: Sequence[Line]
    posted_on: date
    memo: str = ""


_ENTRIES = text(
    "INSERT INTO entry (community_id, id, book, month, posted_on, kind, source, memo, created_by)"
    " SELECT :c, :first + x.no - 1, :book, x.month, x.posted_on, x.kind, x.source, x.memo, :by"
    " FROM unnest(CAST(:months AS date[]), CAST(:days AS date[]), CAST(:kinds AS text[]),"
    " CAST(:sources AS text[]), CAST(:memos AS text[]))"
    " WITH ORDINALITY AS x (month, posted_on, kind, source, memo, no)"
)
_POSTINGS = text(
    "INSERT INTO posting (community_id, entry_id, no, book, account_code, unit_id, amount_fen)"
    " SELECT :c, x.entry, x.no, :book, x.code, x.unit, x.amount"
    " FROM unnest(CAST(:entries AS bigint[]), CAST(:nos AS int[]), CAST(:codes AS text[]),"
    " CAST(:units AS bigint[]), CAST(:amounts AS bigint[])) AS x (entry, no, code, unit, amount)"
)


def post_many(community_id: int, book: str, acts: Sequence[Act]) -> list[int]:
    """Enter acts that are not entered yet, in their order; gives their entries' numbers.

    The caller holds whatever makes each (kind, source) new: one that is known makes
    PostgreSQL refuse them all. Raises RuleBroken for lines or months as `service.post` does.
    """
    if not acts:
        return []
    db.session.flush()
    closed = service.closed_through(community_id, book)
    for act in acts:
        rules.check_lines(book, act.lines)
        rules.check_open(act.month, closed)
    first = counters.reserve(community_id, service.COUNTER, len(acts))
    db.session.execute(
        _ENTRIES,
        {
            "c": community_id,
            "first": first,
            "book": book,
            "by": audit.actor().account_id,
            "months": [act.month.first for act in acts],
            "days": [act.posted_on for act in acts],
            "kinds": [act.kind for act in acts],
            "sources": [act.source for act in acts],
            "memos": [act.memo for act in acts],
        },
    )
    lines = [
        (first + at, no, line)
        for at, act in enumerate(acts)
        for no, line in enumerate(act.lines, 1)
    ]
    db.session.execute(
        _POSTINGS,
        {
            "c": community_id,
            "book": book,
            "entries": [entry for entry, _, _ in lines],
            "nos": [no for _, no, _ in lines],
            "codes": [line.account_code for _, _, line in lines],
            "units": [line.unit_id for _, _, line in lines],
            "amounts": [line.amount_fen for _, _, line in lines],
        },
    )
    return list(range(first, first + len(acts)))

"""The only way into the books: open them, post, reverse, close a month. Never commits.

An entry is its own record of who and when (`created_by`, `created_at`, `kind`, `source`),
so posting adds no audit row of its own; reversing and closing do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NoReturn

import structlog
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.kernel import audit, clock, counters, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.period import Month
from app.ledger import closing, invariants, rules
from app.ledger.chart import BOOKS, CHART
from app.ledger.models import Book, Entry, MonthClose, Posting
from app.ledger.rules import Line

COUNTER = "entry"
REVERSAL = "reversal"
MOST_FINDINGS = 200  # enough to see a pattern; a broken community may have a million

log = structlog.get_logger(__name__)

_BOOK_STATE = text(
    "SELECT closed_through, (SELECT count(*) FROM ledger_account a"
    " WHERE a.community_id = b.community_id AND a.book = b.code) AS accounts"
    " FROM book b WHERE community_id = :c AND code = :book FOR SHARE OF b"
)
_ADD_POSTINGS = text(
    "INSERT INTO posting (community_id, entry_id, no, book, account_code, unit_id, amount_fen)"
    " SELECT :c, :entry, line.no, :book, line.code, line.unit, line.amount"
    " FROM unnest(CAST(:codes AS text[]), CAST(:units AS bigint[]), CAST(:amounts AS bigint[]))"
    " WITH ORDINALITY AS line (code, unit, amount, no)"
)
_ADD_MIRROR = text(
    "INSERT INTO posting (community_id, entry_id, no, book, account_code, unit_id, amount_fen)"
    " SELECT community_id, :reversal, no, book, account_code, unit_id, -amount_fen"
    " FROM posting WHERE community_id = :c AND entry_id = :entry"
)


def open_books(community_id: int) -> None:
    """Give a community its four books and the chart's accounts; again is harmless."""
    db.session.execute(
        text(
            "INSERT INTO book (community_id, code) SELECT :c, unnest(CAST(:codes AS text[]))"
            " ON CONFLICT (community_id, code) DO NOTHING"
        ),
        {"c": community_id, "codes": list(BOOKS)},
    )
    db.session.execute(
        text(
            "INSERT INTO ledger_account (community_id, book, code, kind, by_unit)"
            " SELECT :c, * FROM unnest(CAST(:books AS text[]), CAST(:codes AS text[]),"
            " CAST(:kinds AS text[]), CAST(:by_unit AS boolean[]))"
            " ON CONFLICT (community_id, book, code) DO NOTHING"
        ),
        {
            "c": community_id,
            "books": [account.book for account in CHART],
            "codes": [account.code for account in CHART],
            "kinds": [account.kind for account in CHART],
            "by_unit": [account.by_unit for account in CHART],
        },
    )


def post(  # noqa: PLR0917 -- the six name the act; the rest is by keyword
    community_id: int,
    book: str,
    month: Month,
    kind: str,
    source: str,
    lines: Sequence[Line],
    *,
    posted_on: date | None = None,
    memo: str = "",
    resolution_id: int | None = None,
) -> Entry:
    """Enter one business act: its lines balance within one book and open month.

    Fen, debit positive. `kind` (`bill_run:issued`) and `source` (`17`) name the act: the
    same again returns the entry that is there, so posting twice is impossible; the same
    with other lines is a Conflict. Raises RuleBroken with a sentence for what does not
    balance, unknown accounts, a missing unit, a closed month.
    """
    rules.check_lines(book, lines)
    known = _known(community_id, kind, source)
    if known is None:
        entry_id = _add_entry(
            community_id,
            book,
            month,
            kind,
            source,
            posted_on=posted_on,
            memo=memo,
            resolution_id=resolution_id,
        )
        if entry_id is not None:
            _add_postings(community_id, entry_id, book, lines)
            return _entry(community_id, entry_id)
        known = _known(community_id, kind, source)
        assert known is not None
    if not _same(known, book, month, lines, posted_on):
        _different(kind, source)
    return known


def begin_entry(
    community_id: int,
    book: str,
    month: Month,
    kind: str,
    source: str,
    *,
    posted_on: date | None = None,
    memo: str = "",
) -> int:
    """Add an entry's row and return its id, for a set-based run that adds the postings itself.

    The only other way in besides `post`: the caller (billing/runs) must insert all its
    postings in one INSERT … SELECT in this transaction; PostgreSQL refuses them unless they
    balance within that statement, and refuses the entry at commit if none came.
    Raises Conflict when this (kind, source) was entered before.
    """
    rules.check_book(book)
    entry_id = _add_entry(community_id, book, month, kind, source, posted_on=posted_on, memo=memo)
    if entry_id is None:
        _different(kind, source)
    return entry_id


def reverse(community_id: int, entry_id: int, *, month: Month | None = None, reason: str) -> Entry:
    """Undo an entry by its mirror image, once; the only way to correct.

    `month` defaults to the entry's own or, when that is closed, the first open one.
    Raises NotFound, Conflict when it is already reversed, RuleBroken for a reversal of a
    reversal (post the act anew instead) or an empty reason.
    """
    entry = db.session.get(Entry, (community_id, entry_id))
    if entry is None:
        raise NotFound("ledger.no_entry", N_("没有这张凭证。"))
    if entry.reverses_id is not None:
        raise RuleBroken(
            "ledger.reversal_of_reversal", N_("冲销凭证不能再冲销，请重新记一张凭证。")
        )
    if not reason.strip():
        raise RuleBroken("ledger.reason", N_("请填写冲销原因。"), field="reason")
    if month is None:
        closed = closed_through(community_id, entry.book)
        month = Month.of(entry.month)
        if closed is not None and month <= closed:
            month = closed.shift(1)
    reversal_id = _add_entry(
        community_id,
        entry.book,
        month,
        REVERSAL,
        str(entry_id),
        memo=reason.strip(),
        reverses_id=entry_id,
        resolution_id=entry.resolution_id,
    )
    if reversal_id is None:
        raise Conflict("ledger.already_reversed", N_("凭证 %(no)s 已经冲销过。"), no=entry_id)
    db.session.execute(_ADD_MIRROR, {"c": community_id, "entry": entry_id, "reversal": reversal_id})
    audit.record(
        "ledger:entry_reversed",
        f"entry:{entry_id}",
        community_id=community_id,
        after={"reversal": reversal_id, "month": str(month), "reason": reason.strip()},
    )
    return _entry(community_id, reversal_id)


def close_month(community_id: int, book: str, month: Month) -> MonthClose:
    """Lock a month of a book for good: keep its balances and a digest of its entries.

    In order, and only months that are over. Waits for entries on their way, and they for
    it. Raises Conflict when already closed, RuleBroken with a sentence otherwise.
    """
    rules.check_book(book)
    closed_through = _lock_for_closing(community_id, book)
    rules.check_closable(
        month,
        closed_through=closed_through,
        first_entry=closing.first_month(community_id, book),
        running=Month.of(clock.today()),
    )
    closing.keep(community_id, book, month, at=clock.now(), by=audit.actor().account_id)
    db.session.execute(
        text("UPDATE book SET closed_through = :month WHERE community_id = :c AND code = :book"),
        {"c": community_id, "book": book, "month": month.first},
    )
    close = db.session.get_one(MonthClose, (community_id, book, month.first))
    fact = {"book": book, "month": str(month), "digest": close.digest}
    audit.record(
        "ledger:month_closed",
        f"month:{book}:{month}",
        community_id=community_id,
        before={"closed_through": str(closed_through) if closed_through else None},
        after=fact,
    )
    outbox.tell(community_id, "month:closed", fact)
    return close


def check_books(community_id: int) -> dict[str, Any]:
    """Run every invariant over one community and say what was found, for a task's result.

    The result keeps the last seal (`head_entry`, `head_digest`): should entries vanish from
    the end of the chain, the next check misses it. Findings beyond MOST_FINDINGS are counted.
    """
    findings = invariants.check([community_id])
    for finding in findings[:MOST_FINDINGS]:
        log.error(
            "ledger.finding",
            community=community_id,
            invariant=finding.invariant,
            subject=finding.subject,
            finding=str(finding),
        )
    head = db.session.execute(
        text(
            "SELECT entry_id, encode(digest, 'hex') AS digest FROM entry_seal"
            " WHERE community_id = :c ORDER BY entry_id DESC LIMIT 1"
        ),
        {"c": community_id},
    ).one_or_none()
    return {
        "count": len(findings),
        "findings": [
            {
                "invariant": finding.invariant,
                "subject": finding.subject,
                "message": finding.message,
                "params": {name: str(value) for name, value in finding.params.items()},
            }
            for finding in findings[:MOST_FINDINGS]
        ],
        "head_entry": head.entry_id if head else None,
        "head_digest": head.digest if head else None,
    }


def _add_entry(
    community_id: int,
    book: str,
    month: Month,
    kind: str,
    source: str,
    *,
    posted_on: date | None = None,
    memo: str = "",
    reverses_id: int | None = None,
    resolution_id: int | None = None,
) -> int | None:
    """Number and add an entry; None when this (kind, source) is already there.

    The savepoint gives the number back in that case, so that numbers have no gaps and a
    missing one means a deleted entry.
    """
    db.session.flush()
    rules.check_open(month, closed_through(community_id, book))
    with db.session.begin_nested() as savepoint:
        entry_id = counters.reserve(community_id, COUNTER)
        added = db.session.execute(
            insert(Entry)
            .values(
                community_id=community_id,
                id=entry_id,
                book=book,
                month=month.first,
                posted_on=posted_on or clock.today(),
                kind=kind,
                source=source,
                memo=memo,
                reverses_id=reverses_id,
                resolution_id=resolution_id,
                created_by=audit.actor().account_id,
            )
            .on_conflict_do_nothing(index_elements=["community_id", "kind", "source"])
            .returning(Entry.id)
        ).scalar_one_or_none()
        if added is None:
            savepoint.rollback()
            return None
    return entry_id


def _add_postings(community_id: int, entry_id: int, book: str, lines: Sequence[Line]) -> None:
    """All postings in one statement, for within it they must balance."""
    db.session.execute(
        _ADD_POSTINGS,
        {
            "c": community_id,
            "entry": entry_id,
            "book": book,
            "codes": [line.account_code for line in lines],
            "units": [line.unit_id for line in lines],
            "amounts": [line.amount_fen for line in lines],
        },
    )


def closed_through(community_id: int, book: str) -> Month | None:
    """The last closed month, held until the transaction ends; opens the books when missing."""
    wanted = sum(account.book == book for account in CHART)
    row = db.session.execute(_BOOK_STATE, {"c": community_id, "book": book}).one_or_none()
    if row is None or row.accounts < wanted:
        open_books(community_id)
        row = db.session.execute(_BOOK_STATE, {"c": community_id, "book": book}).one()
    return Month.of(row.closed_through) if row.closed_through else None


def _lock_for_closing(community_id: int, book: str) -> Month | None:
    row = db.session.execute(
        select(Book.closed_through)
        .filter_by(community_id=community_id, code=book)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise RuleBroken("ledger.nothing_to_close", N_("这本账还没有凭证，不需要结账。"))
    return Month.of(row.closed_through) if row.closed_through else None


def _known(community_id: int, kind: str, source: str) -> Entry | None:
    return db.session.scalars(
        select(Entry).filter_by(community_id=community_id, kind=kind, source=source)
    ).one_or_none()


def _same(
    known: Entry, book: str, month: Month, lines: Sequence[Line], posted_on: date | None
) -> bool:
    """Whether an act offered again is the one entered; its default day may have moved on."""
    if (known.book, known.month) != (book, month.first):
        return False
    if posted_on is not None and posted_on != known.posted_on:
        return False
    postings = db.session.execute(
        select(Posting.account_code, Posting.amount_fen, Posting.unit_id)
        .filter_by(community_id=known.community_id, entry_id=known.id)
        .order_by(Posting.no)
    )
    return [Line(*row) for row in postings] == list(lines)


def _different(kind: str, source: str) -> NoReturn:
    raise Conflict(
        "ledger.different",
        N_("“%(kind)s %(source)s”已经记过账，内容不同，没有重复记账。"),
        kind=kind,
        source=source,
    )


def _entry(community_id: int, entry_id: int) -> Entry:
    return db.session.get_one(Entry, (community_id, entry_id))

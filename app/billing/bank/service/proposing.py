"""Compute what waiting lines may be, and keep the best guess beside each."""

from __future__ import annotations

from app.billing.bank import queries
from app.kernel import clock, queue
from app.kernel.db import db
from app.payments.bank import rules
from app.payments.bank import service as bank
from app.payments.bank.service import BankLine

BATCH = 1000


def propose_all(community_id: int) -> int:
    """Every account's waiting lines; returns how many have a proposal."""
    return sum(propose_account(community_id, one) for one in bank.accounts_of(community_id))


def propose_account(community_id: int, account_id: int) -> int:
    """An account's waiting lines, compared with the books as they stand; nothing is settled."""
    account, waiting = bank.waiting(community_id, account_id)
    if not waiting:
        return 0
    first = min(line.booked_on for line in waiting)
    book = queries.book_of(community_id, account, first, clock.today())
    found = 0
    for at, line in enumerate(waiting, 1):
        found += _propose(line, book)
        if at % BATCH == 0:
            queue.progress(at, len(waiting))
    db.session.flush()
    return found


def _propose(line: BankLine, book: rules.Book) -> bool:
    proposals = rules.propose(queries.movement(line), book)
    if not proposals:
        bank.keep_proposal(line, None)
        return False
    together = rules.may_go_together(proposals[0], proposals[1:])
    bank.keep_proposal(line, rules.as_json(proposals[0], together=together))
    return True

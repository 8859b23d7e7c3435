"""Compute what waiting lines may be, and keep the best guess beside each."""

from __future__ import annotations

from sqlalchemy import select, update

from app.billing.bank import queries
from app.kernel import clock, queue
from app.kernel.db import db
from app.payments.bank import rules
from app.payments.bank.models import BankAccount, BankLine, BankMatch

BATCH = 1000


def propose_all(community_id: int) -> int:
    """Every open account's waiting lines; returns how many have a proposal."""
    accounts = db.session.scalars(
        select(BankAccount).filter_by(community_id=community_id).order_by(BankAccount.id)
    ).all()
    return sum(propose_account(community_id, one.id) for one in accounts)


def propose_account(community_id: int, account_id: int) -> int:
    """An account's waiting lines, compared with the books as they stand; nothing is settled."""
    account = db.session.get_one(BankAccount, (community_id, account_id))
    waiting = db.session.scalars(
        select(BankLine)
        .filter_by(community_id=community_id, account_id=account_id)
        .where(BankLine.status.in_(("unmatched", "proposed")))
        .where(
            ~select(BankMatch.id)
            .where(BankMatch.community_id == community_id, BankMatch.line_id == BankLine.id)
            .where(BankMatch.undone_at.is_(None))
            .exists()
        )
        .order_by(BankLine.id)
        .with_for_update(skip_locked=True)
    ).all()
    if not waiting:
        return 0
    first = min(line.booked_on for line in waiting)
    book = queries.book_of(community_id, account, first, clock.today())
    found = 0
    for at, line in enumerate(waiting, 1):
        changed = _propose(line, book)
        found += changed["status"] == "proposed"
        if (line.status, line.proposal) != (changed["status"], changed["proposal"]):
            db.session.execute(
                update(BankLine)
                .where(BankLine.community_id == community_id, BankLine.id == line.id)
                .values(**changed)
                .execution_options(synchronize_session=False)
            )
        if at % BATCH == 0:
            queue.progress(at, len(waiting))
    db.session.expire_all()
    return found


def _propose(line: BankLine, book: rules.Book) -> dict[str, object]:
    proposals = rules.propose(queries.movement(line), book)
    if not proposals:
        return {"status": "unmatched", "proposal": None, "score": None}
    best = proposals[0]
    together = rules.may_go_together(best, proposals[1:])
    return {
        "status": "proposed",
        "proposal": rules.as_json(best, together=together),
        "score": best.score,
    }

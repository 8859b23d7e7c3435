"""What every act on a line shares: the line held, a match added, its status counted anew."""

from __future__ import annotations

from sqlalchemy import func, select, text

from app.kernel import audit
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import Fen, to_yuan
from app.kernel.period import Month
from app.ledger import queries as books
from app.payments.bank import queries as bank
from app.payments.bank.models import BankAccount, BankLine, BankMatch


def lock_line(community_id: int, line_id: int) -> tuple[BankLine, BankAccount]:
    """A line, held until the transaction ends, and its account. Raises NotFound."""
    line = db.session.scalars(
        select(BankLine)
        .filter_by(community_id=community_id, id=line_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if line is None:
        raise NotFound("bank.no_line", N_("没有这笔流水。"))
    return line, db.session.get_one(BankAccount, (community_id, line.account_id))


def left_of(line: BankLine) -> Fen:
    """What of a line is not matched, with its sign."""
    return line.amount_fen - bank.matched_fen(line.community_id, line.id)


def check_open(line: BankLine, amount_fen: Fen) -> None:
    """Raises Conflict or RuleBroken unless so much of a line may be matched now."""
    if line.kind == "neutral":
        raise RuleBroken("bank.neutral", N_("这是自有资金划转，不能认领入账。"))
    if line.status == "explained":
        raise Conflict("bank.explained", N_("这笔流水已经说明，请先撤销说明。"))
    left = left_of(line)
    if not left:
        raise Conflict("bank.matched", N_("这笔流水已经认领完了。"))
    if not amount_fen or (amount_fen > 0) != (left > 0) or abs(amount_fen) > abs(left):
        raise RuleBroken(
            "bank.over",
            N_("认领金额应大于 0，且不超过这笔流水剩下的 %(left)s 元。"),
            field="amount_fen",
            left=to_yuan(abs(left)),
        )


def add_match(
    line: BankLine,
    kind: str,
    amount_fen: Fen,
    *,
    payment_id: int | None = None,
    payout_id: int | None = None,
    entry_id: int | None = None,
    score: int = 0,
) -> BankMatch:
    """Add a match and count the line's status anew; audited."""
    made = BankMatch(
        community_id=line.community_id,
        line_id=line.id,
        kind=kind,
        amount_fen=amount_fen,
        payment_id=payment_id,
        payout_id=payout_id,
        entry_id=entry_id,
        score=score,
        made_by=audit.actor().account_id,
    )
    db.session.add(made)
    db.session.flush()
    set_status(line)
    audit.record(
        "bank:matched",
        f"bank_line:{line.id}",
        community_id=line.community_id,
        after={"kind": kind, "amount_fen": amount_fen, "score": score, "payment": payment_id},
    )
    return made


def set_status(line: BankLine) -> None:
    """Matched when nothing is left, else unmatched until the next job proposes anew."""
    line.status = "unmatched" if left_of(line) else "matched"
    line.proposal, line.score = None, None
    db.session.flush()


def serial(line: BankLine) -> int:
    """How many matches a line has had; makes the sources of its entries unique."""
    return int(
        db.session.scalar(
            select(func.count())
            .select_from(BankMatch)
            .filter_by(community_id=line.community_id, line_id=line.id)
        )
        or 0
    )


def month_for(line: BankLine, book: str) -> Month:
    """The line's month, or the first of the book that takes entries."""
    closed = books.closed_through(line.community_id, book)
    month = Month.of(line.booked_on)
    return max(month, closed.shift(1)) if closed else month


def street_names(community_id: int) -> list[str]:
    """The streets that pay this community's subsidy."""
    return list(
        db.session.scalars(
            text(
                "SELECT DISTINCT r.name FROM subsidy_scheme s"
                " JOIN region r ON r.id = s.payer_region_id WHERE s.community_id = :c"
            ),
            {"c": community_id},
        )
    )

"""Acts on lines that need no bill: held, proposed, matched, explained, a match undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import Fen, to_yuan
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


def explain(community_id: int, line_id: int, reason: str) -> BankLine:
    """Say why a line is matched to nothing in the books. Raises Conflict, RuleBroken."""
    line, _ = lock_line(community_id, line_id)
    if not reason.strip():
        raise RuleBroken("bank.reason", N_("请写明原因。"), field="reason")
    if line.status not in ("unmatched", "proposed") or left_of(line) != line.amount_fen:
        raise Conflict("bank.already", N_("这笔流水已经认领或说明，请先撤销。"))
    line.status, line.reason = "explained", reason.strip()[:200]
    line.proposal, line.score = None, None
    line.explained_by, line.explained_at = audit.actor().account_id, clock.now()
    db.session.flush()
    audit.record(
        "bank:explained",
        f"bank_line:{line.id}",
        community_id=community_id,
        after={"reason": line.reason, "amount_fen": line.amount_fen},
    )
    return line


def take_up_again(community_id: int, line_id: int) -> BankLine:
    """Withdraw an explanation. Raises Conflict; neutral lines stay as they are."""
    line, _ = lock_line(community_id, line_id)
    if line.status != "explained" or line.kind == "neutral":
        raise Conflict("bank.not_explained", N_("这笔流水没有可以撤销的说明。"))
    before = line.reason
    line.status, line.reason, line.explained_by, line.explained_at = "unmatched", "", None, None
    db.session.flush()
    audit.record(
        "bank:taken_up_again",
        f"bank_line:{line.id}",
        community_id=community_id,
        before={"reason": before},
    )
    return line


def lock_match(community_id: int, match_id: int) -> tuple[BankLine, BankAccount, BankMatch]:
    """A live match with its line, held until the transaction ends. Raises NotFound, Conflict."""
    line_id = db.session.scalar(
        select(BankMatch.line_id).filter_by(community_id=community_id, id=match_id)
    )
    if line_id is None:
        raise NotFound("bank.no_match", N_("没有这次认领。"))
    line, account = lock_line(community_id, line_id)
    match = db.session.get_one(BankMatch, (community_id, match_id), populate_existing=True)
    if match.undone_at is not None:
        raise Conflict("bank.undone", N_("这次认领已经撤销。"))
    return line, account, match


def mark_undone(line: BankLine, match: BankMatch, reason: str) -> None:
    """Set a match aside, with who and why; the line waits again for what it told."""
    match.undone_at, match.undone_by = clock.now(), audit.actor().account_id
    match.undone_reason = reason.strip()[:200]
    db.session.flush()
    set_status(line)
    audit.record(
        "bank:unmatched",
        f"bank_line:{line.id}",
        community_id=line.community_id,
        after={"kind": match.kind, "amount_fen": match.amount_fen, "reason": match.undone_reason},
    )


def accounts_of(community_id: int) -> list[int]:
    """The accounts of a community, closed ones too: their lines may still wait."""
    return list(
        db.session.scalars(
            select(BankAccount.id).filter_by(community_id=community_id).order_by(BankAccount.id)
        )
    )


def waiting(community_id: int, account_id: int) -> tuple[BankAccount, list[BankLine]]:
    """An account's lines nobody has laid any part of, held; those in other hands are left out."""
    account = db.session.get_one(BankAccount, (community_id, account_id))
    live = (
        select(BankMatch.id)
        .where(BankMatch.community_id == community_id, BankMatch.line_id == BankLine.id)
        .where(BankMatch.undone_at.is_(None))
    )
    rows = db.session.scalars(
        select(BankLine)
        .filter_by(community_id=community_id, account_id=account_id)
        .where(BankLine.status.in_(("unmatched", "proposed")), ~live.exists())
        .order_by(BankLine.id)
        .with_for_update(skip_locked=True)
    )
    return account, list(rows)


def keep_proposal(line: BankLine, proposal: Mapping[str, Any] | None) -> None:
    """Write down the best guess of a waiting line, or that there is none."""
    line.status = "unmatched" if proposal is None else "proposed"
    line.score = None if proposal is None else int(proposal["score"])
    if line.proposal != proposal:
        line.proposal = None if proposal is None else dict(proposal)

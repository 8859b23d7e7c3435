"""Lines matched to what the books have, to fees and own transfers; explained; undone."""

from __future__ import annotations

from sqlalchemy import select, text

from app.billing.bank import postings, queries
from app.billing.bank.service.common import (
    add_match,
    check_open,
    left_of,
    lock_line,
    month_for,
    serial,
    set_status,
)
from app.billing.bills import service as bills
from app.billing.bills.service.returns import taken_back_fen
from app.billing.models import Settlement
from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import Fen
from app.ledger import service as ledger
from app.ledger.rules import Line
from app.payments.bank.models import BankLine, BankMatch
from app.payments.models import Payment


def match_known(
    community_id: int,
    line_id: int,
    kind: str,
    target_id: int,
    amount_fen: Fen | None = None,
    *,
    score: int = 0,
) -> BankMatch:
    """Match a line to a payment, payout, deposit or entry that is in the books already.

    As much as both have left, unless said. A card payment's money leaves transit (1012) by it.
    Raises NotFound when there is nothing left to match it to, Conflict, RuleBroken.
    """
    line, account = lock_line(community_id, line_id)
    known = next(
        (
            one
            for one in queries.known_of(community_id, account, line.booked_on)
            if (one.kind, one.id) == (kind, target_id)
        ),
        None,
    )
    if known is None or (known.left_fen > 0) != (line.amount_fen > 0):
        raise NotFound("bank.no_target", N_("没有这笔可认领的收付，可能已被别的流水认领。"))
    part = amount_fen or min(left_of(line), known.left_fen, key=abs)
    check_open(line, part)
    if abs(part) > abs(known.left_fen):
        raise RuleBroken("bank.target_over", N_("超过了那笔收付尚未认领的金额。"))
    column = {"payment": "payment_id", "payout": "payout_id"}.get(kind, "entry_id")
    ids: dict[str, int] = {column: target_id}
    if kind == "payment" and _is_card(community_id, target_id):
        ids["entry_id"] = _post(line, account.book, postings.CLEARED, postings.own(part))
    return add_match(line, kind, part, **ids, score=score)


def enter_fee(community_id: int, line_id: int) -> BankMatch:
    """Enter what is left of a line as the bank's or wallet's fee (6603)."""
    line, account = lock_line(community_id, line_id)
    part = left_of(line)
    check_open(line, part)
    _check_service(account.book)
    entry = _post(line, account.book, postings.FEE, postings.fee(account.kind, part))
    return add_match(line, "fee", part, entry_id=entry)


def enter_own(community_id: int, line_id: int) -> BankMatch:
    """Enter what is left of a bank line as money out of transit: 1002 / 1012."""
    line, account = lock_line(community_id, line_id)
    part = left_of(line)
    check_open(line, part)
    _check_service(account.book)
    if account.kind != "bank":
        raise RuleBroken("bank.own_wallet", N_("提现到账记在银行账户的流水上。"))
    entry = _post(line, account.book, postings.OWN, postings.own(part))
    return add_match(line, "own", part, entry_id=entry)


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


def undo(community_id: int, match_id: int, reason: str) -> BankMatch:
    """Undo a match: what it settled is taken back, what it posted is reversed. Once.

    A payment the line itself made goes back whole, bills are owed again and its receipts are
    void; one that was there before is only no longer matched. Raises Conflict, RuleBroken.
    """
    line_id = db.session.scalar(
        select(BankMatch.line_id).filter_by(community_id=community_id, id=match_id)
    )
    if line_id is None:
        raise NotFound("bank.no_match", N_("没有这次认领。"))
    if not reason.strip():
        raise RuleBroken("bank.reason", N_("请写明原因。"), field="reason")
    line, _ = lock_line(community_id, line_id)
    match = db.session.get_one(BankMatch, (community_id, match_id), populate_existing=True)
    if match.undone_at is not None:
        raise Conflict("bank.undone", N_("这次认领已经撤销。"))
    if match.payment_id is not None:
        _take_back(match, reason)
    if match.entry_id is not None and match.kind in ("payment", "fee", "own"):
        ledger.reverse(community_id, match.entry_id, reason=reason)
    match.undone_at, match.undone_by = clock.now(), audit.actor().account_id
    match.undone_reason = reason.strip()[:200]
    db.session.flush()
    set_status(line)
    audit.record(
        "bank:unmatched",
        f"bank_line:{line.id}",
        community_id=community_id,
        after={"kind": match.kind, "amount_fen": match.amount_fen, "reason": match.undone_reason},
    )
    return match


def _take_back(match: BankMatch, reason: str) -> None:
    payment = db.session.scalars(
        select(Payment)
        .filter_by(community_id=match.community_id, id=match.payment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if payment.channel not in ("bank", "code"):
        return
    settlements = db.session.scalars(
        select(Settlement)
        .filter_by(community_id=match.community_id, payment_id=payment.id, takes_back_id=None)
        .where(Settlement.means != "credit")
        .order_by(Settlement.unit_id)
    ).all()
    for one in settlements:
        left = one.amount_fen - taken_back_fen(match.community_id, one.id)
        if left:
            bills.take_back(
                match.community_id,
                one.id,
                left,
                source=f"bank_match:{match.id}:{one.id}",
                reason=reason,
                received_on=clock.today(),
            )
    payment.refunded_fen = payment.amount_fen - payment.disputed_fen
    db.session.flush()


def _post(line: BankLine, book: str, kind: str, lines: list[Line]) -> int:
    entry = ledger.post(
        line.community_id,
        book,
        month_for(line, book),
        kind,
        f"{line.id}:{serial(line)}",
        lines,
        posted_on=line.booked_on,
        memo=line.remark[:200],
    )
    return entry.id


def _check_service(book: str) -> None:
    if book != "service":
        raise RuleBroken("bank.book_entry", N_("这本账簿还不能这样入账，请写明原因。"))


def _is_card(community_id: int, payment_id: int) -> bool:
    means = db.session.execute(
        text("SELECT means FROM payment WHERE community_id = :c AND id = :id"),
        {"c": community_id, "id": payment_id},
    ).scalar_one()
    return bool(means == "pos")

"""Lines matched to what the books have, to fees and own transfers; explained; undone."""

from __future__ import annotations

from sqlalchemy import select, text

from app.billing.bank import postings, queries
from app.billing.bank.service.common import month_for
from app.billing.bills import service as bills
from app.billing.bills.service.returns import taken_back_fen
from app.billing.models import Settlement
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import N_, NotFound, RuleBroken
from app.kernel.money import Fen
from app.ledger import service as ledger
from app.ledger.rules import Line
from app.payments.bank import service as bank
from app.payments.bank.service import BankLine, BankMatch


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
    line, account = bank.lock_line(community_id, line_id)
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
    part = amount_fen or min(bank.left_of(line), known.left_fen, key=abs)
    bank.check_open(line, part)
    if abs(part) > abs(known.left_fen):
        raise RuleBroken("bank.target_over", N_("超过了那笔收付尚未认领的金额。"))
    column = {"payment": "payment_id", "payout": "payout_id"}.get(kind, "entry_id")
    ids: dict[str, int] = {column: target_id}
    if kind == "payment" and _is_card(community_id, target_id):
        ids["entry_id"] = _post(line, account.book, postings.CLEARED, postings.own(part))
    return bank.add_match(line, kind, part, **ids, score=score)


def enter_fee(community_id: int, line_id: int) -> BankMatch:
    """Enter what is left of a line as the bank's or wallet's fee (6603)."""
    line, account = bank.lock_line(community_id, line_id)
    part = bank.left_of(line)
    bank.check_open(line, part)
    _check_service(account.book)
    entry = _post(line, account.book, postings.FEE, postings.fee(account.kind, part))
    return bank.add_match(line, "fee", part, entry_id=entry)


def enter_own(community_id: int, line_id: int) -> BankMatch:
    """Enter what is left of a bank line as money out of transit: 1002 / 1012."""
    line, account = bank.lock_line(community_id, line_id)
    part = bank.left_of(line)
    bank.check_open(line, part)
    _check_service(account.book)
    if account.kind != "bank":
        raise RuleBroken("bank.own_wallet", N_("提现到账记在银行账户的流水上。"))
    entry = _post(line, account.book, postings.OWN, postings.own(part))
    return bank.add_match(line, "own", part, entry_id=entry)


def undo(community_id: int, match_id: int, reason: str) -> BankMatch:
    """Undo a match: what it settled is taken back, what it posted is reversed. Once.

    A payment the line itself made goes back whole, bills are owed again and its receipts are
    void; one that was there before is only no longer matched. Raises Conflict, RuleBroken.
    """
    if not reason.strip():
        raise RuleBroken("bank.reason", N_("请写明原因。"), field="reason")
    line, _, match = bank.lock_match(community_id, match_id)
    if match.payment_id is not None:
        _take_back(match, reason)
    if match.entry_id is not None and match.kind in ("payment", "fee", "own"):
        ledger.reverse(community_id, match.entry_id, reason=reason)
    bank.mark_undone(line, match, reason)
    return match


def _take_back(match: BankMatch, reason: str) -> None:
    assert match.payment_id is not None
    payment = bank.lock_payment(match.community_id, match.payment_id)
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
    bank.mark_returned(payment)


def _post(line: BankLine, book: str, kind: str, lines: list[Line]) -> int:
    entry = ledger.post(
        line.community_id,
        book,
        month_for(line, book),
        kind,
        f"{line.id}:{bank.serial(line)}",
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

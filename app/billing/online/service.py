"""Lay money that came online on the bills it was paid for; take back what left again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from app.billing.bills import service as bills
from app.billing.online import queries
from app.billing.postings import BOOK
from app.kernel import outbox
from app.kernel.db import db
from app.kernel.errors import N_, RuleBroken
from app.kernel.money import Fen
from app.payments.online import service as payments
from app.payments.online.service import Item, Received

MEANS = "online"
PAID_TWICE = "账单已由别的方式付清，按本小区规定退回"


def settle_payment(community_id: int, payment_id: int) -> bool:
    """Lay a received payment's money on its bills, home by home; False when that is done.

    One transaction: settlements, entries, receipts, the payment's own state. What a bill no
    longer needs, because it was paid another way meanwhile, becomes the home's credit, or goes
    back to the payer where the community decided so; either way the payer is told.
    """
    one = payments.take_received(community_id, payment_id)
    if one is None:
        return False
    if one.book != BOOK:
        raise RuleBroken("payment.book", N_("这本账簿的线上收款还不能入账。"))
    items = sorted(payments.items_of(community_id, payment_id), key=lambda item: item.unit_id)
    over = {
        unit_id: _settle_home(one, unit_id, list(own))
        for unit_id, own in groupby(items, key=lambda item: item.unit_id)
    }
    payments.mark_settled(community_id, payment_id)
    _tell_paid_twice(one, {unit_id: fen for unit_id, fen in over.items() if fen})
    return True


def take_back_payment(  # noqa: PLR0917 -- named by the news
    community_id: int,
    payment_id: int,
    amount_fen: Fen,
    reason: str,
    refund_id: int | None = None,
    dispute_id: int | None = None,
    unit_id: int | None = None,
) -> list[int]:
    """Take returned money off the bills it had paid, the newest settlement first; gives ids.

    Of one home alone when the refund was of that home's money. The same return again changes
    nothing. What is returned was received, so what waits to be laid is laid first.
    """
    settle_payment(community_id, payment_id)
    cause = f"refund:{refund_id}" if refund_id is not None else f"dispute:{dispute_id}"
    if queries.was_taken_back(community_id, cause):
        return []
    left, done = amount_fen, []
    for row in queries.settlements_of(community_id, payment_id, unit_id):
        part = min(left, row.left_fen)
        if part:
            bills.take_back(
                community_id,
                row.id,
                part,
                source=f"{cause}:{row.id}",
                reason=reason,
                means=MEANS,
            )
            done.append(row.id)
            left -= part
    if left:
        raise RuleBroken("payment.returned_over", N_("退回的钱超过了这笔缴费入账的金额。"))
    return done


def _settle_home(one: Received, unit_id: int, items: Sequence[Item]) -> Fen:
    """Lay a home's part; gives what is over beyond what was meant to be paid ahead."""
    settled = bills.settle(
        one.community_id,
        unit_id,
        sum(item.amount_fen for item in items),
        received_on=one.received_on,
        means=MEANS,
        source=f"payment:{one.id}:{unit_id}",
        bill_ids=[item.bill_id for item in items if item.bill_id is not None],
        payment_id=one.id,
    )
    ahead = sum(item.amount_fen for item in items if item.bill_id is None)
    return max(0, settled.credit_fen - ahead)


def _tell_paid_twice(one: Received, over: dict[int, Fen]) -> None:
    if not over:
        return
    policy = queries.pay_rules(one.community_id).overpaid_policy
    for unit_id, fen in over.items():
        if policy == "refund":
            payments.refund_overpaid(
                one.community_id, one.id, fen, unit_id=unit_id, reason=PAID_TWICE
            )
        outbox.tell(
            one.community_id,
            "payment:overpaid",
            {"payment_id": one.id, "unit_id": unit_id, "amount_fen": fen, "policy": policy},
        )
    db.session.flush()

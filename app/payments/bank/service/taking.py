"""The payment that a line's money is: begun, told what it is for, returned."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select

from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen
from app.payments.bank.models import BankAccount, BankLine
from app.payments.bank.service.lines import serial
from app.payments.models import Payment, PaymentItem

MEANS = {"bank": "transfer", "wechat": "wechat_pay", "alipay": "alipay"}
Item = tuple[int, int | None, Fen]  # home, bill or None for money ahead, fen


def begin_payment(line: BankLine, account: BankAccount, amount_fen: Fen) -> Payment:
    """A settled payment of a part of a line; its key is the line's, so the part is one payment."""
    made = Payment(
        community_id=line.community_id,
        book=account.book,
        channel="bank" if account.kind == "bank" else "code",
        means=MEANS[account.kind],
        amount_fen=amount_fen,
        status="settled",
        key=f"bank:{account.id}:{line.key}:{serial(line)}",
        payer_name=line.counterparty[:100],
        started_by=audit.actor().account_id,
        received_on=line.booked_on,
        settled_at=clock.now(),
        reference=line.reference or line.order_no,
        note=line.remark,
    )
    db.session.add(made)
    db.session.flush()
    return made


def add_items(payment: Payment, items: Sequence[Item]) -> None:
    """Write what a payment paid."""
    db.session.execute(
        insert(PaymentItem),
        [
            {
                "community_id": payment.community_id,
                "payment_id": payment.id,
                "no": no,
                "purpose": "prepay" if bill_id is None else "bill",
                "unit_id": unit_id,
                "bill_id": bill_id,
                "amount_fen": fen,
            }
            for no, (unit_id, bill_id, fen) in enumerate(items, 1)
        ],
    )


def lock_payment(community_id: int, payment_id: int) -> Payment:
    """A payment, held until the transaction ends. Raises NotFound."""
    found = db.session.scalars(
        select(Payment)
        .filter_by(community_id=community_id, id=payment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound("payment.none", N_("没有这笔缴费。"))
    return found


def mark_returned(payment: Payment) -> None:
    """All of a payment that is not disputed went back."""
    payment.refunded_fen = payment.amount_fen - payment.disputed_fen
    db.session.flush()

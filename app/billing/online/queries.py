"""Reads of online payments with the bills they are for; frozen rows, sums in fen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, or_, select, text

from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen
from app.kernel.period import Month
from app.payments.models import Payment

HOMES: ColumnElement[str] = literal_column(
    "(SELECT string_agg(DISTINCT u.label, ' ') FROM payment_item i JOIN unit u"
    " ON u.community_id = i.community_id AND u.id = i.unit_id"
    " WHERE i.community_id = payment.community_id AND i.payment_id = payment.id)"
).label("homes")
BY_ID, BY_BEGAN, BY_RECEIVED = Payment.id, Payment.created_at, Payment.received_on
BY_AMOUNT, BY_REFUNDED, BY_DISPUTED = (
    Payment.amount_fen,
    Payment.refunded_fen,
    Payment.disputed_fen,
)


@dataclass(frozen=True)
class PayRules:
    """How a community is paid online."""

    partial_payment: bool
    overpaid_policy: str
    refund_alone_fen: Fen
    prepay_months: int


@dataclass(frozen=True)
class SettlementRow:
    """Money of a payment laid for a home, and how much of it was not taken back."""

    id: int
    unit_id: int
    left_fen: Fen


@dataclass(frozen=True)
class UnderWay:
    """A payment on its way for a bill."""

    payment_id: int
    started_by: int | None
    began_at: datetime
    status: str


@dataclass(frozen=True)
class ItemRow:
    """What a payment is for, as people read it; `month` is None for money ahead."""

    unit_id: int
    unit_label: str
    bill_id: int | None
    month: Month | None
    amount_fen: Fen


@dataclass(frozen=True)
class SettledRow:
    """What became of a home's part: how much lies on bills, how much is held."""

    unit_id: int
    unit_label: str
    amount_fen: Fen
    credit_fen: Fen
    receipt_id: int | None
    taken_back: bool


@dataclass(frozen=True)
class OwnPayment:
    """A payment in its payer's list."""

    id: int
    began_at: datetime
    amount_fen: Fen
    refunded_fen: Fen
    status: str
    means: str | None
    homes: str


def pay_rules(community_id: int) -> PayRules:
    """A community's rules on paying online."""
    row = db.session.execute(
        text(
            "SELECT partial_payment, overpaid_policy, refund_alone_fen, prepay_months"
            " FROM community WHERE id = :c"
        ),
        {"c": community_id},
    ).one()
    return PayRules(*row)


def settlements_of(
    community_id: int, payment_id: int, unit_id: int | None = None
) -> list[SettlementRow]:
    """Where a payment's money was laid, the newest first; of one home alone if named."""
    rows = db.session.execute(
        text(
            "SELECT s.id, s.unit_id, (s.amount_fen + COALESCE((SELECT sum(t.amount_fen)"
            "  FROM settlement t WHERE t.community_id = s.community_id"
            "  AND t.takes_back_id = s.id), 0))::bigint AS left_fen"
            " FROM settlement s WHERE s.community_id = :c AND s.payment_id = :payment"
            " AND s.takes_back_id IS NULL AND s.means <> 'credit'"
            " AND (CAST(:unit AS bigint) IS NULL OR s.unit_id = :unit) ORDER BY s.id DESC"
        ),
        {"c": community_id, "payment": payment_id, "unit": unit_id},
    ).all()
    return [SettlementRow(row.id, row.unit_id, row.left_fen) for row in rows]


def was_taken_back(community_id: int, cause: str) -> bool:
    """Whether the money of a refund or dispute was taken off its bills already."""
    return bool(
        db.session.execute(
            text(
                "SELECT EXISTS (SELECT FROM settlement WHERE community_id = :c"
                " AND starts_with(source, :cause))"
            ),
            {"c": community_id, "cause": f"{cause}:"},
        ).scalar_one()
    )


def under_way(community_id: int, bill_ids: Sequence[int]) -> dict[int, UnderWay]:
    """Bills that someone is paying online right now."""
    rows = db.session.execute(
        text(
            "SELECT i.bill_id, p.id, p.started_by, p.created_at, p.status FROM payment_item i"
            " JOIN payment p ON p.community_id = i.community_id AND p.id = i.payment_id"
            " WHERE i.community_id = :c AND i.bill_id = ANY (CAST(:bills AS bigint[]))"
            " AND p.channel = 'stripe' AND p.status IN ('started', 'pending', 'received')"
            " ORDER BY p.id"
        ),
        {"c": community_id, "bills": list(bill_ids)},
    ).all()
    return {
        row.bill_id: UnderWay(row.id, row.started_by, row.created_at, row.status) for row in rows
    }


def items_of(community_id: int, payment_id: int) -> list[ItemRow]:
    """What a payment is for, by home and month."""
    rows = db.session.execute(
        text(
            "SELECT i.unit_id, u.label, i.bill_id, b.month, i.amount_fen FROM payment_item i"
            " JOIN unit u ON u.community_id = i.community_id AND u.id = i.unit_id"
            " LEFT JOIN bill b ON b.community_id = i.community_id AND b.id = i.bill_id"
            " WHERE i.community_id = :c AND i.payment_id = :payment"
            " ORDER BY u.sort_key, b.month NULLS LAST, i.no"
        ),
        {"c": community_id, "payment": payment_id},
    ).all()
    return [
        ItemRow(
            row.unit_id,
            row.label,
            row.bill_id,
            Month.of(row.month) if row.month else None,
            row.amount_fen,
        )
        for row in rows
    ]


def settled_of(community_id: int, payment_id: int) -> list[SettledRow]:
    """What became of a payment's money, home by home, in order."""
    rows = db.session.execute(
        text(
            "SELECT s.unit_id, u.label, s.amount_fen, s.credit_fen, r.id,"
            " s.takes_back_id IS NOT NULL AS back FROM settlement s"
            " JOIN unit u ON u.community_id = s.community_id AND u.id = s.unit_id"
            " LEFT JOIN receipt r ON r.community_id = s.community_id AND r.settlement_id = s.id"
            " WHERE s.community_id = :c AND s.payment_id = :payment AND s.means <> 'credit'"
            " ORDER BY s.id"
        ),
        {"c": community_id, "payment": payment_id},
    ).all()
    return [SettledRow(*row) for row in rows]


def own_payments(community_id: int, account_id: int) -> list[OwnPayment]:
    """Payments an account began, newest first."""
    rows = db.session.execute(
        text(
            "SELECT p.id, p.created_at, p.amount_fen, p.refunded_fen, p.status, p.means,"
            " (SELECT string_agg(DISTINCT u.label, ' ') FROM payment_item i JOIN unit u"
            "   ON u.community_id = i.community_id AND u.id = i.unit_id"
            "  WHERE i.community_id = p.community_id AND i.payment_id = p.id) AS homes"
            " FROM payment p WHERE p.community_id = :c AND p.started_by = :account"
            " AND p.channel = 'stripe' ORDER BY p.id DESC LIMIT 100"
        ),
        {"c": community_id, "account": account_id},
    ).all()
    return [OwnPayment(*row) for row in rows]


def own_payment(community_id: int, account_id: int, payment_id: int) -> None:
    """Raises NotFound unless the account began this payment."""
    found = db.session.execute(
        text(
            "SELECT id FROM payment WHERE community_id = :c AND id = :payment"
            " AND channel = 'stripe' AND started_by = :account"
        ),
        {"c": community_id, "payment": payment_id, "account": account_id},
    ).one_or_none()
    if found is None:
        raise NotFound("payment.none", N_("没有这笔缴费。"))


@dataclass(frozen=True)
class Totals:
    """What the payments of a list come to."""

    count: int
    amount_fen: Fen
    refunded_fen: Fen
    fee_fen: Fen


def payments(community_id: int) -> Select[Any]:
    """Online payments as a list's rows."""
    columns: tuple[Any, ...] = (
        Payment.id,
        Payment.created_at.label("began_at"),
        HOMES,
        Payment.payer_name,
        Payment.amount_fen,
        Payment.refunded_fen,
        Payment.disputed_fen,
        Payment.fee_fen,
        Payment.means,
        Payment.status,
        Payment.received_on,
        Payment.intent_id,
    )
    rows: Select[Any] = select(*columns)
    return rows.where(Payment.community_id == community_id, Payment.channel == "stripe")


def matching(rows: Select[Any], word: str) -> Select[Any]:
    """Narrow a list to a room, a payer's name or the gateway's number."""
    homes = text(
        "EXISTS (SELECT FROM payment_item i JOIN unit u ON u.community_id = i.community_id"
        " AND u.id = i.unit_id WHERE i.community_id = payment.community_id"
        " AND i.payment_id = payment.id AND starts_with(u.label, :word))"
    ).bindparams(word=word)
    return rows.where(
        or_(
            homes,
            Payment.payer_name == word,
            Payment.intent_id == word,
            Payment.session_id == word,
        )
    )


def of_status(rows: Select[Any], status: str) -> Select[Any]:
    """Narrow a list to a state."""
    return rows.where(Payment.status == status)


def by_means(rows: Select[Any], means: str) -> Select[Any]:
    """Narrow a list to a way of paying."""
    return rows.where(Payment.means == means)


def received_since(rows: Select[Any], day: date) -> Select[Any]:
    """Narrow a list to money received on a day or later."""
    return rows.where(Payment.received_on >= day)


def received_until(rows: Select[Any], day: date) -> Select[Any]:
    """Narrow a list to money received on a day or earlier."""
    return rows.where(Payment.received_on <= day)


def totals(rows: Select[Any]) -> Totals:
    """What a list's money comes to: only what was received counts."""
    inner = rows.order_by(None).subquery()
    came = inner.c.status.in_(("received", "settled"))
    row = db.session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(inner.c.amount_fen).filter(came), 0),
            func.coalesce(func.sum(inner.c.refunded_fen), 0),
            func.coalesce(func.sum(inner.c.fee_fen), 0),
        )
    ).one()
    return Totals(row[0], int(row[1]), int(row[2]), int(row[3]))

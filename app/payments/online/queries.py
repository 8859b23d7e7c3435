"""Reads of online payments and what belongs to them; frozen rows, sums in fen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen


@dataclass(frozen=True)
class PaymentRow:
    """A payment as pages show it."""

    id: int
    book: str
    amount_fen: Fen
    status: str
    means: str | None
    payer_name: str
    started_by: int | None
    began_at: datetime
    received_on: date | None
    settled_at: datetime | None
    refunded_fen: Fen
    disputed_fen: Fen
    fee_fen: Fen | None
    session_id: str | None
    intent_id: str | None
    holder: str  # whose account the money goes to


@dataclass(frozen=True)
class RefundRow:
    """A refund with who asked and who agreed, by account."""

    id: int
    amount_fen: Fen
    reason: str
    ground: str
    status: str
    needs_second: bool
    requested_by: int | None
    approved_by: int | None
    asked_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None
    problem: str


@dataclass(frozen=True)
class DisputeRow:
    """A dispute as pages show it."""

    id: int
    amount_fen: Fen
    status: str
    reason: str
    due_by: datetime | None
    opened_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class EventRow:
    """A notification as staff see it, without its content."""

    id: int
    type: str
    status: str
    problem: str
    happened_at: datetime
    received_at: datetime
    payment_id: int | None


@dataclass(frozen=True)
class AccountRow:
    """A settlement account."""

    id: int
    book: str
    gateway_account: str
    holder: str
    opened_at: datetime
    closed_at: datetime | None


def takes_money(community_id: int, book: str) -> bool:
    """Whether a book has an open settlement account."""
    return bool(
        db.session.execute(
            text(
                "SELECT EXISTS (SELECT FROM settlement_account WHERE community_id = :c"
                " AND book = :book AND closed_at IS NULL)"
            ),
            {"c": community_id, "book": book},
        ).scalar_one()
    )


def payment(community_id: int, payment_id: int) -> PaymentRow:
    """One online payment. Raises NotFound."""
    row = db.session.execute(
        text(
            "SELECT p.id, p.book, p.amount_fen, p.status, p.means, p.payer_name, p.started_by,"
            " p.created_at, p.received_on, p.settled_at, p.refunded_fen, p.disputed_fen,"
            " p.fee_fen, p.session_id, p.intent_id, COALESCE(a.holder, '') FROM payment p"
            " LEFT JOIN settlement_account a ON a.community_id = p.community_id"
            "  AND a.id = p.settlement_account_id"
            " WHERE p.community_id = :c AND p.id = :payment AND p.channel = 'stripe'"
        ),
        {"c": community_id, "payment": payment_id},
    ).one_or_none()
    if row is None:
        raise NotFound("payment.none", N_("没有这笔缴费。"))
    return PaymentRow(*row)


def by_key(community_id: int, key: str, account_id: int) -> PaymentRow | None:
    """The payment that an account began with this key."""
    found = db.session.execute(
        text(
            "SELECT id FROM payment WHERE community_id = :c AND key = :key"
            " AND started_by = :account AND channel = 'stripe'"
        ),
        {"c": community_id, "key": key, "account": account_id},
    ).scalar()
    return payment(community_id, found) if found else None


def refunds_of(community_id: int, payment_id: int) -> list[RefundRow]:
    """A payment's refunds, the oldest first."""
    rows = db.session.execute(
        text(
            "SELECT id, amount_fen, reason, ground, status, needs_second, requested_by,"
            " approved_by, created_at, decided_at, ended_at, problem FROM refund"
            " WHERE community_id = :c AND payment_id = :payment ORDER BY id"
        ),
        {"c": community_id, "payment": payment_id},
    )
    return [RefundRow(*row) for row in rows]


def disputes_of(community_id: int, payment_id: int) -> list[DisputeRow]:
    """A payment's disputes, the oldest first."""
    rows = db.session.execute(
        text(
            "SELECT id, amount_fen, status, reason, due_by, created_at, ended_at FROM dispute"
            " WHERE community_id = :c AND payment_id = :payment ORDER BY id"
        ),
        {"c": community_id, "payment": payment_id},
    )
    return [DisputeRow(*row) for row in rows]


def events_of(community_id: int, payment_id: int) -> list[EventRow]:
    """What the gateway said of a payment, in the order it happened there."""
    return _events(
        "payment_id = :payment ORDER BY happened_at, id", c=community_id, payment=payment_id
    )


def disagreements(community_id: int) -> list[EventRow]:
    """Notifications that do not agree with what was asked, newest first."""
    return _events("status = 'failed' ORDER BY id DESC LIMIT 50", c=community_id)


def accounts(community_id: int) -> list[AccountRow]:
    """Settlement accounts, the open ones first."""
    rows = db.session.execute(
        text(
            "SELECT id, book, gateway_account, holder, created_at, closed_at"
            " FROM settlement_account WHERE community_id = :c"
            " ORDER BY closed_at IS NOT NULL, book, id DESC"
        ),
        {"c": community_id},
    )
    return [AccountRow(*row) for row in rows]


def _events(condition: str, **params: object) -> list[EventRow]:
    rows = db.session.execute(
        text(
            "SELECT id, type, status, problem, happened_at, received_at, payment_id"  # noqa: S608
            f" FROM gateway_event WHERE community_id = :c AND {condition}"  # constants only
        ),
        params,
    )
    return [EventRow(*row) for row in rows]

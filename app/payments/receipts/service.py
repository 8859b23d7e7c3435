"""Issue a receipt, note on it what went back. Never commits."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import insert, select

from app.kernel import audit, clock, counters, outbox
from app.kernel.db import db
from app.kernel.errors import N_
from app.kernel.money import Fen
from app.payments.receipts import rules
from app.payments.receipts.models import FapiaoRequest, Receipt

COUNTER = "receipt:{book}:{year}"
VOIDED = N_("收据已作废，款项已退回。")


@dataclass(frozen=True)
class Paid:
    """A bill's part of a receipt, as it stood when the money was laid."""

    month: date
    bill_id: int
    amount_fen: Fen
    gross_fen: Fen
    subsidy_fen: Fen
    open_fen: Fen  # still open after it

    def as_json(self) -> dict[str, Any]:
        """As the receipt keeps it."""
        return {
            "month": self.month.isoformat()[:7],
            "bill_id": self.bill_id,
            "amount_fen": self.amount_fen,
            "gross_fen": self.gross_fen,
            "subsidy_fen": self.subsidy_fen,
            "open_fen": self.open_fen,
        }


@dataclass(frozen=True)
class Received:
    """Money received, as its receipt tells it."""

    settlement_id: int
    unit_id: int
    unit_label: str
    amount_fen: Fen
    credit_fen: Fen
    lines: Sequence[Paid]
    means: str
    channel: str
    received_on: date
    payment_id: int | None = None
    payer_id: int | None = None
    payer_name: str = ""
    reference: str = ""
    book: str = "service"


def issue(community_id: int, monies: Sequence[Received]) -> None:
    """The receipts of settlements just made, numbered next in their book and year, in order.

    In the transaction that lays the money: no receipt without money, no gap when it rolls
    back. The number's row stays locked to the end, so call it last. One for a settlement;
    a second is refused by PostgreSQL.
    """
    year, now, who = clock.today().year, clock.now(), audit.actor()
    rows = []
    for book in dict.fromkeys(money.book for money in monies):
        mine = [money for money in monies if money.book == book]
        first = counters.reserve(community_id, COUNTER.format(book=book, year=year), len(mine))
        rows += [
            {
                **_values(money),
                "community_id": community_id,
                "year": year,
                "number": number,
                "code": _code(),
                "issued_at": now,
                "issued_by": who.account_id,
                "issuer_name": who.name if who.account_id else "",
            }
            for number, money in enumerate(mine, first)
        ]
    if rows:
        db.session.execute(insert(Receipt), rows)


def _values(money: Received) -> dict[str, Any]:
    kept = {name: getattr(money, name) for name in Received.__dataclass_fields__}
    return {**kept, "lines": [line.as_json() for line in money.lines]}


def take_back(community_id: int, settlement_id: int, amount_fen: Fen, reason: str) -> None:
    """Note on a settlement's receipt what went back; void it when that is all of it.

    A fapiao asked for and not issued yet is refused then. Nothing where there is no receipt.
    """
    receipt = db.session.scalars(
        select(Receipt)
        .filter_by(community_id=community_id, settlement_id=settlement_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if receipt is None:
        return
    receipt.returned_fen += amount_fen
    voided = receipt.returned_fen == receipt.amount_fen
    if voided:
        receipt.voided_at, receipt.voided_reason = clock.now(), reason
        _refuse_fapiao(receipt)
    db.session.flush()
    facts = {
        "number": rules.written_number(receipt.book, receipt.year, receipt.number),
        "returned_fen": receipt.returned_fen,
        "voided": voided,
        "reason": reason,
    }
    audit.record(
        "receipt:returned", f"receipt:{receipt.id}", community_id=community_id, after=facts
    )
    if voided:
        fact = {"receipt_id": str(receipt.id), "settlement_id": str(settlement_id)}
        outbox.tell(community_id, "receipt:voided", fact)


def receipt_of(community_id: int, settlement_id: int) -> Receipt | None:
    """The receipt of a settlement, if one was issued."""
    return db.session.scalars(
        select(Receipt).filter_by(community_id=community_id, settlement_id=settlement_id)
    ).one_or_none()


def _refuse_fapiao(receipt: Receipt) -> None:
    waiting = db.session.scalars(
        select(FapiaoRequest)
        .filter_by(community_id=receipt.community_id, receipt_id=receipt.id, status="asked")
        .with_for_update()
    ).one_or_none()
    if waiting is not None:
        waiting.status, waiting.reason = "refused", VOIDED
        waiting.decided_at, waiting.decided_by = clock.now(), audit.actor().account_id


def _code() -> str:
    return "".join(secrets.choice(rules.CODE_ALPHABET) for _ in range(rules.CODE_LENGTH))

"""Money taken back from what it was laid on: refunds, lost disputes, wrong entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import text

from app.billing.bills import postings
from app.billing.bills.service import settlements
from app.billing.bills.service.months import open_month
from app.billing.bills.service.settlements import Settled
from app.billing.models import Settlement
from app.kernel import audit, clock, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import Fen, to_yuan
from app.ledger import service as ledger
from app.payments.receipts import service as receipts


@dataclass
class _Plan:
    """What a taking-back undoes: credit, uses of credit (by settlement) and own bills."""

    credit_fen: Fen = 0
    uses: dict[int, list[tuple[int, Fen]]] = field(default_factory=dict)
    bills: list[tuple[int, Fen]] = field(default_factory=list)

    @property
    def used_fen(self) -> Fen:
        """Credit that had been laid on bills and comes back from them."""
        return sum(fen for laid in self.uses.values() for _, fen in laid)

    @property
    def by_bill(self) -> tuple[tuple[int, Fen], ...]:
        """What each bill loses, below zero."""
        sums: dict[int, Fen] = {}
        for bill_id, fen in [*self.bills, *(one for laid in self.uses.values() for one in laid)]:
            sums[bill_id] = sums.get(bill_id, 0) - fen
        return tuple(sums.items())


def take_back(
    community_id: int,
    settlement_id: int,
    amount_fen: Fen,
    *,
    source: str,
    reason: str,
    means: str | None = None,
    received_on: date | None = None,
) -> Settled:
    """Take back a part or all of a settlement's money; fen above zero.

    First from what the settlement left as credit: the part still unspent (of a home's credit
    the oldest is spent first), then the part spent since, whose uses are undone newest first.
    Then from its own bills, the latest due first. One entry, the mirror of what is undone; the
    money leaves the account it came to, or that of `means`. Bills are owed again, and the
    receipt says so. `source` is unique like a settlement's: the same again changes nothing and
    returns what was done.

    Never more than was not taken back yet, and never the use of a credit by itself. The sums
    of the answer are below zero. Raises NotFound, RuleBroken with a sentence, Conflict.
    """
    original = _original(community_id, settlement_id)
    means = means or original.means
    if means not in postings.MEANS or means == "credit":
        raise RuleBroken("settle.means", N_("不认识这种收款方式。"), field="means")
    if not reason.strip():
        raise RuleBroken("settle.reason", N_("请写明退回的原因。"), field="reason")
    settlements.lock_unit(community_id, original.unit_id)
    known = settlements.by_source(community_id, source)
    if known is not None:
        return _same(known, settlement_id, amount_fen)
    _check_amount(original, amount_fen)
    plan = _plan(original, amount_fen)
    _lock_bills(community_id, [bill_id for bill_id, _ in plan.by_bill])
    return _enter(
        original, amount_fen, plan, source, means, reason.strip(), received_on or clock.today()
    )


def _original(community_id: int, settlement_id: int) -> Settlement:
    original = db.session.get(Settlement, (community_id, settlement_id))
    if original is None:
        raise NotFound("settlement.none", N_("没有这笔收款。"))
    if original.takes_back_id is not None or original.means == "credit":
        raise RuleBroken("settle.not_money", N_("只有收进来的款项可以退回。"))
    return original


def _check_amount(original: Settlement, amount_fen: Fen) -> None:
    left = original.amount_fen - taken_back_fen(original.community_id, original.id)
    if not 0 < amount_fen <= left:
        raise RuleBroken(
            "settle.taken_back_over",
            N_("退回金额应大于 0，且不超过这笔收款尚未退回的 %(left)s 元。"),
            field="amount",
            left=to_yuan(left),
        )


def taken_back_fen(community_id: int, settlement_id: int) -> Fen:
    """How much of a settlement was taken back already."""
    return int(
        db.session.execute(
            text(
                "SELECT COALESCE(-sum(amount_fen), 0)::bigint FROM settlement"
                " WHERE community_id = :c AND takes_back_id = :id"
            ),
            {"c": community_id, "id": settlement_id},
        ).scalar_one()
    )


def _plan(original: Settlement, amount_fen: Fen) -> _Plan:
    lots, used = _credit(original.community_id, original.unit_id)
    left, unspent = lots.get(original.id, 0), _unspent(original.id, lots, sum(used.values()))
    plan = _Plan(credit_fen=min(amount_fen, left))
    wanted = max(0, plan.credit_fen - unspent)
    for use_id, fen in used.items():
        part = min(wanted, fen)
        if part:
            plan.uses[use_id] = _lift(original.community_id, use_id, part)
            wanted -= part
    plan.bills = _lift(original.community_id, original.id, amount_fen - plan.credit_fen)
    return plan


def _credit(community_id: int, unit_id: int) -> tuple[dict[int, Fen], dict[int, Fen]]:
    """What each settlement left as credit, oldest first; what each use took, newest first."""
    rows = db.session.execute(
        text(
            "SELECT s.id, s.means = 'credit' AS used,"
            " (CASE WHEN s.means = 'credit' THEN s.amount_fen + COALESCE(t.amount, 0)"
            "  ELSE s.credit_fen + COALESCE(t.credit, 0) END)::bigint AS fen"
            " FROM settlement s LEFT JOIN (SELECT takes_back_id AS id, sum(amount_fen) AS amount,"
            "  sum(credit_fen) AS credit FROM settlement WHERE community_id = :c"
            "  AND unit_id = :unit AND takes_back_id IS NOT NULL GROUP BY 1) t USING (id)"
            " WHERE s.community_id = :c AND s.unit_id = :unit AND s.takes_back_id IS NULL"
            " ORDER BY s.id"
        ),
        {"c": community_id, "unit": unit_id},
    ).all()
    lots = {row.id: row.fen for row in rows if not row.used and row.fen}
    return lots, {row.id: row.fen for row in reversed(rows) if row.used and row.fen}


def _unspent(settlement_id: int, lots: dict[int, Fen], used_fen: Fen) -> Fen:
    """What of a settlement's credit is still there when the oldest is always spent first."""
    for lot_id, fen in lots.items():
        spent = min(used_fen, fen)
        used_fen -= spent
        if lot_id == settlement_id:
            return fen - spent
    return 0


def _lift(community_id: int, settlement_id: int, amount_fen: Fen) -> list[tuple[int, Fen]]:
    """From which of a settlement's bills so much is taken, the latest due first."""
    if not amount_fen:
        return []
    rows = db.session.execute(
        text(
            "SELECT b.id, b.due_on, sum(a.amount_fen)::bigint AS open_fen FROM settlement s"
            " JOIN allocation a ON a.community_id = s.community_id AND a.settlement_id = s.id"
            " JOIN bill b ON b.community_id = a.community_id AND b.id = a.bill_id"
            " WHERE s.community_id = :c AND (s.id = :id OR s.takes_back_id = :id)"
            " GROUP BY b.id, b.due_on HAVING sum(a.amount_fen) > 0"
            " ORDER BY b.due_on DESC, b.id DESC"
        ),
        {"c": community_id, "id": settlement_id},
    ).all()
    lifted = settlements.lay(rows, amount_fen)
    assert sum(fen for _, fen in lifted) == amount_fen, "a settlement is laid out whole"
    return lifted


def _lock_bills(community_id: int, bill_ids: Sequence[int]) -> None:
    db.session.execute(
        text(
            "SELECT id FROM bill WHERE community_id = :c AND id = ANY (CAST(:ids AS bigint[]))"
            " ORDER BY due_on, id FOR NO KEY UPDATE"
        ),
        {"c": community_id, "ids": list(bill_ids)},
    )


def _enter(  # noqa: PLR0917 -- one act, told in order
    original: Settlement,
    amount_fen: Fen,
    plan: _Plan,
    source: str,
    means: str,
    reason: str,
    on: date,
) -> Settled:
    community_id = original.community_id
    entry = ledger.post(
        community_id,
        postings.BOOK,
        open_month(community_id, on),
        postings.TAKEN_BACK,
        source,
        postings.taken_back(original.unit_id, means, amount_fen, plan.credit_fen, plan.used_fen),
        posted_on=on,
        memo=reason,
    )
    common = {
        "community_id": community_id,
        "unit_id": original.unit_id,
        "received_on": on,
        "entry_id": entry.id,
        "created_at": clock.now(),
        "created_by": audit.actor().account_id,
        "payment_id": original.payment_id,
    }
    for use_id, laid in plan.uses.items():
        fen = sum(part for _, part in laid)
        _add(laid, common, f"{source}:use:{use_id}", "credit", -fen, takes_back_id=use_id)
    made = _add(
        plan.bills,
        common,
        source,
        means,
        -amount_fen,
        takes_back_id=original.id,
        credit_fen=-plan.credit_fen,
    )
    receipts.take_back(community_id, original.id, amount_fen, reason)
    done = Settled(made.id, -amount_fen, -plan.credit_fen, plan.by_bill)
    _tell(original, made, reason, done)
    return done


def _add(
    laid: Sequence[tuple[int, Fen]],
    common: dict[str, Any],
    source: str,
    means: str,
    amount_fen: Fen,
    **columns: Any,
) -> Settlement:
    row = Settlement(**common, source=source, means=means, amount_fen=amount_fen, **columns)
    db.session.add(row)
    db.session.flush()
    below = [(bill_id, -fen) for bill_id, fen in laid]
    settlements.allocate(row.community_id, row.id, below)
    return row


def _tell(original: Settlement, made: Settlement, reason: str, done: Settled) -> None:
    facts = {
        "settlement_id": str(done.settlement_id),
        "takes_back_id": str(original.id),
        "payment_id": str(original.payment_id) if original.payment_id else None,
        "unit_id": str(original.unit_id),
        "means": made.means,
        "source": made.source,
        "amount_fen": -done.amount_fen,
        "credit_fen": -done.credit_fen,
        "bill_ids": [str(bill_id) for bill_id, _ in done.allocations],
        "reason": reason,
    }
    community_id = original.community_id
    audit.record(
        "bill:unsettled", f"unit:{original.unit_id}", community_id=community_id, after=facts
    )
    outbox.tell(community_id, "bill:unsettled", facts)


def _same(known: Settlement, settlement_id: int, amount_fen: Fen) -> Settled:
    if (known.takes_back_id, known.amount_fen) != (settlement_id, -amount_fen):
        raise Conflict(
            "settle.differs",
            N_("“%(source)s”已经入账，内容不同，没有重复入账。"),
            source=known.source,
        )
    rows = db.session.execute(
        text(
            "SELECT a.bill_id, sum(a.amount_fen)::bigint AS fen FROM settlement s"
            " JOIN allocation a ON a.community_id = s.community_id AND a.settlement_id = s.id"
            " WHERE s.community_id = :c AND s.entry_id = :entry GROUP BY a.bill_id"
        ),
        {"c": known.community_id, "entry": known.entry_id},
    ).all()
    laid = tuple((row.bill_id, row.fen) for row in rows)
    return Settled(known.id, known.amount_fen, known.credit_fen, laid)

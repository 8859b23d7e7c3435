"""Money laid on bills: what is received, what was held. The oldest due first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import insert, select, text

from app.billing.bills import postings
from app.billing.bills.queries import accounts
from app.billing.bills.service import receipting
from app.billing.bills.service.months import open_month
from app.billing.models import Allocation, Settlement
from app.kernel import audit, clock, counters, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import LARGEST_FEN, Fen
from app.ledger import service as ledger


@dataclass(frozen=True)
class Settled:
    """What a settlement did: which bills got how much, and what is held as credit."""

    settlement_id: int
    amount_fen: Fen
    credit_fen: Fen
    allocations: tuple[tuple[int, Fen], ...]  # (bill, fen), in the order they were paid


def settle(
    community_id: int,
    unit_id: int,
    amount_fen: Fen,
    *,
    received_on: date,
    means: str,
    source: str,
    bill_ids: Sequence[int] | None = None,
    payer_id: int | None = None,
    payment_id: int | None = None,
) -> Settled:
    """Lay money received for a unit on its bills, oldest due first, or on the bills named.

    What is over becomes credit of the unit (2203). One entry, one receipt. `source`
    (`counter:812`) is unique: the same again changes nothing and returns what was done; the
    same with another unit or sum is a Conflict. With `payer_id` only that person's bills are
    paid, so that a new owner's money never pays the seller's debt. `payment_id` is kept with it.
    Raises NotFound, RuleBroken, Conflict.
    """
    if means not in postings.MEANS or means == "credit":
        raise RuleBroken("settle.means", N_("不认识这种收款方式。"), field="means")
    if not 0 < amount_fen <= LARGEST_FEN:
        raise RuleBroken("settle.amount", N_("收款金额应大于 0。"), field="amount")
    lock_unit(community_id, unit_id)
    known = by_source(community_id, source)
    if known is not None:
        return _same_settlement(known, unit_id, amount_fen)
    laid = lay(_open_bills(community_id, unit_id, bill_ids, payer_id), amount_fen)
    return _settle(
        community_id,
        unit_id,
        amount_fen,
        laid,
        received_on=received_on,
        means=means,
        source=source,
        payment_id=payment_id,
        payer_id=payer_id,
    )


def apply_credit(community_id: int, unit_id: int) -> Settled | None:
    """Use what is held for a unit on its open bills; None when there is nothing to do.

    Not when the unit changed hands after the money came: that money is the former owner's,
    to be settled with them. Source: RULES C4, C6 (settle on transfer, refund what is prepaid).
    """
    lock_unit(community_id, unit_id)
    held = accounts.credit_fen(community_id, unit_id)
    if held <= 0 or _changed_hands_since_credit(community_id, unit_id):
        return None
    laid = lay(_open_bills(community_id, unit_id, None, None), held)
    used = sum(fen for _, fen in laid)
    if not used:
        return None
    number = counters.reserve(community_id, "credit_use")
    return _settle(
        community_id,
        unit_id,
        used,
        laid,
        received_on=clock.today(),
        means="credit",
        source=f"credit:{number}",
    )


def apply_credits(community_id: int) -> int:
    """Use every unit's credit on its open bills, as after a run; returns how many units."""
    units = db.session.execute(
        text(
            "SELECT s.unit_id FROM settlement s WHERE s.community_id = :c GROUP BY s.unit_id"
            " HAVING sum(CASE WHEN s.means = 'credit' THEN -s.amount_fen ELSE s.credit_fen END) > 0"
            " AND EXISTS (SELECT FROM bill b WHERE b.community_id = :c"
            " AND b.unit_id = s.unit_id AND b.open_fen > 0) ORDER BY s.unit_id"
        ),
        {"c": community_id},
    ).scalars()
    return sum(apply_credit(community_id, unit_id) is not None for unit_id in units.all())


def by_source(community_id: int, source: str) -> Settlement | None:
    """The settlement entered under a source, if there is one."""
    return db.session.scalars(
        select(Settlement).filter_by(community_id=community_id, source=source)
    ).one_or_none()


def lock_unit(community_id: int, unit_id: int) -> None:
    """Take a unit until the transaction ends, so that its money moves one act at a time."""
    found = db.session.execute(
        text("SELECT id FROM unit WHERE community_id = :c AND id = :unit FOR NO KEY UPDATE"),
        {"c": community_id, "unit": unit_id},
    ).one_or_none()
    if found is None:
        raise NotFound("unit.none", N_("没有这套房屋。"))


def _open_bills(
    community_id: int, unit_id: int, bill_ids: Sequence[int] | None, payer_id: int | None
) -> list[Any]:
    """Open bills with a lock on each, in the order they are paid."""
    rows = db.session.execute(
        text(
            "SELECT id, open_fen, payer_id FROM bill"
            " WHERE community_id = :c AND unit_id = :unit AND open_fen > 0"
            " AND (CAST(:bills AS bigint[]) IS NULL OR id = ANY (CAST(:bills AS bigint[])))"
            " AND (CAST(:payer AS bigint) IS NULL OR payer_id = :payer)"
            " ORDER BY due_on, id FOR NO KEY UPDATE"
        ),
        {
            "c": community_id,
            "unit": unit_id,
            "bills": None if bill_ids is None else list(bill_ids),
            "payer": payer_id,
        },
    ).all()
    if bill_ids is not None:
        _check_named(community_id, unit_id, bill_ids)
    return list(rows)


def _check_named(community_id: int, unit_id: int, bill_ids: Sequence[int]) -> None:
    """Bills named must be this unit's; one that is paid already is simply passed over."""
    known = db.session.execute(
        text(
            "SELECT count(*) FROM bill WHERE community_id = :c AND unit_id = :unit"
            " AND id = ANY (CAST(:bills AS bigint[]))"
        ),
        {"c": community_id, "unit": unit_id, "bills": list(bill_ids)},
    ).scalar_one()
    if known != len(set(bill_ids)):
        raise NotFound("bill.none", N_("没有这张账单。"))


def lay(bills: Sequence[Any], amount_fen: Fen) -> list[tuple[int, Fen]]:
    """Spread a sum over bills in their order, each up to its `open_fen`."""
    laid, left = [], amount_fen
    for bill in bills:
        part = min(left, bill.open_fen)
        if part:
            laid.append((bill.id, part))
            left -= part
    return laid


def _settle(
    community_id: int,
    unit_id: int,
    amount_fen: Fen,
    laid: Sequence[tuple[int, Fen]],
    *,
    received_on: date,
    means: str,
    source: str,
    payment_id: int | None = None,
    payer_id: int | None = None,
) -> Settled:
    allocated = sum(fen for _, fen in laid)
    credit = amount_fen - allocated
    used_credit = means == "credit"
    entry = ledger.post(
        community_id,
        postings.BOOK,
        open_month(community_id, received_on),
        postings.CREDIT_USED if used_credit else postings.RECEIVED,
        source,
        postings.settlement(unit_id, means, allocated, credit),
        posted_on=received_on,
    )
    settlement = Settlement(
        community_id=community_id,
        unit_id=unit_id,
        source=source,
        means=means,
        received_on=received_on,
        amount_fen=amount_fen,
        credit_fen=credit,
        entry_id=entry.id,
        created_at=clock.now(),
        created_by=audit.actor().account_id,
        payment_id=payment_id,
    )
    db.session.add(settlement)
    db.session.flush()
    allocate(community_id, settlement.id, laid)
    done = Settled(settlement.id, amount_fen, credit, tuple(laid))
    if not used_credit:
        receipting.issue(community_id, [(settlement, payer_id)])
    tell(community_id, unit_id, means, source, done)
    return done


def allocate(community_id: int, settlement_id: int, laid: Sequence[tuple[int, Fen]]) -> None:
    """Write what a settlement paid of each bill (below zero: took back) and count it there."""
    allocate_many(community_id, [(settlement_id, laid)])
    db.session.expire_all()


def allocate_many(community_id: int, laid: Sequence[tuple[int, Sequence[tuple[int, Fen]]]]) -> None:
    """The same for many settlements, by id; what the session knows of bills is then stale."""
    parts = [(settlement_id, *part) for settlement_id, own in laid for part in own]
    if not parts:
        return
    db.session.execute(
        insert(Allocation),
        [
            {
                "community_id": community_id,
                "settlement_id": settlement_id,
                "bill_id": bill_id,
                "amount_fen": fen,
            }
            for settlement_id, bill_id, fen in parts
        ],
    )
    db.session.execute(
        text(
            "UPDATE bill b SET paid_fen = b.paid_fen + x.fen FROM (SELECT id, sum(fen) AS fen"
            "  FROM unnest(CAST(:bills AS bigint[]), CAST(:sums AS bigint[])) AS y (id, fen)"
            "  GROUP BY id) x WHERE b.community_id = :c AND b.id = x.id"
        ),
        {
            "c": community_id,
            "bills": [bill_id for _, bill_id, _ in parts],
            "sums": [fen for _, _, fen in parts],
        },
    )


def tell(community_id: int, unit_id: int, means: str, source: str, done: Settled) -> None:
    """Record and tell what a settlement did."""
    facts = {
        "settlement_id": str(done.settlement_id),
        "unit_id": str(unit_id),
        "means": means,
        "source": source,
        "amount_fen": done.amount_fen,
        "credit_fen": done.credit_fen,
        "bill_ids": [str(bill_id) for bill_id, _ in done.allocations],
    }
    audit.record("bill:settled", f"unit:{unit_id}", community_id=community_id, after=facts)
    outbox.tell(community_id, "bill:settled", facts)


def _same_settlement(known: Settlement, unit_id: int, amount_fen: Fen) -> Settled:
    if (known.unit_id, known.amount_fen) != (unit_id, amount_fen):
        raise Conflict(
            "settle.differs",
            N_("“%(source)s”已经入账，内容不同，没有重复入账。"),
            source=known.source,
        )
    rows = db.session.execute(
        text(
            "SELECT a.bill_id, a.amount_fen FROM allocation a"
            " JOIN bill b ON b.community_id = a.community_id AND b.id = a.bill_id"
            " WHERE a.community_id = :c AND a.settlement_id = :id ORDER BY b.due_on, b.id"
        ),
        {"c": known.community_id, "id": known.id},
    ).all()
    return Settled(
        known.id, known.amount_fen, known.credit_fen, tuple((row[0], row[1]) for row in rows)
    )


def _changed_hands_since_credit(community_id: int, unit_id: int) -> bool:
    """Whether someone became an owner after the oldest money of which credit is still unspent.

    The oldest credit is spent first, and what was taken back is no credit any more.
    """
    return bool(
        db.session.execute(
            text(
                "WITH lots AS (SELECT s.id, s.received_on, s.credit_fen + COALESCE((SELECT"
                "  sum(t.credit_fen) FROM settlement t WHERE t.community_id = :c"
                "  AND t.takes_back_id = s.id), 0) AS fen FROM settlement s"
                "  WHERE s.community_id = :c AND s.unit_id = :unit AND s.takes_back_id IS NULL"
                "  AND s.credit_fen > 0),"
                " unspent AS (SELECT min(received_on) AS since FROM (SELECT received_on, fen,"
                "  sum(fen) OVER (ORDER BY id) AS upto FROM lots) x WHERE fen > 0 AND upto >"
                "  (SELECT COALESCE(sum(amount_fen), 0) FROM settlement WHERE community_id = :c"
                "  AND unit_id = :unit AND means = 'credit'))"
                " SELECT EXISTS (SELECT FROM ownership o, unspent WHERE o.community_id = :c"
                " AND o.unit_id = :unit AND o.starts_on > unspent.since)"
            ),
            {"c": community_id, "unit": unit_id},
        ).scalar_one()
    )

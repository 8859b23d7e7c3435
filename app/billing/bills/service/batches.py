"""Many payments laid at once: a bank file, a day's takings. As `settle`, in a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from app.billing.bills import postings
from app.billing.bills.service import receipting, settlements
from app.billing.bills.service.months import open_month
from app.billing.bills.service.settlements import Settled
from app.billing.models import Settlement
from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import LARGEST_FEN, Fen
from app.ledger.batch import Act, post_many


@dataclass(frozen=True)
class Incoming:
    """Money for a home, as `settle` takes it: oldest due first, of one payer if one is named."""

    unit_id: int
    amount_fen: Fen
    received_on: date
    means: str
    source: str
    payer_id: int | None = None
    payment_id: int | None = None


def settle_many(community_id: int, rows: Sequence[Incoming]) -> list[Settled]:
    """Lay many payments, in their order, each with its entry and receipt; all or none.

    Every source must be new: a batch that is offered again is asked about with
    `settlement_by_source` first. Raises RuleBroken, NotFound, Conflict.
    """
    for row in rows:
        _check(row)
    if not rows:
        return []
    units = sorted({row.unit_id for row in rows})
    _lock_units(community_id, units)
    _refuse_known(community_id, [row.source for row in rows])
    left = _open_bills(community_id, units)
    laid = [_lay(left.get(row.unit_id, []), row) for row in rows]
    entries = post_many(community_id, postings.BOOK, _acts(community_id, rows, laid))
    made = [
        _settlement(community_id, row, one, entry_id)
        for row, one, entry_id in zip(rows, laid, entries, strict=True)
    ]
    db.session.add_all(made)
    db.session.flush()
    done = [
        Settled(one.id, one.amount_fen, one.credit_fen, tuple(parts))
        for one, parts in zip(made, laid, strict=True)
    ]
    settlements.allocate_many(community_id, [(one.settlement_id, one.allocations) for one in done])
    payers = [row.payer_id for row in rows]
    receipting.issue(community_id, list(zip(made, payers, strict=True)))
    for row, one in zip(rows, done, strict=True):
        settlements.tell(community_id, row.unit_id, row.means, row.source, one)
    db.session.flush()
    db.session.expire_all()
    return done


def _acts(
    community_id: int, rows: Sequence[Incoming], laid: Sequence[Sequence[tuple[int, Fen]]]
) -> list[Act]:
    months = {day: open_month(community_id, day) for day in {row.received_on for row in rows}}
    return [
        Act(
            months[row.received_on],
            postings.RECEIVED,
            row.source,
            postings.settlement(row.unit_id, row.means, _sum(one), row.amount_fen - _sum(one)),
            row.received_on,
        )
        for row, one in zip(rows, laid, strict=True)
    ]


def _settlement(
    community_id: int, row: Incoming, laid: Sequence[tuple[int, Fen]], entry_id: int
) -> Settlement:
    return Settlement(
        community_id=community_id,
        unit_id=row.unit_id,
        source=row.source,
        means=row.means,
        received_on=row.received_on,
        amount_fen=row.amount_fen,
        credit_fen=row.amount_fen - _sum(laid),
        entry_id=entry_id,
        created_at=clock.now(),
        created_by=audit.actor().account_id,
        payment_id=row.payment_id,
    )


def _check(row: Incoming) -> None:
    if row.means not in postings.MEANS or row.means == "credit":
        raise RuleBroken("settle.means", N_("不认识这种收款方式。"), field="means")
    if not 0 < row.amount_fen <= LARGEST_FEN:
        raise RuleBroken("settle.amount", N_("收款金额应大于 0。"), field="amount")


def _lock_units(community_id: int, units: Sequence[int]) -> None:
    found = db.session.execute(
        text(
            "SELECT id FROM unit WHERE community_id = :c AND id = ANY (CAST(:units AS bigint[]))"
            " ORDER BY id FOR NO KEY UPDATE"
        ),
        {"c": community_id, "units": list(units)},
    ).all()
    if len(found) != len(units):
        raise NotFound("unit.none", N_("没有这套房屋。"))


def _refuse_known(community_id: int, sources: Sequence[str]) -> None:
    known = db.session.scalars(
        text(
            "SELECT source FROM settlement WHERE community_id = :c"
            " AND source = ANY (CAST(:sources AS text[])) LIMIT 1"
        ),
        {"c": community_id, "sources": list(sources)},
    ).first()
    if known is not None or len(set(sources)) != len(sources):
        raise Conflict("settle.known", N_("“%(source)s”已经入账。"), source=known or "…")


def _open_bills(community_id: int, units: Sequence[int]) -> dict[int, list[list[Any]]]:
    """What is open on each home as [bill, open, payer], the oldest due first; each bill held."""
    found: dict[int, list[list[Any]]] = {}
    for row in db.session.execute(
        text(
            "SELECT unit_id, id, open_fen, payer_id FROM bill WHERE community_id = :c"
            " AND unit_id = ANY (CAST(:units AS bigint[])) AND open_fen > 0"
            " ORDER BY due_on, id FOR NO KEY UPDATE"
        ),
        {"c": community_id, "units": list(units)},
    ):
        found.setdefault(row.unit_id, []).append([row.id, row.open_fen, row.payer_id])
    return found


def _lay(bills: list[list[Any]], row: Incoming) -> list[tuple[int, Fen]]:
    """Lay one payment on what its home still has open, which it lessens."""
    laid, left = [], row.amount_fen
    for bill in bills:
        if row.payer_id is not None and bill[2] != row.payer_id:
            continue
        part = min(left, bill[1])
        if part:
            laid.append((bill[0], part))
            bill[1] -= part
            left -= part
    return laid


def _sum(laid: Sequence[tuple[int, Fen]]) -> Fen:
    return sum(fen for _, fen in laid)

"""Corrections of issued bills: credit and debit notes, each with its entry."""

from __future__ import annotations

from sqlalchemy import select, text

from app.billing.bills import postings
from app.billing.bills.service.months import open_month
from app.billing.models import Bill, BillNote
from app.kernel import audit, clock, counters, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import LARGEST_FEN, Fen, to_yuan
from app.ledger import queries as books
from app.ledger import service as ledger

GROUNDS = {
    "correction": N_("更正差错"),
    "waiver": N_("同意少收"),
    "damages": N_("违约金"),
    "write_off": N_("核销"),
}
NOTE_KINDS = {"credit": N_("减少应付"), "debit": N_("增加应付")}


def correct(
    community_id: int,
    bill_id: int,
    kind: str,
    amount_fen: Fen,
    reason: str,
    *,
    ground: str = "correction",
    key: str | None = None,
) -> BillNote:
    """Add a credit note (less) or a debit note (more) to an issued bill.

    Posts its own entry in the current open month. A credit never exceeds what is open,
    because money already received cannot be unpaid by a note. With a `key` the same form sent
    twice is one note. Raises NotFound, RuleBroken with a sentence, Conflict for a withdrawn bill.
    """
    check_note(kind, ground, amount_fen, reason)
    bill = lock_bill(community_id, bill_id)
    known = _note_by(community_id, kind, key)
    if known is not None:
        return _same_note(known, bill_id, amount_fen)
    if bill.withdrawn:
        raise Conflict("bill.withdrawn", N_("这张账单已撤回，不能再调整。"))
    if kind == "credit" and amount_fen > bill.open_fen:
        raise RuleBroken(
            "bill.credit_over_open",
            N_("减额 %(amount)s 元超过这张账单的未付金额 %(open)s 元。已收的款项请办理退款。"),
            field="amount",
            amount=to_yuan(amount_fen),
            open=to_yuan(bill.open_fen),
        )
    entry_id = _post_note(bill, kind, ground, amount_fen, reason=reason.strip(), key=key)
    note = BillNote(
        community_id=community_id,
        bill_id=bill_id,
        kind=kind,
        ground=ground,
        amount_fen=amount_fen,
        reason=reason.strip(),
        entry_id=entry_id,
        created_at=clock.now(),
        created_by=audit.actor().account_id,
    )
    db.session.add(note)
    before = bill.notes_fen
    bill.notes_fen += amount_fen if kind == "debit" else -amount_fen
    db.session.flush()
    audit.record(
        "bill:corrected",
        f"bill:{bill_id}",
        community_id=community_id,
        before={"notes_fen": before},
        after={
            "notes_fen": bill.notes_fen,
            "note": note.id,
            "kind": kind,
            "ground": ground,
            "amount_fen": amount_fen,
            "reason": note.reason,
        },
    )
    outbox.tell(
        community_id,
        "bill:corrected",
        {"bill_id": str(bill_id), "note_id": str(note.id), "kind": kind, "amount_fen": amount_fen},
    )
    return note


def check_note(kind: str, ground: str, amount_fen: Fen, reason: str) -> None:
    """Raises RuleBroken for a correction that no bill could take."""
    fits = kind in NOTE_KINDS and (
        ground in {"correction", "write_off"}
        or (ground, kind) in {("waiver", "credit"), ("damages", "debit")}
    )
    if not fits:
        raise RuleBroken("bill.note_kind", N_("调整单的种类不对。"), field="kind")
    if not 0 < amount_fen <= LARGEST_FEN:
        raise RuleBroken("bill.note_amount", N_("调整金额应大于 0。"), field="amount")
    if not reason.strip():
        raise RuleBroken("bill.note_reason", N_("请写明调整原因，业主会看到。"), field="reason")


def lock_bill(community_id: int, bill_id: int) -> Bill:
    """Take a bill until the transaction ends, as it stands now. Raises NotFound."""
    bill = db.session.scalars(
        select(Bill)
        .filter_by(community_id=community_id, id=bill_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if bill is None:
        raise NotFound("bill.none", N_("没有这张账单。"))
    return bill


def _note_by(community_id: int, kind: str, key: str | None) -> BillNote | None:
    entry_id = key and books.entry_by(community_id, postings.NOTED.format(kind=kind), key)
    if not entry_id:
        return None
    return db.session.scalars(
        select(BillNote).filter_by(community_id=community_id, entry_id=entry_id)
    ).one_or_none()


def _same_note(known: BillNote, bill_id: int, amount_fen: Fen) -> BillNote:
    if (known.bill_id, known.amount_fen) != (bill_id, amount_fen):
        raise Conflict("bill.note_differs", N_("这张表单已经提交过，内容不同，没有重复记账。"))
    return known


def _post_note(
    bill: Bill, kind: str, ground: str, amount_fen: Fen, *, reason: str, key: str | None
) -> int:
    rows = db.session.execute(
        text(
            "SELECT c.fee_mode, t.income_code, sum(l.gross_fen)::bigint AS fen"
            " FROM community c LEFT JOIN bill_line l ON l.community_id = c.id AND l.bill_id = :bill"
            " LEFT JOIN tariff t ON t.community_id = l.community_id AND t.id = l.tariff_id"
            " WHERE c.id = :c GROUP BY 1, 2"
        ),
        {"c": bill.community_id, "bill": bill.id},
    ).all()
    number = counters.reserve(bill.community_id, "bill_note") if key is None else 0
    entry = ledger.post(
        bill.community_id,
        postings.BOOK,
        open_month(bill.community_id),
        postings.NOTED.format(kind=kind),
        key or f"note:{number}",
        postings.note(
            bill.unit_id,
            kind,
            ground,
            amount_fen,
            fee_mode=rows[0].fee_mode,
            income={row.income_code: row.fen for row in rows if row.income_code},
        ),
        memo=reason,
    )
    return entry.id

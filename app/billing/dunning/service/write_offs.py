"""Write-offs: by a resolution with its document, asked by one person and approved by another.

The books let go of the claim (6701); the debt itself remains unless the resolution waives it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from app.billing.bills import service as bills
from app.billing.dunning import rules
from app.billing.dunning.models import WriteOff, WriteOffBill
from app.billing.dunning.queries import write_offs as queries
from app.kernel import audit, clock, files, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import Fen, to_yuan

LARGEST_DOCUMENT = 10 * 1024 * 1024
DOCUMENTS = {
    b"%PDF-": "application/pdf",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG": "image/png",
}


def request_write_off(
    community_id: int,
    unit_id: int,
    bill_ids: Iterable[int],
    *,
    reason: str,
    resolution_no: str,
    resolution_on: date,
    resolution_body: str,
    document: bytes,
    document_name: str,
    waives: bool = False,
) -> WriteOff:
    """Ask to write off what is open on a home's bills; needs a resolution and its document.

    Changes no bill. Raises RuleBroken with a sentence.
    """
    reason = rules.check_words(reason, "reason")
    if not (reason and resolution_no.strip() and resolution_body.strip()):
        raise RuleBroken("write_off.words", N_("请写明原因、决议文号和作出决议的机构。"))
    if resolution_on > clock.today():
        raise RuleBroken("write_off.day", N_("决议日期不能晚于今天。"), field="resolution_on")
    wanted = sorted(set(bill_ids))
    open_fen = queries.open_bills(community_id, unit_id, wanted)
    if not wanted or len(open_fen) != len(wanted):
        raise RuleBroken("write_off.bills", N_("请选择这一户未付清的账单。"), field="bill_ids")
    kept = files.keep(
        community_id,
        document_name[:120] or "resolution",
        document,
        content_type=_kind(document),
        action="arrears.work",
        created_by=audit.actor().account_id,
    )
    made = WriteOff(
        community_id=community_id,
        unit_id=unit_id,
        reason=reason,
        resolution_no=resolution_no.strip(),
        resolution_on=resolution_on,
        resolution_body=resolution_body.strip(),
        file_id=kept.id,
        waives=waives,
        amount_fen=sum(open_fen.values()),
        status="requested",
        created_at=clock.now(),
        requested_by=audit.actor().account_id,
    )
    db.session.add(made)
    db.session.flush()
    for bill_id, fen in open_fen.items():
        db.session.add(
            WriteOffBill(
                community_id=community_id, write_off_id=made.id, bill_id=bill_id, amount_fen=fen
            )
        )
    db.session.flush()
    _tell("write_off:requested", made, {"amount_fen": made.amount_fen})
    return made


def decide(community_id: int, write_off_id: int, *, approve: bool) -> WriteOff:
    """Approve or refuse a request; the one who asked never decides to approve it.

    Approving credits each bill (ground write_off) with exactly what was asked; a bill of which
    something was paid since makes it a Conflict. Raises NotFound, RuleBroken, Conflict.
    """
    made = _take(community_id, write_off_id)
    if made.status != "requested":
        raise Conflict("write_off.decided", N_("这项核销已经有了结果。"))
    who = audit.actor().account_id
    if approve and (who is None or who == made.requested_by):
        raise RuleBroken("write_off.second", N_("核销要由申请人以外的人批准。"))
    if approve:
        for one in _bills(made):
            _credit(made, one)
    made.status = "approved" if approve else "rejected"
    made.decided_by, made.decided_at = who, clock.now()
    db.session.flush()
    if approve:
        _tell("write_off:approved", made, {"amount_fen": made.amount_fen})
    else:
        _tell("write_off:rejected", made, {"amount_fen": made.amount_fen})
    return made


def _credit(made: WriteOff, one: WriteOffBill) -> None:
    bill = bills.lock_bill(made.community_id, one.bill_id)
    if bill.open_fen != one.amount_fen:
        raise Conflict("write_off.changed", N_("申请之后账单金额有变化，请不批准并重新申请。"))
    note = bills.correct(
        made.community_id,
        one.bill_id,
        "credit",
        one.amount_fen,
        made.resolution_no,
        ground="write_off",
        key=f"write_off:{made.id}:{one.bill_id}",
    )
    one.note_id = note.id


def come_in(community_id: int, write_off_id: int, bill_id: int, amount_fen: Fen) -> None:
    """Money comes after all: put so much of a bill back, to be paid like any other.

    Raises RuleBroken when the debt was waived or the sum is over what was written off, Conflict
    while what was put back before is still open.
    """
    made = _take(community_id, write_off_id)
    if made.status != "approved" or made.waives:
        raise RuleBroken("write_off.waived", N_("这笔债务已经免除或没有核销，不能转回。"))
    one = next((row for row in _bills(made) if row.bill_id == bill_id), None)
    if one is None:
        raise NotFound("bill.none", N_("没有这张账单。"))
    left = one.amount_fen - one.reversed_fen
    if not 0 < amount_fen <= left:
        raise RuleBroken(
            "write_off.over",
            N_("转回金额应大于 0，且不超过核销后尚未收回的 %(left)s 元。"),
            field="amount_fen",
            left=to_yuan(left),
        )
    if bills.lock_bill(community_id, bill_id).open_fen:  # the form sent twice, above all
        raise Conflict("write_off.open", N_("这张账单还有未收的金额，请先收款再转回。"))
    key = f"write_off:{made.id}:{bill_id}:{one.reversed_fen}"
    bills.correct(
        community_id,
        bill_id,
        "debit",
        amount_fen,
        made.resolution_no,
        ground="write_off",
        key=key,
    )
    one.reversed_fen += amount_fen
    db.session.flush()
    _tell("write_off:reversed", made, {"amount_fen": amount_fen, "bill": bill_id})


def _take(community_id: int, write_off_id: int) -> WriteOff:
    found = db.session.get(
        WriteOff, (community_id, write_off_id), with_for_update=True, populate_existing=True
    )
    if found is None:
        raise NotFound("write_off.none", N_("没有这项核销。"))
    return found


def _bills(made: WriteOff) -> list[WriteOffBill]:
    return (
        db.session.query(WriteOffBill)
        .filter_by(community_id=made.community_id, write_off_id=made.id)
        .order_by(WriteOffBill.bill_id)
        .all()
    )


def _kind(document: bytes) -> str:
    if not 0 < len(document) <= LARGEST_DOCUMENT:
        raise RuleBroken("write_off.size", N_("决议文件不能为空，最大 10 MB。"), field="document")
    for start, kind in DOCUMENTS.items():
        if document.startswith(start):
            return kind
    raise RuleBroken(
        "write_off.kind", N_("决议文件请上传 PDF 或照片（JPG、PNG）。"), field="document"
    )


def _tell(act: str, made: WriteOff, facts: dict[str, object]) -> None:
    audit.record(act, f"write_off:{made.id}", community_id=made.community_id, after=facts)
    outbox.tell(made.community_id, act, {"write_off_id": str(made.id)})

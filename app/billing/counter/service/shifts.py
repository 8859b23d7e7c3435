"""A cashier's turn at the till: opened with a float, counted, accepted; cash banked."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.billing.bills.service.months import open_month
from app.billing.counter import postings, rules
from app.billing.counter.models import Shift, TillMovement
from app.billing.postings import BOOK
from app.kernel import audit, clock, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, Forbidden, NotFound, RuleBroken
from app.kernel.money import LARGEST_FEN, Fen, to_yuan
from app.ledger import service as ledger


def open_shift(community_id: int, float_fen: Fen = 0) -> Shift:
    """Begin the caller's shift with so much cash in the till; one at a time each.

    The float is cash the books have already (1001), so nothing is posted. Raises Conflict when
    one is open.
    """
    if not 0 <= float_fen <= LARGEST_FEN:
        raise RuleBroken("shift.float", N_("备用金不能小于 0。"), field="float_fen")
    made = db.session.execute(
        insert(Shift)
        .values(
            community_id=community_id,
            cashier_id=cashier(),
            cashier_name=audit.actor().name,
            opened_at=clock.now(),
            float_fen=float_fen,
        )
        .on_conflict_do_nothing(
            index_elements=["community_id", "cashier_id"], index_where=text("closed_at IS NULL")
        )
        .returning(Shift.id)
    ).scalar_one_or_none()
    if made is None:
        raise Conflict("shift.already_open", N_("您已有一个未交的班次。"))
    audit.record(
        "shift:opened", f"shift:{made}", community_id=community_id, after={"float_fen": float_fen}
    )
    return db.session.get_one(Shift, (community_id, made))


def close_shift(
    community_id: int,
    shift_id: int,
    counted_fen: Fen,
    *,
    notes: Mapping[int, int] | None = None,
    reason: str = "",
) -> Shift:
    """End the caller's own shift: what was counted against float and movements.

    A difference has a reason and goes to 1901 until somebody decides. Closed is fixed; the
    same count again changes nothing. Raises NotFound, Forbidden, RuleBroken, Conflict.
    """
    shift = lock_shift(community_id, shift_id)
    if shift.cashier_id != cashier():
        raise Forbidden("shift.not_yours", N_("只能交自己的班。"))
    if shift.closed_at is not None:
        if shift.counted_fen == counted_fen:
            return shift
        raise Conflict("shift.closed", N_("这个班次已经交班，不能再改。"))
    if notes and rules.counted_fen(notes) != counted_fen:
        raise RuleBroken(
            "shift.notes", N_("各面额合计与清点金额不符，请核对。"), field="counted_fen"
        )
    if not 0 <= counted_fen <= LARGEST_FEN:
        raise RuleBroken("shift.counted", N_("清点金额不能小于 0。"), field="counted_fen")
    expected = till_fen(shift)
    difference = counted_fen - expected
    rules.check_difference(difference, reason)
    entry_id = _post_difference(shift, difference, reason.strip()) if difference else None
    shift.counted_fen, shift.expected_fen, shift.difference_fen = counted_fen, expected, difference
    shift.notes_counted = {str(worth): count for worth, count in (notes or {}).items() if count}
    shift.reason, shift.entry_id, shift.closed_at = reason.strip(), entry_id, clock.now()
    db.session.flush()
    facts = {
        "counted_fen": counted_fen,
        "expected_fen": shift.expected_fen,
        "difference_fen": shift.difference_fen,
        "reason": shift.reason,
    }
    audit.record("shift:closed", f"shift:{shift_id}", community_id=community_id, after=facts)
    outbox.tell(community_id, "shift:closed", {"shift_id": str(shift_id), **facts})
    return shift


def accept_shift(community_id: int, shift_id: int) -> Shift:
    """A second person takes over what was counted. Raises NotFound, Conflict, Forbidden."""
    shift = lock_shift(community_id, shift_id)
    rules.check_acceptance(
        closed=shift.closed_at is not None,
        accepted=shift.accepted_at is not None,
        same_person=shift.cashier_id == cashier(),
    )
    shift.accepted_by, shift.accepted_name = cashier(), audit.actor().name
    shift.accepted_at = clock.now()
    db.session.flush()
    audit.record("shift:accepted", f"shift:{shift_id}", community_id=community_id)
    return shift


def bank_cash(community_id: int, amount_fen: Fen, *, slip: str, key: str) -> TillMovement:
    """Carry cash from the caller's till to the bank: 1002 / 1001, under the bank's slip number.

    `key` is the form's own; the same again changes nothing. Never more than the till holds.
    """
    shift = own_shift(community_id, exclusive=True)
    known = movement_by(community_id, key)
    if known is not None:
        if (known.kind, known.amount_fen) != ("banked", -amount_fen):
            raise different()
        return known
    if not slip.strip():
        raise RuleBroken("till.slip", N_("请填写银行存款单的号码。"), field="slip")
    held = till_fen(shift)
    if not 0 < amount_fen <= held:
        raise RuleBroken(
            "till.over",
            N_("存入金额应大于 0，且不超过钱箱里的 %(held)s 元。"),
            field="amount_fen",
            held=to_yuan(held),
        )
    today = clock.today()
    entry = ledger.post(
        community_id,
        BOOK,
        open_month(community_id, today),
        postings.BANKED,
        key,
        postings.banked(amount_fen),
        posted_on=today,
        memo=slip.strip(),
    )
    return add_movement(
        shift,
        "banked",
        "cash",
        -amount_fen,
        key=key,
        entry_id=entry.id,
        reference=slip.strip(),
    )


def cashier() -> int:
    """Who acts; a till has a person."""
    account_id = audit.actor().account_id
    if account_id is None:
        raise Forbidden("counter.nobody", N_("柜台收款须由本人登录办理。"))
    return account_id


def own_shift(community_id: int, *, exclusive: bool = False) -> Shift:
    """The caller's open shift, held until the transaction ends; RuleBroken when there is none."""
    shift = db.session.scalars(
        select(Shift)
        .filter_by(community_id=community_id, cashier_id=cashier(), closed_at=None)
        .with_for_update(read=not exclusive)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if shift is None:
        raise RuleBroken("counter.no_shift", N_("请先开班，再收款。"))
    return shift


def lock_shift(community_id: int, shift_id: int) -> Shift:
    """A shift, held alone until the transaction ends. Raises NotFound."""
    shift = db.session.scalars(
        select(Shift)
        .filter_by(community_id=community_id, id=shift_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if shift is None:
        raise NotFound("shift.none", N_("没有这个班次。"))
    return shift


def till_fen(shift: Shift) -> Fen:
    """The cash a shift's till should hold: its float and all cash through it."""
    moved = db.session.execute(
        text(
            "SELECT COALESCE(sum(amount_fen), 0)::bigint FROM till_movement"
            " WHERE community_id = :c AND shift_id = :shift AND means = 'cash'"
        ),
        {"c": shift.community_id, "shift": shift.id},
    ).scalar_one()
    return shift.float_fen + int(moved)


def movement_by(community_id: int, key: str) -> TillMovement | None:
    """The movement made under a key, if there is one."""
    return db.session.scalars(
        select(TillMovement).filter_by(community_id=community_id, key=key)
    ).one_or_none()


def add_movement(
    shift: Shift, kind: str, means: str, amount_fen: Fen, *, key: str, **columns: object
) -> TillMovement:
    """Write what went through a till, and who saw to it."""
    row = TillMovement(
        community_id=shift.community_id,
        shift_id=shift.id,
        kind=kind,
        means=means,
        amount_fen=amount_fen,
        key=key,
        made_by=cashier(),
        created_at=clock.now(),
        **columns,
    )
    db.session.add(row)
    db.session.flush()
    audit.record(
        "till:moved",
        f"shift:{shift.id}",
        community_id=shift.community_id,
        after={
            "kind": kind,
            "means": means,
            "amount_fen": amount_fen,
            "payment": row.payment_id,
            "reference": row.reference,
            "note": row.note,
        },
    )
    return row


def different() -> Conflict:
    """The refusal of a form sent twice with other contents."""
    return Conflict("counter.differs", N_("这张表单已经提交过，内容不同，没有重复入账。"))


def _post_difference(shift: Shift, difference_fen: Fen, reason: str) -> int:
    today = clock.today()
    entry = ledger.post(
        shift.community_id,
        BOOK,
        open_month(shift.community_id, today),
        postings.DIFFERENCE,
        str(shift.id),
        postings.difference(difference_fen),
        posted_on=today,
        memo=reason,
    )
    return entry.id

"""Money given back: asked for, agreed to (above a limit by a second person), sent, confirmed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.kernel import audit, clock, outbox, queue
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, Forbidden, NotFound, RuleBroken
from app.kernel.money import Fen, to_yuan
from app.payments import stripe_gateway as gateway
from app.payments.models import Payment
from app.payments.online import rules, shapes
from app.payments.online.models import Refund
from app.payments.online.service import common

JOB = "payments:send-refund"


def request_refund(
    community_id: int,
    payment_id: int,
    amount_fen: Fen,
    *,
    reason: str,
    key: str,
    unit_id: int | None = None,
) -> Refund:
    """Ask that money be given back; at once agreed to when one person may decide alone.

    The community's limit counts all that persons asked back of the payment. The same key
    again is the same refund. Raises RuleBroken beyond what can be given back, Conflict.
    """
    if not reason.strip():
        raise RuleBroken("refund.reason", N_("请写明退款原因。"), field="reason")
    one = common.locked(community_id, payment_id)
    known = _by_source(community_id, f"request:{key}")
    if known is not None:
        if (known.payment_id, known.amount_fen) != (payment_id, amount_fen):
            raise Conflict("refund.differs", N_("这个退款申请已经提交过，内容不同。"))
        return known
    _check_amount(one, amount_fen)
    made = _add(one, amount_fen, reason.strip(), "person", f"request:{key}", unit_id)
    _record(made, "refund:requested")
    if not made.needs_second:
        _agree(made)
    return made


def approve(community_id: int, refund_id: int) -> Refund:
    """Agree to a refund that another person asked for. Raises Forbidden for one's own."""
    one = _locked(community_id, refund_id)
    if one.status != "requested":
        raise Conflict("refund.decided", N_("这个退款申请已经处理过。"))
    if one.requested_by == audit.actor().account_id:
        raise Forbidden("refund.own", N_("超过限额的退款要由另一个人批准。"))
    _agree(one)
    return one


def reject(community_id: int, refund_id: int) -> Refund:
    """Turn a refund down; whoever asked may withdraw it this way too."""
    one = _locked(community_id, refund_id)
    if one.status != "requested":
        raise Conflict("refund.decided", N_("这个退款申请已经处理过。"))
    one.status, one.decided_at = "rejected", clock.now()
    one.approved_by = audit.actor().account_id
    _record(one, "refund:rejected")
    return one


def refund_overpaid(
    community_id: int, payment_id: int, amount_fen: Fen, *, unit_id: int, reason: str
) -> Refund:
    """Give back what a home paid twice, as its community decided for all such cases.

    Once per payment and home. Agreed to by the rule, so by no person.
    """
    one = common.locked(community_id, payment_id)
    source = f"overpaid:{payment_id}:{unit_id}"
    known = _by_source(community_id, source)
    if known is not None:
        return known
    _check_amount(one, amount_fen)
    made = _add(one, amount_fen, reason, "overpaid", source, unit_id)
    made.status, made.decided_at = "approved", clock.now()
    _record(made, "refund:approved")
    db.session.flush()
    _ask_to_send(made)
    return made


def send(community_id: int, refund_id: int) -> str:
    """Have the gateway give the money back, or ask how it stands; gives the refund's state.

    By the refund's own key: sent again after a lost answer, the gateway gives it back once.
    """
    one = _one(community_id, refund_id)
    payment = common.payment(community_id, one.payment_id)
    if one.status not in ("approved", "sent"):
        return one.status
    assert payment.intent_id is not None
    try:
        if one.gateway_refund_id is not None:
            seen = gateway.fetch_refund(one.gateway_refund_id)
        else:
            seen = gateway.refund(
                one.id,
                payment.intent_id,
                one.amount_fen,
                key=f"refund-{community_id}-{one.id}-{payment.key}",
            )
    except gateway.GatewayRefused as refusal:
        common.locked(community_id, payment.id)
        _end(_locked(community_id, refund_id), "failed", clock.now(), str(refusal))
        return "failed"
    payment = common.locked(community_id, payment.id)
    problems = hear_refund(payment, seen, at=clock.now())
    if problems:
        common.note_problem(payment, f"seen-{community_id}-{seen.id}", "refund", problems)
    return _one(community_id, refund_id).status


def hear_refund(payment: Payment, seen: shapes.RefundSeen, *, at: datetime) -> tuple[str, ...]:
    """Believe what the gateway says of a refund of this payment, which the caller has locked.

    One that was made at the gateway itself, past this house, is written down as well.
    """
    if seen.amount_fen is None or seen.currency != payment.currency:
        return ("refund",)
    one = _find(payment, seen)
    if one is None:
        if seen.refund_id is not None:
            return ("refund",)
        if seen.amount_fen > refundable_fen(payment):
            return ("over",)
        one = _add(
            payment,
            seen.amount_fen,
            "在支付平台直接退款",
            "gateway",
            f"gateway:{seen.id}",
            None,
        )
        one.status, one.gateway_refund_id, one.decided_at = "sent", seen.id, at
        _record(one, "refund:seen")
    if one.amount_fen != seen.amount_fen or one.gateway_refund_id not in (None, seen.id):
        return ("refund",)
    one.gateway_refund_id = seen.id
    if one.status == "succeeded" and seen.status in ("failed", "canceled"):
        return ("refund_undone",)
    there = payment.amount_fen - payment.refunded_fen - payment.disputed_fen
    if one.status != "succeeded" and seen.status == "succeeded" and one.amount_fen > there:
        return ("over",)
    _follow(one, payment, seen, at)
    db.session.flush()
    return ()


def refundable_fen(payment: Payment) -> Fen:
    """What of a payment can still be given back: not returned, disputed or asked back already."""
    if payment.status not in rules.CAME:
        return 0
    asked = db.session.scalar(
        select(func.coalesce(func.sum(Refund.amount_fen), 0)).where(
            Refund.community_id == payment.community_id,
            Refund.payment_id == payment.id,
            Refund.status.in_(rules.LIVE_REFUNDS),
        )
    )
    return payment.amount_fen - payment.refunded_fen - payment.disputed_fen - int(asked or 0)


def left_fen(community_id: int, payment_id: int) -> Fen:
    """What of a payment can still be given back. Raises NotFound."""
    return refundable_fen(common.payment(community_id, payment_id))


def _follow(one: Refund, payment: Payment, seen: shapes.RefundSeen, at: datetime) -> None:
    there = {
        "pending": "sent",
        "requires_action": "sent",
        "succeeded": "succeeded",
        "failed": "failed",
        "canceled": "failed",
    }.get(seen.status)
    if there is None or not rules.may_go(rules.REFUND_ARROWS, one.status, there):
        return
    if there == "sent":
        one.status = "sent"
        return
    _end(one, there, at, "" if there == "succeeded" else seen.status)
    if there == "succeeded":
        payment.refunded_fen += one.amount_fen
        outbox.tell(
            one.community_id,
            "payment:returned",
            {
                "payment_id": payment.id,
                "refund_id": one.id,
                "unit_id": one.unit_id,
                "amount_fen": one.amount_fen,
                "reason": one.reason,
            },
        )


def _find(payment: Payment, seen: shapes.RefundSeen) -> Refund | None:
    """Ours by the gateway's number, or by the number we gave it; only of this payment."""
    query = select(Refund).filter_by(community_id=payment.community_id, payment_id=payment.id)
    found = db.session.scalars(query.filter_by(gateway_refund_id=seen.id)).one_or_none()
    if found is None and seen.refund_id is not None:
        found = db.session.scalars(query.filter_by(id=seen.refund_id)).one_or_none()
    return found


def _check_amount(one: Payment, amount_fen: Fen) -> None:
    if one.status not in rules.CAME or one.intent_id is None:
        raise RuleBroken("refund.not_paid", N_("还没有收到这笔款，不能退。"))
    left = refundable_fen(one)
    if not 0 < amount_fen <= left:
        raise RuleBroken(
            "refund.amount",
            N_("退款金额应大于 0，且不超过还能退的 %(left)s 元。"),
            field="amount_fen",
            left=to_yuan(left),
        )


def _add(  # noqa: PLR0917 -- one row, told in order
    one: Payment, amount_fen: Fen, reason: str, ground: str, source: str, unit_id: int | None
) -> Refund:
    made_id = db.session.execute(
        insert(Refund)
        .values(
            community_id=one.community_id,
            payment_id=one.id,
            unit_id=unit_id,
            amount_fen=amount_fen,
            reason=reason,
            ground=ground,
            source=source,
            requested_by=audit.actor().account_id if ground == "person" else None,
            created_at=clock.now(),
        )
        .returning(Refund.id)
    ).scalar_one()
    return db.session.get_one(Refund, (one.community_id, made_id))


def _agree(one: Refund) -> None:
    one.status, one.approved_by, one.decided_at = (
        "approved",
        audit.actor().account_id,
        clock.now(),
    )
    _record(one, "refund:approved")
    db.session.flush()
    _ask_to_send(one)


def _ask_to_send(one: Refund) -> None:
    queue.enqueue(JOB, one.community_id, {"refund_id": one.id}, key=str(one.id))


def _end(one: Refund, status: str, at: datetime, problem: str) -> None:
    one.status, one.ended_at, one.problem = status, at, problem
    audit.record(
        f"refund:{status}",
        f"payment:{one.payment_id}",
        community_id=one.community_id,
        after={"refund": one.id, "amount_fen": one.amount_fen, "problem": problem},
    )
    db.session.flush()


def _record(one: Refund, act: str) -> None:
    audit.record(
        act,
        f"payment:{one.payment_id}",
        community_id=one.community_id,
        after={
            "refund": one.id,
            "amount_fen": one.amount_fen,
            "reason": one.reason,
            "needs_second": one.needs_second,
        },
    )


def _by_source(community_id: int, source: str) -> Refund | None:
    return db.session.scalars(
        select(Refund).filter_by(community_id=community_id, source=source)
    ).one_or_none()


def _one(community_id: int, refund_id: int) -> Refund:
    found = db.session.get(Refund, (community_id, refund_id))
    if found is None:
        raise NotFound("refund.none", N_("没有这个退款申请。"))
    return found


def _locked(community_id: int, refund_id: int) -> Refund:
    found = db.session.scalars(
        select(Refund)
        .filter_by(community_id=community_id, id=refund_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound("refund.none", N_("没有这个退款申请。"))
    return found

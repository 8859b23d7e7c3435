"""Ask for money: a payment is written down, then its checkout is opened at the gateway.

Two steps, so that no connection to the database waits for the gateway, and so that whatever
is lost between them can be asked for again by the same key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import LARGEST_FEN, Fen
from app.payments import stripe_gateway as gateway
from app.payments.models import Payment, PaymentItem, SettlementAccount
from app.payments.online import rules
from app.payments.online.service import common, hearing


@dataclass(frozen=True)
class Item:
    """What is paid for: a bill of a unit, or money ahead for the unit (no bill). Fen."""

    unit_id: int
    amount_fen: Fen
    bill_id: int | None = None


def start(
    community_id: int,
    book: str,
    items: Sequence[Item],
    *,
    key: str,
    payer_id: int | None = None,
    payer_name: str = "",
) -> Payment:
    """Write down that someone wants to pay these items, and how much that is.

    The same key with the same content is the same payment; with other content a Conflict.
    The items' bills are the caller's affair: this room knows nothing of them. Raises
    RuleBroken for empty or repeated items, NotFound when the book has no settlement account.
    """
    amount = _check(items, key)
    account = open_account(community_id, book)
    known = _by_key(community_id, key)
    if known is None:
        known = _add(community_id, book, items, amount, account, key, payer_id, payer_name)
    if known is None:  # someone was faster with the same key
        known = _by_key(community_id, key)
        assert known is not None
    if (known.book, known.started_by) != (book, audit.actor().account_id) or _items(known) != [
        *items
    ]:
        raise Conflict("payment.differs", N_("这次缴费已经提交过，内容不同。请刷新页面再试。"))
    return known


def open_checkout(
    community_id: int, payment_id: int, *, title: str, success_url: str, cancel_url: str
) -> str:
    """Open a started payment's checkout, or find the one that is open; gives its address.

    Ends the transaction before it asks the gateway, so call it before anything is written.
    Raises Conflict when there is nothing to pay any more.
    """
    one = common.payment(community_id, payment_id)
    asked, session_id, status = common.asked_of(one), one.session_id, one.status
    key, begun = one.key, one.created_at
    if status != "started":
        raise Conflict("payment.over", N_("这笔缴费不需要再付款。"))
    assert asked.account is not None
    _let_go()
    if session_id is not None:
        seen = gateway.fetch_session(session_id)
    elif clock.now() > begun + rules.REUSE_FOR:
        raise Conflict("payment.too_late", N_("这次缴费放了太久，请放弃后重新开始。"))
    else:
        seen = gateway.create_checkout(
            gateway.CheckoutOrder(
                community_id=community_id,
                payment_id=payment_id,
                amount_fen=asked.amount_fen,
                title=title,
                account=asked.account,
                key=f"checkout-{community_id}-{key}",
                expires_at=begun + rules.CHECKOUT_LASTS,
                success_url=success_url,
                cancel_url=cancel_url,
            )
        )
    one = common.locked(community_id, payment_id)
    if one.session_id is None:
        one.session_id, one.livemode = seen.id, seen.livemode
        audit.record("payment:checkout_opened", f"payment:{one.id}", community_id=community_id)
        db.session.flush()
    if seen.status != "open":
        hearing.hear_session(one, seen, told="asked")
    if seen.status != "open" or not seen.url:
        raise Conflict("payment.over", N_("这笔缴费不需要再付款。"))
    return seen.url


def give_up(community_id: int, payment_id: int) -> Payment:
    """Close a payment's checkout, so that the bills can be paid another way.

    When it was paid at that very moment, it is received instead: the gateway decides.
    """
    one = common.payment(community_id, payment_id)
    session_id, status = one.session_id, one.status
    if status != "started":
        raise Conflict("payment.not_open", N_("这笔缴费已经不能放弃。"))
    _let_go()
    seen = None
    if session_id is not None:
        try:
            seen = gateway.expire_session(session_id)
        except gateway.GatewayRefused:
            seen = gateway.fetch_session(session_id)
    one = common.locked(community_id, payment_id)
    if seen is not None:
        hearing.hear_session(one, seen, told="given-up")
    elif one.session_id is None:
        common.move(one, "expired", at=clock.now())
    return one


def open_account(community_id: int, book: str) -> SettlementAccount:
    """Where a book's online money goes. Raises NotFound when the book takes none."""
    found = db.session.scalars(
        select(SettlementAccount).filter_by(community_id=community_id, book=book, closed_at=None)
    ).one_or_none()
    if found is None:
        raise NotFound("payment.no_account", N_("本小区还没有开通线上缴费，请到物业窗口缴费。"))
    return found


def _let_go() -> None:
    """End the reading transaction: the gateway may take seconds, and connections are few."""
    assert not db.session.new
    assert not db.session.dirty
    db.session.rollback()


def _check(items: Sequence[Item], key: str) -> Fen:
    if not (8 <= len(key) <= 64 and key.isascii()):
        raise RuleBroken("payment.key", N_("请刷新页面后再试。"))
    if not 0 < len(items) <= rules.LARGEST_ITEMS:
        raise RuleBroken("payment.items", N_("请选择要缴的账单。"), field="bills")
    named = [item.bill_id for item in items if item.bill_id is not None]
    ahead = [item.unit_id for item in items if item.bill_id is None]
    if len(named) != len(set(named)) or len(ahead) != len(set(ahead)):
        raise RuleBroken("payment.items", N_("请选择要缴的账单。"), field="bills")
    amount = sum(item.amount_fen for item in items)
    if any(item.amount_fen <= 0 for item in items) or amount > LARGEST_FEN:
        raise RuleBroken("payment.amount", N_("缴费金额不对。"), field="amount")
    return amount


def _by_key(community_id: int, key: str) -> Payment | None:
    return db.session.scalars(
        select(Payment).filter_by(community_id=community_id, key=key)
    ).one_or_none()


def _add(  # noqa: PLR0917 -- one row, told in order
    community_id: int,
    book: str,
    items: Sequence[Item],
    amount_fen: Fen,
    account: SettlementAccount,
    key: str,
    payer_id: int | None,
    payer_name: str,
) -> Payment | None:
    payment_id = db.session.execute(
        insert(Payment)
        .values(
            community_id=community_id,
            book=book,
            channel=common.CHANNEL,
            amount_fen=amount_fen,
            key=key,
            payer_id=payer_id,
            payer_name=payer_name,
            started_by=audit.actor().account_id,
            settlement_account_id=account.id,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["community_id", "key"])
        .returning(Payment.id)
    ).scalar_one_or_none()
    if payment_id is None:
        return None
    db.session.execute(
        insert(PaymentItem),
        [
            {
                "community_id": community_id,
                "payment_id": payment_id,
                "no": no,
                "purpose": "bill" if item.bill_id else "prepay",
                "unit_id": item.unit_id,
                "bill_id": item.bill_id,
                "amount_fen": item.amount_fen,
            }
            for no, item in enumerate(items, start=1)
        ],
    )
    audit.record(
        "payment:started",
        f"payment:{payment_id}",
        community_id=community_id,
        after={"amount_fen": amount_fen, "book": book, "items": len(items)},
    )
    return db.session.get_one(Payment, (community_id, payment_id))


def _items(one: Payment) -> list[Item]:
    return items_of(one.community_id, one.id)


def items_of(community_id: int, payment_id: int) -> list[Item]:
    """What a payment is for, in order."""
    rows = db.session.scalars(
        select(PaymentItem)
        .filter_by(community_id=community_id, payment_id=payment_id)
        .order_by(PaymentItem.no)
    )
    return [Item(row.unit_id, row.amount_fen, row.bill_id) for row in rows]

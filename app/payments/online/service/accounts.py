"""Where a book's online money goes, and the community's rules on paying and giving back."""

from __future__ import annotations

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import Fen
from app.ledger.chart import BOOKS
from app.payments.models import SettlementAccount


def begin_account(
    community_id: int, book: str, gateway_account: str, holder: str
) -> SettlementAccount:
    """Name the connected account that a book's money goes to; the one before it is closed.

    An account belongs to one community and one book for ever, so fund money can never land in
    the manager's. Raises Conflict when it is somebody's already.
    """
    gateway_account, holder = gateway_account.strip(), holder.strip()
    if book not in BOOKS:
        raise NotFound("ledger.no_book", N_("没有这本账簿。"))
    if not (gateway_account.startswith("acct_") and gateway_account[5:].isalnum()):
        raise RuleBroken(
            "account.number",
            N_("收款账户编号应以 acct_ 开头，见支付平台后台。"),
            field="gateway_account",
        )
    known = _open(community_id, book)
    if known is not None:
        if known.gateway_account == gateway_account:
            known.holder = holder
            return known
        known.closed_at = clock.now()
        db.session.flush()
    made = SettlementAccount(
        community_id=community_id,
        book=book,
        gateway_account=gateway_account,
        holder=holder,
        opened_by=audit.actor().account_id,
        created_at=clock.now(),
    )
    try:
        with db.session.begin_nested():
            db.session.add(made)
            db.session.flush()
    except IntegrityError as error:
        raise Conflict(
            "account.taken",
            N_("这个收款账户已经属于另一本账簿，不能共用。"),
            field="gateway_account",
        ) from error
    audit.record(
        "payment:account_begun",
        f"settlement_account:{made.id}",
        community_id=community_id,
        after={"book": book, "account": gateway_account, "holder": holder},
    )
    return made


def end_account(community_id: int, account_id: int) -> None:
    """Take no more online money for a book; what is on its way still arrives."""
    one = db.session.get(SettlementAccount, (community_id, account_id))
    if one is None or one.closed_at is not None:
        raise NotFound("account.none", N_("没有这个收款账户。"))
    one.closed_at = clock.now()
    audit.record(
        "payment:account_ended",
        f"settlement_account:{one.id}",
        community_id=community_id,
        before={"book": one.book, "account": one.gateway_account},
    )


def change_rules(
    community_id: int,
    *,
    partial_payment: bool,
    overpaid_policy: str,
    refund_alone_fen: Fen,
    prepay_months: int,
) -> None:
    """Decide how a community is paid online and who gives money back."""
    after = {
        "partial_payment": partial_payment,
        "overpaid_policy": overpaid_policy,
        "refund_alone_fen": refund_alone_fen,
        "prepay_months": prepay_months,
    }
    before = (
        db.session.execute(
            text(
                "SELECT partial_payment, overpaid_policy, refund_alone_fen, prepay_months"
                " FROM community WHERE id = :c FOR NO KEY UPDATE"
            ),
            {"c": community_id},
        )
        .mappings()
        .one()
    )
    db.session.execute(
        text(
            "UPDATE community SET partial_payment = :partial_payment,"
            " overpaid_policy = :overpaid_policy, refund_alone_fen = :refund_alone_fen,"
            " prepay_months = :prepay_months WHERE id = :c"
        ),
        {"c": community_id, **after},
    )
    audit.record(
        "payment:rules_changed",
        f"community:{community_id}",
        community_id=community_id,
        before=dict(before),
        after=after,
    )


def _open(community_id: int, book: str) -> SettlementAccount | None:
    return db.session.scalars(
        select(SettlementAccount)
        .filter_by(community_id=community_id, book=book, closed_at=None)
        .with_for_update()
    ).one_or_none()

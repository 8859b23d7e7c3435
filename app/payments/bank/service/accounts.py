"""Open and close accounts at banks and wallets."""

from __future__ import annotations

from datetime import date

from sqlalchemy.dialects.postgresql import insert

from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.ledger.chart import BANK, BOOKS, BY_KEY
from app.payments.bank.models import ACCOUNT_KINDS, BankAccount


def open_account(
    community_id: int, *, book: str, kind: str, name: str, tail: str = "", checked_from: date
) -> BankAccount:
    """Register an account whose statements will be brought in; only the number's end is kept.

    Wallets belong to the service book: their money is in transit (1012) until it is in a bank.
    Raises Conflict when the same one is open, RuleBroken.
    """
    if book not in BOOKS or kind not in ACCOUNT_KINDS or (book, BANK) not in BY_KEY:
        raise RuleBroken("bank.kind", N_("请选择账簿和账户种类。"), field="kind")
    if kind != "bank" and book != "service":
        raise RuleBroken(
            "bank.wallet_book", N_("微信、支付宝账户只能记在物业服务账簿。"), field="book"
        )
    if len(tail) > 4 or not name.strip():
        raise RuleBroken("bank.tail", N_("只填账号的后四位。"), field="tail")
    made = db.session.execute(
        insert(BankAccount)
        .values(
            community_id=community_id,
            book=book,
            kind=kind,
            name=name.strip(),
            tail=tail.strip(),
            checked_from=checked_from,
            opened_by=audit.actor().account_id,
        )
        .on_conflict_do_nothing()
        .returning(BankAccount.id)
    ).scalar_one_or_none()
    if made is None:
        raise Conflict("bank.known", N_("这个账户已经登记过了。"), field="name")
    audit.record(
        "bank_account:opened",
        f"bank_account:{made}",
        community_id=community_id,
        after={"book": book, "kind": kind, "name": name.strip()},
    )
    return db.session.get_one(BankAccount, (community_id, made))


def close_account(community_id: int, account_id: int) -> BankAccount:
    """Take no more statements; what was brought in stays. Again changes nothing."""
    one = account_of(community_id, account_id)
    if one.closed_at is None:
        one.closed_at = clock.now()
        db.session.flush()
        audit.record("bank_account:closed", f"bank_account:{account_id}", community_id=community_id)
    return one


def account_of(community_id: int, account_id: int) -> BankAccount:
    """An account, held until the transaction ends. Raises NotFound."""
    one = db.session.get(
        BankAccount, (community_id, account_id), with_for_update=True, populate_existing=True
    )
    if one is None:
        raise NotFound("bank.none", N_("没有这个账户。"))
    return one

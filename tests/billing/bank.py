"""A bank for tests: an account, statements made by code, lines read through the real readers."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select, text

from app.billing.bank import service as matching
from app.kernel.db import db
from app.payments.bank import service
from app.payments.bank.models import BankAccount, BankLine, StatementFile
from tests.builders import Town

HEADS = ("交易日期", "收入", "支出", "余额", "对方户名", "摘要", "流水号")


def sheet(*rows: tuple[str, str, str, str], start: int = 1) -> bytes:
    """A statement of (day, sum, counterparty, remark); the number is the row's."""
    lines = [",".join(HEADS)]
    for at, (day, amount, name, remark) in enumerate(rows, start):
        income, expense = ("", amount[1:]) if amount.startswith("-") else (amount, "")
        lines.append(f"{day},{income},{expense},,{name},{remark},SN2026{at:06d}")
    return "\r\n".join(lines).encode("gb18030")


def account(town: Town, kind: str = "bank", book: str = "service", **more: Any) -> BankAccount:
    """An account checked from the year's beginning."""
    values = {"name": "工商银行", "checked_from": date(2026, 1, 1), **more}
    return service.open_account(town.community_id, book=book, kind=kind, **values)


def bring_in(town: Town, to: BankAccount, content: bytes, name: str = "a.csv") -> StatementFile:
    """Upload, read and apply, as the pages and their jobs would."""
    one = service.receive(town.community_id, to.id, name, content)
    service.read_file(town.community_id, one.id)
    if one.status == "ready":
        service.ask_to_apply(town.community_id, one.id)
        service.apply_file(town.community_id, one.id)
    return one


def lines(town: Town) -> list[BankLine]:
    """All lines, in the order of the file."""
    db.session.flush()
    return list(
        db.session.scalars(
            select(BankLine)
            .filter_by(community_id=town.community_id)
            .order_by(BankLine.id)
            .execution_options(populate_existing=True)
        )
    )


def proposed(town: Town, *rows: tuple[str, str, str, str], kind: str = "bank") -> list[BankLine]:
    """Lines brought in and proposed."""
    bring_in(town, account(town, kind), sheet(*rows))
    matching.propose_all(town.community_id)
    return lines(town)


def one(town: Town, sql: str, **values: object) -> Any:
    """A single value."""
    return db.session.execute(text(sql), {"c": town.community_id, **values}).scalar_one()

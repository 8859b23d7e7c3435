"""Alipay: a person's bill, and a merchant's trade bill (业务明细) and fund bill (账务明细).

Personal rows marked 不计收支 are kept as `neutral`, except a refund that arrived, which is
money back (`refund`, positive), and one that was closed, which never moved. An expense or
income that is called closed was paid and then given back by a row of its own: both are kept.
Income still waiting for the buyer's word is left out until a later file shows it done.
A merchant's refunds are negative, as they stand in the file.
"""

from __future__ import annotations

import re

from app.payments.statements import tally
from app.payments.statements.cells import clean
from app.payments.statements.grid import Head, Record, Table, body, find
from app.payments.statements.lines import FEE, NEUTRAL, PLAIN, REFUND, Statement, StatementLine
from app.payments.statements.readers.wallet import Reading, finish, texts_above
from app.payments.statements.readers.wechat import unknown_direction

NEEDED = ("交易对方", "收/支", "金额", "交易状态")
COLUMNS = {
    "交易时间": "date",
    "交易创建时间": "created",
    "付款时间": "date",
    "交易分类": "type",
    "类型": "type",
    "交易对方": "counterparty",
    "对方账号": "counterparty_account",
    "商品说明": "goods",
    "商品名称": "goods",
    "收/支": "flag",
    "金额": "amount",
    "收/付款方式": "method",
    "交易状态": "status",
    "交易订单号": "reference",
    "交易号": "reference",
    "商家订单号": "order_no",
    "服务费": "fee",
    "备注": "remark",
}
TRADE_NEEDED = ("支付宝交易号", "商户订单号", "业务类型", "完成时间", "商家实收（元）")
TRADE_COLUMNS = {
    "支付宝交易号": "reference",
    "商户订单号": "order_no",
    "业务类型": "type",
    "商品名称": "goods",
    "创建时间": "created",
    "完成时间": "date",
    "对方账户": "counterparty_account",
    "订单金额（元）": "ordered",
    "商家实收（元）": "amount",
    "退款批次号/请求号": "refund_reference",
    "服务费（元）": "fee",
    "备注": "remark",
}
FUND_NEEDED = ("账务流水号", "业务流水号", "发生时间", "收入金额（+元）", "支出金额（-元）")
FUND_COLUMNS = {
    "账务流水号": "reference",
    "业务流水号": "business",
    "商户订单号": "order_no",
    "商品名称": "goods",
    "发生时间": "date",
    "对方账号": "counterparty_account",
    "收入金额（+元）": "income",
    "支出金额（-元）": "expense",
    "账户余额（元）": "balance",
    "业务类型": "type",
    "备注": "remark",
}
_DIRECTIONS = {
    "收入": tally.IN,
    "支出": tally.OUT,
    "不计收支": tally.NEITHER,
    "其他": tally.NEITHER,
    "": tally.NEITHER,
}
_NEVER_MOVED = re.compile(r"关闭|失败|取消|等待付款|等待买家付款")
_TRADE_TOTAL = re.compile(
    r"(交易|退款)合计[:：]\s?(\d{1,7})\s?笔[,，]?\s?商家实收(?:退款)?共(-?[\d,.]+)元"
)


def recognise(table: Table) -> Head | None:
    """The heading of a personal bill, as the app or the website gives it."""
    head = find(table, NEEDED, COLUMNS)
    return head if head and {"date", "reference"} <= set(head.columns) else None


def recognise_trade(table: Table) -> Head | None:
    """The heading of a merchant's trade bill."""
    return find(table, TRADE_NEEDED, TRADE_COLUMNS)


def recognise_fund(table: Table) -> Head | None:
    """The heading of a merchant's fund bill."""
    return find(table, FUND_NEEDED, FUND_COLUMNS)


def read(table: Table, head: Head) -> list[Statement]:
    """A personal bill's lines. Raises StatementError."""
    reading = Reading()
    for record in body(table, head):
        if not record.is_note():
            _take(reading, record)
    return [finish(reading, tally.stated_in(texts_above(table, head)), "alipay.personal")]


def read_trade(table: Table, head: Head) -> list[Statement]:
    """A merchant's trades and refunds. Raises StatementError."""
    reading, notes = Reading(), texts_above(table, head)
    for record in body(table, head):
        if _is_remark(record):
            notes.append(" ".join(record.raw))
        else:
            _take_trade(reading, record)
    stated = tally.stated_in(notes)
    stated.counts.clear()  # 合计 lines are read here; the general patterns would mistake them
    stated.sums.clear()
    for said, count, amount in _TRADE_TOTAL.findall("\n".join(clean(one) for one in notes)):
        direction = tally.IN if said == "交易" else tally.OUT
        stated.counts[direction] = int(count)
        fen = tally.fen(amount)
        if fen is not None:
            stated.sums[direction] = abs(fen)
    return [finish(reading, stated, "alipay.trade")]


def read_fund(table: Table, head: Head) -> list[Statement]:
    """A merchant's fund bill, a line for each change of the balance. Raises StatementError."""
    reading, notes = Reading(), texts_above(table, head)
    for record in body(table, head):
        if _is_remark(record):
            notes.append(" ".join(record.raw))
        else:
            _take_fund(reading, record)
    # Alipay says itself that balances need not follow from one another: a notice is enough.
    return [finish(reading, tally.stated_in(notes), "alipay.fund", chained=True)]


def _is_remark(record: Record) -> bool:
    return clean(record.raw[0] if record.raw else "").startswith("#") or record.is_note()


def _take(reading: Reading, record: Record) -> None:
    flag, status = record.text("flag"), record.text("status")
    if flag not in _DIRECTIONS:
        raise unknown_direction(record, flag)
    direction, amount = _DIRECTIONS[flag], record.needed_money("amount")
    reading.found.add(direction, amount)
    if record.text("date") or "created" not in record.head.columns:
        when = record.when()
    else:  # the website's file: created, never paid
        when = record.when("created")
    arrived = direction == tally.NEITHER and status == "退款成功"
    if direction == tally.NEITHER and _NEVER_MOVED.search(status):
        reading.closed.append(record.number)
        return
    if "等待付款" in status or (direction == tally.IN and status.startswith("等待")):
        reading.pending.append(record.number)
        return
    reading.add(
        StatementLine(
            row=record.number,
            booked_on=when.day,
            booked_at=when.at,
            amount_fen=amount if direction == tally.IN or arrived else -amount,
            balance_fen=None,
            counterparty=record.text("counterparty"),
            counterparty_account=record.text("counterparty_account"),
            remark=record.joined("type", "goods", "remark"),
            reference=reading.number(record.text("reference"), record.number),
            fee_fen=abs(record.money("fee") or 0),
            kind=REFUND if arrived else NEUTRAL if direction == tally.NEITHER else PLAIN,
            order_no=record.text("order_no"),
        )
    )


def _take_trade(reading: Reading, record: Record) -> None:
    when, amount = record.when(), record.needed_money("amount")
    returned = "退款" in record.text("type")
    amount = -abs(amount) if returned else amount
    reading.found.add(tally.OUT if returned else tally.IN, amount)
    number = record.text("refund_reference") if returned else ""
    reading.add(
        StatementLine(
            row=record.number,
            booked_on=when.day,
            booked_at=when.at,
            amount_fen=amount,
            balance_fen=None,
            counterparty="",
            counterparty_account=record.text("counterparty_account"),
            remark=record.joined("goods", "remark"),
            reference="_".join(
                one
                for one in (reading.number(record.text("reference"), record.number), number)
                if one
            ),
            fee_fen=-(record.money("fee") or 0),  # the file writes what was taken as a minus
            kind=REFUND if returned else PLAIN,
            order_no=record.text("order_no"),
        )
    )


def _take_fund(reading: Reading, record: Record) -> None:
    when = record.when()
    income, expense = record.money("income") or 0, record.money("expense") or 0
    amount = income - abs(expense)
    reading.found.add(tally.IN if income else tally.OUT, amount)
    kind = record.text("type")
    reading.add(
        StatementLine(
            row=record.number,
            booked_on=when.day,
            booked_at=when.at,
            amount_fen=amount,
            balance_fen=record.money("balance"),
            counterparty="",
            counterparty_account=record.text("counterparty_account"),
            remark=record.joined("type", "goods", "remark", "business"),
            reference=reading.number(record.text("reference"), record.number),
            fee_fen=0,
            kind=_fund_kind(kind),
            order_no=record.text("order_no"),
        )
    )


def _fund_kind(kind: str) -> str:
    if "收费" in kind or "服务费" in kind or "手续费" in kind:
        return FEE
    if "退款" in kind or "退费" in kind:
        return REFUND
    return NEUTRAL if any(one in kind for one in ("提现", "充值")) else PLAIN

"""WeChat Pay, personal: the bill a person has sent to their mail, CSV until 2024, XLSX since.

Rows marked “/” (中性交易: to and from one's own cards and funds) are kept as `neutral`; where
the type does not say that money came in they are negative, so none looks like income.
"""

from __future__ import annotations

import re

from app.kernel.errors import N_
from app.payments.statements import tally
from app.payments.statements.grid import Head, Record, Table, body, find
from app.payments.statements.lines import (
    NEUTRAL,
    PLAIN,
    REFUND,
    Statement,
    StatementError,
    StatementLine,
)
from app.payments.statements.readers.wallet import Reading, finish, texts_above

NEEDED = ("交易时间", "交易类型", "交易对方", "收/支", "金额(元)", "当前状态", "交易单号")
COLUMNS = {
    "交易时间": "date",
    "交易类型": "type",
    "交易对方": "counterparty",
    "商品": "goods",
    "收/支": "flag",
    "金额(元)": "amount",
    "支付方式": "method",
    "当前状态": "status",
    "交易单号": "reference",
    "商户单号": "order_no",
    "备注": "remark",
}
_FEE = re.compile(r"服务费\s?[¥￥]?\s?(\d{1,7}(?:\.\d{1,2})?)")
_CAME_IN = re.compile(r"充值|到零钱|转出到|赎回|取出|退款")
_NEVER_PAID = re.compile(r"失败|已关闭|已取消|未支付|已撤销")
_WAITING = re.compile(r"待(?:支付|付款|收款|确认|对方)|处理中|未领取")


def recognise(table: Table) -> Head | None:
    """The heading of a personal WeChat bill."""
    return find(table, NEEDED, COLUMNS)


def read(table: Table, head: Head) -> list[Statement]:
    """The bill's lines. Raises StatementError."""
    reading = Reading()
    for record in body(table, head):
        if not record.is_note():
            _take(reading, record)
    preamble = texts_above(table, head)
    stated = tally.stated_in(preamble)
    if not stated.account:
        found = re.search(r"微信昵称[:：]\s?\[([^\]]{1,60})\]", " ".join(preamble))
        stated.account = found[1] if found else ""
    return [finish(reading, stated, "wechat.personal")]


def _take(reading: Reading, record: Record) -> None:
    when, amount = record.when(), record.needed_money("amount")
    direction = _direction(record)
    reading.found.add(direction, amount)
    status = record.text("status")
    if _NEVER_PAID.search(status):
        reading.closed.append(record.number)
        return
    if _WAITING.search(status):
        reading.pending.append(record.number)
        return
    kind = record.text("type")
    came_in = direction == tally.IN or (
        direction == tally.NEITHER and bool(_CAME_IN.search(kind)) and "提现" not in kind
    )
    reading.add(
        StatementLine(
            row=record.number,
            booked_on=when.day,
            booked_at=when.at,
            amount_fen=amount if came_in else -amount,
            balance_fen=None,
            counterparty=record.text("counterparty"),
            counterparty_account="",
            remark=record.joined("type", "goods", "remark"),
            reference=reading.number(record.text("reference"), record.number),
            fee_fen=_fee(record),
            kind=_kind(direction, kind),
            order_no=record.text("order_no"),
        )
    )


def _direction(record: Record) -> str:
    flag = record.text("flag")
    known = {"收入": tally.IN, "支出": tally.OUT, "": tally.NEITHER, "中性交易": tally.NEITHER}
    if flag not in known:
        raise unknown_direction(record, flag)
    return known[flag]


def unknown_direction(record: Record, flag: str) -> StatementError:
    """The refusal of a row that does not say which way its money went."""
    return StatementError(
        "statement.direction",
        N_(
            "第 %(row)s 行“%(column)s”：“%(value)s”看不出是收入还是支出。"
            "请改为“收入”或“支出”（“贷”或“借”）后重新导入。"
        ),
        row=record.number,
        column=record.head.title("flag"),
        value=flag[:40],
    )


def _kind(direction: str, kind: str) -> str:
    if direction == tally.NEITHER:
        return NEUTRAL
    return REFUND if kind.endswith("退款") else PLAIN


def _fee(record: Record) -> int:
    """A withdrawal's charge, told only in the remark."""
    found = _FEE.search(record.text("remark"))
    if not found:
        return 0
    whole, _, decimals = found[1].partition(".")
    return int(whole + decimals.ljust(2, "0"))

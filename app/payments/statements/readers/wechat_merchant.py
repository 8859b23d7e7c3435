"""WeChat Pay, merchant: the trade bill (交易账单) and the fund-flow bill (资金账单).

Cells begin with a back-tick; a second heading with one row of totals ends the file. A trade
bill's amount is what the merchant is credited (应结订单金额; before 2019 总金额), a refund is
negative, the gateway's charge is in `fee_fen`. In a fund-flow bill charges are rows of their
own. The two tell the same money twice: an account takes one or the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.payments.statements import currencies, tally
from app.payments.statements.cells import BadCell, clean, money
from app.payments.statements.grid import Head, Record, Table, body, find, word, wrong_cell
from app.payments.statements.lines import FEE, NEUTRAL, PLAIN, REFUND, Statement, StatementLine
from app.payments.statements.readers.wallet import Reading, finish
from app.payments.statements.readers.wechat import unknown_direction

TRADE_NEEDED = ("交易时间", "商户号", "微信订单号", "商户订单号", "交易状态", "手续费")
TRADE_COLUMNS = {
    "交易时间": "date",
    "商户号": "merchant",
    "微信订单号": "reference",
    "商户订单号": "order_no",
    "用户标识": "payer",
    "交易类型": "type",
    "交易状态": "status",
    "货币种类": "currency",
    "总金额": "amount",
    "应结订单金额": "settled",
    "微信退款单号": "refund_reference",
    "商户退款单号": "refund_order_no",
    "退款金额": "refund",
    "退款状态": "refund_status",
    "商品名称": "goods",
    "商户数据包": "remark",
    "手续费": "fee",
}
FLOW_NEEDED = ("记账时间", "微信支付业务单号", "资金流水单号", "收支类型", "收支金额（元）")
FLOW_COLUMNS = {
    "记账时间": "date",
    "微信支付业务单号": "business",
    "资金流水单号": "reference",
    "业务名称": "name",
    "业务类型": "type",
    "收支类型": "flag",
    "收支金额（元）": "amount",
    "账户结余（元）": "balance",
    "备注": "remark",
    "业务凭证号": "order_no",
}
_TOTAL_TITLES = ("总交易单数", "资金流水总笔数")
_FAILED = frozenset({"FAIL", "FAILED", "CHANGE", "ABNORMAL", "CLOSED", "失败", "退款失败"})


def recognise_trade(table: Table) -> Head | None:
    """The heading of a trade bill: all trades, or only those paid, or only refunds."""
    return find(table, TRADE_NEEDED, TRADE_COLUMNS)


def recognise_flow(table: Table) -> Head | None:
    """The heading of a fund-flow bill."""
    return find(table, FLOW_NEEDED, FLOW_COLUMNS)


def read_trade(table: Table, head: Head) -> list[Statement]:
    """One statement per merchant number. Raises StatementError."""
    rows, totals = _apart(table, head)
    readings: dict[str, Reading] = {}
    for record in rows:
        currencies.check(currencies.code_of(record.text("currency")), "CNY", record.number)
        _take_trade(readings.setdefault(record.text("merchant"), Reading()), record)
    statements = []
    for merchant, reading in (readings or {"": Reading()}).items():
        stated = _trade_totals(totals) if len(readings) <= 1 else tally.Stated()
        stated.account = merchant
        statements.append(finish(reading, stated, "wechat.trade"))
    return statements


def read_flow(table: Table, head: Head) -> list[Statement]:
    """The fund-flow bill's lines. Raises StatementError."""
    rows, totals = _apart(table, head)
    reading = Reading()
    for record in rows:
        _take_flow(reading, record)
    # Its balances are of the whole account while a bill may show one pocket of it.
    return [finish(reading, _flow_totals(totals), "wechat.fundflow", chained=True)]


def _apart(table: Table, head: Head) -> tuple[list[Record], dict[str, tuple[int, str]]]:
    """The movements, and the totals by title with their row."""
    records = list(body(table, head))
    for at, record in enumerate(records):
        if record.raw and word(record.raw[0]) in _TOTAL_TITLES:
            below = records[at + 1] if at + 1 < len(records) else None
            values = [(below.number, _bare(one)) for one in below.raw] if below else []
            totals = dict(zip((word(one) for one in record.raw), values, strict=False))
            return [_unticked(one) for one in records[:at]], totals
    return [_unticked(one) for one in records], {}


def _unticked(record: Record) -> Record:
    return Record(record.number, [_bare(one) for one in record.raw], record.head)


def _bare(cell: str) -> str:
    return cell.strip().lstrip("`")


def _take_trade(reading: Reading, record: Record) -> None:
    when, status = record.when(), record.text("status").upper()
    returned = status in ("REFUND", "REVOKED", "转入退款", "已撤销")
    paid = "settled" if "settled" in record.head.columns else "amount"
    key = "refund" if returned or paid not in record.head.columns else paid
    amount = record.needed_money(key)
    failed = returned and record.text("refund_status").upper() in _FAILED
    reading.found.add(tally.OUT if returned else tally.IN, amount)
    if failed:
        reading.closed.append(record.number)
        return
    number = "refund_reference" if returned and record.text("refund_reference").strip("0") else ""
    reading.add(
        StatementLine(
            row=record.number,
            booked_on=when.day,
            booked_at=when.at,
            amount_fen=-amount if returned else amount,
            balance_fen=None,
            counterparty="",
            counterparty_account=record.text("payer"),
            remark=record.joined("goods", "remark"),
            reference=reading.number(record.text(number or "reference"), record.number),
            fee_fen=record.money("fee") or 0,
            kind=REFUND if returned else PLAIN,
            order_no=record.text("order_no"),
        )
    )


def _take_flow(reading: Reading, record: Record) -> None:
    when, amount = record.when(), record.needed_money("amount")
    flag, kind = record.text("flag"), record.text("type") + record.text("name")
    if flag not in ("收入", "支出"):
        raise unknown_direction(record, flag)
    reading.found.add(tally.IN if flag == "收入" else tally.OUT, amount)
    reading.add(
        StatementLine(
            row=record.number,
            booked_on=when.day,
            booked_at=when.at,
            amount_fen=amount if flag == "收入" else -amount,
            balance_fen=record.money("balance"),
            counterparty="",
            counterparty_account="",
            remark=record.joined("name", "type", "remark", "business"),
            reference=reading.number(record.text("reference"), record.number),
            fee_fen=0,
            kind=_flow_kind(kind),
            order_no=record.text("order_no"),
        )
    )


def _flow_kind(kind: str) -> str:
    if "手续费" in kind or "服务费" in kind:
        return FEE
    if "退款" in kind:
        return REFUND
    return NEUTRAL if any(one in kind for one in ("提现", "充值")) else PLAIN


def _trade_totals(totals: dict[str, tuple[int, str]]) -> tally.Stated:
    stated = tally.Stated()
    _count(stated, tally.ALL, totals, ("总交易单数",))
    _sum(stated, tally.IN, totals, ("应结订单总金额", "总交易额"))
    _sum(stated, tally.OUT, totals, ("退款总金额", "总退款金额"))
    return stated


def _flow_totals(totals: dict[str, tuple[int, str]]) -> tally.Stated:
    stated = tally.Stated()
    _count(stated, tally.ALL, totals, ("资金流水总笔数",))
    _count(stated, tally.IN, totals, ("收入笔数",))
    _count(stated, tally.OUT, totals, ("支出笔数",))
    _sum(stated, tally.IN, totals, ("收入金额",))
    _sum(stated, tally.OUT, totals, ("支出金额",))
    return stated


def _count(
    stated: tally.Stated, key: str, totals: dict[str, tuple[int, str]], titles: Sequence[str]
) -> None:
    amount = _total(totals, titles)
    if amount is not None:
        stated.counts[key] = amount // 100  # counts are written as 20 or 20.0


def _sum(
    stated: tally.Stated, key: str, totals: dict[str, tuple[int, str]], titles: Sequence[str]
) -> None:
    amount = _total(totals, titles)
    if amount is not None:
        stated.sums[key] = abs(amount)


def _total(totals: dict[str, tuple[int, str]], titles: Sequence[str]) -> int | None:
    for title in titles:
        if title in totals:
            row, value = totals[title]
            try:
                return money(value)
            except BadCell as bad:
                raise wrong_cell(row, clean(title), bad) from None
    return None

"""What the pages of accounts and statements take."""

from __future__ import annotations

from app.kernel.errors import N_
from app.ledger.chart import BOOKS
from app.web.fields import Choice, Date, Id, Schema, Text, Upload

ACCOUNT_WORDS = {"bank": N_("银行"), "wechat": N_("微信"), "alipay": N_("支付宝")}
FIELD_WORDS = {
    "date": N_("日期"),
    "time": N_("时间"),
    "amount": N_("金额"),
    "income": N_("收入"),
    "expense": N_("支出"),
    "flag": N_("收支方向"),
    "balance": N_("余额"),
    "counterparty": N_("对方户名"),
    "counterparty_account": N_("对方账号"),
    "remark": N_("备注"),
    "reference": N_("流水号"),
    "order_no": N_("订单号"),
    "summary": N_("摘要"),
    "fee": N_("手续费"),
    "payer": N_("付款人"),
    "payer_account": N_("付款账号"),
    "payee": N_("收款人"),
    "payee_account": N_("收款账号"),
    "account": N_("本方账号"),
    "currency": N_("币种"),
}
ORDER_WORDS = {"ymd": N_("年-月-日"), "dmy": N_("日-月-年"), "mdy": N_("月-日-年")}
DECIMAL_WORDS = {".": "1,234.56", ",": "1.234,56"}


class NewAccount(Schema):
    """An account to register."""

    kind = Choice(ACCOUNT_WORDS, required=True)
    book = Choice(BOOKS, required=True)
    name = Text(required=True, least=1, most=60)
    tail = Text(load_default="", most=4)
    checked_from = Date(required=True)


class NewFile(Schema):
    """A statement to upload."""

    account_id = Id(required=True)
    file = Upload(required=True)

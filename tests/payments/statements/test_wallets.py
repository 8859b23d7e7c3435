# ruff: noqa: E501 -- rows are as long as banks make them
"""WeChat Pay and Alipay, personal and merchant."""

from __future__ import annotations

import pytest

from app.payments.statements.detect import read
from app.payments.statements.lines import StatementError, keyed
from tests.payments.statements import made


def only(text: str, encoding: str = "utf-8"):
    (statement,) = read(text.encode(encoding), "账单")
    return statement


def essence(statement):
    return [(one.amount_fen, one.fee_fen, one.kind, one.reference) for one in statement.lines]


def test_a_persons_wechat_bill_with_its_totals_borne_out():
    statement = only(made.WECHAT_PERSONAL)
    assert statement.source == "wechat.personal"
    assert statement.notices == ()
    assert essence(statement) == [
        (600_00, 0, "plain", "1000001"),
        (20_00, 0, "plain", "1000002"),
        (-20_00, 0, "refund", "1000003"),
        (-100_10, 10, "neutral", "1000004"),
    ]
    assert "3-2-501" in statement.lines[0].remark


def test_wechats_newer_xlsx_gives_the_same_lines():
    (statement,) = read(made.as_xlsx(made.WECHAT_PERSONAL), "微信支付账单.xlsx")
    assert essence(statement) == essence(only(made.WECHAT_PERSONAL))
    old = [key for *_, key in keyed([only(made.WECHAT_PERSONAL)])]
    assert [key for *_, key in keyed([statement])] == old


def test_a_bill_that_states_other_totals_is_read_and_says_so():
    statement = only(made.WECHAT_PERSONAL.replace("收入：2笔 620.00元", "收入：3笔 621.00元"))
    assert [str(one) for one in statement.notices] == [
        "文件写明收入 3 笔，读到 2 笔。",
        "文件写明收入合计 621.00，各行相加为 620.00。",
    ]


def test_numbers_a_spreadsheet_has_rounded_are_not_trusted():
    statement = only(made.WECHAT_PERSONAL.replace('"1000001\t"', "4.2E+27"))
    assert statement.lines[0].reference == ""
    assert "末几位已丢失" in str(statement.notices[-1])


def test_wechats_trade_bill_keeps_commas_in_names_and_signs_refunds():
    statement = only(made.WECHAT_TRADE)
    assert (statement.source, statement.account) == ("wechat.trade", "1900000001")
    assert statement.notices == ()
    assert essence(statement) == [
        (300_00, 1_80, "plain", "4200000001"),
        (-100_00, -60, "refund", "5030000001"),
    ]
    assert statement.lines[0].remark == "物业费, 三月 unit=3-2-501"
    assert [one.order_no for one in statement.lines] == ["LL-1", "LL-1"]


def test_wechats_totals_row_is_checked():
    statement = only(made.WECHAT_TRADE.replace("`2,`300.00,`100.00", "`3,`300.00,`99.00"))
    assert [str(one) for one in statement.notices] == [
        "文件写明共 3 笔，读到 2 笔。",
        "文件写明支出合计 99.00，各行相加为 100.00。",
    ]


def test_a_refund_that_failed_moved_nothing():
    statement = only(made.WECHAT_TRADE.replace("`ORIGINAL,`SUCCESS", "`ORIGINAL,`FAIL"))
    assert [one.amount_fen for one in statement.lines] == [300_00]
    assert "已关闭或失败" in str(statement.notices[-1])


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_alipays_trade_bill(encoding):
    statement = only(made.ALIPAY_TRADE, encoding)
    assert (statement.source, statement.account) == ("alipay.trade", "20880000000000000156")
    assert statement.notices == ()
    assert essence(statement) == [
        (200_00, 1_20, "plain", "2026030122001400001"),
        (-50_00, -30, "refund", "2026030122001400001_RF1"),
    ]


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_alipays_fund_bill(encoding):
    statement = only(made.ALIPAY_FUND, encoding)
    assert (statement.source, statement.opening_fen, statement.closing_fen) == ("alipay.fund", 0, 0)
    assert statement.notices == ()
    assert essence(statement) == [
        (200_00, 0, "plain", "100001"),
        (-1_20, 0, "fee", "100002"),
        (-198_80, 0, "neutral", "100003"),
    ]


ALIPAY = "交易时间,交易分类,交易对方,对方账号,商品说明,收/支,金额,收/付款方式,交易状态,交易订单号,商家订单号,备注\n"


@pytest.mark.parametrize(
    ("flag", "status", "wanted"),
    [
        ("收入", "交易成功", (10_00, "plain")),
        ("收入", "等待确认收货", None),  # a later file will show it done
        ("支出", "等待确认收货", (-10_00, "plain")),  # the money has left
        ("支出", "交易关闭", (-10_00, "plain")),  # given back by a row of its own
        ("不计收支", "退款成功", (10_00, "refund")),
        ("不计收支", "交易关闭", None),
        ("不计收支", "交易成功", (-10_00, "neutral")),
    ],
)
def test_what_becomes_of_a_row_of_alipays(flag, status, wanted):
    row = f"2026-03-01 10:00:00,转账,某人,/,某物,{flag},10.00,余额,{status},A1\t,\t,\n"
    statement = only(ALIPAY + row, "gbk")
    got = [(one.amount_fen, one.kind) for one in statement.lines]
    assert got == ([wanted] if wanted else [])
    assert bool(statement.notices) == (wanted is None)


def test_a_row_waiting_today_and_done_tomorrow_is_one_line():
    row = "2026-03-01 10:00:00,转账,某人,/,某物,支出,10.00,余额,{},A1\t,\t,\n"
    first, second = (only(ALIPAY + row.format(one)) for one in ("等待确认收货", "交易成功"))
    assert keyed([first])[0][2] == keyed([second])[0][2]


def test_a_direction_nobody_knows_is_refused():
    row = "2026-03-01 10:00:00,转账,某人,/,某物,转圈,10.00,余额,交易成功,A1,,\n"
    with pytest.raises(StatementError, match="第 2 行“收/支”：“转圈”"):
        only(ALIPAY + row)

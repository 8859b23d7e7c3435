"""Tables of no known bank: columns as a person named them, guessed, stored and used again."""

from __future__ import annotations

import json

import pytest

from app.payments.statements.detect import columns_of, read
from app.payments.statements.lines import StatementError
from app.payments.statements.mapping import Mapping, guess_mapping

ODD = '流水,那天,钱,谁,为啥\nA1,2026/3/5,"1,000.50",张三,3-2-501\nA2,2026/3/6,-20,李四,退\n'
NAMED = Mapping(
    ("流水", "那天", "钱", "谁", "为啥"),
    {"reference": 0, "date": 1, "amount": 2, "counterparty": 3, "remark": 4},
)


def test_an_odd_table_is_not_understood_and_offers_the_columns():
    with pytest.raises(StatementError, match="请指明哪一列是日期") as refused:
        read(ODD.encode(), "x")
    assert refused.value.code == "statement.unknown"
    columns = columns_of(ODD.encode(), "x")
    assert columns.headers == NAMED.headers
    assert columns.rows[0] == ["A1", "2026/3/5", "1,000.50", "张三", "3-2-501"]
    assert columns.guess.missing == ("date", "amount")


def test_named_columns_survive_the_database_and_read_the_file():
    stored = json.loads(json.dumps(NAMED.as_json()))
    (statement,) = read(ODD.encode("gbk"), "x", mapping=Mapping.from_json(stored))
    got = [
        (one.booked_on.isoformat(), one.amount_fen, one.counterparty, one.remark, one.reference)
        for one in statement.lines
    ]
    assert got == [
        ("2026-03-05", 1_000_50, "张三", "3-2-501", "A1"),
        ("2026-03-06", -20_00, "李四", "退", "A2"),
    ]


def test_a_file_with_other_headings_does_not_take_the_mapping():
    with pytest.raises(StatementError) as refused:
        read(ODD.replace("那天", "哪天").encode(), "x", mapping=NAMED)
    assert refused.value.code == "statement.mapping_differs"


def test_a_known_bank_is_read_even_for_an_account_with_a_mapping():
    text = "记账日,交易日期,交易时间,支出,收入,账户余额\n20260308,20260307,10:00:00,,1.00,1.00\n"
    (statement,) = read(text.encode(), "x", mapping=NAMED)
    assert statement.source == "bank.ccb"


def test_a_table_without_headings():
    mapping = Mapping((), {"date": 0, "amount": 2})
    text = "某某银行,,\n户名:甲,,\n2026-03-05,x,12.00\n2026-03-06,y,-2.00\n"
    (statement,) = read(text.encode(), "x", mapping=mapping)
    assert [one.amount_fen for one in statement.lines] == [12_00, -2_00]


@pytest.mark.parametrize(
    ("days", "order"),
    [
        (["31.12.2026", "01.12.2026"], "dmy"),
        (["12/31/2026", "12/01/2026"], "mdy"),
        (["2026-12-31"], "ymd"),
        (["20261231"], "ymd"),
        ([], "ymd"),
    ],
)
def test_the_order_of_days_is_guessed_from_rows(days, order):
    guess = guess_mapping(["Date", "Amount"], [[day, "1.00"] for day in days])
    assert guess.date_order == order


@pytest.mark.parametrize(
    ("sums", "decimal"),
    [
        (["1.234,56", "4,50"], ","),
        (["1,234.56", "1,234"], "."),
        (["1,234", "5,678"], "."),
        ([], "."),
    ],
)
def test_the_decimal_mark_is_guessed_from_rows(sums, decimal):
    assert (
        guess_mapping(["Date", "Amount"], [["2026-01-01", one] for one in sums]).decimal == decimal
    )


@pytest.mark.parametrize(
    "stored",
    [
        None,
        {},
        [],
        {"columns": {"nonsense": 1}},
        {"columns": {"date": -1}},
        {"columns": {"date": "x"}},
        {"columns": {"date": 0}, "decimal": ";"},
        {"columns": {"date": 0}, "date_order": "ydm"},
    ],
)
def test_a_mapping_that_is_none_is_a_sentence(stored):
    with pytest.raises(StatementError):
        Mapping.from_json(stored)


def test_an_incomplete_mapping_is_a_sentence():
    with pytest.raises(StatementError, match="还不完整"):
        read(ODD.encode(), "x", mapping=Mapping(NAMED.headers, {"date": 1}))

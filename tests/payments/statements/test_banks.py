# ruff: noqa: E501 -- rows are as long as banks make them
"""What banks let people download, in both encodings and three kinds of file."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest

from app.payments.statements.detect import read
from app.payments.statements.lines import StatementError, keyed
from tests.payments.statements import made

# source, account, opening, closing, and of each line: day, amount, other side, words, reference
BANKS = {
    "ICBC_CORPORATE": (
        "bank.icbc", "1202020009900012345", 10_000_00, 10_970_50,
        [("03-02", 1_280_50, "张三", "3-2-501物业费", ""),
         ("03-03", -300_00, "安达电梯有限公司", "电梯维保", ""),
         ("03-31", -10_00, "", "手续费", "")],
    ),
    "CCB_CORPORATE": (
        "bank.ccb", "41050167880800000123", 1_000_00, 588_00,
        [("03-05", 88_00, "李四", "2-1-302停车费", "9981-20260305001"),
         ("03-06", -500_00, "绿洲保洁公司", "3月保洁", "9982-20260306007")],
    ),
    "CCB_PERSONAL": (
        "bank.ccb", "6217**********5678", 588_00, 2_542_90,
        [("03-07", 2_000_00, "王五", "转账存入", ""), ("03-09", -45_10, "超市", "消费", "")],
    ),
    "CMB_CORPORATE": (
        "bank.cmb", "371900000010801", 5_000_00, 5_500_00,
        [("03-10", 660_00, "赵六", "1-1-101", "C0310001"),
         ("03-11", -160_00, "赵六", "退多收物业费", "C0311002")],
    ),
    "BOC_PERSONAL": (
        "bank.boc", "3167", 3_262_17, 3_240_28,
        [("03-12", -71_89, "支付宝", "支付宝-某店", ""), ("03-12", 50_00, "支付宝", "退款", "")],
    ),
    "BOC_CORPORATE": (
        "bank.boc", "103882223333", 10_000_00, 11_400_00,
        [("03-13", 2_400_00, "孙七", "5-2-601维修资金", "BOC20260313A"),
         ("03-14", -1_000_00, "顺发防水工程", "工程款", "BOC20260314B")],
    ),
    "ABC_PERSONAL": (
        "bank.abc", "", 1_000_00, 1_100_01,
        [("03-15", 100_00, "周八", "转账", "369396693"), ("03-16", 1, "", "结息", "")],
    ),
    "ABC_CORPORATE": (
        "bank.abc", "41-088801040001234", 1_100_00, 1_800_00,
        [("03-17", 735_20, "吴九", "4-3-402物业费", ""),
         ("03-18", -35_20, "电力公司", "公共照明", "")],
    ),
    "BOCOM_PERSONAL": (
        "bank.bocom", "6222***1234", 1_333_40, 1_331_42,
        [("03-19", 1_23, "郑十", "物业费", ""), ("03-20", -3_21, "水务公司", "水费", "")],
    ),
    "BOCOM_CORPORATE": (
        "bank.bocom", "", 1_000_00, 1_006_00,
        [("03-21", 10_00, "钱一", "停车费", "EEA0001"), ("03-22", -4_00, "钱二", "退费", "EEA0002")],
    ),
}  # fmt: skip


def as_xls(text: str) -> bytes:
    return made.as_xls(list(csv.reader(io.StringIO(text))))


FORMS = {
    "gbk": lambda text: text.encode("gbk"),
    "utf-8": lambda text: text.encode(),
    "utf-8 with mark, windows lines": lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "xlsx": made.as_xlsx,
    "xls": as_xls,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", BANKS)
def test_a_banks_file_is_read_in_every_form(name, form):
    source, account, opening_fen, closing_fen, wanted = BANKS[name]
    (statement,) = read(FORMS[form](getattr(made, name)), "x.bin")
    assert statement.source == source
    assert (statement.account, statement.currency) == (account, "CNY")
    assert (statement.opening_fen, statement.closing_fen) == (opening_fen, closing_fen)
    assert statement.notices == ()
    assert len(statement.lines) == len(wanted)
    for line, (day, amount_fen, name_, words, reference) in zip(
        statement.lines, wanted, strict=True
    ):
        assert line.booked_on == date.fromisoformat(f"2026-{day}")
        assert line.amount_fen == amount_fen
        assert line.counterparty == name_
        assert words in line.remark
        assert line.reference == reference


@pytest.mark.parametrize("name", BANKS)
def test_the_same_lines_have_the_same_keys_in_every_form(name):
    keys = {
        form: [key for _s, _l, key in keyed(read(encode(getattr(made, name)), "x"))]
        for form, encode in FORMS.items()
    }
    assert len({tuple(one) for one in keys.values()}) == 1


def test_the_time_is_chinas_whatever_the_machine_thinks():
    (statement,) = read(made.CCB_PERSONAL.encode(), "x")
    assert statement.lines[0].booked_on == date(2026, 3, 7)
    assert statement.lines[0].booked_at == datetime(2026, 3, 7, 15, 59, 1, tzinfo=UTC)


def test_kinds_are_told_by_the_banks_words():
    (statement,) = read(made.CMB_CORPORATE.encode(), "x")
    assert [line.kind for line in statement.lines] == ["plain", "refund"]
    (statement,) = read(made.ICBC_CORPORATE.encode(), "x")
    assert [line.kind for line in statement.lines] == ["plain", "plain", "fee"]


def test_a_total_that_is_not_the_rows_sum_is_said():
    wrong = made.ICBC_CORPORATE.replace("310.00,", "311.00,")
    (statement,) = read(wrong.encode(), "x")
    assert [str(one) for one in statement.notices] == [
        "文件写明支出合计 311.00，各行相加为 310.00。"
    ]


def test_a_missing_row_is_seen_by_the_balances():
    """The third of four rows is taken out: its neighbours' balances no longer meet."""
    rows = ["日期,收入,支出,余额,对方户名"]
    rows += [f"2026-01-0{n},{n}.00,,{sum(range(1, n + 1))}.00,甲" for n in (1, 2, 4)]
    (statement,) = read("\n".join(rows).encode(), "x")
    said = " ".join(map(str, statement.notices))
    assert "接不上，第一处在第 4 行" in said
    assert statement.closing_fen is None


def test_rows_that_run_backwards_in_time_are_no_mistake():
    (statement,) = read(made.BOC_PERSONAL.encode(), "x")
    assert statement.lines[0].booked_at > statement.lines[1].booked_at
    assert statement.closing_fen == 3_240_28
    assert statement.notices == ()


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [("12..34", "第 3 行“收入”：“12..34”不是金额"), ("1,23.00", "不是金额"), ("12.345", "多于两位小数"),
     ("=1+1", "B3"), ("1" * 30, "过大"), ("一百", "不是金额"), ("12.340", None)],
)  # fmt: skip
def test_a_garbled_amount_refuses_the_file_and_says_where(cell, wanted):
    text = f'交易日期,收入,支出\n2026-01-01,1.00,\n2026-01-02,"{cell}",\n'
    if wanted is None:
        assert read(text.encode(), "x")[0].lines[1].amount_fen == 12_34
        return
    with pytest.raises(StatementError, match=wanted.replace(".", r"\.")):
        read(text.encode(), "x")


@pytest.mark.parametrize(
    "day", ["2026-02-30", "昨天", "0001-01-01", "20261301", "2026-01-01 25:00"]
)
def test_a_day_that_is_none_refuses_the_file(day):
    with pytest.raises(StatementError, match="第 2 行“交易日期”"):
        read(f"交易日期,收入,支出\n{day},1.00,\n".encode(), "x")


def test_a_direction_nobody_knows_refuses_the_file():
    with pytest.raises(StatementError, match="看不出是收入还是支出"):
        read("交易日期,借贷标志,交易金额\n2026-01-01,左,1.00\n".encode(), "x")


def test_income_and_expense_in_one_row_refuse_the_file():
    with pytest.raises(StatementError, match="既有收入又有支出"):
        read("交易日期,收入,支出\n2026-01-01,1.00,2.00\n".encode(), "x")


def test_signs_beside_directions_are_not_applied_twice():
    """One bank writes 支出 −10 and means ten out; another 支出 10 and a reversal as 支出 −10."""
    signed = "交易日期,收/支,金额\n2026-01-01,支出,-10.00\n2026-01-01,收入,3.00\n"
    assert [one.amount_fen for one in read(signed.encode(), "x")[0].lines] == [-1000, 300]
    plain = "交易日期,收/支,金额\n2026-01-01,支出,10.00\n2026-01-02,支出,-10.00\n"
    assert [one.amount_fen for one in read(plain.encode(), "x")[0].lines] == [-1000, 1000]


def test_several_accounts_in_a_file_are_several_statements():
    second = "41050167880800000456,二期,20260306 08:30:00,0.00,5.00,5.00,人民币,甲,1,建行,20260306,,,X1,,,\n"
    first, other = read((made.CCB_CORPORATE + second).encode(), "x")
    assert (first.account, len(first.lines)) == ("41050167880800000123", 2)
    assert (other.account, len(other.lines)) == ("41050167880800000456", 1)


@pytest.mark.parametrize("word", ["美元", "USD"])
def test_another_currency_is_refused_by_name(word):
    with pytest.raises(StatementError, match="USD"):
        read(made.CCB_PERSONAL.replace("人民币元", word).encode(), "x")


def test_dollars_are_read_when_asked_for():
    text = made.CCB_PERSONAL.replace("人民币元", "USD").encode()
    (statement,) = read(text, "x", currency="USD")
    assert statement.currency == "USD"
    assert read(text, "x", currency=None)[0].currency == "USD"


def test_a_table_of_no_known_bank_says_how_it_was_read():
    (statement,) = read("日期,金额,摘要\n2026-01-01,1.00,甲\n".encode(), "x")
    assert statement.source == "table"
    assert "没有认出是哪家银行" in str(statement.notices[-1])


def test_a_number_written_for_excel_as_a_formula_of_text_is_text():
    text = '交易日期,金额,对方账号,交易流水号\n2026-01-01,1.00,="622200001111",="00017"\n'
    (line,) = read(text.encode(), "x")[0].lines
    assert (line.counterparty_account, line.reference) == ("622200001111", "00017")


def test_cells_that_are_dates_times_and_numbers_are_read_as_excel_shows_them():
    """0.1 + 0.2 is 0.30000000000000004 to a program and 0.3 to Excel, which keeps 15 digits."""

    def typed(book, page):
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        clock = book.add_format({"num_format": "hh:mm:ss"})
        page.write_datetime(1, 0, datetime(2026, 3, 5), day)
        page.write_datetime(1, 1, datetime(1899, 12, 31, 9, 15, 30), clock)
        page.write_number(1, 2, 0.1 + 0.2)
        page.write_number(1, 3, 6222020200112233)
        page.write_number(1, 4, 4.2000000692017103e27)

    head = "交易日期,交易时间,交易金额,对方账号,交易流水号\n"
    (statement,) = read(made.as_xlsx(head, then=typed), "x")
    (line,) = statement.lines
    assert (line.booked_on, line.amount_fen) == (date(2026, 3, 5), 30)
    assert line.booked_at == datetime(2026, 3, 5, 1, 15, 30, tzinfo=UTC)
    # Sixteen digits and more are no longer what they were.
    assert (line.counterparty_account, line.reference) == ("", "")
    assert "末几位已丢失" in str(statement.notices[0])

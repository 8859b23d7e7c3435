"""Real exports and other projects' samples, read in place beside the project.

What a correct reader gives of an MT940 file stands in its `.expected.json`, written by another
library; that library folds all messages of a file into one, so its last balances are compared.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from app.payments.statements.detect import read
from app.payments.statements.lines import StatementError

DATA = Path(__file__).parents[4] / "shared" / "data" / "statements"
pytestmark = pytest.mark.skipif(
    not DATA.exists(),
    reason="the real statements are not on this machine (../shared/data/statements)",
)


def statements(name: str, currency: str | None = None):
    return read((DATA / name).read_bytes(), name, currency=currency)


def said(name: str, currency: str | None = None) -> str:
    return " ".join(str(one) for found in statements(name, currency) for one in found.notices)


def fen(amount: str) -> int:
    exact = Decimal(amount) * 100
    assert exact == int(exact)
    return int(exact)


EXPECTED = sorted(path.name for path in (DATA / "mt940").glob("*.expected.json"))


@pytest.mark.parametrize("name", EXPECTED)
def test_mt940_gives_what_another_library_gave(name):
    expected = json.loads((DATA / "mt940" / name).read_text())
    found = statements("mt940/" + name.replace(".expected.json", ".sta"))
    lines = [(one.currency, line) for one in found for line in one.lines]
    wanted = [one["data"] for one in expected["transactions"]]
    assert len(lines) == len(wanted)
    for (currency, line), one in zip(lines, wanted, strict=True):
        assert currency == one["currency"]
        assert line.amount_fen == fen(one["amount"]["amount"])
        assert line.booked_on == date.fromisoformat(one.get("entry_date") or one["date"])
        references = f"{one['customer_reference'] or ''}//{one['bank_reference'] or ''}"
        assert line.reference in references
        assert line.order_no in references
        assert words(one) in plain(line.remark)
        assert plain(one.get("applicant_name")) == plain(line.counterparty)
    last = found[-1]
    check_balance(last, "opening", expected["data"].get("final_opening_balance"))
    check_balance(last, "closing", expected["data"].get("final_closing_balance"))


def words(one) -> str:
    """The other library gives the field 86 behind the closing balance, which is the
    statement's own, to the last line; ours does not."""
    text = plain(one.get("transaction_details") or one.get("purpose") or one["extra_details"])
    return text.removesuffix("D000004C000002D25,24C28,71-XXX")


def plain(text: str | None) -> str:
    return "".join((text or "").split())


def check_balance(statement, which: str, stated) -> None:
    """ABN's last message has only intermediate balances; its first is compared by another test."""
    if stated and statement.account != "517852257":
        assert getattr(statement, f"{which}_fen") == fen(stated["amount"]["amount"])


def test_each_message_of_a_file_keeps_its_own_balances():
    first, second = statements("mt940/jejik__abnamro.sta")
    assert (first.opening_fen, first.closing_fen) == (3236_28, 876_84)
    assert (second.opening_fen, second.closing_fen) == (2876_84, 1849_75)
    dem, eur, pln = statements("mt940/cmxl__mt940.sta")
    assert [one.currency for one in (dem, eur, pln)] == ["DEM", "EUR", "PLN"]
    assert [len(one.lines) for one in (dem, eur, pln)] == [11, 2, 3]
    assert dem.notices == eur.notices == pln.notices == ()


@pytest.mark.parametrize(
    ("name", "lines", "total", "opening", "closing"),
    [
        ("bsp__camt.053.001.02.xml", 3, -64321_50, 500000_00, 435678_50),
        ("bsp__camt053_duplicate_same_day.xml", 2, -9_00, None, None),
        ("bsp__camt053_no_namespace.xml", 1, 250_00, 100_00, 350_00),
        ("genkgo__camt053.v2.all-balance-types.xml", 1, 8_85, 1_01, 4_04),
        ("genkgo__camt053.v2.five.decimals.xml", 1, 8_85, 18_15, 27_05),
        ("genkgo__camt053.v2.minimal.xml", 1, 8_85, 18_15, None),
        ("genkgo__camt053.v2.minimal.ultimate.xml", 1, 8_85, 18_15, None),
        ("genkgo__camt053.v2.with-account-name.xml", 1, 8_85, None, None),
        ("genkgo__camt053.v2.with-party-ids.xml", 1, 8_85, 18_15, None),
        ("genkgo__camt053.v3.xml", 1, 8_85, 18_15, None),
        ("genkgo__camt053.v4.xml", 1, 8_85, 18_15, None),
        ("genkgo__camt053.v8.xml", 1, 8_85, 18_15, None),
        ("bsp__sample.mt940", 2, 1170_25, 1000_00, 2170_25),
        ("bsp__sample.ofx", 2, 1170_25, None, None),
        ("bsp__sample.qfx", 1, -15_00, None, None),
        ("bsp__sample_statement.csv", 2, 1300_00, 2500_00, 3800_00),
        ("bsp__sample_split_amounts.csv", 2, 1050_25, 1000_00, 2050_25),
        ("bsp__csv_european_decimals.csv", 3, 2260_94, None, None),
        ("bsp__csv_french_headers.csv", 3, 2260_94, None, None),
        ("bsp__csv_spanish_headers.csv", 3, 2260_94, None, None),
    ],
)
def test_other_projects_samples(name, lines, total, opening, closing):
    (statement,) = statements(f"camt/{name}")
    assert len(statement.lines) == lines
    assert sum(line.amount_fen for line in statement.lines) == total
    assert (statement.opening_fen, statement.closing_fen) == (opening, closing)


def test_several_statements_of_one_account_and_of_two_currencies():
    first, second = statements("camt/genkgo__camt053.v2.multi.statement.xml")
    assert (first.closing_fen, second.opening_fen, second.closing_fen) == (2700, 2700, 2000)
    euro, dollar = statements("camt/bsp__camt053_multicurrency.xml")
    assert (euro.currency, euro.closing_fen) == ("EUR", 10750_25)
    assert (dollar.currency, dollar.closing_fen) == ("USD", 2400_01)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("bsp__camt053_garbled_amount.xml", "第 17 行“Amt”：“12..34”不是金额"),
        ("bsp__csv_garbled_amount.csv", "第 3 行“Amount”：“12..34”不是金额"),
        ("bsp__invalid.xml", "没有 camt.053 对账单"),
        ("bsp__pain.001.001.03.xml", "CstmrCdtTrfInitn"),
        ("genkgo__camt053.v2.wrong.xml", "一份对账单（Stmt）也没有"),
        ("bsp__camt_file.csv", "认不出这是哪家银行"),
        ("bsp__pain_file.csv", "认不出这是哪家银行"),
    ],
)
def test_broken_samples_give_a_sentence(name, sentence):
    with pytest.raises(StatementError) as refused:
        statements(f"camt/{name}")
    assert sentence in str(refused.value)


@pytest.mark.parametrize("name", ["bsp__sample.mt940", "bsp__sample.ofx", "genkgo__camt053.v8.xml"])
def test_european_samples_are_refused_here_by_their_currency(name):
    with pytest.raises(StatementError, match="EUR"):
        statements(f"camt/{name}", "CNY")


def test_a_persons_wechat_export():
    """27 rows below a preamble that states 43: 1 in, 1 out."""
    (statement,) = statements("cn/wechat.csv", "CNY")
    assert (statement.source, statement.account) == ("wechat.personal", "测试")
    assert len(statement.lines) == 27
    kinds = [line.kind for line in statement.lines]
    assert kinds.count("neutral") == 11
    incoming = [one for one in statement.lines if one.amount_fen > 0 and one.kind != "neutral"]
    assert sum(line.amount_fen for line in incoming) == 28_49
    assert "写明共 43 笔，读到 27 笔" in said("cn/wechat.csv", "CNY")
    assert "写明收入 1 笔，读到 5 笔" in said("cn/wechat.csv", "CNY")
    withdrawal = next(line for line in statement.lines if line.amount_fen == -1001_10)
    assert (withdrawal.fee_fen, withdrawal.kind) == (1_00, "neutral")


def test_a_persons_alipay_export():
    """Ten rows in GBK below a preamble that states 66; the one never paid is left out."""
    (statement,) = statements("cn/alipay.csv", "CNY")
    assert (statement.source, statement.account) == ("alipay.personal", "xx@gmail.com")
    amounts = [(line.amount_fen, line.kind) for line in statement.lines]
    assert amounts == [
        (-49_74, "plain"), (-20_00, "plain"), (16_03, "refund"), (-99_34, "neutral"),
        (222228_50, "plain"), (50_00, "refund"), (-50_00, "plain"), (-9_90, "plain"),
        (-82_00, "plain"),
    ]  # fmt: skip
    assert "写明共 66 笔，读到 10 笔" in said("cn/alipay.csv", "CNY")
    assert "已关闭或失败，没有动钱" in said("cn/alipay.csv", "CNY")


def test_icbcs_padded_export_with_its_totals():
    (statement,) = statements("cn/icbc_debit_v1.csv", "CNY")
    assert (statement.source, statement.account) == ("bank.icbc", "1234****9876")
    assert len(statement.lines) == 11
    assert sum(line.amount_fen for line in statement.lines) == 2841_74 - 4241_08
    assert statement.lines[2].counterparty == "李四"
    notices = said("cn/icbc_debit_v1.csv", "CNY")
    assert "收入合计 1,234.56，各行相加为 2,841.74" in notices
    assert "支出合计 9,876.54，各行相加为 4,241.08" in notices
    assert "11 行的余额读不出" in notices


def test_cmbs_export_whose_balances_do_not_meet():
    (statement,) = statements("cn/cmb_debit.csv", "CNY")
    assert statement.source == "bank.cmb"
    assert [line.amount_fen for line in statement.lines] == [
        1234_00, -1000_00, -3_00, -1000_00, -10_14,
    ]  # fmt: skip
    assert statement.lines[1].counterparty == "张三"
    assert statement.lines[1].counterparty_account == "66666666666666"
    assert "3 处接不上" in said("cn/cmb_debit.csv", "CNY")


def test_wechats_own_documentation_samples():
    (trade,) = statements("merchant/wechat_trade_bill_v2_all_docsample.csv", "CNY")
    assert [line.amount_fen for line in trade.lines] == [1, 1]
    assert trade.notices == ()
    assert trade.lines[0].booked_at.isoformat() == "2014-11-10T08:33:45+00:00"
    (flow,) = statements("merchant/wechat_fundflow_bill_docsample.csv", "CNY")
    (line,) = flow.lines
    assert (line.amount_fen, line.balance_fen, line.kind) == (-2, 17, "refund")
    assert (line.reference, line.order_no) == (
        "1900009231201802015884652186", "REF4200000068201801293084726067",
    )  # fmt: skip
    assert "写明共 20 笔，读到 1 笔" in said("merchant/wechat_fundflow_bill_docsample.csv", "CNY")

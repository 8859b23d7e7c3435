"""What banks call their columns: headings seen, when and where, and which bank they give away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.payments.statements.cells import clean
from app.payments.statements.grid import SEARCHED_ROWS, Head, Table, word

# Within a line the order is that of preference: a file may have both 记账日期 and 交易日期.
ALIASES: dict[str, str] = {
    "date": "交易日期 交易日 交易时间 交易日期时间 交易时间戳 记账日期 记账日 记账时间 入账日期"
    " 入账时间 发生日期 发生时间 日期 时间 date bookingdate transactiondate posteddate postingdate"
    " valuedate buchungstag buchungsdatum valuta dateopération dateoperation fecha fechaoperación"
    " datum data",
    "time": "交易时间 记账时间 交易时刻 交易时间戳 time",
    "amount": "交易金额 发生额 金额 交易额 收支金额 发生金额 入账金额 tradeamount amount betrag"
    " importe montant importo sum",
    "income": "记账金额(收入) 贷方发生额(收入) 贷方发生额 贷方金额 收入金额 收入 存入金额 转入金额"
    " 贷方 贷方发生 存入 交易金额(收入) credit paidin moneyin deposit deposits crédit credito"
    " haber",
    "expense": "记账金额(支出) 借方发生额(支取) 借方发生额 借方金额 支出金额 支出 支取金额 转出金额"
    " 借方 借方发生 支取 交易金额(支出) debit paidout moneyout withdrawal withdrawals débit debito"
    " debe",
    "flag": "借贷标志 借贷方向 借贷标识 借/贷 借贷 收/支 收支 收支类型 收支标志 收付标志 交易方向"
    " 往来标志 dc debit/credit cdtdbtind direction",
    "balance": "余额 账户余额 本次余额 交易后余额 联机余额 当前余额 结余 账户结余 balance"
    " runningbalance saldo solde",
    "counterparty": "对方户名 对方单位名称 对方名称 对方账户名 对方账户名称 对方单位 收/付方名称"
    " 收付方名称 交易对方 对方姓名 对手信息 对手户名 对方信息 counterparty payee name payername"
    " auftraggeber/empfänger",
    "payer": "付款人名称 付款方户名 付款人户名 付款单位名称",
    "payee": "收款人名称 收款方户名 收款人户名 收款单位名称",
    "payer_account": "付款人账号 付款人帐号 付款方账号",
    "payee_account": "收款人账号 收款人帐号 收款方账号",
    "counterparty_account": "对方账号 对方帐号 对方账户 对方卡号/账号 对方卡号 收/付方帐号"
    " 收/付方账号 收付方账号 对手账号 counterpartyaccount counterpartyiban",
    "remark": "附言 交易附言 用途 交易用途 备注 客户摘要 交易说明 个性化信息 remark details"
    " 交易场所 交易详情 交易地点 verwendungszweck concepto libellé libelle message memo note"
    " purpose",
    "summary": "摘要 交易摘要 业务摘要 交易名称 业务类型 交易类型 summary description type",
    "reference": "交易流水号 账户明细编号-交易流水号 流水号 银行流水号 日志号 核心流水号 交易编号"
    " 业务参考号 回单编号 交易号 交易单号 柜员流水号 reference ref transactionid fitid referenz"
    " référence referencia",
    "order_no": "企业流水号 客户流水号 商户订单号 商家订单号 商户单号 orderno endtoendid",
    "fee": "手续费 手续费总额 服务费 fee charges",
    "currency": "币种 币别 货币 记账币种 交易货币 货币种类 currency ccy moneda devise währung",
    "account": "账号 本方账号 帐号 卡号 账户 借记卡号 account iban cuenta accountnumber",
}
FIELDS = tuple(ALIASES)

_MEANINGS: dict[str, list[tuple[str, int]]] = {}
for _key, _words in ALIASES.items():
    for _rank, _word in enumerate(_words.split()):
        _MEANINGS.setdefault(_word, []).append((_key, _rank))


@dataclass(frozen=True)
class Style:
    """Headings that together are one bank's; `seen` is when and where we saw them."""

    source: str
    seen: str
    headings: str


# The first whose headings are all there. Styles without a public sample were written down from
# memory of the banks' downloads and are only tested on files made by hand: see docs/adr/0011.
STYLES = (
    Style("bank.icbc", "2023, public sample, personal", "记账金额(收入) 记账金额(支出) 记账币种"),
    Style("bank.icbc", "2026, by hand, corporate", "凭证号 本方账号 对方账号 借/贷 对方单位名称"),
    Style("bank.cmb", "2024, public sample, personal", "记账日期 联机余额 交易摘要 对手信息"),
    Style("bank.cmb", "2026, by hand, corporate", "交易日 起息日 借方金额 贷方金额 业务参考号"),
    Style("bank.ccb", "2025, public reader, personal", "记账日 交易日期 支出 收入 账户余额"),
    Style(
        "bank.ccb",
        "2026, by hand, corporate",
        "借方发生额(支取) 贷方发生额(收入) 账户明细编号-交易流水号",
    ),
    Style("bank.boc", "2025, public sample, personal", "记账日期 币别 金额 交易名称 对方账户名"),
    Style("bank.boc", "2026, by hand, corporate", "付款人名称 收款人名称 交易后余额"),
    Style("bank.abc", "2024, public sample, personal", "交易摘要 本次余额 对手信息 交易附言"),
    Style("bank.abc", "2026, by hand, corporate", "收入金额 支出金额 本次余额 对方户名"),
    Style("bank.bocom", "2025, public sample, personal", "序号 交易日期 借贷 对方户名 交易地点"),
    Style("bank.bocom", "2026, by hand, corporate", "借贷标志 发生额 对方户名 对方账号"),
)


def match(titles: Sequence[str]) -> dict[str, int]:
    """Which column each meaning has: the preferred word wins, then the first; a column serves
    one meaning, except that 交易时间 is a time only where another column is the day."""
    best: dict[str, tuple[int, int]] = {}
    for index, title in enumerate(titles):
        for key, rank in _MEANINGS.get(word(title), ()):
            if key not in best or rank < best[key][0]:
                best[key] = (rank, index)
    columns = {key: index for key, (_rank, index) in best.items()}
    if columns.get("time") == columns.get("date"):
        columns.pop("time", None)
    return columns


def text_columns(titles: Sequence[str]) -> tuple[int, ...]:
    """All columns that say in words what a movement was for, in the file's order: a room's
    number may stand in any of them."""
    wanted = {"remark", "summary"}
    return tuple(
        index
        for index, title in enumerate(titles)
        if wanted & {key for key, _rank in _MEANINGS.get(word(title), ())}
    )


def is_enough(columns: Mapping[str, int]) -> bool:
    """Whether a day and a sum are among them."""
    return "date" in columns and ("amount" in columns or {"income", "expense"} <= set(columns))


def find_heading(table: Table) -> Head | None:
    """The heading whose words are known, the one with most of them among the first rows."""
    best: Head | None = None
    for at, (_number, row) in enumerate(table.rows[:SEARCHED_ROWS]):
        columns = match(row)
        if is_enough(columns) and (best is None or len(columns) > len(best.columns)):
            best = Head(at, tuple(clean(one) for one in row), columns)
    return best


def source_of(titles: Sequence[str]) -> str:
    """The bank that such headings give away, or `table`."""
    words = {word(title) for title in titles}
    for style in STYLES:
        if {word(one) for one in style.headings.split()} <= words:
            return style.source
    return "table"

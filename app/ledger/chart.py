"""The chart of accounts: the same in every community, one list per book.

Codes follow the Chinese Accounting Standards for Business Enterprises where they have one
(1001 cash, 1002 bank, 1122 receivables, 2203 advances, 6001 income); names are msgids.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.kernel.errors import N_

BOOKS = {
    "service": N_("物业服务"),
    "fund": N_("专项维修资金"),
    "commons": N_("公共收益"),
    "backstop": N_("政府托底"),
}

KINDS = {
    "asset": N_("资产"),
    "liability": N_("负债"),
    "equity": N_("权益"),
    "income": N_("收入"),
    "expense": N_("费用"),
}
DEBIT_KINDS = ("asset", "expense")  # a debit is positive, a credit negative, everywhere


@dataclass(frozen=True)
class Account:
    """An account of a book. `by_unit`: each posting names the unit it concerns."""

    book: str
    code: str
    name: str
    kind: str
    by_unit: bool = False


CASH, BANK, IN_TRANSIT = "1001", "1002", "1012"
RECEIVABLE, SUBSIDY_RECEIVABLE, PENDING_DIFFERENCES = "1122", "1221", "1901"
ADVANCES, HELD_FOR_OWNERS, UTILITIES_PAYABLE = "2203", "2241", "2202"
FEE_INCOME, OTHER_INCOME, DAMAGES_INCOME = "6001", "6051", "6301"
SERVICE_COST, GATEWAY_FEES, BAD_DEBT = "6401", "6603", "6701"
OPENING = "4001"

CHART = (
    Account("service", CASH, N_("库存现金"), "asset"),
    Account("service", BANK, N_("银行存款"), "asset"),
    Account("service", IN_TRANSIT, N_("在途收款"), "asset"),
    Account("service", RECEIVABLE, N_("应收业主费用"), "asset", by_unit=True),
    Account("service", SUBSIDY_RECEIVABLE, N_("应收政府补贴"), "asset"),
    Account("service", PENDING_DIFFERENCES, N_("待处理财产损溢"), "asset"),
    Account("service", UTILITIES_PAYABLE, N_("代收代付款"), "liability"),
    Account("service", ADVANCES, N_("预收业主款"), "liability", by_unit=True),
    Account("service", HELD_FOR_OWNERS, N_("代管物业费（酬金制）"), "liability"),
    Account("service", OPENING, N_("期初结转"), "equity"),
    Account("service", FEE_INCOME, N_("物业费收入"), "income"),
    Account("service", OTHER_INCOME, N_("其他服务收入"), "income"),
    Account("service", DAMAGES_INCOME, N_("违约金收入"), "income"),
    Account("service", SERVICE_COST, N_("物业服务成本"), "expense"),
    Account("service", GATEWAY_FEES, N_("财务费用（手续费）"), "expense"),
    Account("service", BAD_DEBT, N_("减免与坏账"), "expense"),
    Account("fund", BANK, N_("维修资金专户存款"), "asset"),
    Account("fund", RECEIVABLE, N_("应收维修资金"), "asset", by_unit=True),
    Account("fund", HELD_FOR_OWNERS, N_("业主维修资金分户账"), "liability", by_unit=True),
    Account("fund", OPENING, N_("期初结转"), "equity"),
    Account("commons", BANK, N_("公共收益专户存款"), "asset"),
    Account("commons", RECEIVABLE, N_("应收经营款"), "asset"),
    Account("commons", HELD_FOR_OWNERS, N_("应付全体业主"), "liability"),
    Account("commons", OPENING, N_("期初结转"), "equity"),
    Account("commons", OTHER_INCOME, N_("公共经营收入"), "income"),
    Account("commons", SERVICE_COST, N_("合理成本"), "expense"),
    Account("backstop", BANK, N_("托底资金存款"), "asset"),
    Account("backstop", OPENING, N_("政府拨入"), "equity"),
    Account("backstop", SERVICE_COST, N_("托底维修支出"), "expense"),
)
BY_KEY = {(account.book, account.code): account for account in CHART}

"""What acts are called in the books, and where a page about their source lies.

Rooms above name their own acts with `name_kind`; until they do, the act's code is shown.
Endpoints are names alone: a link is drawn only where the page exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.kernel.errors import N_


@dataclass(frozen=True)
class Kind:
    """An act's title (msgid) and the page its `source` leads to, if there is one."""

    title: str
    endpoint: str | None = None
    parameter: str | None = None


KINDS: dict[str, Kind] = {
    "reversal": Kind(N_("冲销"), "ledger.entry_by_number", "entry_id"),
    "opening": Kind(N_("期初结转")),
    "bill_run:issued": Kind(N_("账单出账"), "runs.run", "run_id"),
    "bill_note:credit": Kind(N_("贷项调整（减）")),
    "bill_note:debit": Kind(N_("借项调整（加）")),
    "settlement:received": Kind(N_("收款")),
    "settlement:credit_used": Kind(N_("预收抵账单")),
    "settlement:taken_back": Kind(N_("退回收款")),
    "payout:paid": Kind(N_("线上收款到账")),
    "payout:failed": Kind(N_("线上收款退票")),
    "bank:fee": Kind(N_("银行手续费")),
    "bank:own": Kind(N_("在途资金到账")),
    "bank:cleared": Kind(N_("刷卡款到账")),
    "till:banked": Kind(N_("现金存入银行")),
    "shift:difference": Kind(N_("交班长短款"), "counter.shift", "shift_id"),
    "subsidy_claim:paid": Kind(N_("收到政府补贴")),
}

# The subject of a finding (`unit:5`) → its page.
SUBJECTS: dict[str, tuple[str, str]] = {
    "entry": ("ledger.entry_by_number", "entry_id"),
    "unit": ("bills.statement", "unit_id"),
    "bill": ("bills.bill", "bill_id"),
    "book": ("ledger.book", "book"),
}

BOOK_PURPOSES: Mapping[str, str] = {
    "service": N_("物业费、政府补贴和物业服务的收支。"),
    "fund": N_("业主交存的专项维修资金，按户分账。"),
    "commons": N_("停车、广告等公共部位的收入，归全体业主。"),
    "backstop": N_("没有维修资金时由政府兜底的维修支出。"),
}

MONTH_STATES: Mapping[str, str] = {
    "closed": N_("已结账"),
    "next": N_("可结账"),
    "open": N_("待结账"),
    "running": N_("进行中"),
}


def name_kind(
    kind: str, title: str, endpoint: str | None = None, parameter: str | None = None
) -> None:
    """Say what an act is called in the books and where its source is shown."""
    KINDS[kind] = Kind(title, endpoint, parameter)


def kind_titles() -> dict[str, str]:
    """Codes and msgids, for filters and columns."""
    return {code: kind.title for code, kind in KINDS.items()}

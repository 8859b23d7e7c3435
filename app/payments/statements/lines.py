"""What a statement file says, in our own terms: frozen values, money in minor units."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from app.kernel.errors import N_, HouseError

PLAIN, REFUND, FEE, NEUTRAL = "plain", "refund", "fee", "neutral"
KIND_WORDS = {
    PLAIN: N_("收付"),
    REFUND: N_("退款"),
    FEE: N_("手续费"),
    NEUTRAL: N_("不计收支"),
}
SOURCE_WORDS = {
    "wechat.personal": N_("微信个人账单"),
    "wechat.trade": N_("微信商户交易账单"),
    "wechat.fundflow": N_("微信商户资金账单"),
    "alipay.personal": N_("支付宝个人账单"),
    "alipay.trade": N_("支付宝商户业务明细"),
    "alipay.fund": N_("支付宝商户账务明细"),
    "bank.icbc": N_("工商银行明细"),
    "bank.ccb": N_("建设银行明细"),
    "bank.cmb": N_("招商银行明细"),
    "bank.boc": N_("中国银行明细"),
    "bank.abc": N_("农业银行明细"),
    "bank.bocom": N_("交通银行明细"),
    "table": N_("其他表格"),
    "camt.053": "camt.053",
    "mt940": "MT940",
    "ofx": "OFX",
}


class StatementError(HouseError):
    """A file that is not read, and why: the sentence names row and column where there is one."""

    status = 422


@dataclass(frozen=True)
class Notice:
    """A sentence about a file that was read all the same; `message` is a msgid."""

    message: str
    params: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


@dataclass(frozen=True)
class StatementLine:
    """One movement. Amounts are signed minor units: + came in, − went out.

    `row` is the file's own: of a table the row as a spreadsheet numbers it, otherwise the
    line of text. `booked_at` is an instant in UTC, None where the file has only a day.
    `reference` is the bank's or wallet's own number, `order_no` ours or the payer's.
    `fee_fen` is what the gateway kept (negative: gave back). A merchant bill's amount is
    before it; a wallet's withdrawal and a bank's line already contain it.
    `kind`: `plain`; `refund` (− given back to a payer, + given back to us); `fee`; `neutral`:
    moved between the holder's own pockets, neither income nor expense, never to be settled.
    """

    row: int
    booked_on: date
    booked_at: datetime | None
    amount_fen: int
    balance_fen: int | None
    counterparty: str
    counterparty_account: str
    remark: str
    reference: str
    fee_fen: int
    kind: str
    order_no: str = ""


@dataclass(frozen=True)
class Statement:
    """One account's lines out of a file, in the file's order.

    `opening_fen` and `closing_fen` are as the file states them or, when every line carries
    a balance and all follow from one another, as they follow; otherwise None. `starts_on`
    and `ends_on` are inclusive, stated or those of the lines; None for an empty statement.
    """

    account: str
    currency: str
    opening_fen: int | None
    closing_fen: int | None
    starts_on: date | None
    ends_on: date | None
    lines: tuple[StatementLine, ...]
    notices: tuple[Notice, ...]
    source: str = "table"


def fingerprint(line: StatementLine, occurrence: int = 1) -> str:
    """A line's stable key: the same line gives the same key whichever file brings it.

    Day and amount with the reference; failing that with time and balance; failing that too,
    with time, other side and remark. Row, kind and fee take no part: they differ by file.
    `occurrence` counts lines that agree in all of that, from 1; see `fingerprints`.
    """
    parts = [line.booked_on.isoformat(), str(line.amount_fen), _plain(line.reference)]
    if not line.reference:
        parts.append(line.booked_at.isoformat() if line.booked_at else "")
        if line.balance_fen is not None:
            parts.append(str(line.balance_fen))
        else:
            names = (line.counterparty, line.counterparty_account, line.remark)
            parts += [_plain(name) for name in names]
    content = "\x1f".join([*parts, str(occurrence)])
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:40]


def fingerprints(lines: Iterable[StatementLine]) -> list[str]:
    """The keys of all of one account's lines in one file, in order.

    Lines alike are counted within their day, so a file that covers whole days gives the same
    keys as any other that does; the file may cover more days or fewer.
    """
    seen: Counter[str] = Counter()
    keys = []
    for line in lines:
        first = fingerprint(line)
        seen[first] += 1
        keys.append(first if seen[first] == 1 else fingerprint(line, seen[first]))
    return keys


def keyed(statements: Sequence[Statement]) -> list[tuple[Statement, StatementLine, str]]:
    """Every line of a file with its statement and key, counted per account and currency.

    A key is unique within an account, not beyond: store it beside the account.
    """
    pairs = [(statement, line) for statement in statements for line in statement.lines]
    found: dict[int, str] = {}
    accounts = {(one.account, one.currency) for one in statements}
    for account in accounts:
        own = [at for at, (one, _) in enumerate(pairs) if (one.account, one.currency) == account]
        found |= dict(zip(own, fingerprints(pairs[at][1] for at in own), strict=True))
    return [(one, line, found[at]) for at, (one, line) in enumerate(pairs)]


def _plain(text: str) -> str:
    """What stays the same when a spreadsheet program saved the file anew."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()

"""ISO 20022 camt.053, bank to customer statement, versions 2 to 8, with or without namespace.

An entry is a line; an entry that lists its transactions with amounts that add up to it becomes
a line for each. Pending and informational entries are left out with a notice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from app.kernel.errors import N_
from app.payments.statements import cells, currencies, tally
from app.payments.statements.cells import BadCell, When
from app.payments.statements.grid import MOST_ROWS, too_many_rows, wrong_cell
from app.payments.statements.lines import (
    PLAIN,
    REFUND,
    Notice,
    Statement,
    StatementError,
    StatementLine,
)
from app.payments.statements.xml import Node, parse

OPENING, CLOSING = ("OPBD", "PRCD"), ("CLBD",)


@dataclass
class _Reading:
    statements: list[Statement] = field(default_factory=list)
    lines: list[StatementLine] = field(default_factory=list)
    currency: str = ""
    pending: list[int] = field(default_factory=list)
    count: int = 0

    def take_entry(self, parent: Node, node: Node) -> None:
        """An `Ntry` has ended."""
        self.count += 1
        if self.count > MOST_ROWS:
            raise too_many_rows()
        status = (node.said("Sts/Cd", "Sts/Prtry", "Sts") or "BOOK").upper()
        if status in ("PDNG", "INFO", "FUTR"):
            self.pending.append(node.row)
            return
        amount = node.first("Amt")
        currency = amount.attributes.get("Ccy", "").strip()[:12] if amount else ""
        self.currency = self.currency or parent.said("Acct/Ccy") or currency
        if currency and currency != self.currency:
            currencies.check(currency, self.currency, node.row)
        self.lines += _lines(node)

    def take_statement(self, parent: Node, node: Node) -> None:
        """A `Stmt` has ended: its entries are read already."""
        if parent.name == "BkToCstmrStmt":
            self.statements.append(_statement(node, self))
        self.lines, self.pending, self.currency = [], [], ""


def read(text: str) -> list[Statement]:
    """Every statement of the document, each in its own currency. Raises StatementError."""
    reading = _Reading()
    root = parse(text, {"Ntry": reading.take_entry, "Stmt": reading.take_statement})
    if not reading.statements:
        raise StatementError(
            "statement.no_statement",
            N_("XML 文件里没有 camt.053 对账单（BkToCstmrStmt/Stmt），而是“%(root)s”。")
            if root.first("BkToCstmrStmt") is None
            else N_("camt.053 文件里一份对账单（Stmt）也没有，可能没有下载完整。请重新下载。"),
            root=" / ".join([root.name, *(one.name for one in root.children[:1])])[:60],
        )
    return reading.statements


def _statement(node: Node, reading: _Reading) -> Statement:
    lines, notices = reading.lines, []
    balances = node.all("Bal")
    currency = reading.currency or node.said("Acct/Ccy") or _balance_currency(balances)
    stated = tally.Stated(
        starts_on=_day(node, "FrToDt/FrDtTm", "FrToDt/FrDt"),
        ends_on=_day(node, "FrToDt/ToDtTm", "FrToDt/ToDt"),
        opening_fen=_balance(balances, OPENING, currency),
        closing_fen=_balance(balances, CLOSING, currency),
    )
    foreign = sorted({_currency(one) for one in balances} - {currency, ""})
    if foreign:
        notices.append(
            Notice(
                N_("有余额用的是其他币种（%(currencies)s），未能核对。"),
                {"currencies": "、".join(foreign)},
            )
        )
    if reading.pending:
        notices.append(
            Notice(
                N_("有 %(count)s 行银行尚未入账，已略去，第一处在第 %(row)s 行。"),
                {"count": len(reading.pending), "row": reading.pending[0]},
            )
        )
    opening, closing, unmet = tally.balances(lines, stated, chained=False)
    starts_on, ends_on, outside = tally.period(lines, stated)
    return Statement(
        account=node.said("Acct/Id/IBAN", "Acct/Id/Othr/Id"),
        currency=currency,
        opening_fen=opening,
        closing_fen=closing,
        starts_on=starts_on,
        ends_on=ends_on,
        lines=tuple(lines),
        notices=(*_totals(node, lines), *unmet, *outside, *notices),
        source="camt.053",
    )


def _totals(node: Node, lines: list[StatementLine]) -> list[Notice]:
    """What the transaction summary says, where there is one."""
    stated = tally.Stated()
    for path, direction in (("TtlCdtNtries", tally.IN), ("TtlDbtNtries", tally.OUT)):
        total = node.first(f"TxsSummry/{path}/Sum")
        if total is not None:
            stated.sums[direction] = _money(total)
    return tally.compare(stated, tally.Found.of(lines))


def _lines(entry: Node) -> list[StatementLine]:
    total, sign = _needed_amount(entry), _sign(entry)
    when = _when(entry)
    details = entry.all("NtryDtls/TxDtls")
    parts = [_own_amount(one) for one in details]
    if len(details) > 1 and None not in parts and sum(one or 0 for one in parts) == total:
        return [
            _line(entry, detail, sign * (part or 0), when, at)
            for at, (detail, part) in enumerate(zip(details, parts, strict=True), start=1)
        ]
    return [_line(entry, details[0] if details else Node("", entry.row), sign * total, when, 0)]


def _line(entry: Node, detail: Node, amount: int, when: When, part: int) -> StatementLine:
    side = "Dbtr" if _sign(entry) > 0 else "Cdtr"
    parties = f"RltdPties/{side}"
    texts = [one.text for one in detail.all("RmtInf/Ustrd")]
    texts += [one.text for one in detail.all("RmtInf/Strd/CdtrRefInf/Ref")]
    texts += [one.text for one in [*detail.all("AddtlTxInf"), *entry.all("AddtlNtryInf")]]
    reference = detail.said("Refs/AcctSvcrRef") or entry.said("AcctSvcrRef", "NtryRef")
    if part and not detail.said("Refs/AcctSvcrRef"):
        reference = f"{reference}#{part}" if reference else ""
    order_no = detail.said("Refs/EndToEndId", "Refs/InstrId", "Refs/TxId")
    return StatementLine(
        row=detail.row if part else entry.row,
        booked_on=when.day,
        booked_at=when.at,
        amount_fen=amount,
        balance_fen=None,
        counterparty=detail.said(
            f"{parties}/Nm", f"{parties}/Pty/Nm", f"RltdPties/Ultmt{side}/Nm",
            f"RltdPties/Ultmt{side}/Pty/Nm", f"{parties}Acct/Nm",
        ),
        counterparty_account=detail.said(f"{parties}Acct/Id/IBAN", f"{parties}Acct/Id/Othr/Id"),
        remark=cells.clean(" ".join(texts)),
        reference=reference,
        fee_fen=0,
        kind=REFUND if entry.said("RvslInd").lower() in ("true", "1") else PLAIN,
        order_no="" if order_no in ("NOTPROVIDED", "NOTAVAILABLE") else order_no,
    )  # fmt: skip


def _needed_amount(entry: Node) -> int:
    amount = entry.first("Amt")
    if amount is None:
        raise StatementError(
            "statement.no_amount",
            N_("第 %(row)s 行“%(column)s”是空的，而这一行有日期。请核对原文件后重新导入。"),
            row=entry.row,
            column="Ntry/Amt",
        )
    return _money(amount)


def _own_amount(detail: Node) -> int | None:
    """A transaction's own amount; None where it has none or says it in another currency."""
    amount = detail.first("Amt", "AmtDtls/TxAmt/Amt")
    try:
        return None if amount is None else cells.money(amount.text)
    except BadCell:
        return None


def _money(node: Node) -> int:
    try:
        amount = cells.money(node.text)
    except BadCell as bad:
        raise wrong_cell(node.row, node.name, bad) from None
    if amount is None:
        raise wrong_cell(node.row, node.name, BadCell(cells.BAD_AMOUNT, cells.clean(node.text)))
    return amount


def _sign(node: Node) -> int:
    said = node.said("CdtDbtInd").upper()
    if said not in ("CRDT", "DBIT"):
        raise StatementError(
            "statement.direction",
            N_("第 %(row)s 行没有写明借贷方向（CdtDbtInd 应为 CRDT 或 DBIT）。请重新下载。"),
            row=node.row,
        )
    return 1 if said == "CRDT" else -1


def _when(entry: Node) -> When:
    node = entry.first("BookgDt/DtTm", "BookgDt/Dt", "ValDt/DtTm", "ValDt/Dt")
    text = node.text if node else ""
    row = node.row if node else entry.row
    try:
        return cells.when(text.strip()[:10], text.strip()[11:])
    except BadCell as bad:
        raise wrong_cell(row, "Ntry/BookgDt", bad) from None


def _day(node: Node, *paths: str) -> date | None:
    try:
        return cells.when(node.said(*paths)[:10]).day
    except BadCell:
        return None


def _balance(balances: list[Node], kinds: tuple[str, ...], currency: str) -> int | None:
    for kind in kinds:
        for balance in balances:
            amount = balance.first("Amt")
            if (
                balance.said("Tp/CdOrPrtry/Cd") == kind
                and amount is not None
                and _currency(balance) in ("", currency)
            ):
                return _sign(balance) * _money(amount)
    return None


def _currency(balance: Node) -> str:
    amount = balance.first("Amt")
    return amount.attributes.get("Ccy", "").strip()[:12] if amount is not None else ""


def _balance_currency(balances: list[Node]) -> str:
    return next((_currency(one) for one in balances if _currency(one)), "")

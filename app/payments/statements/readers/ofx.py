"""OFX and QFX: 1.x, which is SGML without closing tags, and 2.x, which is XML.

Both become the same tree. An SGML tag with a value is a leaf, one without opens a group that
its closing tag ends; a leaf left empty does no harm, because what is sought is sought by name
anywhere inside its transaction. Source: Open Financial Exchange 1.6 and 2.3.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from app.kernel.errors import N_
from app.payments.statements import cells, tally
from app.payments.statements.cells import BadCell, When
from app.payments.statements.grid import MOST_ROWS, too_many_rows, wrong_cell
from app.payments.statements.lines import FEE, PLAIN, Statement, StatementError, StatementLine
from app.payments.statements.xml import DEEPEST, Node, parse

LOOKS_LIKE = re.compile(r"^\s*(?:OFXHEADER\s?:|<\?OFX|<OFX>)|<\?xml[^>]*>\s*<\?OFX|<OFX>", re.I)
_TOKEN = re.compile(r"<(/?)([A-Za-z0-9._]{1,40})>([^<]*)")
_TIME = re.compile(
    r"(\d{8})(?:(\d{2})(\d{2})(\d{2})?(?:\.\d{1,6})?)?(?:\[([+-]?\d{1,2})(?:\.(\d{1,2}))?(?::\w*)?\])?",
    re.ASCII,
)
_FEES = frozenset({"FEE", "SRVCHG"})


def read(text: str) -> list[Statement]:
    """The statement of each bank or card account. Raises StatementError."""
    body = text[text.upper().find("<OFX>") :]
    root = parse(text, {}) if text.lstrip().startswith("<?xml") else _sgml(body, text)
    statements = [_statement(node) for name in ("STMTRS", "CCSTMTRS") for node in root.below(name)]
    if not statements:
        raise StatementError(
            "statement.no_statement_ofx",
            N_("OFX 文件里没有账户对账单（STMTRS），可能没有下载完整。请重新下载。"),
        )
    return statements


def _sgml(body: str, text: str) -> Node:
    root = Node("", 0)
    stack = [root]
    row, at = 1 + text[: len(text) - len(body)].count("\n"), 0
    for count, token in enumerate(_TOKEN.finditer(body)):
        if count > MOST_ROWS * 40:
            raise too_many_rows()
        row += body.count("\n", at, token.start())
        at = token.start()
        name, value = token[2].upper(), token[3].strip()
        if token[1]:
            names = [node.name for node in stack]
            if name in names[1:]:
                del stack[len(names) - 1 - names[::-1].index(name) :]
            continue
        node = Node(name, row, {}, html.unescape(value))
        stack[-1].children.append(node)
        if not value and len(stack) < DEEPEST:
            stack.append(node)
    return root


def _statement(node: Node) -> Statement:
    entries = list(node.below("STMTTRN"))
    if len(entries) > MOST_ROWS:
        raise too_many_rows()
    lines = [line for line in map(_line, entries) if line.amount_fen]
    stated = tally.Stated(
        starts_on=_day(_said(node, "DTSTART")),
        ends_on=_day(_said(node, "DTEND")),
        closing_fen=_closing(node),
    )
    _opening, closing, notices = tally.balances(lines, stated, chained=False)
    starts_on, ends_on, outside = tally.period(lines, stated)
    return Statement(
        account=_said(node, "ACCTID"),
        currency=_said(node, "CURDEF").upper()[:12],
        opening_fen=None,
        closing_fen=closing,
        starts_on=starts_on,
        ends_on=ends_on,
        lines=tuple(lines),
        notices=(*notices, *outside),
        source="ofx",
    )


def _line(node: Node) -> StatementLine:
    when = _when(node)
    memo, name = _said(node, "MEMO"), _said(node, "NAME")
    other = next(iter([*node.below("BANKACCTTO"), *node.below("CCACCTTO")]), Node("", 0))
    line = StatementLine(
        row=node.row,
        booked_on=when.day,
        booked_at=when.at,
        amount_fen=_amount(node, "TRNAMT"),
        balance_fen=None,
        counterparty=name,
        counterparty_account=_said(other, "ACCTID"),
        remark=memo,
        reference=_said(node, "FITID"),
        fee_fen=0,
        kind=FEE if _said(node, "TRNTYPE").upper() in _FEES else PLAIN,
    )
    return replace(line, order_no=_said(node, "CHECKNUM") or _said(node, "REFNUM"))


def _said(node: Node, name: str) -> str:
    return next((cells.text_of(one.text) for one in node.below(name) if one.text.strip()), "")


def _amount(node: Node, name: str) -> int:
    said = _said(node, name)
    decimal = "," if "," in said and "." not in said else "."
    try:
        amount = cells.money(said, decimal)
    except BadCell as bad:
        raise wrong_cell(node.row, f"{node.name}/{name}", bad) from None
    if amount is None:
        raise wrong_cell(node.row, f"{node.name}/{name}", BadCell(cells.BAD_AMOUNT, said))
    return amount


def _closing(node: Node) -> int | None:
    balance = next(iter(node.below("LEDGERBAL")), None)
    return None if balance is None else _amount(balance, "BALAMT")


def _when(node: Node) -> When:
    """The day as written; the instant where a time other than midnight is, GMT unless said."""
    said = _said(node, "DTPOSTED")
    found = _TIME.fullmatch(said)
    day = _day(said)
    if found is None or day is None:
        raise wrong_cell(node.row, f"{node.name}/DTPOSTED", BadCell(cells.BAD_DAY, said))
    if not found[2] or not (int(found[2]) or int(found[3]) or int(found[4] or 0)):
        return When(day, None)
    try:
        local = datetime(
            day.year, day.month, day.day, int(found[2]), int(found[3]), int(found[4] or 0),
            tzinfo=UTC,
        )  # fmt: skip
        return When(day, local - timedelta(hours=int(found[5] or 0), minutes=int(found[6] or 0)))
    except (ValueError, OverflowError):
        raise wrong_cell(node.row, f"{node.name}/DTPOSTED", BadCell(cells.BAD_DAY, said)) from None


def _day(said: str) -> date | None:
    try:
        return cells.when(said[:8]).day
    except BadCell:
        return None

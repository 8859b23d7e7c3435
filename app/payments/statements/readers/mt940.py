"""SWIFT MT940: one statement for each message, however many a file holds.

A line's day is its entry day where one is given, otherwise the value day. Field 86 is read in
parts where it is built as ?20…?33; otherwise it is the remark as it stands.
Source: SWIFT, Category 9, MT 940 Customer Statement Message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from app.kernel.errors import N_
from app.payments.statements import cells, tally
from app.payments.statements.cells import BadCell
from app.payments.statements.grid import MOST_ROWS, too_many_rows, wrong_cell
from app.payments.statements.lines import (
    FEE,
    PLAIN,
    REFUND,
    Notice,
    Statement,
    StatementError,
    StatementLine,
)

LOOKS_LIKE = re.compile(r"^:(?:20|25|60[FM]):", re.M)
_TAG = re.compile(r":(\d{2}[A-Z]?):(.*)")
_END = re.compile(r"-(?:\}.*|XXX)?\s*")
_BALANCE = re.compile(r"([CD])(\d{6})([A-Z]{3})([\d,.]{1,20})")
_LINE = re.compile(
    r"(\d{6})(\d{4})?(R?[CD])([A-Z])?(\d[\d,.]{0,20})([A-Z][A-Z0-9]{3})(.*)", re.ASCII
)
_PART = re.compile(r"\?(\d{2})")


@dataclass
class _Field:
    tag: str
    row: int
    texts: list[str]


@dataclass
class _Message:
    row: int = 1
    account: str = ""
    currency: str = ""
    stated: tally.Stated = field(default_factory=tally.Stated)
    lines: list[StatementLine] = field(default_factory=list)
    closed: bool = False


def read(text: str) -> list[Statement]:
    """Every message's statement, each in its own currency. Raises StatementError."""
    messages: list[_Message] = []
    count = 0
    for one in _fields(text):
        if not messages or one.tag == "20" or (one.tag[:2] == "60" and messages[-1].lines):
            before = messages[-1].account if messages and one.tag != "20" else ""
            messages.append(_Message(one.row, account=before))
        count += one.tag == "61"
        if count > MOST_ROWS:
            raise too_many_rows()
        _take(messages[-1], one)
    return [_statement(one) for one in messages]


def _fields(text: str) -> Iterator[_Field]:
    present: _Field | None = None
    for row, line in enumerate(text.splitlines(), start=1):
        found = _TAG.match(line)
        if found:
            if present:
                yield present
            present = _Field(found[1], row, [found[2]])
        elif _END.fullmatch(line):
            if present:
                yield present
            present = None
        elif present and len(present.texts) < 50:
            present.texts.append(line)
    if present:
        yield present


def _take(message: _Message, one: _Field) -> None:
    if one.tag in ("25", "25P"):
        message.account = cells.clean(one.texts[0])[:60]
    elif one.tag in ("60F", "60M"):
        message.stated.starts_on, message.currency, message.stated.opening_fen = _balance(one)
    elif one.tag in ("62F", "62M"):
        message.stated.ends_on, _, message.stated.closing_fen = _balance(one)
        message.closed = True
    elif one.tag == "61":
        message.lines.append(_line(one))
    elif one.tag == "86" and message.lines and not message.closed:
        message.lines[-1] = _described(message.lines[-1], one.texts)


def _statement(message: _Message) -> Statement:
    if not message.currency:
        raise StatementError(
            "statement.no_opening",
            N_("第 %(row)s 行起的 MT940 报文没有期初余额（:60F:），不知道币种。请重新下载。"),
            row=message.row,
        )
    stated, lines = message.stated, message.lines
    opening, closing, notices = tally.balances(lines, stated, chained=False)
    # Days beside balances say when they were struck, not what the lines may lie between.
    starts_on, ends_on, _outside = tally.period(lines, stated)
    if closing is None:
        notices.append(Notice(N_("报文没有期末余额（:62F:），可能没有下载完整。"), {}))
    return Statement(
        account=message.account,
        currency=message.currency,
        opening_fen=opening,
        closing_fen=closing,
        starts_on=starts_on,
        ends_on=ends_on,
        lines=tuple(lines),
        notices=tuple(notices),
        source="mt940",
    )


def _balance(one: _Field) -> tuple[date, str, int]:
    found = _BALANCE.fullmatch(one.texts[0].strip())
    if found is None:
        raise _broken(one)
    amount = _money(found[4], one)
    return _day(found[2], one), found[3], amount if found[1] == "C" else -amount


def _line(one: _Field) -> StatementLine:
    found = _LINE.fullmatch(one.texts[0].rstrip())
    if found is None:
        raise _broken(one)
    amount = _money(found[5], one)
    status = found[3]
    if status in ("D", "RC"):  # a reversed credit goes out again
        amount = -amount
    customer, _, bank = found[7].partition("//")
    return StatementLine(
        row=one.row,
        booked_on=_entry_day(_day(found[1], one), found[2], one),
        booked_at=None,
        amount_fen=amount,
        balance_fen=None,
        counterparty="",
        counterparty_account="",
        remark=cells.clean(" ".join(one.texts[1:])),
        reference=cells.clean(bank),
        fee_fen=0,
        kind=REFUND if status[0] == "R" else FEE if found[6][1:] == "CHG" else PLAIN,
        order_no="" if customer.strip() in ("NONREF", "N") else cells.clean(customer),
    )


def _described(line: StatementLine, texts: list[str]) -> StatementLine:
    parts = _parts(texts)
    if parts is None:
        said, name, account = cells.clean(f"{line.remark} {' '.join(texts)}"), "", ""
    else:
        purpose = "".join(text for key, text in parts if "20" <= key <= "29" or "60" <= key <= "63")
        posting = "".join(text for key, text in parts if key == "00")
        said = cells.clean(f"{line.remark} {posting} {purpose}")
        name = cells.clean("".join(text for key, text in parts if key in ("32", "33")))
        account = cells.clean("".join(text for key, text in parts if key == "31"))
        account = account or cells.clean("".join(text for key, text in parts if key == "38"))
    return StatementLine(
        **{
            **{name: getattr(line, name) for name in line.__dataclass_fields__},
            "remark": said,
            "counterparty": line.counterparty or name,
            "counterparty_account": line.counterparty_account or account,
        }
    )


def _parts(texts: list[str]) -> list[tuple[str, str]] | None:
    """The numbered parts of a field 86 built of them; lines are broken anywhere, even in ?20."""
    whole = "".join(text.rstrip() for text in texts).strip()
    if not re.match(r"\d{3}\?\d{2}", whole):
        return None
    pieces = _PART.split(whole)
    return list(zip(pieces[1::2], pieces[2::2], strict=True))


def _entry_day(value_day: date, month_day: str | None, one: _Field) -> date:
    """The entry day next to the value day: 0102 after 31 December is next year's."""
    if not month_day:
        return value_day
    month = int(month_day[:2])
    turn = 1 if value_day.month - month > 6 else -1 if month - value_day.month > 6 else 0
    return _day(f"{value_day.year + turn:04d}{month_day}"[2:], one)


def _day(digits: str, one: _Field) -> date:
    year = int(digits[:2])
    try:
        return date(year + (1900 if year >= 90 else 2000), int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        raise wrong_cell(one.row, f":{one.tag}:", BadCell(cells.BAD_DAY, digits)) from None


def _money(text: str, one: _Field) -> int:
    try:
        amount = cells.money(text, ",")
    except BadCell as bad:
        raise wrong_cell(one.row, f":{one.tag}:", bad) from None
    return amount or 0


def _broken(one: _Field) -> StatementError:
    return StatementError(
        "statement.mt940",
        N_("第 %(row)s 行的“:%(tag)s:”不合 MT940 格式：“%(value)s”。请重新下载后再导入。"),
        row=one.row,
        tag=one.tag,
        value=cells.clean(one.texts[0])[:40],
    )

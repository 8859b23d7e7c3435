"""Bank downloads and other tables: one row a movement, columns known by words or by mapping."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from app.kernel.errors import N_
from app.payments.statements import cells, currencies, headings, mapping, tally
from app.payments.statements.cells import BadCell, clean
from app.payments.statements.grid import Head, Record, Table, body, word
from app.payments.statements.lines import (
    FEE,
    PLAIN,
    REFUND,
    Notice,
    Statement,
    StatementError,
    StatementLine,
)

INCOMING = frozenset(
    [
        "收入",
        "收",
        "贷",
        "贷方",
        "贷cr",
        "贷记",
        "转入",
        "存入",
        "入账",
        "来账",
        "入",
        "c",
        "cr",
        "crdt",
        "credit",
        "in",
        "+",
        "贷(cr)",
    ]
)
OUTGOING = frozenset(
    [
        "支出",
        "支",
        "借",
        "借方",
        "借dr",
        "借记",
        "转出",
        "支取",
        "出账",
        "往账",
        "出",
        "付",
        "付款",
        "d",
        "dr",
        "dbit",
        "debit",
        "out",
        "-",
        "借(dr)",
    ]
)
DAMAGED_NUMBERS = N_(
    "有 %(count)s 行的单号被表格软件改成了数字，末几位已丢失，第一处在第 %(row)s 行。"
    "请直接导入下载的原文件，否则与以后的文件难以辨认重复。"
)
_TOTAL = re.compile(r"^\W*(?:人民币)?(?:合计|总计)")
_NAME_THEN_ACCOUNT = re.compile(r"(.*?)\s*([\d*]{8,34})")
_REFUND_WORDS = re.compile(r"退款|退货|退回|冲正|退汇")
_FEE_WORDS = re.compile(r"^(?:.*手续费|.*工本费|账户管理费|短信费|汇划费|.*服务费)$")


@dataclass
class _Reading:
    """What has been read so far."""

    lines: dict[str, list[StatementLine]] = field(default_factory=dict)  # by account
    without_amount: list[int] = field(default_factory=list)
    zero: list[int] = field(default_factory=list)
    without_balance: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sums: dict[str, int] = field(default_factory=dict)


def recognise(table: Table) -> Head | None:
    """A heading whose words say at least a day and a sum."""
    head = headings.find_heading(table)
    return mapping.with_sampled_forms(head, table) if head else None


def read(table: Table, head: Head, currency: str) -> list[Statement]:
    """One statement per account named in the rows. Raises StatementError."""
    reading = _Reading()
    signed = _sums_are_signed(table, head)
    begun = bool(head.titles)
    for record in body(table, head):
        if not begun and not _has_day(record):
            reading.notes.append(" ".join(record.raw))
        elif record.is_note():
            _take_note(reading, record)
        else:
            begun = True
            _take_line(reading, record, signed=signed, currency=currency)
    before = [" ".join(row) for _number, row in table.rows[: max(head.at, 0)]]
    stated = tally.stated_in([*before, *reading.notes])
    stated.sums.update(reading.sums)
    # What a file states is of all its accounts: nothing of one of several, but its period.
    apart = tally.Stated(starts_on=stated.starts_on, ends_on=stated.ends_on)
    source = headings.source_of(head.titles)
    accounts = reading.lines or {"": []}
    return [
        _statement(
            account,
            lines,
            stated=stated if len(accounts) == 1 else apart,
            reading=reading,
            source=source,
            currency=currency,
        )
        for account, lines in accounts.items()
    ]


def _statement(
    account: str,
    lines: list[StatementLine],
    *,
    stated: tally.Stated,
    reading: _Reading,
    source: str,
    currency: str,
) -> Statement:
    opening, closing, unmet = tally.balances(lines, stated)
    starts_on, ends_on, outside = tally.period(lines, stated)
    notices = [
        *tally.compare(stated, tally.Found.of(lines)),
        *unmet,
        *outside,
        *_left_out(reading),
    ]
    return Statement(
        account=account or stated.account,
        currency=currency,
        opening_fen=opening,
        closing_fen=closing,
        starts_on=starts_on,
        ends_on=ends_on,
        lines=tuple(lines),
        notices=tuple(notices),
        source=source,
    )


def _left_out(reading: _Reading) -> list[Notice]:
    sentences = (
        (N_("有 %(count)s 行没有金额，已略去，第一处在第 %(row)s 行。"), reading.without_amount),
        (N_("有 %(count)s 行金额为零，已略去，第一处在第 %(row)s 行。"), reading.zero),
        (
            N_("有 %(count)s 行的余额读不出，第一处在第 %(row)s 行；余额未能核对。"),
            reading.without_balance,
        ),
        (DAMAGED_NUMBERS, reading.damaged),
    )
    return [Notice(said, {"count": len(at), "row": at[0]}) for said, at in sentences if at]


def _take_note(reading: _Reading, record: Record) -> None:
    filled = [clean(one) for one in record.raw if clean(one)]
    reading.notes.append(" ".join(filled))
    if filled and _TOTAL.match(filled[0]):
        for direction, key in ((tally.IN, "income"), (tally.OUT, "expense")):
            try:
                amount = cells.money(record.cell(key), record.head.decimal)
            except BadCell:
                continue
            if amount is not None:
                reading.sums.setdefault(direction, abs(amount))


def _take_line(reading: _Reading, record: Record, *, signed: bool, currency: str) -> None:
    when = record.when()
    currencies.check(currencies.code_of(record.text("currency")), currency, record.number)
    amount = _amount(record, signed=signed)
    if amount is None:
        reading.without_amount.append(record.number)
        return
    if amount == 0:
        reading.zero.append(record.number)
        return
    name, account = _other_side(record, amount)
    remark = record.words()
    said = record.text("reference")
    if said.strip("0") and not reference(said):
        reading.damaged.append(record.number)
    line = StatementLine(
        row=record.number,
        booked_on=when.day,
        booked_at=when.at,
        amount_fen=amount,
        balance_fen=_balance(record, reading),
        counterparty=name,
        counterparty_account=account,
        remark=remark,
        reference=reference(said),
        fee_fen=abs(record.money("fee") or 0),
        kind=_kind(record.text("summary"), remark),
        order_no=reference(record.text("order_no")),
    )
    reading.lines.setdefault(record.text("account"), []).append(line)


def reference(text: str) -> str:
    """A number as text; empty when it is all zeros or a spreadsheet has rounded it away."""
    if re.fullmatch(r"0*|\d(?:\.\d+)?[eE]\+?\d+", text):
        return ""
    return text


def _amount(record: Record, *, signed: bool) -> int | None:
    columns = record.head.columns
    if "amount" not in columns or ({"income", "expense"} <= set(columns) and "flag" not in columns):
        return _income_less_expense(record)
    amount = record.money("amount")
    if amount is None or "flag" not in columns:
        if amount is None and "income" in columns and "expense" in columns:
            return _income_less_expense(record)
        return amount
    return amount if signed else amount * _direction(record)


def _income_less_expense(record: Record) -> int | None:
    income, expense = record.money("income"), record.money("expense")
    if income and expense:
        raise StatementError(
            "statement.both_ways",
            N_("第 %(row)s 行既有收入又有支出，分不清是收是付。请核对原文件后重新导入。"),
            row=record.number,
        )
    if income is None and expense is None:
        return None
    # Some banks write expenses with a minus; a minus among incomes is a reversal.
    return (income or 0) - (expense or 0) if not _minus_means_out(record) else (expense or 0)


def _minus_means_out(record: Record) -> bool:
    return clean(record.cell("expense")).startswith("-") and not re.search(
        _REFUND_WORDS, record.words()
    )


def _direction(record: Record) -> int:
    flag = re.sub(r"\s+", "", unicodedata.normalize("NFKC", clean(record.cell("flag")))).casefold()
    if flag in INCOMING:
        return 1
    if flag in OUTGOING:
        return -1
    raise StatementError(
        "statement.direction",
        N_(
            "第 %(row)s 行“%(column)s”：“%(value)s”看不出是收入还是支出。"
            "请改为“收入”或“支出”（“贷”或“借”）后重新导入。"
        ),
        row=record.number,
        column=record.head.title("flag"),
        value=flag[:40],
    )


def _sums_are_signed(table: Table, head: Head) -> bool:
    """Whether sums beside a direction already bear it: every outgoing one a minus."""
    if "flag" not in head.columns or "amount" not in head.columns:
        return False
    outgoing = [
        clean(record.cell("amount"))
        for record in body(table, head)
        if word(record.cell("flag")) in OUTGOING
    ]
    return bool(outgoing) and all(one.startswith(("-", "−", "(")) for one in outgoing)


def _other_side(record: Record, amount: int) -> tuple[str, str]:
    columns = record.head.columns
    if "counterparty" not in columns and ("payer" in columns or "payee" in columns):
        side = "payer" if amount > 0 else "payee"
        return record.text(side), record.text(f"{side}_account")
    name, account = record.text("counterparty"), reference(record.text("counterparty_account"))
    if not account and "counterparty_account" not in columns:
        found = _NAME_THEN_ACCOUNT.fullmatch(name)
        if found:
            return found[1], found[2]
    return name, account


def _balance(record: Record, reading: _Reading) -> int | None:
    try:
        return cells.money(record.cell("balance"), record.head.decimal)
    except BadCell:
        reading.without_balance.append(record.number)
        return None


def _kind(summary: str, remark: str) -> str:
    if _REFUND_WORDS.search(summary or remark):
        return REFUND
    return FEE if _FEE_WORDS.match(summary or remark) else PLAIN


def _has_day(record: Record) -> bool:
    try:
        record.when()
    except StatementError:
        return False
    return True


def currency_of(table: Table) -> str:
    """The currency that a table's rows name first; CNY where they name none."""
    head = headings.find_heading(table)
    for record in body(table, head) if head else ():
        if not record.is_note() and record.text("currency"):
            return currencies.code_of(record.text("currency"))
    return currencies.CNY

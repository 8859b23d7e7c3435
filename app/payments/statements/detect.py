"""Which statement a file is, by its content alone, and its lines."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from app.kernel.errors import N_
from app.kernel.tables import compound, guard, workbooks
from app.kernel.tables.refusals import Refused
from app.payments.statements import currencies, mapping
from app.payments.statements.grid import MOST_ROWS, SEARCHED_ROWS, Head, Table, csv_table
from app.payments.statements.lines import Notice, Statement, StatementError
from app.payments.statements.mapping import Mapping
from app.payments.statements.readers import (
    alipay,
    camt,
    mt940,
    ofx,
    table,
    wechat,
    wechat_merchant,
)

LARGEST_FILE_BYTES = guard.LARGEST_FILE_BYTES
_XML_ENCODING = re.compile(rb"<\?xml[^>]{0,100}encoding\s*=\s*['\"]([A-Za-z0-9._-]{2,20})")

Recognise: TypeAlias = Callable[[Table], Head | None]
Read: TypeAlias = Callable[[Table, Head], list[Statement]]

# Particular headings before general ones: a bank's would also fit the last, general reader.
WALLETS: tuple[tuple[Recognise, Read], ...] = (
    (wechat_merchant.recognise_flow, wechat_merchant.read_flow),
    (wechat_merchant.recognise_trade, wechat_merchant.read_trade),
    (alipay.recognise_fund, alipay.read_fund),
    (alipay.recognise_trade, alipay.read_trade),
    (wechat.recognise, wechat.read),
    (alipay.recognise, alipay.read),
)


@dataclass(frozen=True)
class Columns:
    """What a person needs to say which column is which: headings, some rows, a proposal."""

    headers: tuple[str, ...]
    rows: list[list[str]]
    guess: Mapping


def read(
    data: bytes, filename: str = "", mapping: Mapping | None = None, currency: str | None = "CNY"
) -> list[Statement]:
    """The statements in a file, whole, or StatementError with a sentence.

    The name takes no part. `mapping` is used on a table with its headings. Statements in
    another currency than `currency` are left out with a notice, and refused where there is
    no other; None takes each as it is.
    """
    try:
        found = _read(data, mapping, currency)
    except Refused as refused:
        raise StatementError("statement.file", refused.message, **refused.params) from None
    return _in_currency(found, currency)


def columns_of(data: bytes, filename: str = "") -> Columns:
    """A table's headings, first rows and a guessed mapping. Raises StatementError."""
    try:
        tables = _tables(data)
    except Refused as refused:
        raise StatementError("statement.file", refused.message, **refused.params) from None
    if not tables:
        raise _not_understood()
    best = max(tables, key=lambda one: len(one.rows))
    headers, rows = mapping.sample(best)
    return Columns(headers, rows, mapping.guess_mapping(headers, rows))


def _read(data: bytes, wished: Mapping | None, currency: str | None) -> list[Statement]:
    _check_size(data)
    if _is_workbook(data):
        return _read_tables(_sheets(data), wished, currency)
    if mt940.LOOKS_LIKE.search(_ascii(data)):
        return mt940.read(_decoded(data, or_latin=True))
    if ofx.LOOKS_LIKE.search(_ascii(data)):
        return ofx.read(_decoded(data, or_latin=True))
    guard_head = data[:4096]
    if _is_xml(guard_head):
        return camt.read(_decoded(data))
    guard.text_kind(guard_head)
    return _read_tables([csv_table(_decoded(data))], wished, currency)


def _read_tables(
    tables: Sequence[Table], wished: Mapping | None, currency: str | None
) -> list[Statement]:
    statements: list[Statement] = []
    refusal: StatementError | None = None
    for one in tables:
        try:
            if wished is not None:
                head = wished.head(one)
                statements += table.read(one, head, currency or currencies.CNY)
                continue
        except StatementError as error:
            if error.code != "statement.mapping_differs":
                raise
            refusal = error
        statements += _read_known(one, currency or table.currency_of(one))
    if not statements:
        raise refusal or _not_understood()
    return statements


def _read_known(one: Table, currency: str) -> list[Statement]:
    for recognise, read_it in WALLETS:
        head = recognise(one)
        if head is not None:
            return read_it(one, head)
    head = table.recognise(one)
    if head is None:
        return []
    found = table.read(one, head, currency)
    if found[0].source != "table":
        return found
    return [replace(found[0], notices=(*found[0].notices, _by_words(head))), *found[1:]]


def _by_words(head: Head) -> Notice:
    sums = [key for key in ("amount", "income", "expense") if key in head.columns]
    return Notice(
        N_(
            "没有认出是哪家银行，按列名读取：日期取“%(date)s”，金额取“%(amount)s”。"
            "请核对几行；不对的话，请指明各列。"
        ),
        {"date": head.title("date"), "amount": "、".join(map(head.title, sums))},
    )


def _in_currency(found: list[Statement], currency: str | None) -> list[Statement]:
    ours = [one for one in found if currency is None or one.currency == currency]
    others = sorted({one.currency for one in found} - {one.currency for one in ours})
    if not others:
        return found
    names = "、".join(one or "?" for one in others)
    if not ours:
        raise StatementError(
            "statement.currency_file",
            N_("这份账单的币种是 %(currency)s，这里只能导入 %(wanted)s 的账单。"),
            currency=names,
            wanted=currency or "",
        )
    notice = Notice(N_("文件里还有币种为 %(currencies)s 的账户，没有读取。"), {"currencies": names})
    return [replace(ours[0], notices=(*ours[0].notices, notice)), *ours[1:]]


def _tables(data: bytes) -> list[Table]:
    _check_size(data)
    if _is_workbook(data):
        return [one for one in _sheets(data) if one.rows]
    guard.text_kind(data[:4096])
    made = csv_table(_decoded(data))
    return [made] if made.rows else []


def _check_size(data: bytes) -> None:
    if len(data) > LARGEST_FILE_BYTES:
        raise Refused(
            N_("文件有 %(size)s MB，超过 20 MB 的上限。请拆成几个文件分别导入。"),
            size=round(len(data) / 1024 / 1024),
        )
    if not data.strip(b"\x00\r\n\t "):
        raise Refused(N_("文件是空的。"))


def _is_workbook(data: bytes) -> bool:
    if not data.startswith((b"PK", compound.MAGIC)):
        return False
    if data.startswith(b"PK") and b"[Content_Types].xml" not in data:
        raise Refused(
            N_(
                "这是压缩包。请先解压（支付宝、微信的账单解压密码在平台的消息里），"
                "再上传里面的 .csv 或 .xlsx 文件。"
            )
        )
    return True


def _sheets(data: bytes) -> list[Table]:
    return [
        Table(rows, name) for name, rows in workbooks.read_sheets(data, MOST_ROWS + SEARCHED_ROWS)
    ]


def _is_xml(head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe\r\n\t ").replace(b"\x00", b"").lower()
    return start.startswith((b"<?xml", b"<document", b"<!doctype document")) and not (
        b"<html" in start or b"schemas-microsoft-com:office" in start
    )


def _ascii(data: bytes) -> str:
    """Enough of a file to tell the text formats by, whatever its encoding."""
    return data[:65_536].replace(b"\x00", b"").decode("latin-1").replace("\r\n", "\n")


def _decoded(data: bytes, *, or_latin: bool = False) -> str:
    for encoding in _encodings(data, or_latin=or_latin):
        try:
            text = data.decode(encoding)
        except (UnicodeError, LookupError, ValueError):
            continue
        if "\x00" not in text:
            return text
    raise Refused(N_("认不出文件的编码，也不是表格。请在 Excel 中另存为 .xlsx 再上传。"))


def _encodings(data: bytes, *, or_latin: bool) -> Iterator[str]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield "utf-16"
        return
    declared = _XML_ENCODING.search(data[:200])
    if declared and declared[1].lower() in (b"gbk", b"gb2312", b"gb18030"):
        yield "gb18030"
    if declared and declared[1].lower() in (b"iso-8859-1", b"latin-1", b"windows-1252"):
        yield "cp1252"
    yield "utf-8-sig"
    yield "gb18030"
    if or_latin:
        yield "latin-1"


def _not_understood() -> StatementError:
    return StatementError(
        "statement.unknown",
        N_(
            "认不出这是哪家银行或平台的账单。能读的有：微信和支付宝的个人账单、商户账单，"
            "工商、建设、招商、中国、农业、交通银行的明细（CSV、XLS、XLSX），"
            "camt.053、MT940、OFX。其他表格请指明哪一列是日期、哪一列是金额。"
        ),
    )

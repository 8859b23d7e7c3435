"""Files that mean harm, are too much, or are merely damaged: a sentence, never a stack trace.

`LINLI_STATEMENT_MUTATIONS` says how many mutated files are made of each sample : 120 change,
cut or double some ten thousand bytes of it.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import time
import zipfile
from pathlib import Path

import pytest

from app.kernel.tables import workbooks
from app.payments.statements import detect
from app.payments.statements.detect import columns_of, read
from app.payments.statements.lines import StatementError, keyed
from tests.payments.statements import made
from tests.payments.statements.test_exchange_formats import OFX1, OFX2, camt, entry, mt940

DATA = Path(__file__).parents[4] / "shared" / "data" / "statements"
EACH = int(os.environ.get("LINLI_STATEMENT_MUTATIONS", "120"))
MARKS = '0123456789,."\n`-:<>/=()（）年月日借贷收支合计¥ \t;|?%&#E+'


def refusal(content: bytes) -> str:
    with pytest.raises(StatementError) as refused:
        read(content, "x")
    return str(refused.value)


def samples() -> dict[str, bytes]:
    """Every text sample: the real ones where they are, and those made by hand."""
    found = {name: text.encode("gb18030") for name, text in vars(made).items() if name.isupper()}
    found |= {
        "camt": camt(entry()),
        "mt940": mt940(":61:2603050306C20,00NTRFLL-1//B1\n:86:166?00a?32b", "120,00"),
        "ofx1": OFX1.encode(),
        "ofx2": OFX2.encode(),
    }
    for path in sorted(DATA.glob("*/*")) if DATA.exists() else ():
        if path.suffix != ".json":
            found[path.name] = path.read_bytes()
    return found


def mutated(content: bytes, dice: random.Random) -> bytes:
    """Bytes changed, cut, doubled or put in; every other time characters, so that text stays."""
    if dice.random() < 0.5:
        with contextlib.suppress(UnicodeDecodeError):
            text = list(content.decode("gb18030"))
            damage(text, dice, lambda: dice.choice(MARKS + chr(dice.randrange(1, 0xD800))))
            return "".join(text).encode("gb18030")
    raw = list(content)
    damage(raw, dice, lambda: dice.randrange(256))
    return bytes(raw)


def damage(units: list, dice: random.Random, other) -> None:
    for _ in range(dice.choice((1, 3, 20))):
        at, length = dice.randrange(len(units) + 1), dice.randrange(1, 100)
        match dice.randrange(4):
            case 0:
                units[at : at + 1] = [other()]
            case 1:
                del units[at : at + length]
            case 2:
                units[at:at] = units[at : at + length]
            case _:
                units[at:at] = [other() for _ in range(length % 10)]


def test_mutated_files_are_read_or_refused_never_worse():
    dice = random.Random(53)
    read_, refused, said = 0, 0, set()
    for name, content in samples().items():
        for _ in range(EACH):
            damaged = mutated(content, dice)
            try:
                statements = read(damaged, name, currency=None)
                keys = keyed(statements)
                assert len(keys) == sum(len(one.lines) for one in statements)
                assert all(str(notice) for one in statements for notice in one.notices)
                read_ += 1
            except StatementError as error:
                said.add(str(error))
                refused += 1
    assert "" not in said
    assert read_ > 5 * EACH  # or we refuse too easily
    assert refused > 5 * EACH


def test_mutated_tables_offer_columns_or_a_sentence():
    dice = random.Random(5)
    for content in samples().values():
        for _ in range(5):
            with contextlib.suppress(StatementError):
                columns_of(mutated(content, dice), "x")


def test_mutated_workbooks():
    dice = random.Random(7)
    book = made.as_xlsx(made.WECHAT_PERSONAL)
    old = made.as_xls([["日期", "金额"], ["2026-01-01", 1.5]])
    for content in (book, old):
        for _ in range(max(6, EACH // 8)):
            raw = bytearray(content)
            for _ in range(dice.choice((1, 5))):
                raw[dice.randrange(8, len(raw))] = dice.randrange(256)
            with contextlib.suppress(StatementError):
                read(bytes(raw), "x")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "文件是空的"),
        (b"\x00\r\n\t  " * 10, "文件是空的"),
        (b"%PDF-1.7\n....", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "PNG"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "网页"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "损坏"),
        (b"PK\x03\x04 nonsense", "压缩包"),
        (b"PK\x03\x04[Content_Types].xml", "损坏"),
        (b"\xff\xfe\xff\xff\x00\xd8\x00", "编码"),
        (b"a,b\x00c\n1,2,3\n", "编码"),
        ("日期,金额\n".encode() * 3, "认不出"),
    ],
)
def test_what_is_no_statement_is_a_sentence(content, sentence):
    if sentence == "认不出":
        assert read(content, "x")[0].lines == ()
        return
    assert sentence in refusal(content)


def test_twenty_megabytes_and_two_hundred_thousand_rows_are_the_most():
    assert "20 MB" in refusal(b"1," * (11 * 1024 * 1024))
    began = time.monotonic()
    assert "20 万行" in refusal(b"2026-01-01,1.00\n" * 210_000)
    assert time.monotonic() - began < 5


def test_fifty_thousand_rows_are_read_in_seconds():
    text = "交易日期,收入,支出,余额,摘要\n" + "".join(
        f"2026-01-01,1.00,,{n}.00,物业费{n}\n" for n in range(1, 50_001)
    )
    began = time.monotonic()
    (statement,) = read(text.encode(), "x")
    assert (len(statement.lines), statement.closing_fen) == (50_000, 50_000_00)
    assert time.monotonic() - began < 20  # about one on an idle machine


def test_a_zip_of_bills_must_be_unpacked_first():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("微信支付账单.csv", made.WECHAT_PERSONAL)
    assert "请先解压" in refusal(out.getvalue())


def test_a_locked_workbook_is_refused():
    content = bytearray(made.as_xlsx(made.WECHAT_PERSONAL))
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1  # the flag of an encrypted member
    assert "密码" in refusal(bytes(content))


def test_a_bomb_is_refused_quickly():
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(made.as_xlsx(made.WECHAT_PERSONAL))) as good,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in good.namelist():
            swollen = b"<worksheet>" + b" " * (80 * 1024 * 1024)
            bomb.writestr(name, swollen if "sheet1" in name else good.read(name))
    began = time.monotonic()
    assert "巨大" in refusal(out.getvalue())
    assert time.monotonic() - began < 5


def test_formula_cells_are_refused_in_workbooks_and_text():
    def formula(_book, page):
        page.write_formula("F12", "=1+1")

    assert "F12" in refusal(made.as_xlsx(made.WECHAT_PERSONAL, then=formula))
    assert "B2" in refusal('日期,金额\n2026-01-01,"=HYPERLINK(1)"\n'.encode())


def test_a_child_that_dies_is_a_sentence(monkeypatch):
    monkeypatch.setattr(workbooks.child, "__file__", "/nonexistent.py")
    assert "读不下去" in refusal(made.as_xlsx(made.WECHAT_PERSONAL))


def test_a_quote_that_never_closes_swallows_nothing():
    rows = "".join(f"2026-01-0{n},{n}.00,甲\n" for n in range(1, 8))
    assert "引号" in refusal(f'日期,金额,摘要\n2026-01-01,9.00,"乙\n{rows}'.encode())


def test_one_enormous_cell_or_line_is_a_sentence_or_a_line():
    text = "日期,金额,摘要\n2026-01-01,1.00," + "长" * 90_000 + "\n"
    assert len(read(text.encode(), "x")[0].lines[0].remark) <= 500
    assert "引号" in refusal(("日期,金额,摘要\n2026-01-01,1.00," + "长" * 110_000).encode())


def test_no_reader_is_slow_on_what_repeats():
    """Nothing that takes squares of the length: a megabyte of the same mark."""
    for mark in (
        '"',
        "<a>",
        "<?xml ",
        "=",
        ":61:\n",
        "2026-01-01,",
        "-",
        "`",
        ",`",
        "（",
        "[",
        "(1",
    ):
        for start in ("", ":20:x\n", "<OFX>", "<?xml version='1.0'?>", "交易日期,收入,支出\n"):
            content = (start + mark * (150_000 // len(mark))).encode()
            began = time.monotonic()
            with contextlib.suppress(StatementError):
                detect.read(content, "x", currency=None)
            assert time.monotonic() - began < 3, (start, mark)

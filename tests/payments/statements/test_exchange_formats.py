"""camt.053, MT940 and OFX, by small files made for one question each."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from app.payments.statements.detect import read
from app.payments.statements.lines import StatementError

CAMT = """<?xml version="1.0" encoding="{encoding}"?>
<Document{namespace}><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>S</Id>
<Acct><Id><Othr><Id>11001</Id></Othr></Id><Ccy>CNY</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">100.00</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-01</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{closing}</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-31</Dt></Dt></Bal>
{entries}</Stmt></BkToCstmrStmt></Document>"""
ENTRY = """<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>{more}
<Sts>{status}</Sts><BookgDt><Dt>2026-03-05</Dt></BookgDt>
<AcctSvcrRef>R1</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry>"""
DETAIL = """<TxDtls><Refs><EndToEndId>{order}</EndToEndId></Refs><Amt Ccy="CNY">{amount}</Amt>
<RltdPties><Dbtr><Nm>{name}</Nm></Dbtr><DbtrAcct><Id><IBAN>CN1</IBAN></Id></DbtrAcct></RltdPties>
<RmtInf><Ustrd>{words}</Ustrd></RmtInf></TxDtls>"""


def entry(amount="20.00", way="CRDT", status="BOOK", currency="CNY", more="", details=""):
    return ENTRY.format(**locals())


def camt(entries: str, closing="120.00", encoding="UTF-8", namespace="") -> bytes:
    return CAMT.format(**locals()).encode(encoding)


@pytest.mark.parametrize("version", ["02", "03", "04", "06", "08"])
@pytest.mark.parametrize("encoding", ["UTF-8", "GBK", "UTF-16"])
def test_camt_in_each_version_and_encoding(version, encoding):
    detail = DETAIL.format(order="LL-1", amount="20.00", name="张三", words="3-2-501 物业费")
    namespace = f' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"'
    (statement,) = read(camt(entry(details=detail), "120.00", encoding, namespace), "x")
    assert (statement.account, statement.currency) == ("11001", "CNY")
    assert (statement.opening_fen, statement.closing_fen) == (100_00, 120_00)
    assert statement.notices == ()
    (line,) = statement.lines
    assert (line.amount_fen, line.booked_on) == (20_00, date(2026, 3, 5))
    assert (line.counterparty, line.counterparty_account) == ("张三", "CN1")
    assert (line.remark, line.reference, line.order_no) == ("3-2-501 物业费", "R1", "LL-1")


def test_a_batch_becomes_a_line_for_each_of_its_payments():
    details = "".join(
        DETAIL.format(order=f"LL-{n}", amount=amount, name=name, words="")
        for n, amount, name in ((1, "12.00", "甲"), (2, "8.00", "乙"))
    )
    (statement,) = read(camt(entry(details=details)), "x")
    got = [(one.amount_fen, one.counterparty, one.reference) for one in statement.lines]
    assert got == [(12_00, "甲", "R1#1"), (8_00, "乙", "R1#2")]


def test_a_batch_whose_parts_do_not_add_up_stays_one_line():
    details = "".join(
        DETAIL.format(order="", amount=amount, name="", words="") for amount in ("12.00", "7.00")
    )
    (statement,) = read(camt(entry(details=details)), "x")
    assert [one.amount_fen for one in statement.lines] == [20_00]


def test_a_reversal_is_a_refund_and_goes_the_way_it_says():
    (statement,) = read(
        camt(entry(way="DBIT", more="<RvslInd>true</RvslInd>"), closing="80.00"), "x"
    )
    assert [(one.amount_fen, one.kind) for one in statement.lines] == [(-20_00, "refund")]


def test_pending_entries_are_left_out_and_counted():
    (statement,) = read(camt(entry(status="PDNG"), closing="100.00"), "x")
    assert statement.lines == ()
    assert "尚未入账" in str(statement.notices[0])


def test_balances_that_do_not_meet_are_said():
    (statement,) = read(camt(entry(), closing="121.00"), "x")
    assert "不等于期末余额 121.00" in str(statement.notices[0])


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (camt(entry(amount="8.854")), "多于两位小数"),
        (camt(entry(currency="USD")), "USD"),
        (camt(entry(way="WEST")), "CRDT 或 DBIT"),
        (camt(entry())[:-30], "没有下载完整"),
        (camt(entry()).replace(b"<Document", b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><Document'),
         "DOCTYPE"),
        (camt("<a>" * 100 + "</a>" * 100), "嵌套过深"),
    ],
)  # fmt: skip
def test_broken_camt_is_a_sentence(document, sentence):
    with pytest.raises(StatementError, match=sentence):
        read(document, "x")


def test_zeros_past_the_second_decimal_are_no_decimals():
    assert read(camt(entry(amount="20.00000")), "x")[0].lines[0].amount_fen == 20_00


def test_billion_laughs_do_not_laugh():
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    kinds = f'<!DOCTYPE Document [<!ENTITY a0 "ha">{entities}]>'
    bomb = f'<?xml version="1.0"?>{kinds}<Document>&a9;</Document>'
    with pytest.raises(StatementError, match="DOCTYPE"):
        read(bomb.encode(), "x")


def test_a_file_of_two_currencies_gives_ours_and_names_the_other():
    dollars = CAMT.replace("CNY", "USD").split("<Stmt>")[1].split("</Stmt>")[0]
    both = (
        camt(entry())
        .decode()
        .replace(
            "</BkToCstmrStmt>",
            f"<Stmt>{dollars.format(entries='', closing='100.00')}</Stmt></BkToCstmrStmt>",
        )
    )
    (statement,) = read(both.encode(), "x")
    assert statement.currency == "CNY"
    assert "USD" in str(statement.notices[-1])
    assert len(read(both.encode(), "x", currency=None)) == 2
    with pytest.raises(StatementError, match="CNY、USD"):
        read(both.encode(), "x", currency="EUR")


MT940 = """{{1:F01BANKCNXXAXXX0000000000}}{{4:
:20:STMT1
:25:110010001
:28C:1/1
:60F:C260301CNY100,00
{lines}
:62F:C260331CNY{closing}
-}}
"""


def mt940(lines: str, closing: str) -> bytes:
    return MT940.format(lines=lines, closing=closing).encode("gbk")


def test_mt940_with_a_name_in_parts():
    lines = (
        ":61:2603050306C20,00NTRFLL-1//B0001\n:86:166?00转账?20物业费 3-2?21-501?31622001?32张?33三"
    )
    (statement,) = read(mt940(lines, "120,00"), "x")
    assert (statement.account, statement.opening_fen, statement.closing_fen) == (
        "110010001", 100_00, 120_00,
    )  # fmt: skip
    assert statement.notices == ()
    (line,) = statement.lines
    assert (line.amount_fen, line.booked_on, line.row) == (20_00, date(2026, 3, 6), 6)
    assert (line.counterparty, line.counterparty_account) == ("张三", "622001")
    assert (line.remark, line.reference) == ("转账 物业费 3-2-501", "B0001")
    assert line.order_no == "LL-1"


@pytest.mark.parametrize(
    ("status", "amount_fen", "kind"),
    [("C", 5_00, "plain"), ("D", -5_00, "plain"), ("RC", -5_00, "refund"), ("RD", 5_00, "refund")],
)
def test_mt940_reversals_go_the_other_way(status, amount_fen, kind):
    closing = f"{(100_00 + amount_fen) // 100},00"
    (statement,) = read(mt940(f":61:260305{status}5,NTRFNONREF//B1", closing), "x")
    assert [(one.amount_fen, one.kind) for one in statement.lines] == [(amount_fen, kind)]
    assert statement.notices == ()


def test_an_entry_day_after_new_year_is_next_years():
    (statement,) = read(mt940(":61:2512310102C1,00NTRFNONREF//B1", "101,00"), "x")
    assert statement.lines[0].booked_on == date(2026, 1, 2)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (":61:2613050306C20,00NTRFX", "第 6 行“:61:”"),
        (":61:nonsense", "不合 MT940 格式"),
        (":61:260305C1,234NTRFX", "多于两位小数"),
    ],
)
def test_broken_mt940_is_a_sentence(lines, sentence):
    with pytest.raises(StatementError, match=sentence):
        read(mt940(lines, "100,00"), "x")


OFX1 = """OFXHEADER:100
DATA:OFXSGML
<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>CNY<BANKACCTFROM><ACCTID>1100</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260301<DTEND>20260331
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260305230000[-5:EST]<TRNAMT>20.50<FITID>F1<NAME>A &amp; B<MEMO>
<CHECKNUM>77</STMTTRN>
<STMTTRN><TRNTYPE>FEE<DTPOSTED>20260306<TRNAMT>-1,50<FITID>F2<NAME>Bank</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>119.00<DTASOF>20260331</LEDGERBAL></STMTRS></STMTTRNRS>
</BANKMSGSRSV1></OFX>"""
OFX2 = """<?xml version="1.0"?><?OFX OFXHEADER="200" VERSION="220"?>
<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>CNY</CURDEF><BANKACCTFROM><ACCTID>1100</ACCTID>
</BANKACCTFROM><BANKTRANLIST><STMTTRN><TRNTYPE>CREDIT</TRNTYPE><DTPOSTED>20260305</DTPOSTED>
<TRNAMT>20.50</TRNAMT><FITID>F1</FITID><NAME>A &amp; B</NAME></STMTTRN></BANKTRANLIST></STMTRS>
</STMTTRNRS></BANKMSGSRSV1></OFX>"""


def test_ofx_without_closing_tags():
    (statement,) = read(OFX1.encode(), "x")
    assert (statement.account, statement.closing_fen) == ("1100", 119_00)
    assert (statement.starts_on, statement.ends_on) == (date(2026, 3, 1), date(2026, 3, 31))
    first, fee = statement.lines
    assert (first.amount_fen, first.counterparty, first.order_no) == (20_50, "A & B", "77")
    assert first.booked_at == datetime(2026, 3, 6, 4, tzinfo=UTC)
    assert (fee.amount_fen, fee.kind, fee.booked_at) == (-1_50, "fee", None)


def test_ofx_as_xml():
    (statement,) = read(OFX2.encode(), "x")
    assert [(one.amount_fen, one.counterparty) for one in statement.lines] == [(20_50, "A & B")]


def test_ofx_without_an_amount_is_a_sentence():
    with pytest.raises(StatementError, match="STMTTRN/TRNAMT"):
        read(OFX1.replace("<TRNAMT>20.50", "").encode(), "x")

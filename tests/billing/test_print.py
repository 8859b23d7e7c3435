"""Bills on paper: what stands on them can be read out again; the same bill, the same bytes."""

from __future__ import annotations

import io
import zipfile

import pytest
from flask_babel import force_locale
from pypdf import PdfReader

from app.billing.bills import service
from app.billing.bills.print import batch, press, sheets
from app.billing.bills.queries import sheet
from app.identity.rules import printed_code
from app.kernel import files, queue
from app.kernel.db import db
from app.kernel.errors import RuleBroken
from app.kernel.files import StoredFile
from app.kernel.period import Month
from tests.billing.bills import Charge, Counter


@pytest.fixture
def counter(town):
    return Counter(town)


def words_of(content: bytes) -> str:
    """All text of a PDF, without spaces, for a reader may set them anywhere."""
    pages = PdfReader(io.BytesIO(content)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


def subsidised(counter, unit, month="2026-03", **more):
    scheme = getattr(counter, "made", None) or counter.scheme()
    counter.made = scheme
    return counter.issue(
        unit,
        month,
        Charge(
            11999, 4444, quantity="88.88", scheme_id=scheme, subsidy_rate="0.50", subsidy_days=31
        ),
        **more,
    )


def printed(town, bill, paper="a5") -> bytes:
    document = sheets.document([sheet.bill(town.community_id, bill.id)], paper=paper)
    return press.compile_pdf("bill.typ", document)


def test_amounts_and_rare_characters_can_be_read_out(town, counter):
    unit = town.add_unit("3-2-501", "88.88")
    owner = town.add_owner(unit, "㑇龘")
    counter.tariff("龘字楼维护费", "area", "1.35")
    bill = counter.issue(
        unit, "2026-03", Charge(11999, tariff="龘字楼维护费", quantity="88.88"), payer=owner
    )
    read = words_of(printed(town, bill))
    for wanted in (
        "3-2-501",
        "¥119.99",
        "88.88m²×1.35",
        "龘字楼维护费",
        "㑇*",
        "2026年3月",
        printed_code(town.community_id, unit.binding_code),
    ):
        assert wanted in read, wanted
    assert "㑇龘" not in read  # the payer's name is masked on paper


def test_the_subsidy_stands_on_a_line_of_its_own(town, counter):
    unit = town.add_unit("3-2-501", "88.88")
    read = words_of(printed(town, subsidised(counter, unit)))
    assert "应收合计119.99" in read
    assert "补贴−44.44" in read
    assert "您应付75.55" in read
    assert "补贴到2027年3月14日为止" in read
    assert "每月约¥119.99" in read


def test_a_correction_and_a_payment_show(town, counter):
    unit = town.add_unit()
    bill = subsidised(counter, unit)
    service.correct(town.community_id, bill.id, "credit", 555, "多收")
    service.settle(
        town.community_id, unit.id, 2000, received_on=bill.due_on, means="cash", source="counter:1"
    )
    read = words_of(printed(town, bill))
    assert "更正−5.55" in read
    assert "已付−20.00" in read
    assert "您应付50.00" in read


def test_earlier_bills_of_the_same_payer_are_named_and_others_are_not(town, counter):
    unit = town.add_unit()
    seller, buyer = town.add_owner(unit, "李四", ends_on="2026-02-01"), None
    buyer = town.add_owner(unit, "王五", "2026-02-01")
    counter.issue(unit, "2026-01", Charge(90000), payer=seller)
    counter.issue(unit, "2026-02", Charge(1000), payer=buyer)
    bill = counter.issue(unit, "2026-03", Charge(2000), payer=buyer)
    full = sheet.bill(town.community_id, bill.id)
    assert (full.earlier_count, full.earlier_open_fen) == (1, 1000)
    assert "一并缴纳共¥30.00" in words_of(printed(town, bill))


def test_the_same_bill_gives_the_same_bytes(town, counter):
    bill = subsidised(counter, town.add_unit())
    assert printed(town, bill) == printed(town, bill)
    assert printed(town, bill, "a4") != printed(town, bill)


def test_an_english_bill_has_no_chinese_but_names(town, counter):
    unit = town.add_unit("3-2-501", "88.88")
    counter.tariff("Fee", "area", "1.35", document_no="No. 12")
    bill = counter.issue(unit, "2026-03", Charge(11999, quantity="88.88", tariff="Fee"))
    with force_locale("en"):
        document = sheets.document([sheet.bill(town.community_id, bill.id)])
        read = words_of(press.compile_pdf("bill.typ", document))
    names = set("示范里物业") | set("0123456789")
    assert not [char for char in read if "\u4e00" <= char <= "\u9fff" and char not in names]


def test_a_bill_with_markup_in_a_name_prints_it_as_it_is(town, counter):
    counter.tariff("#panic() *费* $x$ @y", "area", "1.00")
    bill = counter.issue(
        town.add_unit(),
        "2026-03",
        Charge(8000, tariff="#panic() *费* $x$ @y", price="1.00", quantity="80"),
    )
    assert "#panic()*费*$x$@y" in words_of(printed(town, bill))


def test_a_building_is_one_file_and_a_month_a_zip_of_them(town, counter):
    for label in ("1-101", "1-102", "12-101"):
        subsidised(counter, town.add_unit(label))
    withdrawn = subsidised(counter, town.add_unit("1-103"))
    counter.withdraw(withdrawn)
    alone = batch.print_month(town.community_id, Month(2026, 3), town.buildings["1"])
    assert alone.bill_count == 2
    pages = PdfReader(io.BytesIO(_bytes(town, alone.file_id))).pages
    assert len(pages) == 2
    every = batch.print_month(town.community_id, Month(2026, 3))
    with zipfile.ZipFile(io.BytesIO(_bytes(town, every.file_id))) as pack:
        assert sorted(pack.namelist()) == ["2026-03 1 栋账单.pdf", "2026-03 12 栋账单.pdf"]
    each = batch.print_month(town.community_id, Month(2026, 3), each=True)
    with zipfile.ZipFile(io.BytesIO(_bytes(town, each.file_id))) as pack:
        assert sorted(pack.namelist()) == [
            "1/2026-03 1-101.pdf",
            "1/2026-03 1-102.pdf",
            "12/2026-03 12-101.pdf",
        ]


def test_a_month_without_bills_is_refused_in_a_sentence(town):
    with pytest.raises(RuleBroken):
        batch.print_month(town.community_id, Month(2026, 3))


def test_the_job_prints_and_says_where(town, counter):
    subsidised(counter, town.add_unit())
    task = queue.enqueue("billing:print-bills", town.community_id, {"month": "2026-03"})
    task_id = task.id
    db.session.commit()
    queue.run(town.community_id, task_id)
    done = db.session.get(queue.Task, (town.community_id, task_id))
    assert (done.status, done.progress_done, done.progress_total) == ("done", 1, 1)
    file = db.session.get(StoredFile, (town.community_id, done.result["file_id"]))
    assert (file.action, file.content_type) == ("bill.print", "application/zip")
    assert file.expires_at is not None


def _bytes(town, file_id: int) -> bytes:
    return files.location(db.session.get(StoredFile, (town.community_id, file_id))).read_bytes()

"""Files that mean harm, or are merely broken: refused with a reason, quickly, and alone."""

from __future__ import annotations

import io
import random
import resource
import struct
import subprocess
import sys
import time
import zipfile

import pytest
from sqlalchemy import text

from app.kernel.db import db
from app.registry.imports import reader
from app.registry.imports.reader import MappingNeeded
from app.registry.imports.refusals import Refused
from tests.people import client_for
from tests.registry.sheets import preview_of, saved, workbook

ROWS = [["3", "2", str(room), 88.47, f"张{room}", "13800138000"] for room in range(501, 521)]
BOOK = workbook(ROWS)


def outcome(tmp_path, content, **wishes):
    """What the reader makes of bytes: `ok`, or why not."""
    try:
        return "ok", [
            m for m in reader.read(saved(tmp_path, content), **wishes) if m["t"] != "sheet"
        ]
    except Refused as refused:
        return "refused", refused.message % refused.params if refused.params else refused.message
    except MappingNeeded:
        return "mapping", None


def archive(files, compression=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


def rebuilt(change):
    """The good workbook with some of its members changed."""
    with zipfile.ZipFile(io.BytesIO(BOOK)) as made:
        files = {name: made.read(name) for name in made.namelist()}
    change(files)
    return archive(files)


def test_a_good_file_is_read(tmp_path):
    kind, messages = outcome(tmp_path, BOOK)
    assert kind == "ok"
    assert len(messages) == 20


def test_a_bomb_is_refused_in_a_second_or_so_and_little_memory(tmp_path):
    def swell(files):
        files["xl/worksheets/sheet1.xml"] = b"<worksheet>" + b" " * (900 * 1024 * 1024)

    bomb = rebuilt(swell)
    assert len(bomb) < 2_000_000
    began = time.monotonic()
    kind, why = outcome(tmp_path, bomb)
    assert kind == "refused"
    assert "巨大" in why
    assert time.monotonic() - began < 5  # one second on an idle machine


def test_a_bomb_that_lies_about_its_size_harms_only_the_child(tmp_path):
    def swell(files):
        files["xl/worksheets/sheet1.xml"] = b"<worksheet><sheetData>" + b"<row>" * 20_000_000

    content = bytearray(rebuilt(swell))
    at = content.rfind(b"xl/worksheets/sheet1.xml") - 46
    content[at + 24 : at + 28] = struct.pack("<I", 1000)  # the declared size
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kind, _why = outcome(tmp_path, bytes(content))
    assert kind == "refused"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_a_sheet_that_claims_a_billion_cells_is_refused(tmp_path):
    def stretch(files):
        sheet = files["xl/worksheets/sheet1.xml"].decode()
        far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
        files["xl/worksheets/sheet1.xml"] = sheet.replace("</sheetData>", far).encode()

    kind, _why = outcome(tmp_path, rebuilt(stretch))
    assert kind == "refused"


def test_billion_laughs_do_not_laugh(tmp_path):
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))

    def laugh(files):
        sheet = files["xl/worksheets/sheet1.xml"].decode()
        head = f'<!DOCTYPE x [<!ENTITY a0 "ha">{entities}]>'
        sheet = sheet.replace("<worksheet", f"{head}<worksheet", 1)
        sheet = sheet.replace(
            "<sheetData>", '<sheetData><row r="99"><c r="A99"><f>&a9;</f></c></row>', 1
        )
        files["xl/worksheets/sheet1.xml"] = sheet.encode()

    kind, _why = outcome(tmp_path, rebuilt(laugh))
    assert kind == "refused"


def test_a_directory_of_a_hundred_thousand_entries_is_not_even_listed(tmp_path):
    content = archive({f"a{n}": b"" for n in range(60_000)}, zipfile.ZIP_STORED)
    kind, why = outcome(tmp_path, content)
    assert kind == "refused"
    assert "过多" in why


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "空"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x89PNG\r\n\x1a\n....", "PNG"),
        (b"MZ\x90\x00", "程序"),
        (b"<html><table></table></html>", "网页"),
        (b"<?xml version='1.0'?><Workbook/>", "XML"),
        (b"PK\x03\x04 but no zip", "损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "损坏"),
        (bytes(range(256)) * 8, "编码"),
        (archive({"word/document.xml": b"x"}), "Word"),
        (archive({"xl/workbook.bin": b"x"}), "xlsb"),
        (archive({"content.xml": b"x"}), "ods"),
        (archive({"xl/workbook.xml": b"x", "xl/vbaProject.bin": b"x"}), "宏"),
        ("一行没有表头的文字\n又一行\n".encode(), "表头"),
        ("楼栋,房号,面积\n".encode(), "没有数据"),
    ],
)
def test_wrong_files_are_refused_with_a_reason(tmp_path, content, word):
    kind, why = outcome(tmp_path, content)
    assert kind == "refused"
    assert word in why


def test_formula_cells_are_named(tmp_path):
    def calculate(_book, page):
        page.write_formula(3, 3, "=40+48.47", value=88.47)
        page.write_formula(5, 4, '="张"&"三"', value="张三")

    kind, why = outcome(tmp_path, workbook(ROWS, then=calculate))
    assert kind == "refused"
    assert "D4、E6" in why
    kind, why = outcome(tmp_path, "楼栋,房号,面积\n1,101,=40+8\n".encode())
    assert kind == "refused"
    assert "C2" in why


def test_a_formula_under_another_prefix_or_encoding_is_found_too(tmp_path):
    def disguise(files):
        sheet = files["xl/worksheets/sheet1.xml"].decode()
        sheet = sheet.replace(
            "<sheetData>", '<sheetData><row r="1"><c r="A1"><f>1</f></c></row>', 1
        )
        head = '<?xml version="1.0" encoding="UTF-16"?>'
        sheet = head + sheet.partition("?>")[2]
        files["xl/worksheets/sheet1.xml"] = sheet.encode("utf-16")

    kind, _why = outcome(tmp_path, rebuilt(disguise))
    assert kind == "refused"


def test_a_locked_zip_entry_is_refused(tmp_path):
    content = bytearray(BOOK)
    at = 0
    while (at := content.find(b"PK\x01\x02", at)) >= 0:
        content[at + 8] |= 1
        at += 4
    kind, why = outcome(tmp_path, bytes(content))
    assert kind == "refused"
    assert "密码" in why


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_text_files_in_the_encodings_people_have(tmp_path, encoding, mark):
    lines = [["楼栋", "单元", "房号", "面积", "业主"], ["3栋", "2", "501", "88.47", "张三"]]
    content = "\r\n".join(mark.join(line) for line in lines).encode(encoding)
    kind, messages = outcome(tmp_path, content)
    assert kind == "ok"
    assert messages[0]["v"]["label"] == "3-2-501"
    assert messages[0]["v"]["owners"][0]["name"] == "张三"


def test_more_rows_than_we_take_are_refused(tmp_path):
    content = "楼栋,房号,面积\n" + "".join(f"1,{n},50\n" for n in range(200_001))
    kind, why = outcome(tmp_path, content.encode())
    assert kind == "refused"
    assert "200,000" in why


def test_a_file_of_fifty_megabytes_is_refused_at_the_door(app, town):
    manager = client_for(app, "manager", town)
    answer = manager.submit(
        f"/c/{town.community_id}/imports/new",
        {"file": (io.BytesIO(b"x" * (50 * 1024 * 1024)), "big.csv"), "starts_on": "2025-01-01"},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 413
    over = manager.submit(
        f"/c/{town.community_id}/imports/new",
        {"file": (io.BytesIO(b"x" * (20 * 1024 * 1024 + 1)), "b.csv"), "starts_on": "2025-01-01"},
        content_type="multipart/form-data",
    )
    assert over.status_code == 422


def test_the_name_of_a_file_means_nothing(town):
    made = preview_of(town, BOOK, name="../../etc/passwd\x00.pdf")
    assert made.status == "ready"
    assert made.filename == "passwd.pdf"
    assert ".." not in made.file_path


def test_the_child_cannot_write(tmp_path, monkeypatch):
    """Its file size limit is nothing, whatever the file talks it into."""
    from app.registry.imports import child

    probe = tmp_path / "probe.py"
    probe.write_text(
        f"import os, runpy\nmade = runpy.run_path({child.__file__!r})\nmade['bound']()\n"
        f"print(sorted(os.environ))\nopen({str(tmp_path / 'out')!r}, 'w').write('x')\n"
    )
    monkeypatch.setattr(child, "__file__", str(probe))
    with pytest.raises(Exception):  # noqa: B017, PT011 -- it prints no JSON, then dies writing
        list(reader.read(tmp_path / "file"))
    assert not (tmp_path / "out").exists() or not (tmp_path / "out").read_text()


def mutations(count):
    """Good files with bytes changed, cut, doubled or swapped; text ones and zipped ones."""
    dice = random.Random(20)
    plain = "楼栋,单元,房号,面积,业主,电话\n" + "".join(
        f"3,2,{room},88.47,张三,13800138000\n" for room in range(501, 511)
    )
    sources = [BOOK, plain.encode(), plain.encode("gbk"), rebuilt(lambda files: None)]
    for number in range(count):
        content = bytearray(sources[number % len(sources)])
        for _ in range(dice.choice((1, 3, 20))):
            at = dice.randrange(len(content))
            act = dice.randrange(4)
            if act == 0:
                content[at] = dice.randrange(256)
            elif act == 1:
                del content[at : at + dice.randrange(1, 200)]
            elif act == 2:
                content[at:at] = content[at : at + dice.randrange(1, 200)]
            else:
                content[at:at] = dice.randbytes(dice.randrange(1, 20))
            content = content or bytearray(b"x")
        yield bytes(content)


LOOP = """
import collections, os, runpy, sys
made = runpy.run_path(sys.argv[1])
made["bound"](); made["stand_alone"]()
from app.registry.imports.refusals import Refused
said = collections.Counter()
made["read"].__globals__["say"] = lambda message: said.update([message["t"]])
for name in sorted(os.listdir(sys.argv[2])):
    try:
        made["read"]({"path": os.path.join(sys.argv[2], name)})
    except Refused:
        said["refused"] += 1
    except BaseException as error:
        assert not isinstance(error, (KeyboardInterrupt, SystemExit))
        said["broken"] += 1
    said["file"] += 1
print(said["file"], said["refused"], said["broken"])
"""


def read_many(tmp_path, count):
    """The child's own code on many files, in one bounded process: files, refused, broken."""
    from app.registry.imports import child

    for number, content in enumerate(mutations(count)):
        saved(tmp_path, content, f"{number:05d}")
    done = subprocess.run(
        [sys.executable, "-I", "-c", LOOP, child.__file__, str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    return [int(word) for word in done.stdout.split()]


def test_a_thousand_mutated_files_are_read_or_refused_never_worse(tmp_path):
    files, refused, broken = read_many(tmp_path, 1_000)
    assert files == 1_000
    assert refused > 100
    assert broken < 100  # told as “damaged”; more would mean that we do not know why


@pytest.mark.slow
def test_ten_thousand_mutated_files(tmp_path):
    files, refused, _broken = read_many(tmp_path, 10_000)
    assert files == 10_000
    assert refused > 1_000


def test_mutated_uploads_never_break_a_page_or_half_fill_a_roll(app, town):
    manager = client_for(app, "manager", town)
    for content in mutations(24):
        sent = manager.submit(
            f"/c/{town.community_id}/imports/new",
            {"file": (io.BytesIO(content), "r.xlsx"), "starts_on": "2025-01-01"},
            content_type="multipart/form-data",
        )
        assert sent.status_code in (303, 422), sent.text
        if sent.status_code == 303:
            page = manager.get(sent.headers["Location"], follow_redirects=True)
            assert page.status_code == 200
    counted = db.session.execute(
        text("SELECT count(*) FROM unit WHERE community_id = :c"), {"c": town.community_id}
    ).scalar_one()
    assert counted == 0

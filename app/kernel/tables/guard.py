"""What a file really is, and whether it may be opened: looked at from outside, nothing unpacked.

The name says nothing; the first bytes do. A zip's own directory says how large it would
become, and a spreadsheet bomb gives itself away there.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.parsers import expat

from app.kernel.errors import N_
from app.kernel.tables import compound
from app.kernel.tables.refusals import Refused

LARGEST_FILE_BYTES = 20 * 1024 * 1024
LARGEST_UNPACKED_BYTES = 400 * 1024 * 1024
LARGEST_RATIO = 150  # rows of a real roster pack 8 to 30 times
RATIO_MATTERS_BYTES = 5 * 1024 * 1024
MOST_ENTRIES = 2_000
LARGEST_DIRECTORY_BYTES = 1024 * 1024
SHOWN_FORMULAS = 10
CHUNK_BYTES = 1 << 20

StartElement = Callable[[str, dict[str, str]], None]

_ZIP_END = b"PK\x05\x06"
_FORMULA = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?f[\s/>]")
_NOT_SHEETS = {
    b"%PDF": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7z",
    b"\x1f\x8b": "gzip",
    b"\x7fELF": N_("程序"),
    b"MZ": N_("程序"),
    b"{\\rtf": "RTF",
}


def kind_of_file(path: Path) -> str:
    """`xlsx`, `xls` or `csv`, by content. Raises Refused for everything else."""
    size = path.stat().st_size
    if size > LARGEST_FILE_BYTES:
        raise Refused(
            N_("文件有 %(size)s MB，超过 20 MB 的上限。请拆成几个文件分别导入。"),
            size=round(size / 1024 / 1024),
        )
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip(b"\x00\r\n\t "):
        raise Refused(N_("文件是空的。"))
    if head.startswith(b"PK"):
        _check_zip(path)
        return "xlsx"
    if head.startswith(compound.MAGIC):
        compound.check(path)
        return "xls"
    return text_kind(head)


def text_kind(head: bytes) -> str:
    """`csv` for what is plain text by its first bytes. Raises Refused for everything else."""
    for magic, word in _NOT_SHEETS.items():
        if head.startswith(magic):
            raise Refused(
                N_("这是 %(kind)s 文件，不是表格。请上传 .xlsx、.xls 或 .csv。"), kind=word
            )
    start = head.lstrip(b"\xef\xbb\xbf\r\n\t ").lower()
    if start.startswith((b"<html", b"<!doctype", b"<?xml", b"<table", b"<meta")):
        raise Refused(
            N_("这是网页或 XML 文件，只是用了表格的名字。请在 Excel 中打开后另存为 .xlsx 再上传。")
        )
    return "csv"


def _check_zip(path: Path) -> None:
    _check_zip_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, UnicodeError):
        raise _broken() from None
    _check_sizes(entries, path.stat().st_size)
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        raise _broken()
    if any(entry.flag_bits & 1 for entry in entries):
        raise Refused(N_("文件有密码。请取消密码后再上传。"))
    _check_contents(set(names))


def _check_zip_directory(path: Path) -> None:
    """Read only the last record: a directory of a million entries is not even listed."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 65_557))
        tail = file.read()
    at = tail.rfind(_ZIP_END)
    if at < 0 or len(tail) < at + 22:
        raise _broken()
    entries, directory_bytes = struct.unpack("<HI", tail[at + 10 : at + 16])
    if entries > MOST_ENTRIES or directory_bytes > LARGEST_DIRECTORY_BYTES:
        raise Refused(N_("压缩包里的文件过多，不像一份表格。请另存为普通的 .xlsx 再上传。"))


def _check_sizes(entries: list[zipfile.ZipInfo], packed: int) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    bomb = unpacked > LARGEST_UNPACKED_BYTES or (
        unpacked > RATIO_MATTERS_BYTES and unpacked > LARGEST_RATIO * max(packed, 1)
    )
    for entry in entries:
        ratio = entry.file_size / max(entry.compress_size, 1)
        bomb |= entry.file_size > RATIO_MATTERS_BYTES and ratio > LARGEST_RATIO
    if bomb:
        raise Refused(
            N_("文件解开后异常巨大（约 %(size)s MB），已拒绝打开。请把数据复制到新表格后再上传。"),
            size=round(unpacked / 1024 / 1024),
        )


def _check_contents(names: set[str]) -> None:
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise Refused(N_("文件带有宏。请另存为不带宏的 .xlsx 再上传。"))
    if "xl/workbook.bin" in names:
        raise Refused(N_("这是 .xlsb 文件。请另存为 .xlsx 再上传。"))
    if "content.xml" in names:
        raise Refused(N_("这是 .ods 文件。请另存为 .xlsx 再上传。"))
    if "xl/workbook.xml" not in names:
        raise Refused(
            N_("这是 %(kind)s 文件，不是表格。请上传 .xlsx、.xls 或 .csv。"),
            kind="Word" if any(name.startswith("word/") for name in names) else "zip",
        )


def formulas(path: Path, sheet_name: str) -> list[str]:
    """The cells of a sheet that hold formulas, at most a few; read as a stream."""
    with zipfile.ZipFile(path) as archive:
        member = _sheet_member(archive, sheet_name)
        if member is None or not _may_hold_formula(archive, member):
            return []
        return _formula_cells(archive, member)


def _sheet_member(archive: zipfile.ZipFile, sheet_name: str) -> str | None:
    relation = _attributes(archive, "xl/workbook.xml", "sheet", "name", sheet_name)
    key = next((value for name, value in relation.items() if name.endswith(":id")), None)
    target = _attributes(archive, "xl/_rels/workbook.xml.rels", "Relationship", "Id", key or "")
    path = target.get("Target", "").lstrip("/")
    member = path if path.startswith("xl/") else f"xl/{path}"
    return member if member in archive.namelist() else None


def _attributes(
    archive: zipfile.ZipFile, member: str, element: str, attribute: str, value: str
) -> dict[str, str]:
    found: dict[str, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == element and attributes.get(attribute) == value:
            found.update(attributes)

    if member in archive.namelist():
        _parse(archive, member, start)
    return found


def _may_hold_formula(archive: zipfile.ZipFile, member: str) -> bool:
    """A quick look; a sheet that is not plain ASCII-compatible text gets the slow one."""
    kept = b""
    for index, chunk in enumerate(_chunks(archive, member)):
        if index == 0 and (chunk[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in chunk[:4]):
            return True
        if index == 0 and re.match(
            rb"<\?xml[^>]*encoding\s*=\s*['\"](?!utf-?8|us-ascii)", chunk, re.I
        ):
            return True
        if _FORMULA.search(kept + chunk):
            return True
        kept = chunk[-64:]
    return False


def _formula_cells(archive: zipfile.ZipFile, member: str) -> list[str]:
    cells: list[str] = []
    present = ""

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal present
        local = name.rpartition(":")[2]
        if local == "c":
            present = attributes.get("r", "?")
        elif local == "f" and len(cells) < SHOWN_FORMULAS and present not in cells:
            cells.append(present)

    _parse(archive, member, start)
    return cells


def _parse(archive: zipfile.ZipFile, member: str, start: StartElement) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = start

    def refuse_doctype(*_: object) -> None:
        raise _broken()

    parser.StartDoctypeDeclHandler = refuse_doctype
    try:
        for chunk in _chunks(archive, member):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError:
        raise _broken() from None


def _chunks(archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    with archive.open(member) as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _broken() -> Refused:
    return Refused(N_("文件已损坏，打不开。请在 Excel 中重新另存为 .xlsx 再上传。"))

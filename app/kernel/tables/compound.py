"""Old .xls files from outside: is one locked, does it carry macros, which cells are formulas.

An .xls is a compound file (a small file system of 512-byte sectors) whose stream `Workbook`
is a row of records. Only what those questions need is read. Source: [MS-CFB], [MS-XLS].
"""

from __future__ import annotations

import struct
from pathlib import Path

from app.kernel.errors import N_
from app.kernel.tables.refusals import Refused

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
END_OF_CHAIN = 0xFFFFFFFA  # and above: free, end, and the tables' own sectors
FORMULA, FILEPASS, BOUNDSHEET, BOF = 0x0006, 0x002F, 0x0085, 0x0809
SHORT_STREAM_BYTES = 4096
SHOWN_FORMULAS = 10


def check(path: Path) -> None:
    """Refuse what is locked, carries macros, or is no workbook at all."""
    names = set(_Compound(path.read_bytes()).streams)
    if "EncryptedPackage" in names:
        raise Refused(N_("文件有密码。请取消密码后再上传。"))
    if any(name.startswith(("_VBA_PROJECT", "Macros")) for name in names):
        raise Refused(N_("文件带有宏。请另存为不带宏的 .xlsx 再上传。"))
    if not names & {"Workbook", "Book"}:
        raise Refused(
            N_("这是 %(kind)s 文件，不是表格。请上传 .xlsx、.xls 或 .csv。"),
            kind="Word" if "WordDocument" in names else "OLE",
        )
    if any(kind == FILEPASS for _at, kind, _body in _records(_workbook(path))):
        raise Refused(N_("文件有密码。请取消密码后再上传。"))


def formulas(path: Path, sheet_index: int) -> list[tuple[int, int]]:
    """Rows and columns (from 0) of a sheet's formula cells, at most a few."""
    stream = _workbook(path)
    starts = [
        struct.unpack_from("<I", body)[0]
        for _at, kind, body in _records(stream)
        if kind == BOUNDSHEET and len(body) >= 4
    ]
    if sheet_index >= len(starts):
        return []
    cells: list[tuple[int, int]] = []
    for at, kind, body in _records(stream, starts[sheet_index]):
        if kind == BOF and at != starts[sheet_index]:
            break
        if kind == FORMULA and len(body) >= 4 and len(cells) < SHOWN_FORMULAS:
            row, column = struct.unpack_from("<HH", body)
            cells.append((row, column))
    return cells


def _workbook(path: Path) -> bytes:
    file = _Compound(path.read_bytes())
    return file.read("Workbook" if "Workbook" in file.streams else "Book")


def _records(stream: bytes, at: int = 0) -> list[tuple[int, int, bytes]]:
    found = []
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        if kind in (FORMULA, FILEPASS, BOUNDSHEET, BOF):
            found.append((at, kind, stream[at + 4 : at + 4 + min(size, 16)]))
        at += 4 + size
    return found


class _Compound:
    """The streams of a compound file by name; every chain is bounded by the file's size."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        try:
            self._open()
        except (struct.error, IndexError, UnicodeError):
            raise Refused(
                N_("文件已损坏，打不开。请在 Excel 中重新另存为 .xlsx 再上传。")
            ) from None

    def read(self, name: str) -> bytes:
        """A stream's bytes; short ones lie in the root's own stream."""
        start, size = self.streams[name]
        if size >= SHORT_STREAM_BYTES:
            return self._chain(start)[:size]
        out = bytearray()
        while start < END_OF_CHAIN and len(out) < size and start < len(self.short_table):
            out += self.short[start * 64 : start * 64 + 64]
            start = self.short_table[start]
        return bytes(out[:size])

    def _open(self) -> None:
        shift = struct.unpack_from("<H", self.content, 30)[0]
        if shift not in (9, 12):
            raise IndexError
        self.sector = 1 << shift
        table_count, directory, _, _, short_start, short_count, more_start, more_count = (
            struct.unpack_from("<II II I I I I", self.content, 44)
        )
        self.table: tuple[int, ...] = ()
        self.table = self._table(table_count, more_start, more_count)
        self.streams: dict[str, tuple[int, int]] = {}
        entries = self._chain(directory)
        for at in range(0, len(entries) - 127, 128):
            self._add(entries[at : at + 128])
        root_start, root_size = self.streams.get("Root Entry", (END_OF_CHAIN, 0))
        self.short = self._chain(root_start)[:root_size]
        raw = self._chain(short_start) if short_count else b""
        self.short_table = struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4])

    def _add(self, entry: bytes) -> None:
        length = struct.unpack_from("<H", entry, 64)[0]
        if entry[66] and 2 <= length <= 64:
            name = entry[: length - 2].decode("utf-16-le")
            start, size = struct.unpack_from("<IQ", entry, 116)
            self.streams[name] = (start, size & 0xFFFFFFFF)

    def _table(self, count: int, more_start: int, more_count: int) -> tuple[int, ...]:
        most = len(self.content) // self.sector + 1
        sectors = list(struct.unpack_from("<109I", self.content, 76))
        for _ in range(min(more_count, most)):
            block = self._sector(more_start)
            words = struct.unpack(f"<{len(block) // 4}I", block)
            sectors += words[:-1]
            more_start = words[-1]
        table: list[int] = []
        for sector in sectors[: min(count, most)]:
            if sector < END_OF_CHAIN:
                block = self._sector(sector)
                table += struct.unpack(f"<{len(block) // 4}I", block)
        return tuple(table)

    def _sector(self, number: int) -> bytes:
        at = (number + 1) * self.sector
        block = self.content[at : at + self.sector]
        return block[: len(block) // 4 * 4]

    def _chain(self, start: int) -> bytes:
        parts, seen = [], 0
        while start < END_OF_CHAIN and seen <= len(self.table):
            parts.append(self._sector(start))
            start = self.table[start]
            seen += 1
        return b"".join(parts)

"""Readings out of an uploaded sheet: which columns, which rows; the file itself is opened aside."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from app.billing.tariffs import sheet_child
from app.kernel.errors import N_, RuleBroken

SECONDS = 30
SERIAL_WORDS = ("表号", "表编号", "水表号", "电表号", "serial", "meter", "meterno", "serialno")
READING_WORDS = (
    "本次读数",
    "本期读数",
    "本月读数",
    "读数",
    "止码",
    "reading",
    "current",
    "currentreading",
)


class Savable(Protocol):
    """What an upload can do."""

    def save(self, dst: str) -> None:
        """Write itself to a path."""


def readings_of(upload: Savable) -> list[tuple[int, str, str]]:
    """(row number, serial, reading as written) of every row below the headings.

    Without recognised headings the first two columns are taken. Raises RuleBroken with a
    sentence when the file cannot be read.
    """
    rows = rows_of(upload)
    serial_at, reading_at, begins = _columns(rows)
    found = []
    for number, cells in rows[begins:]:
        padded = [*cells, "", ""]
        serial = padded[serial_at] if serial_at < len(padded) else ""
        reading = padded[reading_at] if reading_at < len(padded) else ""
        if serial and reading:  # a meter left out has an empty cell
            found.append((number, serial, reading))
    return found


def rows_of(upload: Savable) -> list[tuple[int, list[str]]]:
    """Every row that holds anything, as text, read in a bounded process."""
    with tempfile.TemporaryDirectory(prefix="linli-readings-") as folder:
        path = Path(folder) / "sheet"
        upload.save(str(path))
        return _rows(path)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    try:
        done = subprocess.run(
            [sys.executable, "-I", sheet_child.__file__],
            input=json.dumps({"path": str(path)}).encode() + b"\n",
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env={"LANG": "C.UTF-8"},
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        raise RuleBroken("sheet.broken", sheet_child.BROKEN, field="file") from None
    rows: list[tuple[int, list[str]]] = []
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        message: dict[str, Any] = json.loads(line)
        if "refused" in message:
            params = {str(key): value for key, value in message["params"].items()}
            raise RuleBroken("sheet.refused", message["refused"], field="file", **params)
        if "end" in message:
            return rows
        rows.append((message["n"], message["cells"]))
    raise RuleBroken("sheet.broken", sheet_child.BROKEN, field="file")


def _columns(rows: Sequence[tuple[int, list[str]]]) -> tuple[int, int, int]:
    """Where serials and readings stand, and how many rows come before them."""
    for index, (_, cells) in enumerate(rows[:20]):
        words = ["".join(cell.lower().split()).strip("：:._") for cell in cells]
        serial = next((at for at, word in enumerate(words) if word in SERIAL_WORDS), None)
        reading = next((at for at, word in enumerate(words) if word in READING_WORDS), None)
        if serial is not None and reading is not None:
            return serial, reading, index + 1
    if not rows:
        raise RuleBroken("sheet.empty", N_("表里没有读数。"), field="file")
    return 0, 1, 0

"""A workbook's sheets as rows of text, read in a child process that may die in our place."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import Any

from app.kernel.tables import child
from app.kernel.tables.refusals import Refused

SECONDS = 120

Sheet = tuple[str, list[tuple[int, list[str]]]]


def read_sheets(data: bytes, most_rows: int) -> list[Sheet]:
    """Every visible sheet: its name and its rows that hold anything, numbered from 1.

    Sizes, passwords, macros and formula cells are looked at first. Raises Refused.
    """
    with tempfile.NamedTemporaryFile(prefix="table-") as file:
        file.write(data)
        file.flush()
        order = json.dumps({"path": file.name, "most_rows": most_rows}).encode() + b"\n"
        try:
            done = subprocess.run(
                [sys.executable, "-I", child.__file__],
                input=order,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a library's complaint may quote the file
                env={"LANG": "C.UTF-8"},
                cwd="/",
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Refused(child.TOO_LARGE) from None
    return _sheets(done.stdout)


def _sheets(said: bytes) -> list[Sheet]:
    sheets: list[Sheet] = []
    for line in said.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        message: dict[str, Any] = json.loads(line)
        if message["t"] == "refused":
            raise Refused(message["message"], **message["params"])
        if message["t"] == "end":
            return sheets
        if message["t"] == "sheet":
            sheets.append((message["name"], []))
        else:
            sheets[-1][1].append((message["n"], message["cells"]))
    raise Refused(child.TOO_LARGE)

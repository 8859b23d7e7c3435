"""The process that opens a stranger's sheet of readings: little memory, little time, no keys.

Run as a script, so that the application is not imported: reads one line of JSON (path), writes
one line per row, then `end`; or `refused` with a sentence. Opening, sizes, encodings and
formula cells are the roster import's affair (`registry/imports/sheets`).
"""

from __future__ import annotations

import json
import resource
import sys
import types
from pathlib import Path
from typing import Any

MEMORY_BYTES = 500 * 1024 * 1024
CPU_SECONDS = 20
MOST_ROWS = 20_000
MOST_CELLS = 12


def bound() -> None:
    """Give up what reading a table does not need; a bomb then harms this process alone."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def stand_alone() -> None:
    """Make `app.registry.imports` importable without running `app/__init__.py`."""
    package = types.ModuleType("app")
    package.__path__ = [str(Path(__file__).resolve().parents[2])]
    sys.modules["app"] = package


def read(path: Path) -> None:
    """Say every row that holds anything, as text."""
    from app.registry.imports.cells import text_of
    from app.registry.imports.refusals import Refused
    from app.registry.imports.sheets import open_table

    count = 0
    for number, cells in open_table(path).rows:
        texts = [text_of(cell)[:200] for cell in cells[:MOST_CELLS]]
        if any(texts):
            count += 1
            if count > MOST_ROWS:
                raise Refused(TOO_MANY)
            say({"n": number, "cells": texts})
    say({"end": True})


def say(message: dict[str, Any]) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n")


def main() -> None:
    """Read one order and carry it out; every failure becomes a sentence."""
    bound()
    stand_alone()
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    order = json.loads(sys.stdin.readline())
    from app.registry.imports.refusals import Refused

    try:
        read(Path(order["path"]))
    except Refused as refused:
        say({"refused": refused.message, "params": refused.params})
    except BaseException as error:  # a panic of the reading library is no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        say({"refused": BROKEN, "params": {}})
    sys.stdout.flush()


def N_(message: str) -> str:
    """Mark a sentence for translation."""
    return message


TOO_MANY = N_("表里的行太多，一次最多两万行。")
BROKEN = N_("文件已损坏或过大，打不开。请在 Excel 中另存为 .xlsx 再上传。")


if __name__ == "__main__":
    main()

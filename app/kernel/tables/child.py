"""The process that opens a stranger's workbook: little memory, little time, no keys.

Run as a script, not as a module of the application: importing the application would bring
its settings, its database driver and 100 MB with it. It reads one line of JSON (path, most
rows) and writes lines of JSON: `sheet` and its `row`s in turn, then `end`; or `refused`.
"""

from __future__ import annotations

import json
import resource
import sys
import types
from datetime import date, datetime
from pathlib import Path
from typing import Any

MEMORY_BYTES = 700 * 1024 * 1024  # address space
CPU_SECONDS = 60
MOST_SHEETS = 20
LONGEST_CELL = 1_000
MOST_CHARACTERS = 60_000_000  # said in all; a statement of 200,000 lines needs half of it


def bound() -> None:
    """Give up what reading a table does not need; a bomb then harms this process alone."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def stand_alone() -> None:
    """Make `app.kernel.tables` importable without running `app/__init__.py`."""
    package = types.ModuleType("app")
    package.__path__ = [str(Path(__file__).resolve().parents[2])]
    sys.modules["app"] = package


def read(order: dict[str, Any]) -> None:
    """Say every row of every visible sheet, cells as text, without formulas."""
    from app.kernel.tables import guard, sheets
    from app.kernel.tables.refusals import Refused

    path, left, characters = Path(order["path"]), int(order["most_rows"]), MOST_CHARACTERS
    kind = guard.kind_of_file(path)
    if kind == "csv":
        raise sheets.unreadable()
    book = sheets.open_book(path)
    for name in sheets.visible_names(book)[:MOST_SHEETS]:
        sheets.refuse_formulas(path, kind, name, book.sheet_names.index(name))
        say({"t": "sheet", "name": name})
        for number, row in sheets.rows_of(book, name):
            cells = [text_of(cell) for cell in row]
            if any(cells):
                left -= 1
                characters -= sum(map(len, cells))
                if left < 0:
                    raise Refused(TOO_MANY, most=f"{order['most_rows']:,}")
                if characters < 0:
                    raise Refused(TOO_LARGE)
                say({"t": "row", "n": number, "cells": cells})
    say({"t": "end"})


def text_of(cell: Any) -> str:
    """A cell as text: numbers to Excel's fifteen digits, without `.0`; days as 2026-01-31."""
    if isinstance(cell, str):
        return cell[:LONGEST_CELL]
    if isinstance(cell, float):
        return f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def say(message: dict[str, Any]) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n")


def main() -> None:
    """Read one order and carry it out; every failure becomes a sentence."""
    bound()
    stand_alone()
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    order = json.loads(sys.stdin.readline())
    from app.kernel.tables.refusals import Refused

    try:
        read(order)
    except Refused as refused:
        say({"t": "refused", "message": refused.message, "params": refused.params})
    except MemoryError:
        say({"t": "refused", "message": TOO_LARGE, "params": {}})
    except BaseException as error:  # a panic of the reading library is no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        say({"t": "refused", "message": BROKEN, "params": {}})
    sys.stdout.flush()


def N_(message: str) -> str:
    """Mark a sentence for translation."""
    return message


TOO_MANY = N_("表里超过 %(most)s 行。请按月份拆成几个文件分别导入。")
TOO_LARGE = N_("文件解开后过大，读不下去。请把数据复制到新表格，或拆成几个文件。")
BROKEN = N_("文件已损坏，打不开。请在 Excel 中重新另存为 .xlsx 再上传。")


if __name__ == "__main__":
    main()

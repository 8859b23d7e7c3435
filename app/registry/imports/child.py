"""The process that opens a stranger's file: little memory, little time, no keys, no database.

Run as a script, not as a module of the application: importing the application would bring
its settings, its database driver and 100 MB with it. It reads one line of JSON (path, sheet,
columns, remembered mappings) and writes lines of JSON: `sheet`, then `unit` and `error` in
turn, then `end`; or `refused`, or `mapping` when the headings are not understood.
"""

from __future__ import annotations

import json
import resource
import sys
import types
from pathlib import Path
from typing import Any

MEMORY_BYTES = 700 * 1024 * 1024  # address space; a roster of 200,000 rows needs half of it
CPU_SECONDS = 60
OPEN_FILES = 64


def bound() -> None:
    """Give up what reading a table does not need; a bomb then harms this process alone."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))


def stand_alone() -> None:
    """Make `app.registry.imports` importable without running `app/__init__.py`."""
    root = Path(__file__).resolve().parents[3]
    package = types.ModuleType("app")
    package.__path__ = [str(root / "app")]
    sys.modules["app"] = package


def read(order: dict[str, Any]) -> None:
    """Read the file of an order and say what it holds."""
    from app.registry.imports.columns import Header
    from app.registry.imports.rows import RowReader, read_units
    from app.registry.imports.sheets import open_table

    table = open_table(Path(order["path"]), order.get("sheet"))
    header = table.header()
    if header is None:
        say({"t": "refused", "message": NO_HEADER, "params": {}})
        return
    if order.get("rows"):
        hand_back(table, header.row_index + 1, set(order["rows"]))
        return
    wished = order.get("columns")
    for headers, columns in order.get("remembered", ()):
        if wished is None and headers == list(header.texts):
            wished = columns
    if wished is not None:
        header = Header(header.row_index, header.texts, wished)
    details = {
        "sheet": table.name,
        "sheets": list(table.names),
        "by_person": wished is not None,
        **header.as_dict(),
    }
    if "room" in header.missing or (header.missing and wished is None):
        say({"t": "mapping", "details": details})
        return
    say({"t": "sheet", "details": details})
    reader = RowReader(header.columns)
    for message in read_units(reader, table.rows, header.row_index + 1):
        say(message)
    say({"t": "end"})


def hand_back(table: Any, header_row: int, wanted: set[int]) -> None:
    """The heading and some rows as they are, to be returned with what is wrong with them."""
    from app.registry.imports.cells import LONGEST_CELL, text_of

    for row_no, row in table.rows:
        if row_no == header_row or row_no in wanted:
            cells = [text_of(cell)[:LONGEST_CELL] for cell in row]
            say({"t": "heading" if row_no == header_row else "row", "n": row_no, "cells": cells})
    say({"t": "end"})


def say(message: dict[str, Any]) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")))
    sys.stdout.write("\n")


def main() -> None:
    """Read one order and carry it out; every failure becomes a sentence."""
    bound()
    stand_alone()
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    order = json.loads(sys.stdin.readline())
    from app.registry.imports.refusals import Refused

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


NO_HEADER = N_(
    "没有找到表头：请在数据上方加一行列名，至少有“楼栋”“房号”“建筑面积”，或使用下载的模板。"
)
TOO_LARGE = N_("文件解开后过大，读不下去。请把数据复制到新表格，或按楼栋拆成几个文件。")
BROKEN = N_("文件已损坏，打不开。请在 Excel 中重新另存为 .xlsx 再上传。")


if __name__ == "__main__":
    main()

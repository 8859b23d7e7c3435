"""How long does a community's roster take, from the spreadsheet to the roll?

    python -m bench.roster_import [units …]      default: 10000 100000

A made-up roster: eleven columns, an owner and a phone each, every second one with an identity
number, three in ten with a second owner. Measured apart: the child that reads the file, the
preview (reading, sealing, COPY, comparing), the application, the same file previewed again,
its undo; the peak memory of both processes; and as a floor a plain COPY of the same units,
people and ownerships into the same tables, rolled back.
"""

from __future__ import annotations

import base64
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text

from app.embedded import Servers

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".linli" / "var" / "bench-roster"
TABLES = ("unit", "person", "ownership")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def main() -> None:
    """Start servers, measure each size on a fresh community, print."""
    sizes = [int(word) for word in sys.argv[1:]] or [10_000, 100_000]
    shutil.rmtree(FOLDER, ignore_errors=True)
    with Servers(FOLDER) as servers:
        prepare(servers)
        from app import create_app

        app = create_app()
        with app.app_context():
            for size in sizes:
                measure(size)
    shutil.rmtree(FOLDER, ignore_errors=True)


def prepare(servers: Servers) -> None:
    """A migrated database, and the settings of the application in the environment."""
    servers.create_database("bench")
    os.environ |= {
        "DATABASE_URL": servers.database_url("linli_app", "bench"),
        "MIGRATION_DATABASE_URL": servers.database_url("linli_owner", "bench"),
        "REDIS_URL": servers.redis_url,
        "SECRET_KEY": "bench",
        "LINLI_FIELD_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
        "STORAGE_DIR": str(FOLDER / "files"),
    }
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"], cwd=ROOT, check=True,
        capture_output=True,
    )  # fmt: skip


def measure(size: int) -> None:
    """One community of `size` units, through everything, and the floor."""
    from app.kernel.db import db, transaction
    from app.kernel.tenancy import scoped
    from app.registry import service
    from app.registry.imports import apply, preview, reader, undo

    path = FOLDER / f"{size}.xlsx"
    write_roster(path, size)
    with scoped([0]), transaction():
        street = service.found_region("street", f"街道{size}")
        community_id = service.found_community(street.id, f"示范里{size}").id
    times: dict[str, float] = {}
    child: list[int] = []
    timed(times, "read alone", lambda: sum(note_child(child) for _ in reader.read(path)))

    def step(work: Callable[[], Any]) -> Any:
        with transaction():
            return work().id

    def upload() -> Any:
        made = preview.receive(community_id, "r.xlsx", path.read_bytes(), date(2025, 1, 1))
        return preview.read_file(community_id, made.id)

    with scoped([community_id]):
        first = timed(times, "preview", lambda: step(upload))
        timed(times, "apply", lambda: step(lambda: apply.apply_roster(community_id, first)))
        parent = peak_of("self")
        times["COPY floor"] = copy_floor(community_id)
        second = timed(times, "preview again", lambda: step(upload))
        row = db.session.get(preview.RosterImport, (community_id, second))
        assert (row.new_count, row.changed_count, row.error_count) == (0, 0, 0)
        db.session.rollback()
        timed(times, "undo", lambda: step(lambda: undo.undo_roster(community_id, first)))
    report(size, path, times, parent, max(child))


def timed(times: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    """Do it and note how long it took, and how much processor time on a busy machine."""
    begun, busy = time.perf_counter(), processor_seconds()
    result = work()
    times[name] = time.perf_counter() - begun
    CPU[name] = processor_seconds() - busy
    return result


CPU: dict[str, float] = {}


def processor_seconds() -> float:
    """What this process, its ended children and its PostgreSQL session have used so far."""
    from app.kernel.db import db

    pid = db.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    db.session.commit()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ours = sum(os.times()[:4])
    return ours + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def copy_floor(community_id: int) -> float:
    """The same rows COPYed plainly under other ids, not kept; by the tables' owner, because
    PostgreSQL has no COPY FROM under row-level security."""
    seconds, shift = 0.0, 10**12
    owner = os.environ["MIGRATION_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(owner) as connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT * FROM {table} LIMIT 0")
            names = [column.name for column in cursor.description or ()]
            moved = ", ".join(
                f"{name} + {shift}" if name in ("id", "unit_id", "person_id")
                else "'~' || label" if name == "label" else name
                for name in names
            )  # fmt: skip
            with cursor.copy(
                f"COPY (SELECT {moved} FROM {table} WHERE community_id = {community_id}) TO STDOUT"
            ) as copy:
                data = b"".join(copy)
            begun = time.perf_counter()
            with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
                copy.write(data)
            seconds += time.perf_counter() - begun
        connection.rollback()
    return seconds


def note_child(seen: list[int]) -> int:
    """Now and then, how much memory the reading child has taken at most, in MB."""
    if not seen or len(seen) * 2_000 < note_child.calls:  # type: ignore[attr-defined]
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        seen.append(max((peak_of(pid) for pid in children), default=0))
    note_child.calls += 1  # type: ignore[attr-defined]
    return 1


note_child.calls = 0  # type: ignore[attr-defined]


def peak_of(pid: str) -> int:
    """A process's largest resident memory in MB; its own, not its parent's before exec."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return int(status.partition("VmHWM:")[2].split()[0] or 0) // 1024 if "VmHWM" in status else 0


def report(size: int, path: Path, times: dict[str, float], parent: int, child: int) -> None:
    """Figures of one size."""
    whole = times["preview"] + times["apply"]
    load = os.getloadavg()[0]
    print(f"\n{size:,} units, {path.stat().st_size / 1e6:.1f} MB xlsx; load {load:.1f}")
    for name, seconds in times.items():
        busy = f"{CPU[name]:8.1f} s of processor" if name in CPU else ""
        print(f"  {name:<14}{seconds:8.1f} s {size / seconds:10,.0f} units/s{busy}")
    print(f"  whole import  {whole:8.1f} s, {whole / times['COPY floor']:.1f} × the COPY floor")
    print(f"  peak memory: parent {parent} MB, child {child} MB")


def write_roster(path: Path, size: int) -> None:
    """The spreadsheet."""
    import xlsxwriter

    dice = random.Random(1)
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("名册")
        sheet.write_row(
            0, 0, ["楼栋", "单元", "房号", "建筑面积（㎡）", "楼层", "用途", "状态", "业主", "手机",
                   "身份证号", "备注"],
        )  # fmt: skip
        for unit in range(size):
            floor = unit % 50 // 2 + 1
            name = "王" + chr(0x4E00 + unit % 5000) + chr(0x4E00 + unit // 50)
            phone = f"13{100_000_000 + unit}"
            if unit % 10 < 3:
                name, phone = f"{name}、李{name[1:]}", f"{phone}、15{100_000_000 + unit}"
            sheet.write_row(
                unit + 1, 0,
                [f"{unit // 200 + 1}栋", f"{unit % 200 // 50 + 1}单元", floor * 100 + unit % 2 + 1,
                 f"{dice.randint(4000, 15000) / 100}㎡", floor, "住宅", "已入住", name, phone,
                 identity(unit) if unit % 2 and unit % 10 >= 3 else "", ""],
            )  # fmt: skip


def identity(number: int) -> str:
    """A made-up identity number with a right check digit, another for each number."""
    body = f"999999{1950 + number // 300_000:04d}01{number % 28 + 1:02d}{number // 28 % 1000:03d}"
    body = body[:6] + f"{1950 + number // 28_000 % 50}" + body[10:]
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


if __name__ == "__main__":
    main()

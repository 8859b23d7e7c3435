"""How fast is a month of bills, beside what PostgreSQL can do at all with the same rows?

    python -m bench.bill_run [units …]      default: 10000 100000; 1000000 takes half an hour

Communities of 1,000 units, three lines a unit, a subsidy; three in ten homes have two owners,
one in a hundred changes hands, one in fifty has a reduction. Row-level security, foreign keys
and sum checks are on, commits wait for the disk, each community is one transaction by the
application's role. In turns, batch by batch, so that a noisy machine disturbs all alike:

    ours    issue_bills as a worker calls it
    keyed   the same rows, plainly INSERT … SELECTed into the same tables and keys
    bare    the same rows into unlogged tables without keys

Prints units/s, the ratios, WAL a unit, the worker's peak memory, a second month, two workers
side by side, a repeat with nothing to do, and a sample by the ORM.
"""

from __future__ import annotations

import base64
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from app.embedded import Servers
from bench.city import COMMUNITY, seed

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".linli" / "var" / "bench"
SETTINGS = {
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
}
BATCH = 10
FIRST, FLOOR, SECOND, ORM = (date(2025, number, 1) for number in (6, 12, 7, 11))
SHIFT = 10**9  # the floor's rows have the same ids, so much later

TABLES = ("bill_run", "entry", "bill", "bill_line", "posting")


@dataclass
class Clock:
    """Seconds spent on a number of units."""

    seconds: float = 0.0
    units: int = 0

    def time(self, units: int, act: Callable[[], Any]) -> None:
        """Add one act."""
        start = time.perf_counter()
        act()
        self.seconds += time.perf_counter() - start
        self.units += units

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.units / self.seconds if self.seconds else 0.0


def main() -> None:
    """Measure each size on a fresh database and print a table."""
    if sys.argv[1:2] == ["worker"]:
        return worker(*(int(word) for word in sys.argv[2:4]))
    sizes = [int(word) for word in sys.argv[1:]] or [10_000, 100_000]
    shutil.rmtree(FOLDER, ignore_errors=True)
    per_unit: dict[int, float] = {}
    with Servers(FOLDER, durable=True, settings=SETTINGS) as servers:
        for size in sizes:
            name = f"bench_{size}"
            servers.create_database(name)
            os.environ.update(environment(servers, name))
            migrate()
            per_unit[size] = measure(servers, name, size)
            servers.drop_database(name)
    if len(per_unit) > 1:
        small, large = min(per_unit), max(per_unit)
        ratio = per_unit[large] / per_unit[small]
        print(f"\na unit at {large:,} costs {ratio:.2f} of what it costs at {small:,}")
    shutil.rmtree(FOLDER, ignore_errors=True)


def environment(servers: Servers, database: str) -> dict[str, str]:
    """What the application reads."""
    return {
        "LINLI_ENV": "test",
        "DATABASE_URL": servers.database_url("linli_app", database),
        "MIGRATION_DATABASE_URL": servers.database_url("linli_owner", database),
        "REDIS_URL": servers.redis_url,
        "SECRET_KEY": "for the bench only",
        "LINLI_FIELD_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
        "LINLI_PASSWORD_COST": "test",
        "STORAGE_DIR": str(FOLDER / "files"),
        "BENCH_SUPER": servers.database_url("postgres", database).replace("+psycopg", ""),
    }


def migrate() -> None:
    """Make the tables."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def measure(servers: Servers, database: str, size: int) -> float:
    """Bill so many units every way; returns our seconds a unit."""
    from app import create_app

    communities = list(range(1, size // COMMUNITY + 1))
    above = psycopg.connect(os.environ["BENCH_SUPER"], autocommit=True)
    seed(above, len(communities))
    prepare_floors(above)
    ours, keyed, bare, repeat, second = (Clock() for _ in range(5))
    wal = 0
    app = create_app()
    plain = psycopg.connect(os.environ["DATABASE_URL"].replace("+psycopg", ""))
    with app.app_context():
        for start in range(0, len(communities), BATCH):
            batch = communities[start : start + BATCH]
            units = len(batch) * COMMUNITY
            before = lsn(above)
            ours.time(units, lambda batch=batch: issue(batch, FIRST))
            wal += lsn(above) - before
            for community in batch:
                stage(above, community)
                keyed.time(COMMUNITY, lambda c=community: insert_keyed(plain, c))
                bare.time(COMMUNITY, lambda c=community: insert_bare(plain, c))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        repeat.time(size, lambda: issue(communities, FIRST))
        orm = by_orm(above, communities[0])
        half = communities[: max(1, min(len(communities) // 2, 50))]
        second.time(len(half) * COMMUNITY, lambda: issue(half, SECOND))
    two = two_workers(len(half) + 1, len(communities)) if len(communities) > len(half) else 0.0
    check(above, size)
    plain.close()
    above.close()
    print(f"\n{size:,} units in {len(communities):,} communities")
    print(f"  ours            {ours.rate:9,.0f} units/s")
    of_keyed, of_bare = keyed.rate / ours.rate, bare.rate / ours.rate
    print(
        f"  keyed floor     {keyed.rate:9,.0f} units/s   ours costs {of_keyed:.2f} of it (bar 1.3)"
    )
    print(f"  bare floor      {bare.rate:9,.0f} units/s   ours costs {of_bare:.2f} of it (bar 8)")
    faster = ours.rate / orm
    print(f"  ORM sample      {orm:9,.0f} units/s   ours is {faster:.0f} × as fast (bar 10)")
    print(f"  second month    {second.rate:9,.0f} units/s   compared with the first in its summary")
    print(f"  two workers     {two:9,.0f} units/s   together, second month")
    print(f"  repeat          {repeat.seconds / ours.seconds * 100:8.1f} %   of a run (bar 10 %)")
    print(f"  WAL             {wal / size:9,.0f} bytes a unit (bar 3,000)")
    print(f"  peak memory     {memory:9,.0f} MB (bar 300)", flush=True)
    return ours.seconds / ours.units


def issue(communities: list[int], month: date) -> None:
    """Bill a month, community by community, as a worker does."""
    from app.billing.service import issue_bills
    from app.kernel import clock
    from app.kernel.db import db, transaction
    from app.kernel.period import Month
    from app.kernel.tenancy import scoped

    with clock.moved_to(date(2025, 12, 20)):
        for community in communities:
            with scoped([community]), transaction():
                issue_bills(community, Month.of(month), prepared_by=1, confirmed_by=2)
            db.session.remove()


def prepare_floors(above: psycopg.Connection[Any]) -> None:
    """Tables to take rows from (stage_…) and the bare ones, without keys or logging."""
    for table in TABLES:
        for prefix in ("stage", "bare"):
            above.execute(
                f"CREATE UNLOGGED TABLE {prefix}_{table} AS SELECT * FROM {table} WITH NO DATA"
            )
            above.execute(f"GRANT ALL ON {prefix}_{table} TO linli_app")


def columns(above: psycopg.Connection[Any], table: str) -> list[str]:
    """The columns a row is written with."""
    rows = above.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND attgenerated = '' AND attname <> 'txid' ORDER BY attnum",
        [table],
    )
    return [row[0] for row in rows]


_columns: dict[str, list[str]] = {}


def stage(above: psycopg.Connection[Any], community: int) -> None:
    """Lay a community's rows of the first month ready, as rows of the floor's month."""
    keys = {"id", "run_id", "entry_id", "bill_id"}
    for table in TABLES:
        names = _columns.setdefault(table, columns(above, table))
        taken = [
            f"{name} + {SHIFT} AS {name}"
            if name in keys
            else f"date '{FLOOR}' AS month"
            if name == "month"
            else f"{name} || '-floor' AS source"
            if name == "source"
            else name
            for name in names
        ]
        above.execute(f"TRUNCATE stage_{table}")
        where = "month = %s" if "month" in names else "entry_id < 1000000000"
        values = [community, FIRST] if "month" in names else [community]
        above.execute(
            f"INSERT INTO stage_{table} ({', '.join(names)}) SELECT {', '.join(taken)}"
            f" FROM {table} WHERE community_id = %s AND {where}",
            values,
        )


def insert_keyed(plain: psycopg.Connection[Any], community: int) -> None:
    """The floor: one transaction, plain INSERT … SELECT, same tables, keys, role and checks."""
    plain.execute(f"SET LOCAL app.communities = '{{{community}}}'")
    plain.execute("UPDATE stage_bill_run SET entry_id = NULL")
    for table in TABLES:
        names = ", ".join(_columns[table])
        plain.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM stage_{table}")
    plain.commit()


def insert_bare(plain: psycopg.Connection[Any], community: int) -> None:
    """What the rows alone cost."""
    for table in TABLES:
        names = ", ".join(_columns[table])
        plain.execute(f"INSERT INTO bare_{table} ({names}) SELECT {names} FROM stage_{table}")
    plain.commit()


def by_orm(above: psycopg.Connection[Any], community: int) -> float:
    """The same rows of one community as objects, added at once; units a second.

    The postings come in one statement even here, for PostgreSQL refuses what does not
    balance within it.
    """
    from sqlalchemy import text

    from app.billing.models import Bill, BillLine, BillRun
    from app.kernel.db import db, transaction
    from app.kernel.tenancy import scoped
    from app.ledger.models import Entry

    stage(above, community)
    rows = {}
    for table in TABLES:
        found = above.execute(f"SELECT {', '.join(_columns[table])} FROM stage_{table}")
        rows[table] = [dict(zip(_columns[table], row, strict=True)) for row in found]
    for each in rows.values():
        for row in each:
            for key in row.keys() & {"id", "run_id", "entry_id", "bill_id"}:
                row[key] = row[key] + SHIFT if row[key] is not None else None
            if "month" in row:
                row["month"] = ORM
            if "source" in row:
                row["source"] += "-orm"
    rows["bill_run"][0]["entry_id"] = None
    clock = Clock()

    def add() -> None:
        models = {"bill_run": BillRun, "entry": Entry, "bill": Bill, "bill_line": BillLine}
        with scoped([community]), transaction():
            for table, model in models.items():
                db.session.add_all([model(**row) for row in rows[table]])
                db.session.flush()
            names = _columns["posting"]
            taken = [f"entry_id + {SHIFT}" if name == "entry_id" else name for name in names]
            db.session.execute(
                text(
                    f"INSERT INTO posting ({', '.join(names)}) SELECT {', '.join(taken)}"
                    " FROM stage_posting"
                )
            )

    clock.time(COMMUNITY, add)
    db.session.remove()
    return clock.rate


def two_workers(first: int, last: int) -> float:
    """Two processes, half the communities each; units a second together."""
    middle = (first + last) // 2
    parts = [(first, middle), (middle + 1, last)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.bill_run", "worker", str(a), str(b)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for a, b in parts
        if a <= b
    ]
    for one in workers:
        assert one.stdout is not None
        one.stdout.readline()  # warm
    start = time.perf_counter()
    for one in workers:
        assert one.stdin is not None
        one.stdin.write(b"go\n")
        one.stdin.flush()
    for one in workers:
        assert one.wait() == 0
    return (last - first + 1) * COMMUNITY / (time.perf_counter() - start)


def worker(first: int, last: int) -> None:
    """One of two: say when warm, then bill the second month."""
    from app import create_app

    with create_app().app_context():
        print("warm", flush=True)
        sys.stdin.readline()
        issue(list(range(first, last + 1)), SECOND)


def lsn(above: psycopg.Connection[Any]) -> int:
    """Bytes of WAL written so far."""
    row = above.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
    assert row is not None
    return int(row[0])


def check(above: psycopg.Connection[Any], size: int) -> None:
    """Every unit billed once in the first month, both times; the books even."""
    row = above.execute(
        "SELECT count(DISTINCT (community_id, unit_id)) FROM bill WHERE month = %s", [FIRST]
    ).fetchone()
    assert row is not None
    assert row[0] == size, f"{row[0]} of {size} units billed"
    off = above.execute(
        "SELECT count(*) FROM (SELECT 1 FROM posting GROUP BY community_id, entry_id"
        " HAVING sum(amount_fen) <> 0) wrong"
    ).fetchone()
    assert off == (0,)


if __name__ == "__main__":
    main()

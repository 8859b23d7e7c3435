"""How many payments a second are laid on bills, beside pgbench with the same statements.

    python -m bench.payments [payments]      default: 8000 each way

Four workers (processes) call `settle` as the job of a payment does: bills locked, entry and
postings, allocation, receipt, audit row and news in one transaction, row-level security on,
commits wait for the disk. The floor: the statements of one such transaction, written down as
they went over the wire, sent by pgbench with four clients to the same server, for other homes.
In turns, twice. Bar: at least 0.35 of the floor.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Engine

from app.embedded import Servers
from app.embedded.postgres import find_binaries
from bench.bill_run import SETTINGS, environment, issue, migrate
from bench.city import COMMUNITY, seed

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".linli" / "var" / "bench-payments"
MONTH = date(2025, 7, 1)  # no home changes hands in it: bill and unit have the same number
WORKERS = 4
SPREAD = 20  # communities a turn, for payments of one wait for each other's numbers
AMOUNT = 1000  # fen, less than any bill
SAMPLE = (1, 1)  # community and unit of the transaction that is written down
# Its entry, settlement and receipt have numbers that nothing else has, so that they are found.
MADE = {5_000_000: "entry_n", 6_000_000: "settlement_id", 7_000_000: "receipt_n"}
NUMBERS = """
INSERT INTO counter (community_id, name, next_value)
VALUES (1, 'entry', 5000000), (1, 'receipt:service:2025', 7000000)
ON CONFLICT (community_id, name) DO UPDATE SET next_value = EXCLUDED.next_value;
ALTER TABLE settlement ALTER COLUMN id RESTART WITH 6000000
"""


def main() -> None:
    """Fill, write one transaction down, measure in turns, print."""
    if sys.argv[1:2] == ["worker"]:
        return worker(*(int(word) for word in sys.argv[2:5]))
    payments = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    assert payments // 2 <= SPREAD * COMMUNITY, "one payment a home"
    shutil.rmtree(FOLDER, ignore_errors=True)
    with Servers(FOLDER, durable=True, settings=SETTINGS) as servers:
        servers.create_database("bench")
        os.environ.update(environment(servers, "bench"))
        migrate()
        with psycopg.connect(os.environ["BENCH_SUPER"], autocommit=True) as above:
            seed(above, 1 + 4 * SPREAD)
        statements = prepare(1 + 4 * SPREAD)
        ours, floor = [], []
        for turn in range(2):
            first = 2 + 2 * turn * SPREAD
            ours.append(by_workers(first, payments // 2))
            floor.append(by_pgbench(servers, statements, first + SPREAD, payments // 2))
    shutil.rmtree(FOLDER, ignore_errors=True)
    mine, best = sum(ours) / len(ours), sum(floor) / len(floor)
    print(f"{len(statements)} statements a payment, {WORKERS} workers")
    print(f"  settle      {mine:8,.0f} payments/s")
    print(f"  pgbench     {best:8,.0f} payments/s   ours is {mine / best:.2f} of it (bar 0.35)")


def prepare(communities: int) -> list[str]:
    """Bill a month everywhere, then settle one payment and keep what went over the wire."""
    from app import create_app

    with create_app().app_context():
        issue(list(range(1, communities + 1)), MONTH)
        with psycopg.connect(os.environ["BENCH_SUPER"], autocommit=True) as above:
            above.execute(NUMBERS)
        statements: list[str] = []
        listen(statements)
        settle(*SAMPLE)
        return list(statements)


def settle(community: int, unit: int) -> None:
    """One payment, as the job lays it."""
    from app.billing.bills import service as bills
    from app.kernel import clock
    from app.kernel.db import db, transaction
    from app.kernel.tenancy import scoped

    with clock.moved_to(date(2025, 12, 20)), scoped([community]), transaction():
        bills.settle(
            community,
            unit,
            AMOUNT,
            received_on=date(2025, 12, 20),
            means="online",
            source=f"payment:bench:{unit}",
        )
    db.session.remove()


def listen(statements: list[str]) -> None:
    """Write down every statement with its values, the ones of this payment as variables."""

    @event.listens_for(Engine, "before_cursor_execute")
    def note(
        connection: Any, _cursor: Any, sql: str, values: Any, _context: Any, many: bool
    ) -> None:
        driver = connection.connection.driver_connection
        for each in values if many else [values]:
            named = {name: variable(name, value) for name, value in (each or {}).items()}
            text = psycopg.ClientCursor(driver).mogrify(sql, named)
            statements.append(as_variables(text, each or {}))


def variable(name: str, value: Any) -> Any:
    """A value, or a mark in the place of one that is another in every payment."""
    plain = re.sub(r"__?\d+$", "", name)
    if plain in ("source", "code"):
        return f"@{plain}@"
    if plain in ("bills", "units") and value is not None:
        return f"@{plain}@"
    if plain in ("c", "community_id") or name == "pk_1":
        return "@c@"
    if plain in ("unit", "unit_id", "bill_id"):
        return "@u@"
    return f"@{MADE[value]}@" if isinstance(value, int) and value in MADE else value


def as_variables(text: str, values: Any) -> str:
    """The statement as pgbench reads it: what it makes is kept for those that follow."""
    text = re.sub(r"'@(c|u|entry_n|settlement_id|receipt_n)@'", r":\1", text)
    text = text.replace("'@bills@'", "'{:u}'").replace("'@units@'", "'{NULL,:u}'")
    text = text.replace("'@source@'", "'payment:bench:' || :u")
    text = text.replace("'@code@'", "'b' || left(md5(random()::text), 11)")
    text = re.sub(r"app\.communities = '\{\d+\}'", "app.communities = '{:c}'", text)
    text = " ".join(text.split())
    if "INSERT INTO counter" in text:
        name = str(values["name"]).split(":")[0]
        return re.sub(r"RETURNING (.*)$", r"RETURNING \1 AS n", text) + f" \\gset {name}_"
    if "INSERT INTO settlement " in text:
        return text + " \\gset settlement_"
    return text + ";"


def by_workers(first: int, payments: int) -> float:
    """Payments a second by four processes, warm before the clock starts."""
    share = payments // WORKERS
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.payments", "worker", str(first), str(k), str(share)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for k in range(WORKERS)
    ]
    return timed(workers, (share - 1) * WORKERS)


def timed(workers: list[subprocess.Popen[bytes]], payments: int) -> float:
    """Say go to all that are warm; payments a second until the last is done."""
    for one in workers:
        assert one.stdout is not None
        assert one.stdout.readline() == b"warm\n"
    start = time.perf_counter()
    for one in workers:
        assert one.stdin is not None
        one.stdin.write(b"go\n")
        one.stdin.close()
    for one in workers:
        assert one.wait() == 0
    return payments / (time.perf_counter() - start)


def worker(first: int, number: int, share: int) -> None:
    """Every fourth home from the first community on, in an order of chance."""
    from app import create_app

    homes = [place(first, WORKERS * i + number) for i in range(share)]
    random.Random(number).shuffle(homes)
    with create_app().app_context():
        settle(*homes[0])
        print("warm", flush=True)
        sys.stdin.readline()
        for home in homes[1:]:
            settle(*home)


def place(first: int, number: int) -> tuple[int, int]:
    """The community and unit of a payment's number."""
    return first + number % SPREAD, 1 + number // SPREAD


def by_pgbench(servers: Servers, statements: list[str], first: int, payments: int) -> float:
    """The same by pgbench; transactions a second."""
    script = FOLDER / "payment.sql"
    # Strides of a prime spread the payments over homes and communities, each taken once.
    head = [
        rf"\set k (:i * {WORKERS} + :client_id) * 7919 % {payments}",
        rf"\set c {first} + :k % {SPREAD}",
        rf"\set u 1 + :k / {SPREAD}",
        r"\set i :i + 1",
        "BEGIN;",
    ]
    script.write_text("\n".join([*head, *statements, "COMMIT;"]) + "\n")
    url = os.environ["DATABASE_URL"].replace("+psycopg", "")
    done = subprocess.run(
        [
            *(str(find_binaries() / "pgbench"), "-n", "-f", str(script), "-D", "i=0"),
            *("-c", str(WORKERS), "-j", "2", "-t", str(payments // WORKERS), url),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or found is None:
        raise SystemExit(done.stdout + done.stderr)
    return float(found[1])


if __name__ == "__main__":
    main()

"""How long the checks of the books take over millions of postings.

`python bench/ledger_check.py [postings]` (default 2,000,000) on embedded servers of its own:
communities of 1,000 units, a bill run a month and payments in between, the first months
closed. Reports each check, the whole, and the ratio to a floor measured in the same run: a
plain SELECT sum over the same postings. Bar 11 asks for 20 M postings in 60 s.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from app.embedded import Servers  # noqa: E402
from tests.servers import environment_of  # noqa: E402

UNITS, MONTHS = 1_000, 20
PER_COMMUNITY = MONTHS * (UNITS + 1 + 2 * UNITS // 2)  # a run's postings, half of the units pay


def main() -> None:
    """Fill, check, report."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    folder = Path(tempfile.mkdtemp(prefix="linli-bench-"))
    with Servers(folder) as servers:
        servers.create_database("bench")
        os.environ.update(environment_of(servers, "bench"))
        subprocess.run([sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
                       cwd=ROOT, check=True, capture_output=True)  # fmt: skip
        from app import create_app

        with create_app().app_context():
            _measure(max(1, wanted // PER_COMMUNITY))
    shutil.rmtree(folder, ignore_errors=True)


def _measure(count: int) -> None:
    from sqlalchemy import text

    from app.kernel.db import db, transaction
    from app.kernel.tenancy import scoped
    from app.ledger import invariants

    begun = time.monotonic()
    communities = [_fill() for _ in range(count)]
    print(f"filled {count} communities in {time.monotonic() - begun:.0f} s", flush=True)
    with scoped(communities), transaction():
        rows = db.session.execute(text("SELECT count(*) FROM posting")).scalar_one()
        floor = min(_timed(lambda: db.session.execute(
            text("SELECT entry_id, sum(amount_fen) FROM posting GROUP BY 1")).all())
            for _ in range(3))  # fmt: skip
        plain = min(_timed(lambda: db.session.execute(
            text("SELECT sum(amount_fen) FROM posting")).all()) for _ in range(3))  # fmt: skip
        print(f"{rows:,} postings; plain sum {plain:.2f} s, sum by entry {floor:.2f} s")
        whole = 0.0
        for law in invariants.LEDGER:
            seconds = _timed(lambda law=law: _expect_nothing(law.find(communities)))
            whole += seconds
            print(f"  {law.name:20} {seconds:6.2f} s")
        print(
            f"all in one pass: {whole:.1f} s = {whole / plain:.1f} × a plain sum;"
            f" {rows / whole / 1e6:.2f} M postings/s, so 20 M in {20e6 / rows * whole:.0f} s"
        )


def _fill() -> int:
    from sqlalchemy import text

    from app.kernel import clock, counters
    from app.kernel.db import db, transaction
    from app.kernel.period import Month
    from app.kernel.tenancy import scoped
    from app.ledger import service
    from app.ledger.service import _ADD_POSTINGS
    from tests.builders import found_town

    town = found_town()
    c = town.community_id
    first = Month(2024, 1)
    with scoped([c]):
        building = town.add_unit("1-1").building_id
        with transaction():
            db.session.execute(
                text(
                    "INSERT INTO unit (community_id, building_id, room, label, sort_key, area_m2,"
                    " binding_code) SELECT :c, :b, n::text, '1-' || n, n::text, 80, n::text"
                    " FROM generate_series(2, :units) n"
                ),
                {"c": c, "b": building, "units": UNITS},
            )
            units = list(db.session.execute(text("SELECT id FROM unit ORDER BY id")).scalars())
        for number in range(MONTHS):
            month = first.shift(number)
            with transaction():
                entry = service.begin_entry(c, "service", month, "bench:run", str(number))
                db.session.execute(_ADD_POSTINGS, {
                    "c": c, "entry": entry, "book": "service",
                    "codes": ["1122"] * UNITS + ["6001"], "units": [*units, None],
                    "amounts": [12_000] * UNITS + [-12_000 * UNITS]})  # fmt: skip
                payers = units[number % 2 :: 2]
                begin = counters.reserve(c, "entry", len(payers))
                values = {"c": c, "month": month.first, "begin": begin, "units": payers,
                          "number": number}  # fmt: skip
                db.session.execute(text(
                    "INSERT INTO entry (community_id, id, book, month, posted_on, kind, source)"
                    " SELECT :c, :begin + no - 1, 'service', :month, :month, 'bench:paid',"
                    " :number || '-' || unit FROM unnest(CAST(:units AS bigint[]))"
                    " WITH ORDINALITY t (unit, no)"), values)  # fmt: skip
                db.session.execute(text(
                    "INSERT INTO posting (community_id, entry_id, no, book, account_code,"
                    " unit_id, amount_fen) SELECT :c, :begin + t.no - 1, line.no, 'service',"
                    " line.code, CASE WHEN line.no = 2 THEN t.unit END, line.fen"
                    " FROM unnest(CAST(:units AS bigint[])) WITH ORDINALITY t (unit, no),"
                    " (VALUES (1, '1002', 12000), (2, '1122', -12000)) line (no, code, fen)"),
                    values)  # fmt: skip
        with clock.moved_to(date(2026, 11, 1)), transaction():
            for number in range(MONTHS // 2):
                service.close_month(c, "service", first.shift(number))
    return c


def _expect_nothing(found: list[object]) -> None:
    assert found == [], found[:3]


def _timed(act) -> float:
    begun = time.monotonic()
    act()
    return time.monotonic() - begun


if __name__ == "__main__":
    main()

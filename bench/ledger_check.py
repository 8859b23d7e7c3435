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
            _measure(max(1, wanted // PER_COMMUNITY), servers.database_url("postgres", "bench"))
    shutil.rmtree(folder, ignore_errors=True)


def _measure(count: int, superuser: str) -> None:
    from sqlalchemy import text

    from app.kernel.db import db, transaction
    from app.kernel.tenancy import scoped
    from app.ledger import invariants

    begun = time.monotonic()
    communities = [_found() for _ in range(count)]
    _fill(superuser, communities)
    _close(communities)
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


def _found() -> int:
    """A community with books and one unit."""
    from app.kernel.db import transaction
    from app.kernel.tenancy import scoped
    from app.ledger import service
    from tests.builders import found_town

    town = found_town()
    with scoped([town.community_id]):
        town.add_unit("1-1")
        with transaction():
            service.open_books(town.community_id)
    return town.community_id


def _fill(superuser: str, communities: list[int]) -> None:
    """Units, entries, postings and seals set-based and past the triggers: only the checks count."""
    import psycopg

    values = {"cs": communities, "units": UNITS, "months": MONTHS, "step": 1 + UNITS // 2}
    with psycopg.connect(superuser.replace("+psycopg", "")) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in FILLING:
            connection.execute(statement, values if "%(" in statement else None)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")


# Months 2024-01 …: entry 1 of a month is the run, the others are the payments of every other home.
FILLING = (
    "INSERT INTO unit (community_id, building_id, room, label, sort_key, area_m2, binding_code)"
    " SELECT u.community_id, u.building_id, n::text, '1-' || n, n::text, 80, n::text"
    " FROM unit u, generate_series(2, %(units)s) n WHERE u.community_id = ANY(%(cs)s)",
    "CREATE TEMP TABLE home AS SELECT community_id, id, row_number() OVER"
    " (PARTITION BY community_id ORDER BY id) AS no FROM unit",
    "ANALYZE home",
    "INSERT INTO entry (community_id, id, book, month, posted_on, kind, source)"
    " SELECT c, m * %(step)s + e + 1, 'service', month, month,"
    " CASE e WHEN 0 THEN 'bench:run' ELSE 'bench:paid' END, m || '-' || e"
    " FROM unnest(%(cs)s::bigint[]) c, generate_series(0, %(months)s - 1) m,"
    " generate_series(0, %(step)s - 1) e,"
    " LATERAL (SELECT (DATE '2024-01-01' + m * interval '1 month')::date AS month) d",
    "INSERT INTO posting (community_id, entry_id, no, book, account_code, unit_id, amount_fen)"
    " SELECT community_id, m * %(step)s + 1, no, 'service', '1122', id, 12000"
    " FROM home, generate_series(0, %(months)s - 1) m"
    " UNION ALL SELECT c, m * %(step)s + 1, %(units)s + 1, 'service', '6001', NULL,"
    " -12000 * %(units)s FROM unnest(%(cs)s::bigint[]) c, generate_series(0, %(months)s - 1) m"
    " UNION ALL SELECT community_id, m * %(step)s + 1 + (no + 1) / 2, line, 'service',"
    " CASE line WHEN 1 THEN '1002' ELSE '1122' END, CASE line WHEN 2 THEN id END,"
    " CASE line WHEN 1 THEN 12000 ELSE -12000 END"
    " FROM home, generate_series(0, %(months)s - 1) m, generate_series(1, 2) line"
    " WHERE no %% 2 = m %% 2",
    "INSERT INTO counter (community_id, name, next_value)"
    " SELECT c, 'entry', %(months)s * %(step)s + 1 FROM unnest(%(cs)s::bigint[]) c",
    "ANALYZE entry, posting",
    """DO $$
    DECLARE one record; before bytea; community bigint := 0;
    BEGIN
      FOR one IN SELECT community_id, entry_id, content FROM entry_content ORDER BY 1, 2 LOOP
        IF one.community_id <> community THEN
          community := one.community_id;
          before := '';
        END IF;
        before := sha256(before || one.content);
        INSERT INTO entry_seal (community_id, entry_id, digest)
        VALUES (one.community_id, one.entry_id, before);
      END LOOP;
    END $$""",
)


def _close(communities: list[int]) -> None:
    """Close the first half of the months through the service."""
    from app.kernel import clock
    from app.kernel.db import transaction
    from app.kernel.period import Month
    from app.kernel.tenancy import scoped
    from app.ledger import service

    for c in communities:
        with scoped([c]), clock.moved_to(date(2026, 11, 1)), transaction():
            for number in range(MONTHS // 2):
                service.close_month(c, "service", Month(2024, 1).shift(number))


def _expect_nothing(found: list[object]) -> None:
    assert found == [], found[:3]


def _timed(act) -> float:
    begun = time.monotonic()
    act()
    return time.monotonic() - begun


if __name__ == "__main__":
    main()

"""How fast is arrears by age, beside the naive sum over all bills?

    python -m bench.arrears [communities]      default: 20; PERF's 100 takes some minutes

Communities of 1,000 units with 36 months of bills, about one in twelve of them open or open in
part, read by the application's role under row-level security through the code the pages call.
Bars: one community 5 ms; all, at 100, 100 ms; equal to the naive sum to the fen.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg

from app.embedded import Servers
from bench.bill_run import COMMUNITY, ROOT, SETTINGS, environment, migrate, seed

FOLDER = ROOT / ".linli" / "var" / "bench-arrears"
ON = date(2026, 11, 23)
MONTHS = 36
ROUNDS = 30

BILLS = """
INSERT INTO bill_run (community_id, id, month, status, due_on, prepared_at, issued_at)
SELECT {c}, m, month, 'issued', month + 27, month, month
  FROM (SELECT m, (date '2023-12-01' + make_interval(months => m - 1))::date AS month
          FROM generate_series(1, {months}) m) x;
INSERT INTO bill (community_id, id, run_id, unit_id, party, payer_id, month, starts_on, ends_on,
                  due_on, gross_fen, subsidy_fen, resident_fen, paid_fen)
SELECT {c}, (m - 1) * {size} + u, m, u, 0, u, r.month, r.month,
       (r.month + interval '1 month')::date, r.due_on, g, g / 3, g - g / 3,
       CASE WHEN u % 25 = 3 THEN 0                       -- never pay
            WHEN m >= {months} - 1 AND u % 3 = 0 THEN 0  -- have not paid yet
            WHEN (u * 31 + m * 17) % 97 = 5 THEN (g - g / 3) / 2
            ELSE g - g / 3 END
  FROM generate_series(1, {months}) m
  JOIN bill_run r ON r.community_id = {c} AND r.id = m
  CROSS JOIN generate_series(1, {size}) u
  CROSS JOIN LATERAL (SELECT 5000 + (u * 7919 + m * 104729) % 15000 AS g) x
 ORDER BY m, u
"""


def main() -> None:
    """Fill, measure, print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    shutil.rmtree(FOLDER, ignore_errors=True)
    with Servers(FOLDER, durable=True, settings=SETTINGS) as servers:
        servers.create_database("bench_arrears")
        os.environ.update(environment(servers, "bench_arrears"))
        migrate()
        with psycopg.connect(os.environ["BENCH_SUPER"], autocommit=True) as above:
            seed(above, count)
            for community in range(1, count + 1):
                above.execute(BILLS.format(c=community, months=MONTHS, size=COMMUNITY))
            above.execute("VACUUM ANALYZE bill")
        measure(list(range(1, count + 1)))
    shutil.rmtree(FOLDER, ignore_errors=True)


def measure(communities: list[int]) -> None:
    """Time each question through the queries' own functions."""
    from app import create_app
    from app.billing.arrears import queries
    from app.kernel.tenancy import scoped

    with create_app().app_context(), scoped(communities):
        one = timed(lambda: queries.total(communities[0], ON))
        units = timed(lambda: queries.by_unit(communities[0], ON))
        every = timed(lambda: queries.by_community(communities, ON))
        start = time.perf_counter()
        plain = naive()
        slow = time.perf_counter() - start
        rows = queries.by_community(communities, ON)
        found = {row.community_id: row.ages.total_fen for row in rows}
        assert found == plain, "arrears by age must equal the naive sum"
        homes = len(queries.by_unit(communities[0], ON))
    bills = len(communities) * COMMUNITY * MONTHS
    print(
        f"{len(communities)} communities × {COMMUNITY:,} units × {MONTHS} months: {bills:,} bills"
    )
    print(f"  one community, sum by age      {one} (bar 5)")
    print(f"  one community, {homes} homes {units}")
    print(f"  all communities by age         {every} (bar 100 for 100)")
    print(f"  naive sum over every bill      {slow * 1000:7.0f} ms, equal to the fen")


def timed(act: Callable[[], Any]) -> str:
    """The best and the median of several, in milliseconds, after a warm-up."""
    act()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    return f"{min(seconds) * 1000:7.2f} ms at best, {statistics.median(seconds) * 1000:7.2f} median"


def naive() -> dict[int, int]:
    """Each bill looked at alone."""
    from sqlalchemy import text

    from app.kernel.db import db

    rows = db.session.execute(
        text("SELECT community_id, resident_fen, notes_fen, paid_fen, withdrawn FROM bill"),
        execution_options={"yield_per": 10_000},
    )
    found: dict[int, int] = {}
    for community, resident, notes, paid, withdrawn in rows:
        left = 0 if withdrawn else resident + notes - paid
        found[community] = found.get(community, 0) + left
    return found


if __name__ == "__main__":
    main()

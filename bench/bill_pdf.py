"""How long do 1,000 bills take on paper?

    python -m bench.bill_pdf [bills]      default: 1000

One community's month issued by the run itself, printed by the code the job calls: each bill a
PDF of its own in a zip, then each building one PDF. One process. Bar: 1,000 PDFs in 60 s.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
from datetime import date

import psycopg

from app.embedded import Servers
from bench.bill_run import COMMUNITY, ROOT, SETTINGS, environment, migrate, seed

FOLDER = ROOT / ".linli" / "var" / "bench-pdf"


def main() -> None:
    """Fill, print, measure."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else COMMUNITY
    shutil.rmtree(FOLDER, ignore_errors=True)
    with Servers(FOLDER, durable=False, settings=SETTINGS) as servers:
        servers.create_database("bench_pdf")
        os.environ.update(environment(servers, "bench_pdf"))
        os.environ["STORAGE_DIR"] = str(FOLDER / "files")
        migrate()
        with psycopg.connect(os.environ["BENCH_SUPER"], autocommit=True) as above:
            seed(above, 1)
        measure(wanted)
    shutil.rmtree(FOLDER, ignore_errors=True)


def measure(wanted: int) -> None:
    """Issue a month, print it both ways."""
    from app import create_app
    from app.billing.bills.print import batch, press, sheets
    from app.billing.bills.queries import sheet
    from app.billing.runs.service import issue_bills
    from app.kernel import clock
    from app.kernel.db import transaction
    from app.kernel.period import Month
    from app.kernel.tenancy import scoped

    month = Month(2025, 7)
    with create_app().app_context(), scoped([1]), clock.moved_to(date(2025, 7, 2)):
        with transaction():
            issue_bills(1, month, prepared_by=None, confirmed_by=None)
        start = time.perf_counter()
        bills = sheet.month_of_building(1, month)[:wanted]
        read = time.perf_counter() - start
        start, work = time.perf_counter(), time.process_time()
        size = sum(len(press.compile_pdf("bill.typ", sheets.document([one]))) for one in bills)
        single, single_work = time.perf_counter() - start, time.process_time() - work
        start, work = time.perf_counter(), time.process_time()
        with transaction():
            printed = batch.print_month(1, month)
        whole, whole_work = time.perf_counter() - start, time.process_time() - work
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(bills):,} bills read with their lines in {read * 1000:.0f} ms")
    print(
        f"  a PDF each        {single:6.1f} s   {single / len(bills) * 1000:.1f} ms a bill,"
        f" {size / len(bills) / 1024:.0f} KiB, {single_work:.1f} s of CPU (bar 60 s for 1,000)"
    )
    print(
        f"  a PDF a building  {whole:6.1f} s   all {printed.bill_count:,} bills, zipped,"
        f" {whole_work:.1f} s of CPU"
    )
    print(f"  peak memory       {memory:6.0f} MB")


if __name__ == "__main__":
    main()

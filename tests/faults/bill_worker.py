"""A worker that bills, made to be killed: a warm parent forks it, as RQ does.

Reads lines `YYYY-MM seconds` and for each forks a child that bills every community for the
month; after so many seconds (0: never) the child is killed with SIGKILL. Answers `killed`
or `done` with the seconds it took.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from datetime import timedelta
from typing import Any

from flask import Flask

from app import create_app
from app.billing.runs import script, write
from app.billing.service import issue_bills
from app.kernel import clock
from app.kernel.db import db, transaction
from app.kernel.period import Month
from app.kernel.tenancy import scoped


def bill(app: Flask, communities: list[int], month: Month) -> None:
    """One run: every community, a transaction each."""
    with app.app_context(), clock.moved_to(month.first + timedelta(days=10)):
        for community in communities:
            with scoped([community]), transaction():
                issue_bills(community, month, prepared_by=1, confirmed_by=2)


def break_it() -> None:
    """The mutant: bills are kept before their lines and postings are there."""
    whole = script.run

    def committing(values: Any, *statements: str) -> Any:
        if write.LINES not in statements:
            return whole(values, *statements)
        tables = {"run_line": "kept_line", "run_holder": "kept_holder"}
        keep = [f"CREATE TEMPORARY TABLE {n} AS SELECT * FROM {o}" for o, n in tables.items()]
        whole(values, write.BILLS, *keep)
        db.session.commit()
        whole(values, *[f"ALTER TABLE {n} RENAME TO {o}" for o, n in tables.items()])
        return [None, *whole(values, write.LINES)]

    script.run = committing


def main() -> None:
    """Serve until the input ends."""
    communities = [int(word) for word in sys.argv[1].split(",")]
    if sys.argv[2:] == ["broken"]:
        break_it()
    app = create_app()  # before the fork; it holds no connection yet
    print("ready", flush=True)
    for line in sys.stdin:
        month, seconds = line.split()
        start = time.monotonic()
        child = os.fork()
        if child == 0:
            bill(app, communities, Month.parse(month))
            os._exit(0)
        ended = os.pidfd_open(child)
        finished, _, _ = select.select([ended], [], [], float(seconds) or None)
        if not finished:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(ended)
        word = "done" if status == 0 else "killed" if os.WIFSIGNALED(status) else "failed"
        print(word, time.monotonic() - start, flush=True)


if __name__ == "__main__":
    main()

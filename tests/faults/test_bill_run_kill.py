"""SIGKILL at random points of a bill run, and run again: nothing missing, nothing twice.

The long version, 100 kills of a run of 10,000 units, in one command:
`python3 run.py test tests/faults/test_bill_run_kill.py -m slow -n 0 -s`.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg
import pytest

from app.embedded import Servers
from app.kernel.period import Month
from bench.city import SEED
from tests.servers import environment_of

ROOT = Path(__file__).parent.parent.parent
FIRST = Month(2020, 1)
COMMUNITIES = 10


@dataclass
class Worker:
    """The warm parent and its pipes."""

    process: subprocess.Popen[str]
    into: IO[str]
    out: IO[str]

    def bill(self, month: Month, kill_after_s: float = 0.0) -> tuple[str, float]:
        """Bill a month; says how it ended and how long it took."""
        print(month, kill_after_s, file=self.into, flush=True)
        word, seconds = self.out.readline().split()
        return word, float(seconds)


@pytest.fixture
def city(
    servers: Servers, fresh_database: Callable[[], str]
) -> Iterator[Callable[..., tuple[Worker, psycopg.Connection]]]:
    """Found communities of so many units each; gives a worker and a look from above."""
    made: list[Worker] = []
    name = fresh_database()
    url = servers.database_url("postgres", name).replace("+psycopg", "")
    above = psycopg.connect(url, autocommit=True)

    def found(units: int, *words: str) -> tuple[Worker, psycopg.Connection]:
        above.execute(SEED.format(first=1, last=COMMUNITIES, size=units))
        above.execute("ANALYZE")
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.faults.bill_worker",
                ",".join(map(str, range(1, COMMUNITIES + 1))),
                *words,
            ],
            cwd=ROOT,
            env=os.environ | environment_of(servers, name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        worker = Worker(process, process.stdin, process.stdout)
        made.append(worker)
        assert worker.out.readline() == "ready\n"
        return worker, above

    yield found
    above.close()
    for worker in made:
        worker.into.close()
        worker.process.wait(timeout=60)


def wrong(above: psycopg.Connection, month: Month, units: int) -> list[str]:
    """What is not as it must be after a run: one bill a home, whole, and even books."""
    questions = {
        "homes without a bill": """
            SELECT count(*) FROM unit u WHERE NOT EXISTS (SELECT FROM bill b
              WHERE b.community_id = u.community_id AND b.unit_id = u.id AND b.month = %(m)s)""",
        "homes billed twice": """
            SELECT count(*) FROM (SELECT 1 FROM bill WHERE month = %(m)s
              GROUP BY community_id, unit_id, party HAVING count(*) > 1) twice""",
        "bills with other than three lines": """
            SELECT count(*) FROM bill b LEFT JOIN
              (SELECT community_id, bill_id, count(*) AS lines FROM bill_line
                WHERE month = %(m)s GROUP BY 1, 2) l
              ON l.community_id = b.community_id AND l.bill_id = b.id
             WHERE b.month = %(m)s AND l.lines IS DISTINCT FROM 3""",
        "bills that are not the sum of their lines": """
            SELECT count(*) FROM bill b LEFT JOIN
              (SELECT community_id, bill_id, sum(resident_fen) AS fen FROM bill_line
                WHERE month = %(m)s GROUP BY 1, 2) l
              ON l.community_id = b.community_id AND l.bill_id = b.id
             WHERE b.month = %(m)s AND b.resident_fen IS DISTINCT FROM l.fen""",
        "homes whose receivable is not their bill": """
            SELECT count(*) FROM
              (SELECT community_id, unit_id, sum(resident_fen) AS fen FROM bill
                WHERE month = %(m)s GROUP BY 1, 2) b
              FULL JOIN
              (SELECT p.community_id, p.unit_id, sum(p.amount_fen) AS fen
                 FROM entry e JOIN posting p
                   ON p.community_id = e.community_id AND p.entry_id = e.id
                WHERE e.month = %(m)s AND p.account_code = '1122' GROUP BY 1, 2) r
              USING (community_id, unit_id)
             WHERE b.fen IS DISTINCT FROM r.fen""",
        "communities without exactly one entry": """
            SELECT count(*) FROM community c WHERE 1 <> (SELECT count(*) FROM entry e
              WHERE e.community_id = c.id AND e.month = %(m)s)""",
        "entries that are off": """
            SELECT count(*) FROM (SELECT 1 FROM entry e JOIN posting p
                   ON p.community_id = e.community_id AND p.entry_id = e.id
                WHERE e.month = %(m)s GROUP BY e.community_id, e.id
              HAVING sum(p.amount_fen) <> 0) off""",
        "news other than one a community": """
            SELECT count(*) FROM community c WHERE 1 <> (SELECT count(*) FROM outbox_event o
              WHERE o.community_id = c.id AND o.topic = 'bill:issued'
                AND o.payload ->> 'month' = %(text)s)""",
    }
    found = []
    above.execute("SET enable_nestloop = off")  # tables just filled have no statistics yet
    for what, sql in questions.items():
        row = above.execute(sql, {"m": month.first, "text": str(month)}).fetchone()
        assert row is not None
        if row[0]:
            found.append(f"{row[0]} {what}")
    return found


def try_kills(worker: Worker, above: psycopg.Connection, *, kills: int, units: int) -> int:
    """Kill each month's run once at a random point, then run it again; how many hit."""
    chance = random.Random(20261123)
    word, whole_s = worker.bill(FIRST)
    assert word == "done"
    assert wrong(above, FIRST, units) == []
    hits = 0
    for number in range(1, kills + 1):
        month = FIRST.shift(number)
        word, _ = worker.bill(month, chance.uniform(0.05, 1.0) * whole_s)
        hits += word == "killed"
        word, seconds = worker.bill(month)
        assert word == "done"
        assert wrong(above, month, units) == [], f"after kill {number}"
        whole_s = 0.7 * whole_s + 0.3 * max(seconds, 0.2)
    return hits


def test_a_few_kills_lose_and_double_nothing(
    city: Callable[..., tuple[Worker, psycopg.Connection]],
) -> None:
    worker, above = city(40)
    assert try_kills(worker, above, kills=5, units=40) >= 1


def test_the_same_questions_find_a_run_that_keeps_half(
    city: Callable[..., tuple[Worker, psycopg.Connection]],
) -> None:
    """The mutant commits bills before their lines; killed then, it must be found out."""
    worker, above = city(40, "broken")
    chance = random.Random(7)
    found: list[str] = []
    _, whole_s = worker.bill(FIRST)
    for number in range(1, 60):
        month = FIRST.shift(number)
        worker.bill(month, chance.uniform(0.3, 1.0) * whole_s)
        worker.bill(month)
        found = wrong(above, month, 40)
        if found:
            break
    assert found


@pytest.mark.slow
def test_a_hundred_kills_of_ten_thousand_homes(
    city: Callable[..., tuple[Worker, psycopg.Connection]],
) -> None:
    worker, above = city(1000)
    hits = try_kills(worker, above, kills=int(os.environ.get("LINLI_KILLS", "130")), units=1000)
    print(f"\n{hits} runs of 10,000 homes killed on the way; 0 missing, 0 twice, books even")
    assert hits >= 100

"""Run the statements: a month into temporary tables that are empty again after the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.exc import IntegrityError

from app.billing.postings import BOOK, ISSUED
from app.billing.runs import holders, lines, script, write
from app.billing.runs.plan import Plan
from app.kernel import counters
from app.kernel.errors import N_, Conflict
from app.ledger import service as ledger

# Tables made a moment ago have no statistics, and a nested loop over a guess of one row has
# turned seconds into minutes (RELIABILITY, traps). All joins here are set against set.
_SETTINGS = {
    "enable_nestloop": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "work_mem": "'64MB'",
}
_BEGIN = (
    holders.TABLE,
    lines.TABLE,
    "DELETE FROM run_holder",
    "DELETE FROM run_line",
    "DROP TABLE IF EXISTS pg_temp.run_billed",
    *(f"SET LOCAL {name} TO {value}" for name, value in _SETTINGS.items()),
)
_END = tuple(f"SET LOCAL {name} TO DEFAULT" for name in _SETTINGS)
COUNTER = "bill"


@dataclass(frozen=True)
class Totals:
    """What a run comes to, fen."""

    line_count: int
    bill_count: int
    unit_count: int
    last_no: int
    gross_fen: int
    subsidy_fen: int
    resident_fen: int


def lock(community_id: int) -> None:
    """Let one run of a community compute and issue at a time; held to the transaction's end.

    The lock is on the counter of bill numbers, which a run takes anyway; payments and other
    entries are not held up by it.
    """
    counters.reserve(community_id, COUNTER, 0)


def nothing_missing(plan: Plan) -> bool:
    """Whether everything due is billed already, found without computing it."""
    if not plan.billed:
        return False
    results = script.run(plan.values, *_BEGIN, *lines.BILLED, *_END, write.missing(plan))
    return not results[-1].one["missing"]


def compute(plan: Plan) -> Totals:
    """Fill `run_holder` and `run_line` with what is still to be billed, and add it up."""
    billed = lines.BILLED if plan.billed else ()
    count = script.run(plan.values, *_BEGIN, *billed, holders.ALL, holders.COUNT)[-1].one
    steps = [lines.lines(plan, moved=bool(count["moved"]))]
    if plan.rates:
        steps.insert(0, holders.DEVELOPERS)
    if count["moved"]:
        steps.insert(0, holders.parties(plan))
    values: dict[str, Any] = plan.values | {"last_no": count["last_no"]}
    return Totals(**script.run(values, *steps, *_END, write.TOTALS)[-1].one)


def digest() -> str:
    """A SHA-256 over every computed line and its payer, the same whenever nothing changed."""
    return str(script.run({}, write.DIGEST)[0].one["digest"])


def insert(plan: Plan, totals: Totals, run_id: int, due_on: date, posted_on: date) -> int:
    """Write bills, lines and the entry's postings; returns the entry's id.

    Raises Conflict when a line was billed meanwhile: nothing of the run is then kept.
    """
    values: dict[str, Any] = plan.values | {"run": run_id, "due_on": due_on}
    values["base"] = counters.reserve(plan.community_id, COUNTER, totals.last_no) - 1
    try:
        script.run(values, write.BILLS, write.LINES)
    except IntegrityError as error:
        if "uq_bill_line__once" not in str(error.orig):
            raise
        raise Conflict("run.billed_meanwhile", N_("有账单刚刚由他人出具，请重新试算。")) from error
    entry_id = ledger.begin_entry(
        plan.community_id, BOOK, plan.month, ISSUED, str(run_id), posted_on=posted_on
    )
    script.run(values | {"entry": entry_id}, write.postings(plan))
    return entry_id

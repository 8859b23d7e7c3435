"""Run the statements: a month into temporary tables that vanish with the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import TextClause, text

from app.billing.postings import BOOK, ISSUED
from app.billing.runs import holders, lines, write
from app.billing.runs.plan import Plan
from app.kernel import counters
from app.kernel.db import db
from app.kernel.errors import N_, Conflict
from app.ledger import service as ledger

# Tables made a moment ago have no statistics, and a nested loop over a guess of one row has
# turned seconds into minutes (RELIABILITY, traps). All joins here are set against set.
_SET_BASED = (
    "SET LOCAL enable_nestloop TO off; SET LOCAL enable_mergejoin TO off;"
    " SET LOCAL jit TO off; SET LOCAL work_mem TO '64MB'"
)
_AS_BEFORE = (
    "SET LOCAL enable_nestloop TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT;"
    " SET LOCAL jit TO DEFAULT; SET LOCAL work_mem TO DEFAULT"
)
_DROP = "DROP TABLE IF EXISTS pg_temp.run_holder, pg_temp.run_line, pg_temp.run_billed"
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
    _begin()
    _bring_billed(plan)
    missing = db.session.execute(_text(write.missing(plan)), plan.values).scalar_one()
    _end()
    return not missing


def compute(plan: Plan) -> Totals:
    """Fill `run_holder` and `run_line` with what is still to be billed, and add it up."""
    _begin()
    execute, values = db.session.execute, plan.values
    if plan.billed:
        _bring_billed(plan)
    execute(_text(holders.ALL), values)
    count = execute(_text(holders.COUNT)).one()
    if count.moved:
        execute(_text(holders.parties(plan)), values | {"last_no": count.last_no})
    if plan.rates:
        execute(_text(holders.DEVELOPERS), values)
    execute(_text(lines.lines(plan, moved=bool(count.moved))), values)
    row = execute(_text(write.TOTALS)).one()
    _end()
    return Totals(**row._mapping)


def digest() -> str:
    """A SHA-256 over every computed line and its payer, the same whenever nothing changed."""
    return str(db.session.execute(_text(write.DIGEST)).scalar_one())


def insert(plan: Plan, totals: Totals, run_id: int, due_on: date, posted_on: date) -> int:
    """Write bills, lines and the entry's postings; returns the entry's id.

    Raises Conflict when a line was billed meanwhile: nothing of the run is then kept.
    """
    values = plan.values | {"run": run_id, "due_on": due_on, "fee_mode": plan.fee_mode}
    values["base"] = counters.reserve(plan.community_id, COUNTER, totals.last_no) - 1
    execute = db.session.execute
    execute(_text(write.BILLS), values)
    written: Any = execute(_text(write.LINES), values)
    if written.rowcount != totals.line_count:
        raise Conflict("run.billed_meanwhile", N_("有账单刚刚由他人出具，请重新试算。"))
    values["entry"] = ledger.begin_entry(
        plan.community_id, BOOK, plan.month, ISSUED, str(run_id), posted_on=posted_on
    )
    execute(_text(write.POSTINGS), values)
    return int(values["entry"])


def _begin() -> None:
    db.session.execute(_text(f"{_DROP}; {_SET_BASED}"))


def _end() -> None:
    db.session.execute(_text(_AS_BEFORE))


def _bring_billed(plan: Plan) -> None:
    db.session.execute(_text("DROP TABLE IF EXISTS pg_temp.run_billed"))
    db.session.execute(_text(lines.BILLED), plan.values)
    db.session.execute(_text("ANALYZE run_billed"))


@cache
def _text(sql: str) -> TextClause:
    return text(sql)

"""Reads of runs: the list, one run with what was seen when it was computed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Select, select, text

from app.billing.models import BillRun
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen
from app.kernel.period import Month

# Why a unit is left out of a run; msgids.
REASONS = {
    "no_tariff": N_("没有适用的收费项目或价格"),
    "no_area": N_("面积为 0"),
    "fully_reduced": N_("全额减免"),
    "no_reading": N_("缺本月读数"),
    "no_price": N_("抄表日没有价格"),
    "nothing_due": N_("本月没有费用"),
    "not_yet": N_("还没开始计费"),
    "ended": N_("已停止计费"),
    "demolished": N_("已拆除"),
}
STATUSES = {
    "preview": N_("待复核"),
    "issued": N_("已出账"),
    "withdrawn": N_("已撤回"),
    "discarded": N_("已作废"),
}


@dataclass(frozen=True)
class TariffSum:
    """A charge's part of a run, and its change against the month before; fen."""

    tariff_id: int
    name: str
    lines: int
    gross_fen: Fen
    subsidy_fen: Fen
    resident_fen: Fen
    before_fen: Fen
    change_fen: Fen


@dataclass(frozen=True)
class Change:
    """A unit whose own part changed most against the month before; fen."""

    unit_id: int
    label: str
    before_fen: Fen
    now_fen: Fen

    @property
    def change_fen(self) -> Fen:
        """How much more it is."""
        return self.now_fen - self.before_fen


@dataclass(frozen=True)
class LeftOut:
    """A unit, or a unit's meter, that the run does not charge, and why."""

    unit_id: int
    label: str
    tariff_id: int | None
    reason: str


@dataclass(frozen=True)
class RunFacts:
    """A run with all that was seen when it was computed; money in fen."""

    id: int
    month: Month
    status: str
    due_on: date
    unit_count: int
    bill_count: int
    gross_fen: Fen
    subsidy_fen: Fen
    resident_fen: Fen
    prepared_by: int | None
    prepared_at: datetime
    confirmed_by: int | None
    issued_at: datetime | None
    withdrawn_by: int | None
    withdrawn_at: datetime | None
    withdrawn_reason: str | None
    entry_id: int | None
    reversal_id: int | None
    before_fen: Fen | None  # the residents' part of the month before; None: nothing was issued
    tariffs: tuple[TariffSum, ...]
    changes: tuple[Change, ...]
    left_out: tuple[LeftOut, ...]
    left_out_counts: dict[str, int]
    unallocated: tuple[int, ...]  # common costs on which no unit has a share


_RUN = """
SELECT r.id, r.month, r.status, r.due_on, r.unit_count, r.bill_count, r.gross_fen, r.subsidy_fen,
       r.resident_fen, r.prepared_by, r.prepared_at, r.confirmed_by, r.issued_at, r.withdrawn_by,
       r.withdrawn_at, r.withdrawn_reason, r.entry_id, r.reversal_id, r.summary,
       (SELECT sum(b.resident_fen)::bigint FROM bill_run b WHERE b.community_id = r.community_id
          AND b.status = 'issued' AND b.month = r.month - interval '1 month') AS before_fen
  FROM bill_run r WHERE r.community_id = :c AND r.id = :id
"""


def runs(community_id: int) -> Select[Any]:
    """All runs, for a list."""
    rows = select(
        BillRun.id,
        BillRun.month,
        BillRun.status,
        BillRun.bill_count,
        BillRun.gross_fen,
        BillRun.subsidy_fen,
        BillRun.resident_fen,
        BillRun.prepared_by,
        BillRun.prepared_at,
        BillRun.confirmed_by,
        BillRun.issued_at,
    ).where(BillRun.community_id == community_id)
    return cast(Select[Any], rows)


def run(community_id: int, run_id: int) -> RunFacts:
    """One run. Raises NotFound."""
    row = db.session.execute(text(_RUN), {"c": community_id, "id": run_id}).one_or_none()
    if row is None:
        raise NotFound("run.none", N_("没有这个出账批次。"))
    known = dict(row._mapping)
    seen = known.pop("summary") or {}
    return RunFacts(
        **{**known, "month": Month.of(row.month)},
        tariffs=tuple(TariffSum(**one) for one in seen.get("tariffs", ())),
        changes=tuple(Change(**one) for one in seen.get("changes", ())),
        left_out=tuple(LeftOut(**one) for one in seen.get("left_out", ())),
        left_out_counts=seen.get("left_out_counts", {}),
        unallocated=tuple(seen.get("unallocated", ())),
    )

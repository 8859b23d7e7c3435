"""Reads of agreements: terms, what is paid for and what not, what was netted, when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from app.billing.subsidy import rules
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen
from app.kernel.period import DateRange
from app.registry import queries as registry
from app.registry.queries.many import all_units

# Why a unit is paid for or not; msgids.
GROUNDS = {
    "terms": N_("符合协议"),
    "named_in": N_("单独列入"),
    "named_out": N_("单独排除"),
    "kind": N_("房屋类型不在协议内"),
    "unsold": N_("未售，协议未列入"),
    "developer": N_("建设单位持有，协议未列入"),
    "demolished": N_("已拆除"),
}


@dataclass(frozen=True)
class StepRow:
    """A rate from a day on, yuan per m² and month."""

    starts_on: date
    rate: Decimal
    override_document: str


@dataclass(frozen=True)
class SchemeRow:
    """An agreement; eligible days from `starts_on` up to `unpaid_from` (exclusive)."""

    id: int
    payer_region_id: int
    payer_name: str
    agreement_no: str
    signed_on: date | None
    entered_on: date
    term_months: int
    convention: str
    starts_on: date
    ends_on: date
    terminated_on: date | None
    termination_reason: str
    unit_kinds: tuple[str, ...]
    include_unsold: bool
    include_developer: bool
    steps: tuple[StepRow, ...]

    @property
    def unpaid_from(self) -> date:
        """The first day it no longer pays."""
        return min(self.ends_on, self.terminated_on) if self.terminated_on else self.ends_on

    @property
    def last_day(self) -> date:
        """The last day it pays."""
        return self.unpaid_from - timedelta(days=1)

    def state(self, on: date) -> str:
        """`coming`, `paying` or `ended` on a day."""
        if on < self.starts_on:
            return "coming"
        return "paying" if on < self.unpaid_from else "ended"

    def rate_on(self, on: date) -> Decimal | None:
        """The rate of a day; None when it does not pay."""
        if self.state(on) != "paying":
            return None
        return rules.rate_on([rules.Step(one.starts_on, one.rate) for one in self.steps], on)


@dataclass(frozen=True)
class UnitGround:
    """Whether an agreement pays for a unit today, and why; `reason` where it was named."""

    id: int
    label: str
    sort_key: str
    kind: str
    area_m2: Decimal
    paid: bool
    ground: str
    reason: str


@dataclass(frozen=True)
class MonthPaid:
    """What an agreement netted on a month's living bill lines."""

    month: date
    unit_count: int
    gross_fen: Fen
    subsidy_fen: Fen


@dataclass(frozen=True)
class CliffFacts:
    """When the subsidy ends, and what an average subsidised bill becomes then (D6).

    Averages, fen, over the units the last issued month was netted for; None before a month
    was issued. `warned`: 12, 6 or 3 when that warning is due, else None. A following agreement
    without a gap moves the end.
    """

    scheme_id: int
    payer_name: str
    agreement_no: str
    last_day: date
    days_left: int
    months_left: int
    warned: int | None
    bill_now_fen: Fen | None
    bill_then_fen: Fen | None


_SCHEMES = """
SELECT s.id, s.payer_region_id, r.name AS payer_name, s.agreement_no, s.signed_on, s.entered_on,
       s.term_months, s.convention, s.starts_on, s.ends_on, s.terminated_on,
       s.termination_reason, s.unit_kinds, s.include_unsold, s.include_developer,
       (SELECT jsonb_agg(jsonb_build_array(x.starts_on, x.rate::text, x.override_document)
                         ORDER BY x.starts_on)
          FROM subsidy_step x WHERE x.community_id = s.community_id AND x.scheme_id = s.id) AS steps
  FROM subsidy_scheme s JOIN region r ON r.id = s.payer_region_id
 WHERE s.community_id = :c AND (CAST(:id AS bigint) IS NULL OR s.id = :id)
 ORDER BY s.starts_on DESC
"""


def schemes(community_id: int) -> list[SchemeRow]:
    """All agreements of a community, the latest first."""
    rows = db.session.execute(text(_SCHEMES), {"c": community_id, "id": None})
    return [_scheme(row._mapping) for row in rows]


def scheme(community_id: int, scheme_id: int) -> SchemeRow:
    """One agreement. Raises NotFound."""
    row = db.session.execute(text(_SCHEMES), {"c": community_id, "id": scheme_id}).one_or_none()
    if row is None:
        raise NotFound("subsidy.none", N_("没有这份补贴协议。"))
    return _scheme(row._mapping)


def units(community_id: int, row: SchemeRow, on: date) -> list[UnitGround]:
    """Every unit of the roll: whether an agreement pays for it on a day, and why; 3 statements."""
    named = _named(community_id, row.id)
    roll = all_units(community_id)
    owners = registry.owners_of_units(community_id, [one.id for one in roll], on)
    terms = rules.Scheme(
        id=row.id,
        days=DateRange(row.starts_on, row.unpaid_from),
        steps=(),
        unit_kinds=row.unit_kinds,
        include_unsold=row.include_unsold,
        include_developer=row.include_developer,
        excluded=frozenset(unit for unit, (included, _) in named.items() if not included),
        included=frozenset(unit for unit, (included, _) in named.items() if included),
    )
    found = []
    for one in roll:
        held = owners.get(one.id, [])
        developer = bool(held) and held[0].kind == "developer"  # the payer: the largest share
        paid, ground = _ground(terms, one, developer)
        found.append(
            UnitGround(
                id=one.id,
                label=one.label,
                sort_key=one.sort_key,
                kind=one.kind,
                area_m2=one.area_m2,
                paid=paid,
                ground=ground,
                reason=named.get(one.id, (False, ""))[1],
            )
        )
    return found


def paid_by_month(community_id: int, scheme_id: int) -> list[MonthPaid]:
    """What was netted month by month, from the bill lines themselves (D4), the latest first."""
    rows = db.session.execute(
        text(
            "SELECT month, count(DISTINCT unit_id) AS unit_count,"
            " sum(gross_fen)::bigint AS gross_fen, sum(subsidy_fen)::bigint AS subsidy_fen"
            " FROM bill_line WHERE community_id = :c AND scheme_id = :s AND live"
            " GROUP BY month ORDER BY month DESC"
        ),
        {"c": community_id, "s": scheme_id},
    )
    return [MonthPaid(**row._mapping) for row in rows]


def billed_months(community_id: int, days: DateRange) -> list[date]:
    """The months in some days that are billed already: a new agreement does not reach them."""
    rows = db.session.execute(
        text(
            "SELECT DISTINCT month FROM bill_run WHERE community_id = :c AND status = 'issued'"
            " AND month < :end AND month >= date_trunc('month', CAST(:start AS date))"
            " ORDER BY month"
        ),
        {"c": community_id, "start": days.start, "end": days.end},
    )
    return [row.month for row in rows]


def cliff(community_id: int, on: date) -> CliffFacts | None:
    """The end of the subsidy in force on a day; None when none is. At most two statements."""
    rows = schemes(community_id)
    present = next((row for row in rows if row.state(on) == "paying"), None)
    if present is None:
        return None
    last = _followed(present, rows)
    now_fen, then_fen = _average_bill(community_id, present.id)
    due = rules.alerts_due(last.unpaid_from, on)
    return CliffFacts(
        scheme_id=last.id,
        payer_name=last.payer_name,
        agreement_no=last.agreement_no,
        last_day=last.last_day,
        days_left=(last.unpaid_from - on).days,
        months_left=rules.months_left(last.unpaid_from, on),
        warned=min(due, default=None),
        bill_now_fen=now_fen,
        bill_then_fen=then_fen,
    )


def _followed(present: SchemeRow, rows: list[SchemeRow]) -> SchemeRow:
    """The last of the agreements that follow one another without a gap."""
    by_start = {row.starts_on: row for row in rows}
    while (following := by_start.get(present.unpaid_from)) is not None:
        present = following
    return present


def _average_bill(community_id: int, scheme_id: int) -> tuple[Fen | None, Fen | None]:
    """An average unit's month as it is and as it will be, over the latest month netted."""
    row = db.session.execute(
        text(
            "WITH last AS (SELECT month FROM bill_line WHERE community_id = :c"
            "  AND scheme_id = :s AND live ORDER BY month DESC LIMIT 1),"
            " paid AS (SELECT DISTINCT unit_id FROM bill_line WHERE community_id = :c"
            "  AND month = (SELECT month FROM last) AND scheme_id = :s AND live)"
            " SELECT round(sum(l.resident_fen) / nullif(count(DISTINCT l.unit_id), 0))::bigint"
            " AS now_fen, round(sum(l.gross_fen) / nullif(count(DISTINCT l.unit_id), 0))::bigint"
            " AS then_fen FROM bill_line l JOIN paid p ON p.unit_id = l.unit_id"
            " WHERE l.community_id = :c AND l.month = (SELECT month FROM last) AND l.live"
        ),
        {"c": community_id, "s": scheme_id},
    ).one()
    return row.now_fen, row.then_fen


def _ground(terms: rules.Scheme, one: registry.UnitRow, developer: bool) -> tuple[bool, str]:
    unsold = one.status == "unsold"
    if one.status == "demolished":
        return False, "demolished"
    paid = rules.benefits(terms, one.id, kind=one.kind, unsold=unsold, developer=developer)
    if one.id in terms.excluded:
        return paid, "named_out"
    if one.id in terms.included:
        return paid, "named_in"
    if paid:
        return True, "terms"
    if one.kind not in terms.unit_kinds:
        return False, "kind"
    return False, "unsold" if unsold and not terms.include_unsold else "developer"


def _named(community_id: int, scheme_id: int) -> dict[int, tuple[bool, str]]:
    rows = db.session.execute(
        text(
            "SELECT unit_id, included, reason FROM subsidy_exclusion"
            " WHERE community_id = :c AND scheme_id = :s"
        ),
        {"c": community_id, "s": scheme_id},
    )
    return {row.unit_id: (row.included, row.reason) for row in rows}


def _scheme(row: Mapping[Any, Any]) -> SchemeRow:
    steps = tuple(
        StepRow(date.fromisoformat(starts_on), Decimal(rate), document)
        for starts_on, rate, document in row["steps"] or ()
    )
    return SchemeRow(**{**row, "unit_kinds": tuple(row["unit_kinds"]), "steps": steps})

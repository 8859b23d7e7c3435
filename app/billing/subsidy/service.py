"""Record an agreement, name the units it leaves out or takes in, end it early, warn of its end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import delete, exists, select, text
from sqlalchemy.dialects.postgresql import insert

from app.billing.models import BillLine
from app.billing.subsidy import rules
from app.billing.subsidy.models import (
    CliffNotice,
    SubsidyExclusion,
    SubsidyScheme,
    SubsidyStep,
)
from app.kernel import audit, clock, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.period import DateRange, Month
from app.registry import queries as registry
from app.registry.models import UNIT_KINDS

PAYER_KINDS = ("station", "street", "district", "city")


@dataclass(frozen=True)
class Rate:
    """A year's rate, yuan per m² and month; outside 0.50–1.00 only with its document (D1)."""

    rate: Decimal
    override_document: str = ""


@dataclass(frozen=True)
class Terms:
    """An agreement as it is signed. `rates` are the years' in order; the last one runs on."""

    agreement_no: str
    entered_on: date
    rates: tuple[Rate, ...]
    payer_region_id: int
    signed_on: date | None = None
    term_months: int = 36
    convention: str = rules.INCLUSIVE_START
    unit_kinds: tuple[str, ...] = ("residential",)
    include_unsold: bool = False
    include_developer: bool = False


def record_scheme(community_id: int, terms: Terms) -> SubsidyScheme:
    """Record what a street agreed to pay; its days are computed here, once (D2).

    Raises RuleBroken on a rate outside the range without its document, a payer that is no
    office, or no kind of unit; Conflict when another agreement pays on some of the days.
    """
    days = rules.term(terms.entered_on, terms.term_months, terms.convention)
    steps = steps_of(days, terms.rates)
    _check(terms)
    _refuse_overlap(community_id, days)
    row = SubsidyScheme(
        community_id=community_id,
        payer_region_id=terms.payer_region_id,
        agreement_no=terms.agreement_no.strip(),
        signed_on=terms.signed_on,
        entered_on=terms.entered_on,
        term_months=terms.term_months,
        convention=terms.convention,
        starts_on=days.start,
        ends_on=days.end,
        unit_kinds=list(terms.unit_kinds),
        include_unsold=terms.include_unsold,
        include_developer=terms.include_developer,
        created_by=audit.actor().account_id,
    )
    db.session.add(row)
    db.session.flush()
    db.session.add_all(
        SubsidyStep(
            community_id=community_id,
            scheme_id=row.id,
            starts_on=step.starts_on,
            rate=step.rate,
            override_document=rate.override_document.strip(),
        )
        for step, rate in zip(steps, terms.rates, strict=False)
    )
    db.session.flush()
    audit.record(
        "subsidy:record", f"subsidy:{row.id}", community_id=community_id, after=_facts(row, terms)
    )
    outbox.tell(community_id, "subsidy:recorded", {"scheme_id": row.id})
    return row


def steps_of(days: DateRange, rates: Sequence[Rate]) -> tuple[rules.Step, ...]:
    """The rates of the years of a term, each from its anniversary on.

    Years past the term have no step. Raises RuleBroken when a rate needs its document.
    """
    if not rates:
        raise RuleBroken("subsidy.no_rate", N_("请填写补贴标准。"), field="rate_1")
    steps = []
    for year, one in enumerate(rates):
        starts_on = rules.corresponding_day(days.start, 12 * year)
        if days.end is not None and starts_on >= days.end:
            break
        check_rate(one, starts_on, f"rate_{year + 1}")
        steps.append(rules.Step(starts_on, one.rate))
    return tuple(steps)


def check_rate(one: Rate, on: date, field: str) -> None:
    """Refuse a rate that is unreal, or unusual without its document. Source: RULES D1."""
    if one.rate < 0 or one.rate != one.rate.quantize(Decimal("0.0001")):
        raise RuleBroken(
            "subsidy.rate", N_("补贴标准应是不小于 0、最多四位小数的数。"), field=field
        )
    if rules.needs_override(one.rate, on) and not one.override_document.strip():
        raise RuleBroken(
            "subsidy.override",
            N_("%(rate)s 元不在每平方米每月 0.50 至 1.00 元之内；须有特别批准，请填写文号。"),
            field=field,
            rate=f"{one.rate.normalize():f}",
        )


def name_units(
    community_id: int, scheme_id: int, unit_ids: Collection[int], *, included: bool, reason: str
) -> int:
    """Leave units out of an agreement, or take them in after all; naming again replaces.

    Returns how many were named. Bills already issued stay as they are.
    """
    row = _scheme(community_id, scheme_id)
    if not reason.strip():
        raise RuleBroken("subsidy.reason", N_("请写明理由，核验时要看。"), field="reason")
    if not unit_ids:
        raise RuleBroken("subsidy.nobody", N_("请至少选择一户。"), field="units")
    wanted = sorted(set(unit_ids))
    if len(registry.units(community_id, wanted)) != len(wanted):
        raise NotFound("unit.none", N_("没有这户房屋。"))
    statement = insert(SubsidyExclusion).values(
        [
            {
                "community_id": community_id,
                "scheme_id": row.id,
                "unit_id": unit_id,
                "included": included,
                "reason": reason.strip(),
            }
            for unit_id in wanted
        ]
    )
    db.session.execute(
        statement.on_conflict_do_update(
            constraint="uq_subsidy_exclusion__community_id_scheme_id_unit_id",
            set_={
                "included": statement.excluded.included,
                "reason": statement.excluded.reason,
            },
        )
    )
    audit.record(
        "subsidy:include" if included else "subsidy:exclude",
        f"subsidy:{row.id}",
        community_id=community_id,
        after={"units": wanted, "reason": reason.strip()},
    )
    return len(wanted)


def unname_units(community_id: int, scheme_id: int, unit_ids: Collection[int]) -> int:
    """Let the agreement's own terms decide on units again; returns how many were named."""
    row = _scheme(community_id, scheme_id)
    removed = db.session.scalars(
        delete(SubsidyExclusion)
        .where(SubsidyExclusion.community_id == community_id)
        .where(SubsidyExclusion.scheme_id == row.id)
        .where(SubsidyExclusion.unit_id.in_(set(unit_ids)))
        .returning(SubsidyExclusion.unit_id)
    ).all()
    if removed:
        audit.record(
            "subsidy:unname",
            f"subsidy:{row.id}",
            community_id=community_id,
            before={"units": sorted(removed)},
        )
    return len(removed)


def terminate_scheme(
    community_id: int, scheme_id: int, last_day: date, reason: str
) -> SubsidyScheme:
    """End an agreement before its term, after a day, with the reason.

    Raises RuleBroken outside its days, or when bills netted it past that day: what was
    netted is taken back by claims and notes, never by changing what was billed.
    """
    row = _scheme(community_id, scheme_id)
    if not reason.strip():
        raise RuleBroken("subsidy.reason", N_("请写明提前终止的原因。"), field="reason")
    if row.terminated_on is not None:
        raise Conflict("subsidy.terminated", N_("这份补贴协议已经提前终止。"))
    terminated_on = last_day + timedelta(days=1)
    if not row.starts_on < terminated_on < row.ends_on:
        raise RuleBroken(
            "subsidy.last_day",
            N_("最后一天应在 %(first)s 与 %(last)s 之间。"),
            field="last_day",
            first=row.starts_on,
            last=row.ends_on - timedelta(days=2),
        )
    netted = netted_until(community_id, scheme_id)
    if netted is not None and last_day < netted.last:
        raise RuleBroken(
            "subsidy.netted",
            N_("账单已抵减补贴到 %(month)s；最早的终止日是 %(day)s。更早的部分请由街道追回。"),
            field="last_day",
            month=netted,
            day=netted.last,
        )
    row.terminated_on = terminated_on
    row.termination_reason = reason.strip()
    audit.record(
        "subsidy:terminate",
        f"subsidy:{row.id}",
        community_id=community_id,
        after={"last_day": last_day, "reason": reason.strip()},
    )
    outbox.tell(
        community_id,
        "subsidy:terminated",
        {"scheme_id": row.id, "terminated_on": terminated_on.isoformat()},
    )
    return row


def withdraw_scheme(community_id: int, scheme_id: int) -> str:
    """Take back an agreement recorded by mistake that no bill line rests on; gives its number."""
    row = _scheme(community_id, scheme_id)
    rests = db.session.scalar(
        select(
            exists().where(BillLine.community_id == community_id, BillLine.scheme_id == scheme_id)
        )
    )
    if rests:
        raise Conflict(
            "subsidy.used", N_("已有账单用到这份补贴协议，不能撤销；可以提前终止。")
        )  # fmt: skip
    for table in (CliffNotice, SubsidyExclusion, SubsidyStep):
        db.session.execute(
            delete(table).where(table.community_id == community_id, table.scheme_id == scheme_id)
        )
    agreement_no = row.agreement_no
    db.session.delete(row)
    audit.record(
        "subsidy:withdraw",
        f"subsidy:{scheme_id}",
        community_id=community_id,
        before={"agreement_no": agreement_no},
    )
    return agreement_no


def warn_of_end(community_id: int, on: date) -> list[tuple[int, int]]:
    """Give the 12, 6 and 3 months' warnings that are due on a day, each once (D6).

    Returns (scheme, months) of those given now. An agreement that another follows without a
    gap is no cliff, and is not warned of.
    """
    rows = list(
        db.session.scalars(select(SubsidyScheme).where(SubsidyScheme.community_id == community_id))
    )
    starts = {row.starts_on for row in rows}
    given: list[tuple[int, int]] = []
    for row in rows:
        ends_on = last_unpaid(row)
        if on < row.starts_on or ends_on in starts:
            continue
        for months in rules.alerts_due(ends_on, on, _told(community_id, row.id)):
            if _note(community_id, row.id, months):
                given.append((row.id, months))
                outbox.tell(
                    community_id,
                    "subsidy:ending",
                    {
                        "scheme_id": row.id,
                        "months_before": months,
                        "ends_on": ends_on.isoformat(),
                    },
                )
    return given


def last_unpaid(row: SubsidyScheme) -> date:
    """The first day a scheme no longer pays."""
    return row.ends_on if row.terminated_on is None else min(row.ends_on, row.terminated_on)


def netted_until(community_id: int, scheme_id: int) -> Month | None:
    """The last month whose living bill lines net a scheme."""
    found: date | None = db.session.execute(
        text(
            "SELECT month FROM bill_line WHERE community_id = :c AND scheme_id = :s AND live"
            " ORDER BY month DESC LIMIT 1"
        ),
        {"c": community_id, "s": scheme_id},
    ).scalar_one_or_none()
    return Month.of(found) if found else None


def _scheme(community_id: int, scheme_id: int) -> SubsidyScheme:
    row = db.session.get(
        SubsidyScheme, (community_id, scheme_id), with_for_update=True, populate_existing=True
    )
    if row is None:
        raise NotFound("subsidy.none", N_("没有这份补贴协议。"))
    return row


def _check(terms: Terms) -> None:
    if not terms.agreement_no.strip():
        raise RuleBroken("subsidy.agreement", N_("请填写协议编号。"), field="agreement_no")
    if not terms.unit_kinds or not set(terms.unit_kinds) <= set(UNIT_KINDS):
        raise RuleBroken("subsidy.kinds", N_("请至少选择一种房屋。"), field="unit_kinds")
    if not 1 <= terms.term_months <= 120:
        raise RuleBroken(
            "subsidy.term_months", N_("补贴期限应在 1 到 120 个月之间。"), field="term_months"
        )
    payer = registry.region(terms.payer_region_id)
    if payer.kind not in PAYER_KINDS:
        raise RuleBroken("subsidy.payer", N_("请选择付款的街道或部门。"), field="payer_region_id")


def _refuse_overlap(community_id: int, days: DateRange) -> None:
    for row in db.session.scalars(
        select(SubsidyScheme).where(SubsidyScheme.community_id == community_id)
    ):
        paid = DateRange(row.starts_on, last_unpaid(row))
        if days.overlap(paid) is not None:
            raise Conflict(
                "subsidy.overlap",
                N_("协议 %(agreement)s 已在 %(first)s 至 %(last)s 补贴本小区，日子不能重叠。"),
                field="entered_on",
                agreement=row.agreement_no,
                first=paid.start,
                last=last_unpaid(row) - timedelta(days=1),
            )


def _told(community_id: int, scheme_id: int) -> list[int]:
    return list(
        db.session.scalars(
            select(CliffNotice.months_before).where(
                CliffNotice.community_id == community_id, CliffNotice.scheme_id == scheme_id
            )
        )
    )


def _note(community_id: int, scheme_id: int, months: int) -> bool:
    return (
        db.session.execute(
            insert(CliffNotice)
            .values(
                community_id=community_id,
                scheme_id=scheme_id,
                months_before=months,
                told_at=clock.now(),
            )
            .on_conflict_do_nothing(constraint="pk_cliff_notice")
            .returning(CliffNotice.months_before)
        ).scalar_one_or_none()
        is not None
    )


def _facts(row: SubsidyScheme, terms: Terms) -> dict[str, object]:
    return {
        "agreement_no": row.agreement_no,
        "payer_region": row.payer_region_id,
        "entered_on": row.entered_on,
        "term_months": row.term_months,
        "convention": row.convention,
        "starts_on": row.starts_on,
        "ends_on": row.ends_on,
        "rates": [[str(one.rate), one.override_document] for one in terms.rates],
        "unit_kinds": list(row.unit_kinds),
        "include_unsold": row.include_unsold,
        "include_developer": row.include_developer,
    }

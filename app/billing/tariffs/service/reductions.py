"""Grant reductions (减免) that a law or a contract allows, and end them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select

from app.billing.models import REDUCTION_KINDS, Reduction
from app.billing.tariffs.rules import plain
from app.billing.tariffs.service import found
from app.kernel import audit
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.period import DateRange


def grant_reductions(
    community_id: int,
    *,
    unit_ids: Collection[int],
    tariff_id: int | None,
    kind: str,
    percent: Decimal,
    starts_on: date,
    last_day: date | None,
    document_no: str,
) -> list[Reduction]:
    """Take a percentage off units' charges by area or per unit, on some days.

    No tariff: every such charge. Two reductions of a unit never fall on the same charge and
    day. Raises RuleBroken without a document: vacancy alone is no ground (C5).
    """
    ends_on = last_day + timedelta(days=1) if last_day else None
    document = found.require_document(
        document_no, N_("没有地方规定或合同约定，空置、困难都不能减免；请写明文件名称和文号。")
    )
    _check(kind, percent, starts_on, ends_on)
    if not unit_ids:
        raise RuleBroken("reduction.nobody", N_("请至少选择一户。"), field="units")
    found.units(community_id, unit_ids)
    if tariff_id is not None:
        found.tariff(community_id, tariff_id, "area", "unit")
    _refuse_overlap(community_id, unit_ids, tariff_id, DateRange(starts_on, ends_on))
    rows = [
        Reduction(
            community_id=community_id,
            unit_id=unit_id,
            tariff_id=tariff_id,
            kind=kind,
            percent=percent,
            starts_on=starts_on,
            ends_on=ends_on,
            document_no=document,
            created_by=audit.actor().account_id,
        )
        for unit_id in sorted(set(unit_ids))
    ]
    db.session.add_all(rows)
    db.session.flush()
    audit.record(
        "reduction:grant",
        f"reduction:{rows[0].id}",
        community_id=community_id,
        after={
            "units": [row.unit_id for row in rows],
            "tariff": tariff_id,
            "kind": kind,
            "percent": plain(percent),
            "starts_on": starts_on,
            "ends_on": ends_on,
            "document_no": document,
        },
    )
    return rows


def end_reduction(community_id: int, reduction_id: int, last_day: date) -> Reduction:
    """End a reduction early; it cannot be made longer this way, nor end before it began."""
    row = db.session.get(Reduction, (community_id, reduction_id), with_for_update=True)
    if row is None:
        raise NotFound("reduction.none", N_("没有这条减免。"))
    ends_on = last_day + timedelta(days=1)
    if last_day < row.starts_on:
        raise RuleBroken(
            "reduction.end", N_("最后一天不能早于开始日 %(day)s。"), field="last_day",
            day=row.starts_on,
        )  # fmt: skip
    if row.ends_on is not None and ends_on > row.ends_on:
        raise RuleBroken(
            "reduction.longer",
            N_("减免原本就在 %(day)s 结束；要延长，请凭新的文件另行登记。"),
            field="last_day",
            day=row.ends_on - timedelta(days=1),
        )
    before = row.ends_on
    row.ends_on = ends_on
    audit.record(
        "reduction:end",
        f"reduction:{row.id}",
        community_id=community_id,
        before={"ends_on": before},
        after={"ends_on": ends_on, "unit": row.unit_id},
    )
    return row


def _check(kind: str, percent: Decimal, starts_on: date, ends_on: date | None) -> None:
    if kind not in REDUCTION_KINDS:
        raise RuleBroken("reduction.kind", N_("请选择减免种类。"), field="kind")
    if not 0 < percent <= 100 or percent != percent.quantize(Decimal("0.01")):
        raise RuleBroken(
            "reduction.percent", N_("减免比例应大于 0、不超过 100，最多两位小数。"), field="percent"
        )
    if ends_on is not None and ends_on <= starts_on:
        raise RuleBroken("reduction.days", N_("最后一天不能早于第一天。"), field="last_day")


def _refuse_overlap(
    community_id: int, unit_ids: Collection[int], tariff_id: int | None, days: DateRange
) -> None:
    for row in db.session.scalars(
        select(Reduction)
        .where(Reduction.community_id == community_id)
        .where(Reduction.unit_id.in_(set(unit_ids)))
        .with_for_update()
    ):
        same = tariff_id is None or row.tariff_id is None or row.tariff_id == tariff_id
        if same and days.overlap(DateRange(row.starts_on, row.ends_on)) is not None:
            raise Conflict(
                "reduction.overlap",
                N_("所选房屋中有一户在这段日子里已有减免（文号 %(document)s），不能重叠。"),
                field="units",
                document=row.document_no,
            )

"""A month's sums: shared costs (公摊) for a scope, one-off charges for single units."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from app.billing.models import OneOffCharge, SharedCost
from app.billing.tariffs.service import found
from app.billing.tariffs.words import ALLOCATIONS
from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import Fen
from app.kernel.period import Month
from app.registry import queries as registry


def add_shared_cost(
    community_id: int,
    *,
    tariff_id: int,
    month: Month,
    amount_fen: Fen,
    allocation: str,
    building_id: int | None = None,
    entrance_id: int | None = None,
    document_no: str = "",
) -> SharedCost:
    """Write down what a common thing cost in a month, for a whole community, building or stair.

    The run divides it exactly. Raises RuleBroken on a sum that is not above zero, NotFound on
    a scope of another community, Conflict when the same paper was already written for it.
    """
    found.tariff(community_id, tariff_id, "shared")
    if amount_fen <= 0:
        raise RuleBroken("cost.amount", N_("金额应大于 0。"), field="amount")
    if allocation not in ALLOCATIONS:
        raise RuleBroken("cost.allocation", N_("请选择分摊办法。"), field="allocation")
    _check_scope(community_id, building_id, entrance_id)
    document = document_no.strip()
    row = SharedCost(
        community_id=community_id,
        tariff_id=tariff_id,
        month=month.first,
        amount_fen=amount_fen,
        allocation=allocation,
        building_id=building_id,
        entrance_id=entrance_id,
        document_no=document,
    )
    if document:
        _refuse_repeat(row)
    db.session.add(row)
    db.session.flush()
    audit.record(
        "shared_cost:add",
        f"shared_cost:{row.id}",
        community_id=community_id,
        after=_facts(row),
    )
    return row


def cancel_shared_cost(community_id: int, cost_id: int) -> SharedCost:
    """Strike out a shared cost that no living bill line rests on."""
    row = db.session.get(SharedCost, (community_id, cost_id), with_for_update=True)
    if row is None:
        raise NotFound("cost.none", N_("没有这笔公摊。"))
    _refuse_billed(community_id, row.tariff_id, row.id, Month.of(row.month))
    audit.record(
        "shared_cost:cancel",
        f"shared_cost:{row.id}",
        community_id=community_id,
        before=_facts(row),
    )
    db.session.delete(row)
    return row


def charge_units(
    community_id: int,
    *,
    tariff_id: int,
    unit_ids: Collection[int],
    month: Month,
    amount_fen: Fen,
    description: str,
) -> list[OneOffCharge]:
    """Write the same single sum for one unit or many, to be taken into a month's run."""
    found.tariff(community_id, tariff_id, "one_off")
    if amount_fen <= 0:
        raise RuleBroken("charge.amount", N_("金额应大于 0。"), field="amount")
    if not description.strip():
        raise RuleBroken(
            "charge.description", N_("请写明是什么费用，住户会在账单上看到。"), field="description"
        )
    if not unit_ids:
        raise RuleBroken("charge.nobody", N_("请至少选择一户。"), field="units")
    found.units(community_id, unit_ids)
    rows = [
        OneOffCharge(
            community_id=community_id,
            tariff_id=tariff_id,
            unit_id=unit_id,
            month=month.first,
            amount_fen=amount_fen,
            description=description.strip(),
        )
        for unit_id in sorted(set(unit_ids))
    ]
    db.session.add_all(rows)
    db.session.flush()
    audit.record(
        "one_off:charge",
        f"one_off:{rows[0].id}",
        community_id=community_id,
        after={
            "tariff": tariff_id,
            "units": [row.unit_id for row in rows],
            "month": str(month),
            "amount_fen": amount_fen,
            "description": description.strip(),
        },
    )
    return rows


def cancel_one_off(community_id: int, charge_id: int) -> OneOffCharge:
    """Strike out a one-off charge that is on no living bill."""
    row = db.session.get(OneOffCharge, (community_id, charge_id), with_for_update=True)
    if row is None:
        raise NotFound("charge.none", N_("没有这笔一次性收费。"))
    if row.cancelled_at is not None:
        raise Conflict("charge.cancelled", N_("这笔收费已经取消。"))
    _refuse_billed(community_id, row.tariff_id, row.id, Month.of(row.month))
    row.cancelled_at = clock.now()
    audit.record(
        "one_off:cancel",
        f"one_off:{row.id}",
        community_id=community_id,
        before={"unit": row.unit_id, "amount_fen": row.amount_fen},
    )
    return row


def _check_scope(community_id: int, building_id: int | None, entrance_id: int | None) -> None:
    if building_id is not None and building_id not in {
        one.id for one in registry.buildings(community_id)
    }:
        raise NotFound("building.none", N_("没有这栋楼。"))
    if entrance_id is not None:
        owner = {one.id: one.building_id for one in registry.entrances(community_id)}
        if owner.get(entrance_id) is None or owner[entrance_id] != building_id:
            raise NotFound("entrance.none", N_("这栋楼没有这个单元。"))


def _refuse_repeat(new: SharedCost) -> None:
    scope = (new.building_id, new.entrance_id)
    for row in db.session.scalars(
        select(SharedCost).where(
            SharedCost.community_id == new.community_id,
            SharedCost.tariff_id == new.tariff_id,
            SharedCost.month == new.month,
            SharedCost.document_no == new.document_no,
        )
    ):
        if (row.building_id, row.entrance_id) == scope:
            raise Conflict(
                "cost.repeated",
                N_("%(month)s 同一范围、同一凭据的公摊已登记过。"),
                field="document_no",
                month=Month.of(new.month),
            )


def _refuse_billed(community_id: int, tariff_id: int, detail_id: int, month: Month) -> None:
    if found.is_billed(community_id, tariff_id, detail_id, month.first):
        raise Conflict("charge.billed", N_("已出账，不能取消；请在账单上开调整单，或先撤回批次。"))


def _facts(row: SharedCost) -> dict[str, object]:
    return {
        "tariff": row.tariff_id,
        "month": str(Month.of(row.month)),
        "amount_fen": row.amount_fen,
        "allocation": row.allocation,
        "building": row.building_id,
        "entrance": row.entrance_id,
        "document_no": row.document_no,
    }

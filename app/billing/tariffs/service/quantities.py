"""How many of a charge (parking spaces, stores) a unit has, on which days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select

from app.billing.models import TariffQuantity
from app.billing.tariffs.rules import plain
from app.billing.tariffs.service import found
from app.kernel import audit
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken


@dataclass(frozen=True)
class Quantity:
    """A unit has so many; zero: none any more."""

    unit_id: int
    quantity: Decimal


def set_quantities(
    community_id: int, tariff_id: int, starts_on: date, quantities: Sequence[Quantity]
) -> int:
    """Give units their quantities from a day on; returns how many changed.

    What a unit had before ends the day before; zero only ends it; an unchanged quantity is
    left alone. Raises RuleBroken on a negative or too fine number, Conflict when a unit
    already has a later quantity.
    """
    found.tariff(community_id, tariff_id, "space")
    for one in quantities:
        if one.quantity < 0 or one.quantity != one.quantity.quantize(Decimal("0.01")):
            raise RuleBroken(
                "quantity.number", N_("数量应是不小于 0、最多两位小数的数。"), field="quantity"
            )
    found.units(community_id, [one.unit_id for one in quantities])
    known = _by_unit(community_id, tariff_id, [one.unit_id for one in quantities])
    changed = [one for one in quantities if _change(known.get(one.unit_id, []), starts_on, one)]
    db.session.flush()
    db.session.add_all(
        TariffQuantity(
            community_id=community_id,
            tariff_id=tariff_id,
            unit_id=one.unit_id,
            quantity=one.quantity,
            starts_on=starts_on,
        )
        for one in changed
        if one.quantity > 0
    )
    if changed:
        audit.record(
            "tariff:quantities",
            f"tariff:{tariff_id}",
            community_id=community_id,
            after={
                "starts_on": starts_on,
                "units": {str(one.unit_id): plain(one.quantity) for one in changed},
            },
        )
    return len(changed)


def end_quantity(community_id: int, quantity_id: int, last_day: date) -> TariffQuantity:
    """Say that a unit has its quantity no longer after a day."""
    row = db.session.get(TariffQuantity, (community_id, quantity_id))
    if row is None:
        raise NotFound("quantity.none", N_("没有这条登记。"))
    found.tariff(community_id, row.tariff_id)
    if last_day < row.starts_on:
        raise RuleBroken(
            "quantity.end", N_("最后一天不能早于开始日 %(day)s。"), field="last_day",
            day=row.starts_on,
        )  # fmt: skip
    row.ends_on = last_day + timedelta(days=1)
    audit.record(
        "tariff:quantity_end",
        f"tariff:{row.tariff_id}",
        community_id=community_id,
        after={"unit": row.unit_id, "last_day": last_day},
    )
    return row


def _by_unit(
    community_id: int, tariff_id: int, unit_ids: Sequence[int]
) -> dict[int, list[TariffQuantity]]:
    rows: dict[int, list[TariffQuantity]] = {}
    for row in db.session.scalars(
        select(TariffQuantity)
        .where(TariffQuantity.community_id == community_id)
        .where(TariffQuantity.tariff_id == tariff_id)
        .where(TariffQuantity.unit_id.in_(unit_ids))
        .order_by(TariffQuantity.starts_on)
    ):
        rows.setdefault(row.unit_id, []).append(row)
    return rows


def _change(rows: Sequence[TariffQuantity], starts_on: date, wanted: Quantity) -> bool:
    """End what a unit has on a day, if it differs from what is wanted; tell whether it did."""
    current = None
    for row in rows:
        if row.starts_on > starts_on:
            raise Conflict(
                "quantity.later", N_("有房屋从 %(day)s 起已有登记，请先处理那一条。"),
                field="starts_on", day=row.starts_on,
            )  # fmt: skip
        if row.ends_on is None or row.ends_on > starts_on:
            current = row
    if current is None:
        return wanted.quantity > 0
    if current.quantity == wanted.quantity and current.ends_on is None:
        return False
    if current.starts_on == starts_on:
        db.session.delete(current)
    else:
        current.ends_on = starts_on
    return True

"""Create, edit and end tariffs; suggest a starting set."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta

from flask_babel import gettext
from sqlalchemy import delete, func, select

from app.billing.models import Tariff, TariffBuilding
from app.billing.tariffs.rules import Price
from app.billing.tariffs.service import found
from app.billing.tariffs.service.prices import (
    has_billed,
    set_price,
    versions_of,
    withdraw_price,
)
from app.billing.tariffs.starter import SUGGESTIONS, income_accounts
from app.billing.tariffs.words import BASES, UNIT_KINDS
from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, NotFound, RuleBroken
from app.registry import queries as registry


def create_tariff(
    community_id: int,
    *,
    name: str,
    basis: str,
    unit_kinds: Sequence[str] = (),
    building_ids: Collection[int] = (),
    subsidised: bool = False,
    income_code: str = "6001",
    measure: str = "",
) -> Tariff:
    """Open a charge; its price comes by `set_price`.

    No unit kinds: all kinds. No buildings: the whole community.
    Raises RuleBroken on a name in use, an unknown basis or account, or a subsidy on anything
    but an area charge (D1 pays per m²).
    """
    if basis not in BASES:
        raise RuleBroken("tariff.basis", N_("请选择计费方式。"), field="basis")
    _check(community_id, name, unit_kinds, building_ids, income_code)
    if subsidised:
        _check_subsidised(community_id, basis, unit_kinds, building_ids)
    row = Tariff(
        community_id=community_id,
        name=name.strip(),
        basis=basis,
        unit_kinds=list(unit_kinds),
        subsidised=subsidised,
        income_code=income_code,
        measure=measure.strip() if basis == "metered" else "",
        position=_next_position(community_id),
    )
    db.session.add(row)
    db.session.flush()
    _limit_to(row, building_ids)
    audit.record(
        "tariff:create",
        f"tariff:{row.id}",
        community_id=community_id,
        after=_facts(row, building_ids),
    )
    return row


def edit_tariff(
    community_id: int,
    tariff_id: int,
    *,
    name: str,
    unit_kinds: Sequence[str] = (),
    building_ids: Collection[int] = (),
    subsidised: bool = False,
    income_code: str = "6001",
    measure: str = "",
    position: int = 0,
) -> Tariff:
    """Change what is safe: bills already issued keep theirs, the next run reads the new.

    The basis never changes, nor the measure of a metered charge once it was billed.
    """
    row = found.tariff(community_id, tariff_id)
    _check(community_id, name, unit_kinds, building_ids, income_code, besides=tariff_id)
    if subsidised:
        _check_subsidised(community_id, row.basis, unit_kinds, building_ids, besides=tariff_id)
    before = _facts(row, _buildings(row))
    billed = found.billed_until(community_id, tariff_id)
    if row.basis == "metered" and measure.strip() != row.measure and billed is not None:
        raise RuleBroken(
            "tariff.measure", N_("已出过账，计量单位不能再改。"), field="measure"
        )  # fmt: skip
    row.name = name.strip()
    row.unit_kinds = list(unit_kinds)
    row.subsidised = subsidised
    row.income_code = income_code
    row.measure = measure.strip() if row.basis == "metered" else ""
    row.position = position
    _limit_to(row, building_ids)
    audit.record(
        "tariff:edit",
        f"tariff:{row.id}",
        community_id=community_id,
        before=before,
        after=_facts(row, building_ids),
    )
    return row


def end_tariff(community_id: int, tariff_id: int, last_day: date) -> Tariff:
    """Stop charging after a day; what was billed stays.

    `ended_at` is the first instant of the day after, in China. Prices that would begin later
    and have billed nothing are withdrawn. Raises RuleBroken when it is billed past that day.
    """
    row = found.tariff(community_id, tariff_id)
    billed = found.billed_until(community_id, tariff_id)
    if billed is not None and last_day < billed.last:
        raise RuleBroken(
            "tariff.billed_past",
            N_("已出账到 %(month)s，最早只能在 %(day)s 终止。"),
            field="last_day",
            month=billed,
            day=billed.last,
        )
    _cut(community_id, tariff_id, last_day + timedelta(days=1))
    row.ended_at = datetime.combine(last_day + timedelta(days=1), time(), clock.CHINA)
    audit.record(
        "tariff:end",
        f"tariff:{row.id}",
        community_id=community_id,
        after={"last_day": last_day},
    )
    return row


def create_starter(community_id: int, chosen: Sequence[tuple[str, Price | None]]) -> list[Tariff]:
    """Open the chosen suggestions at once: each a key of SUGGESTIONS with its price, if any."""
    made = []
    for key, price in chosen:
        suggestion = SUGGESTIONS[key]
        row = create_tariff(
            community_id,
            name=gettext(suggestion.name),
            basis=suggestion.basis,
            unit_kinds=suggestion.unit_kinds,
            subsidised=suggestion.subsidised,
            income_code=suggestion.income_code,
        )
        if price is not None:
            set_price(community_id, row.id, price)
        made.append(row)
    return made


def _check(
    community_id: int,
    name: str,
    unit_kinds: Sequence[str],
    building_ids: Collection[int],
    income_code: str,
    *,
    besides: int = 0,
) -> None:
    if not name.strip():
        raise RuleBroken("tariff.name", N_("请填写名称。"), field="name")
    taken = db.session.scalar(
        select(Tariff.id).where(
            Tariff.community_id == community_id, Tariff.name == name.strip(), Tariff.id != besides
        )
    )
    if taken is not None:
        raise RuleBroken(
            "tariff.name_taken", N_("已有名为“%(name)s”的收费项目。"), field="name", name=name
        )
    if not set(unit_kinds) <= set(UNIT_KINDS):
        raise RuleBroken("tariff.kinds", N_("没有这种房屋类型。"), field="unit_kinds")
    if income_code not in {account.code for account in income_accounts()}:
        raise RuleBroken("tariff.account", N_("请选择收入科目。"), field="income_code")
    known = {building.id for building in registry.buildings(community_id)} if building_ids else ()
    if not set(building_ids) <= set(known):
        raise NotFound("building.none", N_("没有这栋楼。"))


def _check_subsidised(
    community_id: int,
    basis: str,
    unit_kinds: Sequence[str],
    building_ids: Collection[int],
    besides: int = 0,
) -> None:
    """A unit's m² are paid for once: no two subsidised charges fall on the same units (D1)."""
    if basis != "area":
        raise RuleBroken(
            "tariff.subsidised",
            N_("补贴按每平方米计，只能用于按面积的收费。"),
            field="subsidised",
        )
    for other in db.session.scalars(
        select(Tariff)
        .where(Tariff.community_id == community_id, Tariff.subsidised, Tariff.id != besides)
        .where((Tariff.ended_at.is_(None)) | (Tariff.ended_at > clock.now()))
    ):
        kinds = not unit_kinds or not other.unit_kinds or set(unit_kinds) & set(other.unit_kinds)
        theirs = _buildings(other)
        if kinds and (not building_ids or not theirs or set(building_ids) & set(theirs)):
            raise RuleBroken(
                "tariff.subsidised_twice",
                N_("“%(name)s”已享受补贴，且涉及同样的房屋；同一面积不能补贴两次。"),
                field="subsidised",
                name=other.name,
            )


def _next_position(community_id: int) -> int:
    last = db.session.scalar(
        select(func.max(Tariff.position)).where(Tariff.community_id == community_id)
    )
    return (last or 0) + 1


def _limit_to(row: Tariff, building_ids: Collection[int]) -> None:
    db.session.execute(
        delete(TariffBuilding).where(
            TariffBuilding.community_id == row.community_id, TariffBuilding.tariff_id == row.id
        )
    )
    db.session.add_all(
        TariffBuilding(community_id=row.community_id, tariff_id=row.id, building_id=one)
        for one in sorted(set(building_ids))
    )


def _buildings(row: Tariff) -> list[int]:
    return list(
        db.session.scalars(
            select(TariffBuilding.building_id)
            .where(TariffBuilding.community_id == row.community_id)
            .where(TariffBuilding.tariff_id == row.id)
            .order_by(TariffBuilding.building_id)
        )
    )


def _cut(community_id: int, tariff_id: int, ends_on: date) -> None:
    """End the prices; later ones go, but for those that a withdrawn run's lines still name."""
    for version in reversed(versions_of(community_id, tariff_id)):
        if version.starts_on >= ends_on:  # newest first, because taking one back reopens another
            if not has_billed(community_id, version.id):
                withdraw_price(community_id, version.id)
        elif version.ends_on is None or version.ends_on > ends_on:
            version.ends_on = ends_on


def _facts(row: Tariff, building_ids: Collection[int]) -> dict[str, object]:
    return {
        "name": row.name,
        "basis": row.basis,
        "unit_kinds": list(row.unit_kinds),
        "buildings": sorted(building_ids),
        "subsidised": row.subsidised,
        "income_code": row.income_code,
        "measure": row.measure,
        "position": row.position,
    }

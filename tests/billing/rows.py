"""Facts of a community as rows of the database, under the same numbers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from app.billing import models as tables
from app.billing.runs.facts import Facts
from app.billing.subsidy import models as subsidy_tables
from app.kernel.db import db
from app.registry import models as registry

BUILDINGS = (1, 2)
ENTRANCES = {1: (1, 2), 2: (3,)}


def bring(facts: Facts, community_id: int, region_id: int) -> None:
    """Write the facts as a community's rows, under the same numbers."""
    c = community_id
    community = db.session.get_one(registry.Community, c)
    community.transfer_policy = facts.transfer_policy
    _add(registry.Building, [{"community_id": c, "id": b, "code": str(b)} for b in BUILDINGS])
    _add(
        registry.Entrance,
        [
            {"community_id": c, "id": e, "building_id": b, "code": str(e)}
            for b, entrances in ENTRANCES.items()
            for e in entrances
        ],
    )
    _add(
        registry.Unit,
        [
            {
                "community_id": c,
                "id": u.id,
                "building_id": u.building_id,
                "entrance_id": u.entrance_id,
                "room": str(u.id),
                "label": u.label,
                "sort_key": u.label,
                "kind": u.kind,
                "status": u.status,
                "area_m2": u.area_m2,
                "billable_from": u.billable_from,
                "billable_until": u.billable_until,
                "binding_code": f"{u.id:08d}",
            }
            for u in facts.units
        ],
    )
    _bring_people(facts, c)
    _bring_tariffs(facts, c)
    _bring_measures(facts, c)
    _bring_schemes(facts, c, region_id)
    db.session.flush()


def _add(table: type[Any], rows: list[dict[str, Any]]) -> None:
    if rows:
        db.session.execute(insert(table), rows)


def _bring_people(facts: Facts, c: int) -> None:
    people = {one.person_id: one.developer for one in facts.held}
    _add(
        registry.Person,
        [
            {"community_id": c, "id": i, "name": f"p{i}", "kind": "developer" if d else "natural"}
            for i, d in people.items()
        ],
    )
    _add(
        registry.Ownership,
        [
            {
                "community_id": c,
                "unit_id": one.unit_id,
                "person_id": one.person_id,
                "share_numerator": one.share.numerator,
                "share_denominator": one.share.denominator,
                "starts_on": one.days.start,
                "ends_on": one.days.end,
            }
            for one in facts.held
        ],
    )


def _bring_tariffs(facts: Facts, c: int) -> None:
    china = ZoneInfo("Asia/Shanghai")
    _add(
        tables.Tariff,
        [
            {
                "community_id": c,
                "id": t.id,
                "name": f"t{t.id}",
                "basis": t.basis,
                "unit_kinds": list(t.unit_kinds),
                "subsidised": t.subsidised,
                "position": t.position,
                "ended_at": t.ended_on
                and datetime(t.ended_on.year, t.ended_on.month, t.ended_on.day, 3, tzinfo=china),
                "income_code": {1: "6001", 3: "6051", 4: "2202"}.get(t.id, "6001"),
            }
            for t in facts.tariffs
        ],
    )
    _add(
        tables.TariffBuilding,
        [
            {"community_id": c, "tariff_id": t.id, "building_id": b}
            for t in facts.tariffs
            for b in t.building_ids
        ],
    )
    _add(
        tables.TariffVersion,
        [
            {
                "community_id": c,
                "id": v.id,
                "tariff_id": t.id,
                "starts_on": v.days.start,
                "ends_on": v.days.end,
                "price": v.price,
                "price_basis": "market",
            }
            for t in facts.tariffs
            for v in t.versions
        ],
    )
    _add(
        tables.TariffTier,
        [
            {
                "community_id": c,
                "version_id": v.id,
                "from_quantity": tier.from_quantity,
                "price": tier.price,
            }
            for t in facts.tariffs
            for v in t.versions
            for tier in v.tiers
        ],
    )


def _bring_measures(facts: Facts, c: int) -> None:
    _add(
        tables.Reduction,
        [
            {
                "community_id": c,
                "unit_id": r.unit_id,
                "tariff_id": r.tariff_id,
                "kind": "vacancy",
                "percent": r.days_off.percent,
                "starts_on": r.days_off.days.start,
                "ends_on": r.days_off.days.end,
                "document_no": "1",
            }
            for r in facts.reductions
        ],
    )
    _add(
        tables.TariffQuantity,
        [
            {
                "community_id": c,
                "tariff_id": q.tariff_id,
                "unit_id": q.unit_id,
                "quantity": q.quantity,
                "starts_on": q.days.start,
                "ends_on": q.days.end,
            }
            for q in facts.quantities
        ],
    )
    _add(
        tables.Meter,
        [
            {
                "community_id": c,
                "id": r.id,
                "tariff_id": r.tariff_id,
                "unit_id": r.unit_id,
                "serial": str(r.id),
                "multiplier": r.multiplier,
            }
            for r in facts.readings
        ],
    )
    _add(
        tables.MeterReading,
        [
            {
                "community_id": c,
                "id": r.id,
                "meter_id": r.id,
                "month": r.month.first,
                "previous": r.previous,
                "reading": r.reading,
                "read_on": r.read_on,
            }
            for r in facts.readings
        ],
    )
    _add(
        tables.SharedCost,
        [
            {
                "community_id": c,
                "id": s.id,
                "tariff_id": s.tariff_id,
                "month": s.month.first,
                "amount_fen": s.amount_fen,
                "allocation": s.allocation,
                "building_id": s.building_id,
                "entrance_id": s.entrance_id,
            }
            for s in facts.shared_costs
        ],
    )
    _add(
        tables.OneOffCharge,
        [
            {
                "community_id": c,
                "id": o.id,
                "tariff_id": o.tariff_id,
                "unit_id": o.unit_id,
                "month": o.month.first,
                "amount_fen": o.amount_fen,
                "description": "门禁卡",
            }
            for o in facts.one_offs
        ],
    )


def _bring_schemes(facts: Facts, c: int, region_id: int) -> None:
    _add(
        subsidy_tables.SubsidyScheme,
        [
            {
                "community_id": c,
                "id": s.id,
                "payer_region_id": region_id,
                "agreement_no": str(s.id),
                "entered_on": s.days.start,
                "starts_on": s.days.start,
                "ends_on": s.days.end,
                "unit_kinds": list(s.unit_kinds),
                "include_unsold": s.include_unsold,
                "include_developer": s.include_developer,
            }
            for s in facts.schemes
        ],
    )
    _add(
        subsidy_tables.SubsidyStep,
        [
            {
                "community_id": c,
                "scheme_id": s.id,
                "starts_on": step.starts_on,
                "rate": step.rate,
            }
            for s in facts.schemes
            for step in s.steps
        ],
    )
    _add(
        subsidy_tables.SubsidyExclusion,
        [
            {
                "community_id": c,
                "scheme_id": s.id,
                "unit_id": unit,
                "included": unit in s.included,
                "reason": "协议约定",
            }
            for s in facts.schemes
            for unit in s.excluded | s.included
        ],
    )

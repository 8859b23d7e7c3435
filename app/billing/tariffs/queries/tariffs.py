"""Tariffs with their prices and their history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from app.billing.tariffs.rules import Step
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import N_, NotFound


@dataclass(frozen=True)
class VersionRow:
    """A price: yuan per unit of measure; `ends_on` exclusive; `billed`: lines rest on it."""

    id: int
    tariff_id: int
    starts_on: date
    ends_on: date | None
    price: Decimal
    price_basis: str
    document_no: str
    ceiling: Decimal | None
    billed: bool
    steps: tuple[Step, ...] = ()

    def in_force(self, on: date) -> bool:
        """Whether it is the price of a day."""
        return self.starts_on <= on and (self.ends_on is None or on < self.ends_on)


@dataclass(frozen=True)
class TariffRow:
    """A charge in the list: its price today and the next one, where it has them."""

    id: int
    name: str
    basis: str
    unit_kinds: tuple[str, ...]
    building_ids: tuple[int, ...]
    building_codes: tuple[str, ...]
    subsidised: bool
    income_code: str
    measure: str
    position: int
    ended_on: date | None
    present: VersionRow | None
    coming: VersionRow | None

    def ended(self, on: date) -> bool:
        """Whether it runs no longer on a day."""
        return self.ended_on is not None and self.ended_on <= on


@dataclass(frozen=True)
class TariffFacts(TariffRow):
    """A charge with all its prices, the latest first."""

    versions: tuple[VersionRow, ...]


@dataclass(frozen=True)
class HistoryRow:
    """An act on a charge: when, by whom, and its facts as the audit trail keeps them."""

    at: datetime
    actor: str
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


_TARIFFS = """
SELECT t.id, t.name, t.basis, t.unit_kinds, t.subsidised, t.income_code, t.measure, t.position,
       t.ended_at, array_agg(b.id ORDER BY b.id) FILTER (WHERE b.id IS NOT NULL) AS building_ids,
       array_agg(b.code ORDER BY b.id) FILTER (WHERE b.id IS NOT NULL) AS building_codes
  FROM tariff t
  LEFT JOIN tariff_building x ON x.community_id = t.community_id AND x.tariff_id = t.id
  LEFT JOIN building b ON b.community_id = x.community_id AND b.id = x.building_id
 WHERE t.community_id = :c AND (CAST(:id AS bigint) IS NULL OR t.id = :id)
 GROUP BY t.community_id, t.id ORDER BY t.position, t.id
"""
_VERSIONS = """
SELECT v.id, v.tariff_id, v.starts_on, v.ends_on, v.price, v.price_basis, v.document_no,
       v.ceiling, {billed} AS billed,
       (SELECT array_agg(ARRAY[s.from_quantity, s.price] ORDER BY s.from_quantity)
          FROM tariff_tier s WHERE s.community_id = v.community_id AND s.version_id = v.id) AS steps
  FROM tariff_version v
 WHERE v.community_id = :c AND (CAST(:id AS bigint) IS NULL OR v.tariff_id = :id)
 ORDER BY v.tariff_id, v.starts_on DESC
"""
_BILLED = (
    "EXISTS (SELECT 1 FROM bill_line l WHERE l.community_id = v.community_id"
    " AND l.version_id = v.id)"
)


def tariffs(community_id: int, on: date) -> list[TariffRow]:
    """All charges in their order, those that ended last; two statements."""
    versions: dict[int, list[VersionRow]] = {}
    for one in _versions(community_id, None, "false"):
        versions.setdefault(one.tariff_id, []).append(one)
    rows = [
        TariffRow(**_facts(row), **_prices(versions.get(row["id"], []), on))
        for row in db.session.execute(text(_TARIFFS), {"c": community_id, "id": None}).mappings()
    ]
    return sorted(rows, key=lambda one: one.ended(on))


def tariff(community_id: int, tariff_id: int, on: date) -> TariffFacts:
    """One charge with all its prices; two statements. Raises NotFound."""
    row = (
        db.session.execute(text(_TARIFFS), {"c": community_id, "id": tariff_id})
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFound("tariff.none", N_("没有这个收费项目。"))
    versions = _versions(community_id, tariff_id, _BILLED)
    return TariffFacts(**_facts(row), **_prices(versions, on), versions=tuple(versions))


def names(community_id: int, *bases: str) -> list[tuple[int, str]]:
    """Living charges of some bases (none: all) to choose from: (id, name) in their order."""
    rows = db.session.execute(
        text(
            "SELECT id, name FROM tariff WHERE community_id = :c"
            " AND (ended_at IS NULL OR ended_at > :now)"
            " AND (cardinality(CAST(:bases AS text[])) = 0 OR basis = ANY (:bases))"
            " ORDER BY position, id"
        ),
        {"c": community_id, "bases": list(bases), "now": clock.now()},
    )
    return [(row.id, row.name) for row in rows]


def history(community_id: int, subject: str, limit: int = 50) -> list[HistoryRow]:
    """What was done to a thing, the latest first: from the audit trail."""
    rows = db.session.execute(
        text(
            "SELECT at, actor_name AS actor, action, coalesce(before, '{}') AS before,"
            " coalesce(after, '{}') AS after FROM audit_event"
            " WHERE community_id = :c AND subject = :s ORDER BY id DESC LIMIT :limit"
        ),
        {"c": community_id, "s": subject, "limit": limit},
    )
    return [HistoryRow(**row._mapping) for row in rows]


def _facts(row: Any) -> dict[str, Any]:
    known: dict[str, Any] = dict(row)
    ended_at = known.pop("ended_at")
    return known | {
        "unit_kinds": tuple(known["unit_kinds"]),
        "building_ids": tuple(known["building_ids"] or ()),
        "building_codes": tuple(known["building_codes"] or ()),
        "ended_on": clock.local(ended_at).date() if ended_at else None,
    }


def _prices(versions: Iterable[VersionRow], on: date) -> dict[str, Any]:
    listed = list(versions)
    later = [one for one in listed if one.starts_on > on]
    return {
        "present": next((one for one in listed if one.in_force(on)), None),
        "coming": min(later, key=lambda one: one.starts_on, default=None),
    }


def _versions(community_id: int, tariff_id: int | None, billed: str) -> list[VersionRow]:
    rows = db.session.execute(
        text(_VERSIONS.format(billed=billed)), {"c": community_id, "id": tariff_id}
    )
    return [
        VersionRow(**{**row._mapping, "steps": tuple(Step(*one) for one in row.steps or ())})
        for row in rows
    ]

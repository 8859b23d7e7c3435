"""Communities, regions, organizations, mandates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.errors import N_, NotFound


@dataclass(frozen=True)
class CommunityFacts:
    """All that the house knows of a community itself."""

    id: int
    region_id: int
    name: str
    address: str
    year_built: int | None
    year_renovated: int | None
    renovation_class: str | None
    entered_on: date | None
    fee_mode: str
    transfer_policy: str
    due_day: int
    service_phone: str


@dataclass(frozen=True)
class CommunityRow:
    """A community in a list, with its street."""

    id: int
    name: str
    region_id: int
    region_name: str
    year_renovated: int | None
    entered_on: date | None


@dataclass(frozen=True)
class RegionRow:
    """A region, and how many regions and communities lie directly in it."""

    id: int
    parent_id: int | None
    kind: str
    name: str
    region_count: int = 0
    community_count: int = 0


@dataclass(frozen=True)
class OrganizationRow:
    """A company or office."""

    id: int
    kind: str
    name: str
    credit_code: str | None
    phone: str | None


@dataclass(frozen=True)
class MandateRow:
    """A company's appointment; `ends_on` is the first day without access."""

    id: int
    organization_id: int
    organization_name: str
    starts_on: date
    ends_on: date | None
    document_no: str
    end_reason: str

    def in_force(self, on: date) -> bool:
        """Whether the company has access that day."""
        return self.starts_on <= on and (self.ends_on is None or on < self.ends_on)


def community(community_id: int) -> CommunityFacts:
    """A community's facts. Raises NotFound."""
    row = db.session.execute(
        text(
            "SELECT id, region_id, name, address, year_built, year_renovated, renovation_class,"
            " entered_on, fee_mode, transfer_policy, due_day, service_phone"
            " FROM community WHERE id = :id"
        ),
        {"id": community_id},
    ).one_or_none()
    if row is None:
        raise NotFound("community.unknown", N_("没有找到这个小区，或者您无权查看。"))
    return CommunityFacts(**row._mapping)


COMMUNITY_ROWS = (
    "SELECT c.id, c.name, c.region_id, r.name AS region_name, c.year_renovated, c.entered_on"
    " FROM community c JOIN region r ON r.id = c.region_id"
)


def communities(ids: Iterable[int]) -> list[CommunityRow]:
    """Some communities, by name."""
    rows = db.session.execute(
        text(f"{COMMUNITY_ROWS} WHERE c.id = ANY (:ids) ORDER BY c.name, c.id"),
        {"ids": list(ids)},
    )
    return [CommunityRow(**row._mapping) for row in rows]


def communities_in(region_id: int) -> list[CommunityRow]:
    """The communities directly in a region, by name."""
    rows = db.session.execute(
        text(f"{COMMUNITY_ROWS} WHERE c.region_id = :region ORDER BY c.name, c.id"),
        {"region": region_id},
    )
    return [CommunityRow(**row._mapping) for row in rows]


REGION_ROWS = (
    "SELECT r.id, r.parent_id, r.kind, r.name,"
    " (SELECT count(*) FROM region x WHERE x.parent_id = r.id) AS region_count,"
    " (SELECT count(*) FROM community c WHERE c.region_id = r.id) AS community_count"
    " FROM region r"
)


def region(region_id: int) -> RegionRow:
    """A region. Raises NotFound."""
    row = db.session.execute(
        text(f"{REGION_ROWS} WHERE r.id = :id"), {"id": region_id}
    ).one_or_none()
    if row is None:
        raise NotFound("region.unknown", N_("没有找到这个辖区，或者您无权查看。"))
    return RegionRow(**row._mapping)


def children(region_id: int | None) -> list[RegionRow]:
    """The regions directly below one; below None are those that stand alone."""
    rows = db.session.execute(
        text(f"{REGION_ROWS} WHERE r.parent_id IS NOT DISTINCT FROM :id ORDER BY r.name, r.id"),
        {"id": region_id},
    )
    return [RegionRow(**row._mapping) for row in rows]


def founding_regions(region_id: int | None = None) -> list[RegionRow]:
    """The streets and stations, all or those in a region and below it: where communities are
    founded; each named with what is above it."""
    rows = db.session.execute(
        text(
            "WITH RECURSIVE down AS ("
            " SELECT id, parent_id, kind, name, name AS way, 1 AS step FROM region"
            " WHERE CASE WHEN CAST(:id AS bigint) IS NULL THEN parent_id IS NULL ELSE id = :id END"
            " UNION ALL SELECT r.id, r.parent_id, r.kind, r.name, down.way || ' / ' || r.name,"
            " down.step + 1 FROM region r JOIN down ON r.parent_id = down.id WHERE down.step < 8)"
            " SELECT id, parent_id, kind, way AS name FROM down"
            " WHERE kind IN ('street', 'station') ORDER BY way, id"
        ),
        {"id": region_id},
    )
    return [RegionRow(**row._mapping) for row in rows]


def region_path(region_id: int) -> list[RegionRow]:
    """A region with all above it, the largest first."""
    rows = db.session.execute(
        text(
            "WITH RECURSIVE up AS ("
            " SELECT id, parent_id, kind, name, 0 AS step FROM region WHERE id = :id"
            " UNION ALL SELECT r.id, r.parent_id, r.kind, r.name, up.step + 1"
            " FROM region r JOIN up ON r.id = up.parent_id WHERE up.step < 8)"
            " SELECT id, parent_id, kind, name FROM up ORDER BY step DESC"
        ),
        {"id": region_id},
    )
    return [RegionRow(**row._mapping) for row in rows]


def organization(organization_id: int) -> OrganizationRow:
    """A company or office. Raises NotFound."""
    row = db.session.execute(
        text("SELECT id, kind, name, credit_code, phone FROM organization WHERE id = :id"),
        {"id": organization_id},
    ).one_or_none()
    if row is None:
        raise NotFound("organization.unknown", N_("没有找到这个单位，或者您无权查看。"))
    return OrganizationRow(**row._mapping)


def organizations(kind: str | None = None) -> list[OrganizationRow]:
    """Companies and offices, all or of a kind, by name."""
    rows = db.session.execute(
        text(
            "SELECT id, kind, name, credit_code, phone FROM organization"
            " WHERE CAST(:kind AS text) IS NULL OR kind = :kind ORDER BY name, id"
        ),
        {"kind": kind},
    )
    return [OrganizationRow(**row._mapping) for row in rows]


MANDATE_ROWS = (
    "SELECT m.id, m.organization_id, o.name AS organization_name, m.starts_on, m.ends_on,"
    " m.document_no, m.end_reason FROM mandate m JOIN organization o ON o.id = m.organization_id"
    " WHERE m.community_id = :c"
)


def mandates(community_id: int) -> list[MandateRow]:
    """All appointments over a community, the latest first."""
    rows = db.session.execute(
        text(f"{MANDATE_ROWS} ORDER BY m.starts_on DESC"), {"c": community_id}
    )
    return [MandateRow(**row._mapping) for row in rows]


def manager_on(community_id: int, on: date) -> MandateRow | None:
    """The appointment in force on a day, if there is one."""
    row = db.session.execute(
        text(f"{MANDATE_ROWS} AND m.starts_on <= :on AND (m.ends_on IS NULL OR :on < m.ends_on)"),
        {"c": community_id, "on": on},
    ).one_or_none()
    return None if row is None else MandateRow(**row._mapping)

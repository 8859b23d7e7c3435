"""Who lives in a unit without owning it, from day to day."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from app.kernel import audit
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, RuleBroken
from app.registry.models import Occupant, Person, Unit
from app.registry.service.common import row_of


def add_occupant(
    community_id: int,
    unit_id: int,
    person_id: int,
    kind: str,
    starts_on: date,
    *,
    ends_on: date | None = None,
) -> Occupant:
    """Enter a tenant or a family member. Raises Conflict, RuleBroken, NotFound."""
    row_of(Unit, community_id, unit_id, lock=True)
    row_of(Person, community_id, person_id)
    if ends_on is not None and ends_on <= starts_on:
        raise RuleBroken("occupant.days", N_("截止日应晚于起始日。"), field="ends_on")
    known = db.session.scalar(
        select(Occupant.id).where(
            Occupant.community_id == community_id,
            Occupant.unit_id == unit_id,
            Occupant.person_id == person_id,
            Occupant.ends_on.is_(None),
        )
    )
    if known is not None:
        raise Conflict("occupant.known", N_("此人已登记为本户住户。"), field="name")
    row = Occupant(
        community_id=community_id,
        unit_id=unit_id,
        person_id=person_id,
        kind=kind,
        starts_on=starts_on,
        ends_on=ends_on,
    )
    db.session.add(row)
    db.session.flush()
    audit.record(
        "registry:add-occupant",
        f"unit:{unit_id}",
        community_id=community_id,
        after={
            "occupant_id": row.id,
            "person_id": person_id,
            "kind": kind,
            "starts_on": starts_on.isoformat(),
        },
    )
    return row


def end_occupant(community_id: int, occupant_id: int, ends_on: date) -> Occupant:
    """Someone moves out; `ends_on` is the first day they no longer live there.

    Raises RuleBroken, Conflict when they moved out already, NotFound.
    """
    row = row_of(Occupant, community_id, occupant_id, lock=True)
    if row.ends_on is not None:
        raise Conflict("occupant.ended", N_("此人已登记搬出。"), field="ends_on")
    if ends_on <= row.starts_on:
        raise RuleBroken("occupant.days", N_("截止日应晚于起始日。"), field="ends_on")
    row.ends_on = ends_on
    db.session.flush()
    audit.record(
        "registry:end-occupant",
        f"unit:{row.unit_id}",
        community_id=community_id,
        before={"occupant_id": row.id, "ends_on": None},
        after={"occupant_id": row.id, "ends_on": ends_on.isoformat()},
    )
    return row

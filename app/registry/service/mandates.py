"""A company's appointment over a community: it begins, it ends, two never overlap."""

from __future__ import annotations

from datetime import date

from sqlalchemy import or_, select

from app.kernel import audit, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, RuleBroken
from app.registry.models import Mandate, Organization
from app.registry.service.common import needed, row_of, thing


def begin_mandate(
    community_id: int,
    organization_id: int,
    starts_on: date,
    *,
    ends_on: date | None = None,
    document_no: str = "",
) -> Mandate:
    """Appoint a property company from a day on; `ends_on` is its first day without access.

    Raises Conflict when another mandate covers any of these days, RuleBroken, NotFound.
    """
    company = thing(Organization, organization_id)
    if company.kind != "property_company":
        raise RuleBroken("mandate.company", N_("只能委托物业公司。"), field="organization_id")
    if ends_on is not None and ends_on <= starts_on:
        raise RuleBroken("mandate.days", N_("终止日应晚于开始日。"), field="ends_on")
    _refuse_overlap(community_id, starts_on, ends_on)
    mandate = Mandate(
        community_id=community_id,
        organization_id=organization_id,
        starts_on=starts_on,
        ends_on=ends_on,
        document_no=document_no.strip(),
    )
    db.session.add(mandate)
    db.session.flush()
    audit.record(
        "registry:begin-mandate",
        f"mandate:{mandate.id}",
        community_id=community_id,
        after={
            "organization_id": organization_id,
            "organization": company.name,
            "starts_on": starts_on.isoformat(),
            "ends_on": ends_on.isoformat() if ends_on else None,
            "document_no": mandate.document_no,
        },
    )
    return mandate


def end_mandate(community_id: int, mandate_id: int, ends_on: date, reason: str) -> Mandate:
    """End a company's appointment: from `ends_on` its people see nothing of the community.

    The roll and the books stay. Raises RuleBroken when the day is not after the beginning,
    Conflict when it would lengthen a mandate over the next, NotFound.
    """
    mandate = row_of(Mandate, community_id, mandate_id, lock=True)
    if ends_on <= mandate.starts_on:
        raise RuleBroken("mandate.days", N_("终止日应晚于开始日。"), field="ends_on")
    if mandate.end_reason:
        raise Conflict("mandate.ended", N_("这份委托已经终止。"), field="ends_on")
    reason = needed(reason, "reason")
    _refuse_overlap(community_id, mandate.starts_on, ends_on, apart_from=mandate.id)
    before = {"ends_on": mandate.ends_on.isoformat() if mandate.ends_on else None}
    mandate.ends_on = ends_on
    mandate.end_reason = reason
    db.session.flush()
    audit.record(
        "registry:end-mandate",
        f"mandate:{mandate.id}",
        community_id=community_id,
        before=before,
        after={"ends_on": ends_on.isoformat(), "reason": reason},
    )
    outbox.tell(
        community_id,
        "mandate:ended",
        {
            "mandate_id": mandate.id,
            "organization_id": mandate.organization_id,
            "ends_on": ends_on.isoformat(),
        },
    )
    return mandate


def _refuse_overlap(
    community_id: int, starts_on: date, ends_on: date | None, apart_from: int = 0
) -> None:
    clash = (
        select(Organization.name, Mandate.starts_on, Mandate.ends_on)
        .join(Organization, Organization.id == Mandate.organization_id)
        .where(
            Mandate.community_id == community_id,
            Mandate.id != apart_from,
            or_(Mandate.ends_on.is_(None), Mandate.ends_on > starts_on),
        )
    )
    if ends_on is not None:
        clash = clash.where(Mandate.starts_on < ends_on)
    found = db.session.execute(clash.limit(1)).first()
    if found is not None:
        raise Conflict(
            "mandate.overlap",
            N_("这些日子已委托给“%(name)s”（自 %(day)s 起），请先终止那份委托。"),
            field="starts_on",
            name=found.name,
            day=found.starts_on.isoformat(),
        )

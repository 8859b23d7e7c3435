"""Find what a verb is about, or say that there is no such thing; lock what must not race."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import text

from app.billing.models import Tariff
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.period import Month
from app.registry import queries as registry


def tariff(community_id: int, tariff_id: int, *bases: str, lock: bool = True) -> Tariff:
    """A living tariff of one of these bases (none named: any), locked until the commit.

    The lock makes two people who price, count or end the same tariff wait for each other.
    """
    row = db.session.get(
        Tariff, (community_id, tariff_id), with_for_update=lock, populate_existing=lock
    )
    if row is None:
        raise NotFound("tariff.none", N_("没有这个收费项目。"))
    if row.ended_at is not None:
        raise Conflict("tariff.ended", N_("“%(name)s”已经终止。"), name=row.name)
    if bases and row.basis not in bases:
        raise RuleBroken(
            "tariff.wrong_basis", N_("“%(name)s”的计费方式不适用。"), field="tariff_id",
            name=row.name,
        )  # fmt: skip
    return row


def units(community_id: int, unit_ids: Collection[int]) -> None:
    """Make sure that these are units of the community. Raises NotFound."""
    known = registry.units(community_id, unit_ids)
    if len(known) != len(set(unit_ids)):
        raise NotFound("unit.none", N_("没有这户房屋。"))


def billed_until(community_id: int, tariff_id: int) -> Month | None:
    """The last month in which a tariff stands on living bill lines."""
    found: date | None = db.session.execute(
        text(
            "SELECT month FROM bill_line WHERE community_id = :c AND tariff_id = :t AND live"
            " ORDER BY month DESC LIMIT 1"
        ),
        {"c": community_id, "t": tariff_id},
    ).scalar_one_or_none()
    return Month.of(found) if found else None


def is_billed(community_id: int, tariff_id: int, detail_id: int, month: date) -> bool:
    """Whether a reading, shared cost or one-off charge of a month stands on a living line."""
    return bool(
        db.session.execute(
            text(
                "SELECT EXISTS (SELECT 1 FROM bill_line WHERE community_id = :c AND month = :m"
                " AND tariff_id = :t AND detail_id = :d AND live)"
            ),
            {"c": community_id, "t": tariff_id, "d": detail_id, "m": month},
        ).scalar_one()
    )


def require_document(document_no: str, message: str) -> str:
    """A document number that says something. Raises RuleBroken on the field."""
    if not document_no.strip():
        raise RuleBroken("document.missing", message, field="document_no")
    return document_no.strip()

"""Dated ownership: a first owner, a transfer in one act, a correction with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from app.kernel import audit, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, RuleBroken
from app.registry import rules
from app.registry.models import Ownership, Person, Unit
from app.registry.rules import WHOLE, Share
from app.registry.service.common import needed, row_of


@dataclass(frozen=True)
class NewOwner:
    """Who owns a part from the day of a transfer on."""

    person_id: int
    share: Share = WHOLE


def add_owner(
    community_id: int,
    unit_id: int,
    person_id: int,
    starts_on: date,
    *,
    share: Share = WHOLE,
    ends_on: date | None = None,
    document_no: str = "",
) -> Ownership:
    """Enter an owner of a unit on some days, beside whoever owns the rest.

    Raises Conflict when the shares of any day would exceed the whole, RuleBroken, NotFound.
    """
    row_of(Unit, community_id, unit_id, lock=True)
    row_of(Person, community_id, person_id)
    if ends_on is not None and ends_on <= starts_on:
        raise RuleBroken("ownership.days", N_("截止日应晚于起始日。"), field="ends_on")
    row = _row(community_id, unit_id, NewOwner(person_id, share), starts_on, document_no)
    row.ends_on = ends_on
    _refuse_more_than_whole([*_rows(community_id, unit_id), row])
    db.session.add(row)
    db.session.flush()
    audit.record(
        "registry:add-owner",
        f"unit:{unit_id}",
        community_id=community_id,
        after=_shown(row),
    )
    return row


def transfer_unit(
    community_id: int,
    unit_id: int,
    owners: Sequence[NewOwner],
    on: date,
    *,
    document_no: str = "",
) -> list[Ownership]:
    """Pass a unit to the owners of a day on: the old parts end and the new begin in one act.

    `owners` are all owners from that day; who keeps the same part is left untouched. Their
    shares sum to one. Raises RuleBroken, Conflict when ownership is written from that day
    or later already, NotFound.
    """
    row_of(Unit, community_id, unit_id, lock=True)
    _check_new(community_id, owners)
    rows = _rows(community_id, unit_id)
    if any(row.starts_on > on for row in rows):
        raise Conflict(
            "ownership.later",
            N_("此户在 %(on)s 之后已有产权记录，请改用更正。"),
            field="on",
            on=on.isoformat(),
        )
    held = [row for row in rows if row.ends_on is None or row.ends_on > on]
    staying = [row for row in held if _same_part(row, owners)]
    leaving = [row for row in held if row not in staying]
    kept = {row.person_id for row in staying}
    coming = [owner for owner in owners if owner.person_id not in kept]
    if not coming and not leaving:
        raise Conflict("ownership.same", N_("新业主与现业主相同，没有可办的过户。"), field="on")
    if any(row.starts_on == on for row in leaving):
        raise Conflict(
            "ownership.same_day", N_("现业主正是从这一天开始的，请改用更正。"), field="on"
        )
    for row in leaving:
        row.ends_on = on
    db.session.flush()  # close before opening: the shares of a day never exceed one
    made = [_row(community_id, unit_id, owner, on, document_no) for owner in coming]
    db.session.add_all(made)
    db.session.flush()
    _tell_transfer(community_id, unit_id, on, leaving, made)
    return staying + made


def correct_ownership(
    community_id: int,
    ownership_id: int,
    *,
    share: Share,
    starts_on: date,
    ends_on: date | None,
    document_no: str,
    reason: str,
) -> Ownership:
    """Put right what was entered wrongly, with the reason; for a sale use `transfer_unit`.

    Raises Conflict when the shares of any day would exceed the whole, RuleBroken, NotFound.
    """
    row = row_of(Ownership, community_id, ownership_id, lock=True)
    row_of(Unit, community_id, row.unit_id, lock=True)
    reason = needed(reason, "reason")
    if ends_on is not None and ends_on <= starts_on:
        raise RuleBroken("ownership.days", N_("截止日应晚于起始日。"), field="ends_on")
    before = _shown(row)
    row.share_numerator, row.share_denominator = share.numerator, share.denominator
    row.starts_on, row.ends_on = starts_on, ends_on
    row.document_no = document_no.strip()
    with db.session.no_autoflush:
        _refuse_more_than_whole(_rows(community_id, row.unit_id))
    db.session.flush()
    audit.record(
        "registry:correct-ownership",
        f"unit:{row.unit_id}",
        community_id=community_id,
        before=before,
        after={**_shown(row), "reason": reason},
    )
    return row


def _check_new(community_id: int, owners: Sequence[NewOwner]) -> None:
    if not owners:
        raise RuleBroken("ownership.nobody", N_("请填写新业主。"), field="owners")
    if len({owner.person_id for owner in owners}) < len(owners):
        raise RuleBroken("ownership.twice", N_("同一人在新业主中出现两次。"), field="owners")
    rules.check_shares(owner.share for owner in owners)
    for owner in owners:
        row_of(Person, community_id, owner.person_id)


def _rows(community_id: int, unit_id: int) -> list[Ownership]:
    return list(
        db.session.scalars(
            select(Ownership)
            .where(Ownership.community_id == community_id, Ownership.unit_id == unit_id)
            .order_by(Ownership.starts_on, Ownership.id)
            .with_for_update()
        )
    )


def _row(community_id: int, unit_id: int, owner: NewOwner, on: date, document_no: str) -> Ownership:
    return Ownership(
        community_id=community_id,
        unit_id=unit_id,
        person_id=owner.person_id,
        share_numerator=owner.share.numerator,
        share_denominator=owner.share.denominator,
        starts_on=on,
        document_no=document_no.strip(),
    )


def _same_part(row: Ownership, owners: Sequence[NewOwner]) -> bool:
    return row.ends_on is None and any(
        owner.person_id == row.person_id and owner.share.fraction == _part(row) for owner in owners
    )


def _part(row: Ownership) -> Fraction:
    return Fraction(row.share_numerator, row.share_denominator)


def _refuse_more_than_whole(rows: Sequence[Ownership]) -> None:
    for day in {row.starts_on for row in rows}:
        parts = (
            _part(row)
            for row in rows
            if row.starts_on <= day and (row.ends_on is None or day < row.ends_on)
        )
        if sum(parts, Fraction(0)) > 1:
            raise Conflict(
                "ownership.over",
                N_("%(day)s 这一天各业主的产权比例合计超过 1，请先更正或办理过户。"),
                field="share",
                day=day.isoformat(),
            )


def _tell_transfer(
    community_id: int,
    unit_id: int,
    on: date,
    leaving: Sequence[Ownership],
    made: Sequence[Ownership],
) -> None:
    audit.record(
        "registry:transfer-unit",
        f"unit:{unit_id}",
        community_id=community_id,
        before={"owners": [_shown(row) for row in leaving]},
        after={"on": on.isoformat(), "owners": [_shown(row) for row in made]},
    )
    outbox.tell(
        community_id,
        "unit:transferred",
        {
            "unit_id": unit_id,
            "on": on.isoformat(),
            "from": [row.person_id for row in leaving],
            "to": [row.person_id for row in made],
        },
    )


def _shown(row: Ownership) -> dict[str, Any]:
    return {
        "ownership_id": row.id,
        "person_id": row.person_id,
        "share": f"{row.share_numerator}/{row.share_denominator}",
        "starts_on": row.starts_on.isoformat(),
        "ends_on": row.ends_on.isoformat() if row.ends_on else None,
        "document_no": row.document_no,
    }

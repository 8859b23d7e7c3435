"""People as a community knows them: found again by phone or identity, never entered twice."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from app.kernel import audit
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, RuleBroken
from app.kernel.seal import digest, normal_phone
from app.registry import dependents, rules
from app.registry.models import Occupant, Ownership, Person
from app.registry.service.common import change, needed, row_of


def find_person(
    community_id: int, name: str, *, phone: str = "", id_number: str = ""
) -> Person | None:
    """The person the community already knows by this identity number, or this name and phone.

    A phone alone does not tell, because families share one.
    """
    known = select(Person).where(Person.community_id == community_id).order_by(Person.id)
    if id_number:
        found = db.session.scalars(known.where(Person.id_digest == digest(id_number))).first()
        if found is not None:
            return found
    if not phone:
        return None
    namesakes = db.session.scalars(
        known.where(Person.phone_digest == digest(phone), Person.name == name)
    )
    for one in namesakes:
        if not id_number or one.id_digest is None:
            return one
    return None


def add_person(
    community_id: int, name: str, *, kind: str = "natural", phone: str = "", id_number: str = ""
) -> Person:
    """Enter a person, or return the one already known by identity or by name and phone.

    Phone and identity are sealed. Raises RuleBroken when they cannot be right, Conflict when
    the identity is known under another name.
    """
    name = needed(name, "name")
    phone, id_number = _phone(phone), _id_number(id_number)
    known = find_person(community_id, name, phone=phone, id_number=id_number)
    if known is not None:
        if known.name != name:
            raise Conflict(
                "person.id_known",
                N_("此证件号已登记在“%(name)s”名下，请核对姓名或证件号。"),
                field="id_number",
                name=rules.masked_name(known.name, known.kind),
            )
        _fill(known, phone, id_number)
        return known
    person = Person(community_id=community_id, name=name, kind=kind)
    _set_phone(person, phone)
    _set_id(person, id_number)
    db.session.add(person)
    db.session.flush()
    audit.record(
        "registry:add-person",
        f"person:{person.id}",
        community_id=community_id,
        after=_shown(person),
    )
    return person


def edit_person(community_id: int, person_id: int, **changes: Any) -> Person:
    """Change name, kind, phone or id_number; an empty phone or identity is removed.

    Raises RuleBroken, Conflict when another person has this identity, NotFound.
    """
    person = row_of(Person, community_id, person_id, lock=True)
    before = _shown(person)
    if "phone" in changes:
        _set_phone(person, _phone(changes.pop("phone")))
    if "id_number" in changes:
        id_number = _id_number(changes.pop("id_number"))
        _refuse_same_id(person, id_number)
        _set_id(person, id_number)
    if "name" in changes:
        changes["name"] = needed(changes["name"], "name")
    change(person, changes)
    db.session.flush()
    after = _shown(person)
    moved = [name for name in after if after[name] != before[name]]
    if moved:
        audit.record(
            "registry:edit-person",
            f"person:{person_id}",
            community_id=community_id,
            before={name: before[name] for name in moved},
            after={name: after[name] for name in moved},
        )
    return person


def merge_people(community_id: int, keep_id: int, drop_id: int) -> Person:
    """Two entries are one person: what `drop` owns and occupies passes to `keep`.

    Missing phone and identity are taken over. Raises Conflict when bills or accounts
    already name the dropped entry, or both own the same unit on the same days; NotFound.
    """
    if keep_id == drop_id:
        raise RuleBroken("person.same", N_("请选择两个不同的人。"), field="drop_id")
    first, second = sorted((keep_id, drop_id))
    rows = {one: row_of(Person, community_id, one, lock=True) for one in (first, second)}
    keep, drop = rows[keep_id], rows[drop_id]
    dependents.refuse_person(community_id, drop_id)
    if keep.id_digest and drop.id_digest and keep.id_digest != drop.id_digest:
        raise Conflict("person.two_ids", N_("两人的证件号不同，不能合并。"), field="drop_id")
    _refuse_common_unit(community_id, keep_id, drop_id)
    _fill(keep, drop.phone or "", drop.id_number or "")
    for model in (Ownership, Occupant):
        db.session.execute(
            update(model)
            .where(model.community_id == community_id, model.person_id == drop_id)
            .values(person_id=keep_id)
        )
    audit.record(
        "registry:merge-people",
        f"person:{keep_id}",
        community_id=community_id,
        before={"dropped_id": drop_id, **_shown(drop)},
        after=_shown(keep),
    )
    db.session.delete(drop)
    db.session.flush()
    return keep


def _refuse_common_unit(community_id: int, keep_id: int, drop_id: int) -> None:
    mine, theirs = (
        select(Ownership.unit_id).where(
            Ownership.community_id == community_id,
            Ownership.person_id == person_id,
            Ownership.ends_on.is_(None),
        )
        for person_id in (keep_id, drop_id)
    )
    if db.session.scalars(mine.intersect(theirs)).first() is not None:
        raise Conflict(
            "person.co_owners",
            N_("两人是同一户的共有人，请先更正该户的产权再合并。"),
            field="drop_id",
        )


def _phone(text: str | None) -> str:
    digits = normal_phone(text or "")
    if (text or "").strip() and not rules.is_phone(digits):
        raise RuleBroken(
            "person.phone", N_("电话应是 11 位手机号，或带区号的固定电话。"), field="phone"
        )
    return digits


def _id_number(text: str | None) -> str:
    code = rules.normal_code(text or "")
    if code and not rules.is_id_number(code):
        raise RuleBroken("person.id_number", N_("证件号不正确，请核对每一位。"), field="id_number")
    return code


def _refuse_same_id(person: Person, id_number: str) -> None:
    if not id_number:
        return
    other = db.session.scalar(
        select(Person.name).where(
            Person.community_id == person.community_id,
            Person.id_digest == digest(id_number),
            Person.id != person.id,
        )
    )
    if other is not None:
        raise Conflict(
            "person.id_taken",
            N_("此证件号已登记在另一人名下；若是同一人，请合并。"),
            field="id_number",
        )


def _fill(person: Person, phone: str, id_number: str) -> None:
    """Take over what was missing."""
    if phone and person.phone_digest is None:
        _set_phone(person, phone)
    if id_number and person.id_digest is None:
        _set_id(person, id_number)


def _set_phone(person: Person, phone: str) -> None:
    person.phone = phone or None
    person.phone_tail = phone[-4:] or None
    person.phone_digest = digest(phone) if phone else None


def _set_id(person: Person, id_number: str) -> None:
    person.id_number = id_number or None
    person.id_digest = digest(id_number) if id_number else None


def _shown(person: Person) -> dict[str, Any]:
    """A person as the audit may keep it: the digests tell that a number changed, not to what."""
    return {
        "name": person.name,
        "kind": person.kind,
        "phone": rules.masked_phone(person.phone_tail),
        "phone_mark": person.phone_digest.hex()[:8] if person.phone_digest else "",
        "id_mark": person.id_digest.hex()[:8] if person.id_digest else "",
    }

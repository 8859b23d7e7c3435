"""Residents and their units: bound by the code on the bill, or by a family member's invitation.

The right to bind follows from the code, so these verbs look into the code's community
though the caller has no role there yet. Codes and bindings are the only things of the roll
this room touches; it does so by SQL, because rooms of one floor do not import one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import select, text

from app.identity import queries, rules
from app.identity.models import Account, UnitBinding
from app.identity.service.common import also_in
from app.identity.throttle import BINDING_ACCOUNT, BINDING_ADDRESS, throttle
from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, NotFound, RuleBroken

INVITATION_LASTS = timedelta(days=3)


@dataclass(frozen=True)
class Home:
    """A unit as whoever holds its code may see it: no names, no sums."""

    community_id: int
    unit_id: int
    community_name: str
    label: str


def look_up(community_id: int, code: str, *, address: str) -> Home:
    """The unit of a printed code. Raises RuleBroken for a wrong one, Throttled after many."""
    throttle().look(BINDING_ADDRESS, address)
    with also_in(community_id):
        found = queries.unit_by_code(community_id, rules.normal_code(code))
    if found is None:
        throttle().count(BINDING_ADDRESS, address)
        raise RuleBroken(
            "binding.code_wrong",
            N_("绑定码不正确。请核对最近一期账单，或向物业前台索取新的绑定码。"),
            field="code",
        )
    return Home(community_id, *found)


def bind_by_code(account: Account, community_id: int, code: str, *, address: str) -> UnitBinding:
    """Bind an account to the unit of a code; binding twice is binding once."""
    throttle().hit(BINDING_ACCOUNT, str(account.id))
    home = look_up(community_id, code, address=address)
    return _bind(account, home.community_id, home.unit_id, "code")


def invite_family(account_id: int, community_id: int, binding_id: int) -> str:
    """A token by which one more family member may bind, once, within three days.

    Raises NotFound unless the binding is the caller's own and live.
    """
    with also_in(community_id):
        binding = _live(community_id, binding_id)
        if binding is None or binding.account_id != account_id:
            raise _unknown()
        count = queries.bindings_ever(community_id, binding.unit_id)
        audit.record("identity:invite-family", f"unit:{binding.unit_id}", community_id=community_id)
        db.session.flush()
        return str(_signer().dumps([community_id, binding.id, count]))


def home_of_invitation(token: str) -> Home:
    """Which unit an invitation opens. Raises NotFound when it is used up, old or forged."""
    return _read_invitation(token)[0]


def bind_by_invitation(account: Account, token: str) -> UnitBinding:
    """Bind an account by an invitation; it is void afterwards."""
    home, _ = _read_invitation(token)
    return _bind(account, home.community_id, home.unit_id, "invitation")


def end_own(account_id: int, community_id: int, binding_id: int) -> None:
    """A resident lets go of a unit. Raises NotFound unless it is their own binding."""
    with also_in(community_id):
        binding = _live(community_id, binding_id)
        if binding is None or binding.account_id != account_id:
            raise _unknown()
        _end(binding, "resident")


def end_by_staff(community_id: int, binding_id: int) -> None:
    """Staff end a binding, as after a sale. Raises NotFound."""
    binding = _live(community_id, binding_id)
    if binding is None:
        raise _unknown()
    _end(binding, "staff")


def renew_code(community_id: int, unit_id: int, *, end_bindings: bool = False) -> str:
    """Give a unit a new code, the old bill's being void; with a sale, end its bindings too."""
    code = rules.new_binding_code()
    changed = db.session.execute(
        text(
            "UPDATE unit SET binding_code = :code"
            " WHERE community_id = :community AND id = :unit RETURNING id"
        ),
        {"code": code, "community": community_id, "unit": unit_id},
    ).scalar()
    if changed is None:
        raise NotFound("unit.unknown", N_("没有找到这套房屋。"))
    audit.record("identity:renew-binding-code", f"unit:{unit_id}", community_id=community_id)
    if end_bindings:
        query = select(UnitBinding).where(
            UnitBinding.community_id == community_id,
            UnitBinding.unit_id == unit_id,
            UnitBinding.ended_at.is_(None),
        )
        for binding in db.session.scalars(query):
            _end(binding, "staff")
    return code


def _bind(account: Account, community_id: int, unit_id: int, by: str) -> UnitBinding:
    with also_in(community_id):
        known = db.session.scalars(
            select(UnitBinding).where(
                UnitBinding.community_id == community_id,
                UnitBinding.account_id == account.id,
                UnitBinding.unit_id == unit_id,
                UnitBinding.ended_at.is_(None),
            )
        ).one_or_none()
        if known is not None:
            return known
        binding = UnitBinding(
            community_id=community_id,
            account_id=account.id,
            unit_id=unit_id,
            person_id=queries.person_at_unit(community_id, unit_id, account.phone_digest),
        )
        db.session.add(binding)
        db.session.flush()
        audit.record(
            "identity:bind-unit",
            f"unit:{unit_id}",
            community_id=community_id,
            after={"binding": binding.id, "account": account.id, "by": by},
        )
        db.session.flush()
        return binding


def _live(community_id: int, binding_id: int) -> UnitBinding | None:
    return db.session.scalars(
        select(UnitBinding)
        .where(
            UnitBinding.community_id == community_id,
            UnitBinding.id == binding_id,
            UnitBinding.ended_at.is_(None),
        )
        .with_for_update()
    ).one_or_none()


def _end(binding: UnitBinding, by: str) -> None:
    binding.ended_at = clock.now()
    audit.record(
        "identity:end-binding",
        f"unit:{binding.unit_id}",
        community_id=binding.community_id,
        before={"binding": binding.id, "account": binding.account_id},
        after={"by": by},
    )
    db.session.flush()


def _read_invitation(token: str) -> tuple[Home, int]:
    """An invitation names its inviter's binding and how many the unit ever had: one more, and
    it is void; so it is with the inviter's own binding."""
    refusal = NotFound(
        "invitation.dead", N_("这个邀请已失效。请家人重新邀请，或使用账单上的绑定码。")
    )
    try:
        community_id, binding_id, count = _signer().loads(
            token, max_age=int(INVITATION_LASTS.total_seconds())
        )
    except (BadData, ValueError, TypeError):
        raise refusal from None
    with also_in(community_id):
        binding = _live(community_id, binding_id)
        if binding is None or queries.bindings_ever(community_id, binding.unit_id) != count:
            raise refusal
        community_name, label = queries.unit_names(community_id, binding.unit_id)
        return Home(community_id, binding.unit_id, community_name, label), binding_id


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="identity-invitation")


def _unknown() -> NotFound:
    return NotFound("binding.unknown", N_("没有找到这个绑定。"))

"""Roles given and ended in a community, a company, a region or the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, select

from app.identity import queries, rules
from app.identity.models import Account, Membership
from app.identity.permissions import ALLOWED
from app.identity.service.accounts import invite, password_link
from app.identity.service.common import account_by_id, account_named, readable_name, record_at_large
from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, Forbidden, NotFound, RuleBroken
from app.kernel.masking import mask_name

# Whoever holds this action at a kind of place keeps it running: the last cannot be removed.
KEEPERS = {
    rules.ORGANIZATION: "company.edit",
    rules.REGION: "region.edit",
    rules.PLATFORM: "platform.run",
}


@dataclass(frozen=True)
class Granter:
    """Who gives or ends: the account, and the roles it holds at that place today."""

    account_id: int
    roles: frozenset[str]


@dataclass(frozen=True)
class Spot:
    """A place of memberships: its kind and number (0 for the platform)."""

    kind: str
    id: int

    @property
    def community_id(self) -> int | None:
        """The community, if it is one."""
        return self.id if self.kind == rules.COMMUNITY else None


@dataclass(frozen=True)
class Granted:
    """A role given; `link` sets the first password of an account opened for it."""

    membership_id: int
    account_id: int
    link: str | None


def grant(
    spot: Spot,
    granter: Granter,
    *,
    login: str,
    name: str,
    role: str,
    starts_on: date,
    ends_on: date | None = None,
) -> Granted:
    """Give a role; opens an account for a phone or e-mail that has none.

    Raises Forbidden for a role the granter may not give there, Conflict when the person
    has it already, RuleBroken for days the wrong way round.
    """
    if role not in rules.appointable(granter.roles, spot.kind, _region_kind(spot)):
        raise Forbidden("role.not_yours_to_give", N_("您不能在这里授予这个角色。"), field="role")
    if ends_on is not None and ends_on <= starts_on:
        raise RuleBroken("membership.days", N_("结束日期应晚于开始日期。"), field="ends_on")
    account = account_named(readable_name(login))
    link = None
    if account is None:
        account = invite(login, name)
        link = password_link(account.id)
    elif account.disabled_at is not None:
        raise Conflict("account.disabled", N_("这个账号已停用，不能授予角色。"), field="login")
    membership = _add(spot, account, role, starts_on, ends_on)
    _record(spot, "identity:grant-role", membership, account, after=True)
    return Granted(membership.id, account.id, link)


def end(spot: Spot, granter: Granter, membership_id: int) -> None:
    """End a role today: from the next request on it opens nothing.

    Anyone may lay down their own. Raises NotFound, Forbidden, and Conflict for the last
    who could give roles there.
    """
    membership = _here(spot, membership_id)
    own = membership.account_id == granter.account_id
    endable = rules.dismissable(granter.roles, spot.kind, _region_kind(spot))
    if not own and membership.role not in endable:
        raise Forbidden("role.not_yours_to_end", N_("您不能收回这个角色。"))
    today = clock.today()
    _refuse_last(spot, membership)
    if not (membership.ends_on is None or membership.ends_on > today):
        raise _unknown()  # somebody ended it while we waited for the lock
    membership.ends_on = max(membership.starts_on, today)
    account = account_by_id(membership.account_id)
    _record(spot, "identity:end-role", membership, account, after=False)


def member_password_link(spot: Spot, membership_id: int) -> str:
    """A set-password link for a member all of whose reach lies at this place.

    So nobody gains by it what they could not do anyway. Raises Forbidden otherwise.
    """
    membership = _here(spot, membership_id)
    if not queries.lies_within(membership.account_id, spot.kind, spot.id, clock.today()):
        raise Forbidden(
            "member.reaches_further",
            N_("这个账号在别处也有权限，请由平台运维重置密码。"),
        )
    return password_link(membership.account_id)


def _add(
    spot: Spot, account: Account, role: str, starts_on: date, ends_on: date | None
) -> Membership:
    held = db.session.scalars(
        select(Membership).where(
            Membership.account_id == account.id, Membership.role == role, *_at(spot)
        )
    ).all()
    same_start = None
    for one in held:
        empty = one.ends_on is not None and one.ends_on <= one.starts_on
        overlaps = (one.ends_on is None or one.ends_on > starts_on) and (
            ends_on is None or one.starts_on < ends_on
        )
        if overlaps and not empty:
            raise Conflict("membership.exists", N_("此人在这些日子已有这个角色。"), field="login")
        if one.starts_on == starts_on:
            same_start = one
    if same_start is not None:  # ended on the day it began, and given again
        same_start.ends_on = ends_on
        db.session.flush()
        return same_start
    columns = {} if spot.kind == rules.PLATFORM else {f"{spot.kind}_id": spot.id}
    made = Membership(
        account_id=account.id, role=role, starts_on=starts_on, ends_on=ends_on, **columns
    )
    db.session.add(made)
    db.session.flush()
    return made


def _here(spot: Spot, membership_id: int) -> Membership:
    found = db.session.scalars(
        select(Membership).where(Membership.id == membership_id, *_at(spot))
    ).one_or_none()
    if found is None or (found.ends_on is not None and found.ends_on <= clock.today()):
        raise _unknown()
    return found


def _unknown() -> NotFound:
    return NotFound("membership.unknown", N_("没有找到这个角色，或者它已经结束。"))


def _refuse_last(spot: Spot, membership: Membership) -> None:
    action = KEEPERS.get(spot.kind)
    if action is None or action not in ALLOWED[membership.role]:
        return
    keepers = [role for role, actions in ALLOWED.items() if action in actions]
    # Locked in one order, so that two keepers who end each other do not both succeed.
    others = db.session.scalars(
        select(Membership)
        .join(Account, Account.id == Membership.account_id)
        .where(*_at(spot), Membership.role.in_(keepers), Account.disabled_at.is_(None))
        .order_by(Membership.id)
        .with_for_update(of=Membership)
        .execution_options(populate_existing=True)
    ).all()
    if not any(one.id != membership.id and _in_force(one) for one in others):
        raise Conflict("membership.last", N_("这是最后一名管理员，请先授予另一人再收回。"))


def _in_force(membership: Membership) -> bool:
    today = clock.today()
    return membership.starts_on <= today and (
        membership.ends_on is None or membership.ends_on > today
    )


def _at(spot: Spot) -> list[ColumnElement[bool]]:
    columns = {
        rules.COMMUNITY: Membership.community_id,
        rules.ORGANIZATION: Membership.organization_id,
        rules.REGION: Membership.region_id,
    }
    if spot.kind == rules.PLATFORM:
        return [column.is_(None) for column in columns.values()]
    return [columns[spot.kind] == spot.id]


def _region_kind(spot: Spot) -> str | None:
    return queries.region_kind(spot.id) if spot.kind == rules.REGION else None


def _record(
    spot: Spot, action: str, membership: Membership, account: Account, *, after: bool
) -> None:
    values = {
        "account": account.id,
        "name": mask_name(account.name),
        "role": membership.role,
        "place": f"{spot.kind}:{spot.id}",
        "starts_on": membership.starts_on,
        "ends_on": membership.ends_on,
    }
    words = {"after": values} if after else {"before": values}
    if spot.community_id is not None:
        audit.record(action, f"membership:{membership.id}", community_id=spot.community_id, **words)
        db.session.flush()
    else:
        record_at_large(action, f"membership:{membership.id}", **words)

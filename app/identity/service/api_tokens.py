"""Programs' keys: made and revoked by their account."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from app.identity import tokens
from app.identity.models import ApiToken
from app.identity.permissions import MONEY
from app.identity.service.common import record_at_large
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken

LONGEST_DAYS = 366
MOST_TOKENS = 20


@dataclass(frozen=True)
class Owner:
    """Whose token it will be, and what they may do themselves today."""

    account_id: int
    actions: frozenset[str]
    community_ids: frozenset[int]
    second_factor_done: bool


def create(
    owner: Owner,
    *,
    name: str,
    actions: Collection[str],
    community_ids: Collection[int] | None,
    days: int,
) -> tuple[ApiToken, str]:
    """Make a token; returns its row and, this once, the token itself.

    Its actions and communities are among the owner's. Actions that move money only from a
    sign-in that gave its second factor. Raises RuleBroken, Conflict.
    """
    wanted = frozenset(actions)
    if not wanted or not wanted <= owner.actions:
        raise RuleBroken("token.actions", N_("请选择您自己拥有的权限，至少一项。"), field="actions")
    if not wanted.isdisjoint(MONEY) and not owner.second_factor_done:
        raise RuleBroken(
            "token.second_factor", N_("涉及资金的权限，需先完成两步验证再创建。"), field="actions"
        )
    places = None if community_ids is None else sorted(set(community_ids))
    if places is not None and not (places and owner.community_ids.issuperset(places)):
        raise RuleBroken("token.communities", N_("请从您的小区中选择。"), field="community_ids")
    if not 1 <= days <= LONGEST_DAYS:
        raise RuleBroken("token.days", N_("有效期应在 1 与 366 天之间。"), field="days")
    _refuse_too_many(owner.account_id)
    token = tokens.new_api_token()
    row = ApiToken(
        account_id=owner.account_id,
        name=name,
        token_digest=tokens.digest(token),
        actions=sorted(wanted),
        community_ids=places,
        expires_at=clock.now() + timedelta(days=days),
    )
    db.session.add(row)
    db.session.flush()
    record_at_large(
        "identity:create-token",
        f"api-token:{row.id}",
        after={"actions": sorted(wanted), "communities": places, "days": days},
    )
    return row, token


def revoke(account_id: int, token_id: int) -> None:
    """Make a token void from the next request on. Raises NotFound for anybody else's."""
    row = db.session.get(ApiToken, token_id)
    if row is None or row.account_id != account_id:
        raise NotFound("token.unknown", N_("没有找到这个令牌。"))
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        record_at_large("identity:revoke-token", f"api-token:{token_id}")


def _refuse_too_many(account_id: int) -> None:
    live = db.session.scalar(
        select(func.count())
        .select_from(ApiToken)
        .where(
            ApiToken.account_id == account_id,
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > clock.now(),
        )
    )
    if (live or 0) >= MOST_TOKENS:
        raise Conflict("token.many", N_("有效的令牌已有 20 个，请先撤销不用的。"))

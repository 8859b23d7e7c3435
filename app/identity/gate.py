"""The gate: who is calling, and whether their role allows the act where they want to do it.

Browsers carry a random token inside the signed session cookie; programs carry one in
`Authorization: Bearer`. Each request asks the tables anew, so an ended mandate, a revoked
sign-in or a disabled account is refused at the very next one. Answers are kept in `g` for
the length of one request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NoReturn, TypeVar
from urllib.parse import urlencode

from flask import Flask, abort, current_app, g, redirect, request
from flask_login import LoginManager, UserMixin, current_user
from sqlalchemy import text
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from app.identity import queries, throttle, tokens
from app.identity.permissions import ALLOWED, MONEY, moves_money
from app.identity.service import accounts
from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, Forbidden, NotFound
from app.kernel.tenancy import NOWHERE, scoped
from app.web import door
from app.web.door import SAFE_METHODS, Place
from app.web.reader import Reader

IDLE = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=5)  # how often a sign-in's last sight is written
EVERYWHERE = Place()

SIGN_IN = "/sign-in"
SECOND_FACTOR = "/account/second-factor"
CHANGE_PASSWORD = "/account/password"  # noqa: S105 -- an address

T = TypeVar("T")
V = TypeVar("V", bound=Callable[..., object])


@dataclass(frozen=True)
class Caller(UserMixin):  # type: ignore[misc]
    """The account behind this request, by a browser or by a program."""

    account_id: int
    name: str
    language: str
    token: str = field(default="", repr=False)
    elder_mode: bool = False
    sign_in_id: int | None = None
    must_change_password: bool = False
    has_second_factor: bool = False
    second_factor_done: bool = False
    token_id: int | None = None
    actions: frozenset[str] | None = None  # a token's limits; None: all that the roles allow
    community_ids: frozenset[int] | None = None

    def get_id(self) -> str:
        """What flask-login keeps in the session: the random token, not the account's number."""
        return self.token

    @property
    def by_program(self) -> bool:
        """Whether a token speaks, not a browser."""
        return self.token_id is not None

    @property
    def owes_code(self) -> bool:
        """Whether the password was right and the second factor is still to come."""
        return self.has_second_factor and not self.second_factor_done and not self.by_program


class Gate:
    """Answers the door; also what pages ask to draw their navigation."""

    def caller(self) -> Caller | None:
        """Who is calling; None for anonymous callers."""
        return current_user._get_current_object() if current_user.is_authenticated else None

    def reader(self) -> Reader | None:
        """The caller as pages show them: name, language, elder mode."""
        caller = self.caller()
        if caller is None:
            return None
        return Reader(caller.account_id, caller.name, caller.language, caller.elder_mode)

    def keep_preferences(
        self, *, language: str | None = None, elder_mode: bool | None = None
    ) -> None:
        """Remember a switch with the account; None leaves one as it is."""
        caller = self.caller()
        if caller is not None:
            accounts.keep_preferences(caller.account_id, language=language, elder_mode=elder_mode)

    def actor(self) -> audit.Actor:
        """The caller as the audit trail names them."""
        caller = self.caller()
        return audit.Actor(
            account_id=caller.account_id if caller else None,
            name=caller.name if caller else "anonymous",
            address=request.remote_addr or "",
            request_id=g.get("request_id", ""),
            via="api" if _is_api() else "web",
        )

    def admit(self, action: str, place: Place) -> frozenset[int]:
        """The communities to put in view.

        Raises NotFound where the caller has no role (or there is no such place), Forbidden
        where the role lacks the action; sends anonymous browsers to the sign-in page.
        """
        if action == "public":
            return _with_nowhere(frozenset())
        caller = self.caller()
        if caller is None:
            _ask_to_sign_in()
        _refuse_unfinished(caller, action)
        if action in ("signed_in", "identified"):
            if caller.by_program and action == "signed_in":
                raise _forbidden()
            return _with_nowhere(frozenset())
        if place == EVERYWHERE:
            return self._admit_everywhere(caller, action)
        if not self.roles(place):
            raise NotFound("place.unknown", N_("没有找到这个页面，或者您无权查看。"))
        self._require(caller, action, place)
        return self._scope(caller, place)

    def roles(self, place: Place = EVERYWHERE) -> frozenset[str]:
        """The caller's roles there today; without a place, all roles held anywhere."""
        return self._kept(("roles", place), lambda: self._find_roles(place))

    def allowed_actions(self, place: Place = EVERYWHERE) -> frozenset[str]:
        """What the caller may do there, apart from what a second factor still bars."""
        caller = self.caller()
        held = frozenset[str]().union(*(ALLOWED.get(role, ()) for role in self.roles(place)))
        if caller is None:
            return frozenset()
        return held if caller.actions is None else held & caller.actions

    def needs_second_factor(self) -> bool:
        """Whether a role of the caller moves money."""
        return any(moves_money(role) for role in self.roles())

    def communities(self) -> tuple[queries.Reach, ...]:
        """Every community the caller reaches today, with the role and the way."""
        caller = self.caller()
        if caller is None:
            return ()
        found = self._kept(
            ("reach", None), lambda: queries.reach_of(caller.account_id, clock.today())
        )
        return tuple(one for one in found if _within(caller, one.community_id))

    def memberships(self) -> tuple[queries.Held, ...]:
        """The caller's memberships in force today."""
        caller = self.caller()
        if caller is None:
            return ()
        return self._kept("held", lambda: queries.held_by(caller.account_id, clock.today()))

    def _find_roles(self, place: Place) -> frozenset[str]:
        caller = self.caller()
        if caller is None:
            return frozenset()
        if place.community_id is not None:
            return self._roles_in_community(caller, place.community_id)
        if place.organization_id is not None:
            return self._roles_in_organization(place.organization_id)
        if place.region_id is not None:
            return self._roles_in_region(place.region_id)
        reached = {one.role for one in self.communities()}
        return frozenset(reached | {one.role for one in self.memberships()})

    def _roles_in_community(self, caller: Caller, community_id: int) -> frozenset[str]:
        if not _within(caller, community_id) or community_id >= 2**63:
            return frozenset()
        found = queries.reach_of(caller.account_id, clock.today(), community_id)
        return frozenset(one.role for one in found)

    def _roles_in_organization(self, organization_id: int) -> frozenset[str]:
        here = {one.role for one in self.memberships() if one.organization_id == organization_id}
        platform = self._platform_roles()
        if platform and organization_id < 2**63 and queries.organization_exists(organization_id):
            here |= platform
        return frozenset(here)

    def _roles_in_region(self, region_id: int) -> frozenset[str]:
        platform = self._platform_roles()
        mine = [one for one in self.memberships() if one.region_id is not None]
        if region_id >= 2**63 or not (mine or platform):
            return frozenset()
        above = queries.regions_up_from(region_id)
        here = {one.role for one in mine if one.region_id in above}
        return frozenset(here | platform if above else ())

    def _platform_roles(self) -> frozenset[str]:
        return frozenset(
            one.role
            for one in self.memberships()
            if one.community_id is None and one.organization_id is None and one.region_id is None
        )

    def _admit_everywhere(self, caller: Caller, action: str) -> frozenset[int]:
        self._require(caller, action, EVERYWHERE)
        found = frozenset(
            one.community_id for one in self.communities() if action in ALLOWED.get(one.role, ())
        )
        return found | {NOWHERE} if action == "platform.run" else _with_nowhere(found)

    def _scope(self, caller: Caller, place: Place) -> frozenset[int]:
        if place.community_id is not None:
            return frozenset({place.community_id})
        if place.organization_id is not None:
            found = self._scope_of_organization(place.organization_id)
        else:
            assert place.region_id is not None
            found = self._scope_of_region(place.region_id)
        return _with_nowhere(frozenset(one for one in found if _within(caller, one)))

    def _scope_of_organization(self, organization_id: int) -> frozenset[int]:
        mine = {one.community_id for one in self.communities() if one.reached_by == "organization"}
        if not mine:
            return frozenset()
        with scoped(mine):
            return queries.mandated_communities(organization_id, clock.today())

    def _scope_of_region(self, region_id: int) -> frozenset[int]:
        mine = {one.community_id for one in self.communities() if one.reached_by == "region"}
        return queries.communities_below(region_id) & mine if mine else frozenset()

    def _require(self, caller: Caller, action: str, place: Place) -> None:
        if action not in self.allowed_actions(place):
            raise _forbidden()
        if action in MONEY and not caller.by_program and not caller.second_factor_done:
            _ask_for_second_factor()

    def _kept(self, key: object, find: Callable[[], T]) -> T:
        kept: dict[object, T] = g.setdefault("gate", {})
        if key not in kept:
            kept[key] = find()
        return kept[key]


def set_up(app: Flask) -> Gate:
    """Hang the gate and flask-login; returns the gate."""
    gate = Gate()
    logins = LoginManager()
    logins.session_protection = None  # phones change addresses; the token is protection enough
    logins.user_loader(_browser)
    logins.request_loader(_program)
    logins.init_app(app)
    throttle.set_up(app)
    door.set_up(app, gate)
    return gate


def bearer() -> str | None:
    """The token of the Authorization header, if there is one."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _browser(token: str) -> Caller | None:
    """flask-login's user_loader: the session's token → the account. A bearer token goes first."""
    if bearer() is not None:
        return None
    now = clock.now()
    found = queries.signed_in_by(tokens.digest(token), now, now - IDLE)
    if found is None:
        return None
    if now - found.last_seen_at > SEEN_EVERY:
        db.session.execute(
            text("UPDATE sign_in SET last_seen_at = :now WHERE id = :id"),
            {"now": now, "id": found.sign_in_id},
        )
    return Caller(
        account_id=found.account_id,
        name=found.name,
        language=found.language,
        token=token,
        elder_mode=found.elder_mode,
        sign_in_id=found.sign_in_id,
        must_change_password=found.must_change_password,
        has_second_factor=found.has_second_factor,
        second_factor_done=found.second_factor_at is not None,
    )


def _program(_request: object) -> Caller | None:
    """flask-login's request_loader: the bearer token → the account within the token's limits."""
    token = bearer()
    if not token or not _is_api():
        return None
    now = clock.now()
    found = queries.program_by(tokens.digest(token), now)
    if found is None:
        return None
    if found.last_used_at is None or now - found.last_used_at > SEEN_EVERY:
        db.session.execute(
            text("UPDATE api_token SET last_used_at = :now WHERE id = :id"),
            {"now": now, "id": found.token_id},
        )
    return Caller(
        account_id=found.account_id,
        name=found.name,
        language=found.language,
        token_id=found.token_id,
        actions=found.actions,
        community_ids=found.community_ids,
    )


def _is_api() -> bool:
    return request.path.startswith("/api/")


def _within(caller: Caller, community_id: int) -> bool:
    return caller.community_ids is None or community_id in caller.community_ids


def _with_nowhere(found: frozenset[int]) -> frozenset[int]:
    """An act outside any community is recorded in community 0; a look is not."""
    return found if request.method in SAFE_METHODS else found | {NOWHERE}


def _forbidden() -> Forbidden:
    return Forbidden("role.lacks", N_("您没有权限执行此操作。"))


def _ask_to_sign_in() -> NoReturn:
    if _is_api():
        raise Unauthorized(www_authenticate=WWWAuthenticate("bearer"))
    _lead_to(SIGN_IN)


def _refuse_unfinished(caller: Caller, action: str) -> None:
    """A sign-in that still owes its code, or a password to change, opens nothing else."""
    if action == "signed_in" and _view_finishes_sign_in():
        return
    if caller.owes_code:
        _ask_for_second_factor()
    if caller.must_change_password and not caller.by_program:
        if _is_api():
            raise Forbidden("password.must_change", N_("请先修改密码。"))
        _lead_to(CHANGE_PASSWORD)


def _ask_for_second_factor() -> NoReturn:
    if _is_api():
        raise Forbidden("second_factor.required", N_("此操作需要先完成两步验证。"))
    _lead_to(SECOND_FACTOR)


def _lead_to(path: str) -> NoReturn:
    """Send the browser there, and back again afterwards when it only wanted to look."""
    if request.method not in SAFE_METHODS:
        abort(redirect(path, code=303))
    back = urlencode({"next": request.full_path.rstrip("?")})
    abort(redirect(f"{path}?{back}"))


def finishes_sign_in(view: V) -> V:
    """Mark a view that stays open while a sign-in owes its code or a new password."""
    view.finishes_sign_in = True  # type: ignore[attr-defined]
    return view


def _view_finishes_sign_in() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "finishes_sign_in", False)

"""The demonstration's sign-ins: one for each role, with passwords everybody knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.identity.models import Account, Membership, UnitBinding
from app.identity.permissions import moves_money
from app.identity.service import accounts, second_factor
from app.identity.service.common import DEMONSTRATION_PHONES, account_named, readable_name
from app.kernel import clock
from app.kernel.db import db

PASSWORD = "wutong-linli-2026"  # noqa: S105 -- of the demonstration, which is meant to be entered


@dataclass(frozen=True)
class Guest:
    """Someone to sign in as, at a community, company, street, district, platform or unit."""

    name: str
    role: str
    place: str


GUESTS = (
    Guest("周晓梅", "manager", "company"),
    Guest("吴国平", "accountant", "company"),
    Guest("陈静", "cashier", "company"),
    Guest("郑海", "company_admin", "company"),
    Guest("李桂兰", "resident", "unit:3-2-502"),
    Guest("张立新", "resident", "unit:5-1-201"),
    Guest("王建国", "committee_chair", "community"),
    Guest("赵淑芬", "committee_member", "community"),
    Guest("孙志强", "supervisor", "community"),
    Guest("马春兰", "party_branch", "community"),
    Guest("何敏", "street_officer", "street"),
    Guest("宋伟", "district_officer", "district"),
    Guest("林涛", "operator", "platform"),
)
PHONES = dict(zip(GUESTS, DEMONSTRATION_PHONES, strict=False))


def register_all() -> dict[str, Account]:
    """An account for each guest, by role; those who move money with a second factor set up."""
    made: dict[str, Account] = {}
    for guest in GUESTS:
        phone = PHONES[guest]
        account = account_named(readable_name(phone)) or accounts.register(
            phone, guest.name, PASSWORD
        )
        if moves_money(guest.role) and account.totp_confirmed_at is None:
            second_factor.begin_set_up(account.id)
            account.totp_confirmed_at = clock.now()
        made.setdefault(guest.role, account)
    db.session.flush()
    return made


def appoint_at_large(organization_id: int, street_id: int, district_id: int) -> None:
    """Give the company's, the offices' and the platform's people their roles, as of today."""
    columns: dict[str, dict[str, int]] = {
        "company": {"organization_id": organization_id},
        "street": {"region_id": street_id},
        "district": {"region_id": district_id},
        "platform": {},
    }
    for guest in GUESTS:
        if guest.place in columns:
            _appoint(guest, **columns[guest.place])


def settle_in(community_id: int, unit_ids: Mapping[str, int]) -> None:
    """Give the committee its roles and the residents their homes; `unit_ids` by label."""
    for guest in GUESTS:
        kind, _, label = guest.place.partition(":")
        if kind == "community":
            _appoint(guest, community_id=community_id)
        elif kind == "unit":
            db.session.add(
                UnitBinding(
                    community_id=community_id,
                    unit_id=unit_ids[label],
                    account_id=_account(guest).id,
                )
            )
    db.session.flush()


def table() -> list[tuple[str, str, str, str]]:
    """Role, name, phone and, where one is needed, the code of the second factor as it is now."""
    rows = []
    for guest in GUESTS:
        account = account_named(readable_name(PHONES[guest]))
        if account is not None:  # before the demonstration is loaded there is nobody
            code = second_factor.current_code(account) if account.totp_confirmed_at else ""
            rows.append((guest.role, guest.name, PHONES[guest], code))
    return rows


def _appoint(guest: Guest, **place: int) -> None:
    db.session.add(
        Membership(account_id=_account(guest).id, role=guest.role, starts_on=clock.today(), **place)
    )
    db.session.flush()


def _account(guest: Guest) -> Account:
    account = account_named(readable_name(PHONES[guest]))
    assert account is not None
    return account

"""The demonstration loads through the services, once, and its books hold."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask
from sqlalchemy import select

from app.billing.counter.models import Shift
from app.billing.models import Bill
from app.demo import load as loading
from app.demo import people
from app.demo.plan import HABITS, homes
from app.identity.permissions import ROLES, moves_money
from app.kernel.db import db
from app.kernel.tenancy import NOWHERE, scoped
from app.ledger import invariants
from app.payments.bank.models import BankLine
from app.payments.receipts.models import Receipt
from app.registry.models import Community

# Five buildings, because a guest lives in the fifth; two months, because time is short.
SMALL = (replace(loading.STORIES[0], buildings=5, billed_months=2, entered_months_ago=26),)


def test_it_loads_once_and_every_book_holds(house: Flask) -> None:
    assert loading.load(SMALL) is True
    assert loading.load(SMALL) is False
    names = {SMALL[0].name, loading.NEW_COMMUNITY}
    rows = db.session.execute(select(Community.name, Community.id).where(Community.name.in_(names)))
    found = {row.name: row.id for row in rows}
    assert found.keys() == names
    community_id = found[SMALL[0].name]
    with scoped([community_id]):
        assert db.session.query(Bill).filter_by(community_id=community_id).count() == 2 * 5 * 72
        assert invariants.check([community_id]) == []
        shifts = db.session.query(Shift).filter_by(community_id=community_id)
        assert [one.difference_fen for one in shifts] == [-100] * shifts.count()
        assert shifts.count() >= 1
        lines = db.session.query(BankLine).filter_by(community_id=community_id)
        assert {one.status for one in lines} == {"matched", "proposed", "unmatched"}
        receipts = db.session.query(Receipt).filter_by(community_id=community_id)
        numbers = sorted((one.year, one.number) for one in receipts)
        assert len(numbers) > 50
        assert numbers[0][1] == 1


def test_there_is_a_guest_for_every_role_and_money_needs_a_code(house: Flask) -> None:
    assert {guest.role for guest in people.GUESTS} >= ROLES.keys() - {
        "station_officer",
        "city_officer",
    }
    with scoped([NOWHERE]):
        loading.load(SMALL)
        shown = people.table()
    assert len(shown) == len(people.GUESTS)
    assert all(bool(code) == moves_money(role) for role, _, _, code in shown)


def test_the_imagined_people_are_always_the_same_and_of_every_habit() -> None:
    once, again = list(homes(7, 14)), list(homes(7, 14))
    assert once == again
    assert len(once) == 14 * 3 * 6 * 4 == len({home.label for home in once})
    assert {home.habit for home in once} == HABITS.keys()
    assert any("龘" in name or "㑇" in name for home in once for name in home.owners)

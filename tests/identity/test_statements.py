"""A page makes at most eight statements, whatever it lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import event

from app.identity.models import Membership
from app.kernel.db import db
from tests.builders import Town
from tests.people import client_for

MOST = 8


@pytest.fixture
def statements(house: Flask) -> Iterator[list[str]]:
    """Every statement sent, apart from the transaction's own words."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        if not statement.startswith("SET LOCAL"):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


def test_pages_of_this_room_ask_little(app: Flask, town: Town, statements: list[str]) -> None:
    for number in range(1, 13):
        unit = town.add_unit(f"1-{number}01")
        resident = client_for(app, "resident", town, unit=unit)
        client_for(app, "cashier", town)
        client_for(app, "committee_member", town)
    manager = client_for(app, "manager", town)
    for role in ("supervisor", "party_branch", "committee_member"):
        db.session.add(
            Membership(
                account_id=manager.account_id,
                role=role,
                community_id=town.community_id,
                starts_on=date(2020, 1, 1),
            )
        )
    db.session.commit()
    operator = client_for(app, "operator", town)
    admin = client_for(app, "company_admin", town)
    c = town.community_id
    asked = (
        (manager, "/account"),
        (manager, "/account/sign-ins"),
        (manager, "/account/tokens"),
        (manager, "/account/tokens/new"),
        (manager, "/start"),
        (resident, "/account/homes"),
        (manager, f"/c/{c}/members"),
        (manager, f"/c/{c}/members/new"),
        (manager, f"/c/{c}/bindings"),
        (manager, f"/c/{c}/audit"),
        (admin, f"/o/{town.organization_id}/members"),
        (operator, "/platform/accounts"),
        (operator, "/platform/members"),
        (operator, "/platform/audit"),
    )
    for client, page in asked:
        statements.clear()
        assert client.get(page).status_code == 200, page
        assert len(statements) <= MOST, f"{page}: {len(statements)}\n" + "\n".join(statements)

"""An office with two tokens: the manager's prepares, the accountant's confirms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.billing.models import Bill, Tariff, TariffVersion
from app.identity import tokens
from app.identity.models import ApiToken
from app.identity.permissions import ALLOWED
from app.kernel import clock
from app.kernel.db import db
from app.kernel.tenancy import scoped
from tests.builders import Town, found_town
from tests.people import account_for

MONTH = "2026-03"


@dataclass(frozen=True)
class Office:
    """A community with three homes, a fee, and an issued month."""

    town: Town
    unit_id: int
    bill_id: int
    run_id: int
    manager: str
    accountant: str

    def call(
        self,
        client: FlaskClient,
        verb: str,
        path: str,
        token: str | None = None,
        key: str | None = None,
        **options: Any,
    ) -> Any:
        """Ask below this community's address as the manager, or as another token."""
        headers = {"Authorization": f"Bearer {token or self.manager}"}
        if key:
            headers["Idempotency-Key"] = key
        return client.open(
            f"/api/v1/communities/{self.town.community_id}{path}",
            method=verb,
            headers=headers,
            **options,
        )


@pytest.fixture(scope="session")
def office(app: Flask) -> Office:
    """One office for all tests of the API that only read or add to it."""
    return make_office(app)


def make_office(app: Flask) -> Office:
    """Found a town, set a fee of 1.10 yuan per m², issue March 2026, make two tokens."""
    from app.billing.runs import service as runs
    from app.kernel.period import Month

    with app.app_context():
        town = found_town()
        with scoped([town.community_id]):
            units = [
                town.add_unit(f"1-10{n}", area)
                for n, area in enumerate(("65.34", "70.12", "88.88"), start=1)
            ]
            town.add_owner(units[0])
            tariff = Tariff(
                community_id=town.community_id, name="物业费", basis="area", subsidised=True
            )
            db.session.add(tariff)
            db.session.flush()
            db.session.add(
                TariffVersion(
                    community_id=town.community_id,
                    tariff_id=tariff.id,
                    starts_on=date(2025, 1, 1),
                    price=Decimal("1.10"),
                    price_basis="contract",
                    document_no="合同 1",
                )
            )
            db.session.flush()
            run = runs.issue_bills(
                town.community_id, Month.parse(MONTH), prepared_by=None, confirmed_by=None
            )
            db.session.commit()
            bill_id = db.session.query(Bill.id).order_by(Bill.id).first()[0]
            return Office(
                town,
                units[0].id,
                bill_id,
                run.id,
                _token(app, "manager", town),
                _token(app, "accountant", town),
            )


def token_for(app: Flask, role: str, town: Town, **columns: Any) -> str:
    """A token of a fresh account with this role, committed; `columns` limit it."""
    with app.app_context():
        return _token(app, role, town, **columns)


def _token(app: Flask, role: str, town: Town, **columns: Any) -> str:
    account_id = account_for(app, role, town)
    token = tokens.new_api_token()
    db.session.add(
        ApiToken(
            account_id=account_id,
            name=role,
            token_digest=tokens.digest(token),
            expires_at=clock.now() + timedelta(days=365),
            **{"actions": sorted(ALLOWED[role]), **columns},
        )
    )
    db.session.commit()
    return token

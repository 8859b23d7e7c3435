"""A house with a few bare doors, so that the gate is tried without any room's pages."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, jsonify, request

from app.identity.models import Account
from app.kernel.db import db
from app.kernel.tenancy import scope
from app.web.door import needs, public, signed_in
from tests.people import PASSWORD, make_account


@pytest.fixture(scope="session")
def doors(environment: dict[str, str], app: Flask) -> Flask:
    """An application with probe routes; each answers with the communities in view."""
    from app import create_app
    from tests.people import Browser

    made = create_app({"TESTING": True, "PROPAGATE_EXCEPTIONS": False})
    made.test_client_class = Browser

    def view(**_place: int) -> Any:
        return jsonify(scope=sorted(scope()))

    def hang(rule: str, mark: Any, name: str) -> None:
        def probe(**place: int) -> Any:
            return view(**place)

        for prefix in ("/probe", "/api/v1/probe"):
            made.add_url_rule(
                f"{prefix}/{rule}", f"probe{prefix}_{name}", mark(probe), methods=["GET", "POST"]
            )

    hang("public", public, "public")
    hang("signed-in", signed_in, "signed_in")
    hang("anywhere", needs("roster.read"), "anywhere")
    hang("platform", needs("platform.run"), "platform")
    hang("money-anywhere", needs("run.confirm"), "money_anywhere")
    hang("c/<int:community_id>/look", needs("roster.read"), "look")
    hang("c/<int:community_id>/money", needs("run.confirm"), "money")
    hang("c/<int:community_id>/own", needs("own.read"), "own")
    hang("c/<int:community_id>/mandate", needs("mandate.edit"), "mandate")
    hang("o/<int:organization_id>", needs("company.read"), "company")
    hang("o/<int:organization_id>/edit", needs("company.edit"), "company_edit")
    hang("r/<int:region_id>", needs("region.read"), "region")
    hang("r/<int:region_id>/edit", needs("region.edit"), "region_edit")

    def whoami() -> Any:
        from flask_login import current_user

        return jsonify(
            name=current_user.name if current_user.is_authenticated else None,
            path=request.path,
        )

    made.add_url_rule("/probe/who", "probe_who", public(whoami))
    return made


@pytest.fixture
def person(house: Flask) -> Account:
    """Somebody with a password and nothing else."""
    account = make_account(name="李雷雷", password=PASSWORD)
    db.session.commit()
    return account

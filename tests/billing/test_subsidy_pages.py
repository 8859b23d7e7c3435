"""Subsidy pages: the last day shown before saving, whom it pays for and why, what comes after."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.billing.subsidy import queries, service
from app.billing.subsidy.models import CliffNotice, SubsidyExclusion, SubsidyScheme
from app.billing.subsidy.service import Rate
from app.kernel import clock, queue
from app.kernel.db import db
from app.kernel.tenancy import scoped
from tests.billing.paperwork import billed, day, priced, scheme
from tests.builders import Town, found_town
from tests.people import client_for

FORM = {
    "agreement_no": "街道协议〔2025〕7号", "entered_on": "2025-03-15", "term_months": "36",
    "convention": "inclusive_start", "rate_1": "0.75", "unit_kinds": "residential",
}  # fmt: skip


def at(town: Town, path: str = "") -> str:
    return f"/c/{town.community_id}/subsidy{path}"


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


def form(town: Town, **more: str) -> dict[str, str]:
    return {**FORM, "payer_region_id": str(town.region_id), **more}


def kept(town: Town, table: Any = SubsidyScheme) -> list[Any]:
    db.session.rollback()
    with scoped([town.community_id]):
        rows = db.session.scalars(select(table).where(table.community_id == town.community_id))
        return list(rows.all())


def test_both_last_days_are_shown_before_anything_is_kept(app: Flask, town: Town) -> None:
    manager = client_for(app, "manager", town)
    look = text_of(manager.submit(at(town, "/new"), form(town, look="1")))
    assert "2028年3月14日" in look
    assert "2028年3月15日" in look
    assert kept(town) == []
    assert manager.submit(at(town, "/new"), form(town)).status_code == 303
    assert kept(town)[0].ends_on == day("2028-03-15")


def test_an_unusual_rate_asks_for_its_document_beside_the_rate(app: Flask, town: Town) -> None:
    manager = client_for(app, "manager", town)
    refused = manager.submit(at(town, "/new"), form(town, rate_1="1.2"))
    assert refused.status_code == 422
    assert 'id="f-rate_1-error"' in refused.get_data(as_text=True)
    saved = manager.submit(at(town, "/new"), form(town, rate_1="1.2", override_document="纪要4号"))
    assert saved.status_code == 303


def test_managers_and_the_street_record_and_others_only_read(app: Flask, town: Town) -> None:
    street = client_for(app, "street_officer", town)
    assert street.submit(at(town, "/new"), form(town)).status_code == 303
    url = at(town, f"/{kept(town)[0].id}")
    for role in ("accountant", "cashier", "committee_chair", "supervisor", "party_branch"):
        reader = client_for(app, role, town)
        assert reader.get(url).status_code == 200, role
        assert reader.get(at(town, "/new")).status_code == 403, role
        assert reader.submit(f"{url}/terminate").status_code == 403, role
    assert client_for(app, "resident", town).get(url).status_code == 403
    assert client_for(app, "manager", found_town()).get(url).status_code == 404


def furnished(town: Town) -> int:
    """A home paid for, one left out, one unsold, a shop, a developer's home; one month billed."""
    with scoped([town.community_id]):
        homes = {label: town.add_unit(label) for label in ("1-101", "1-102", "1-103")}
        town.add_unit("1-104", status="unsold")
        town.add_unit("9-1", kind="commercial")
        town.add_owner(homes["1-101"])
        town.add_owner(homes["1-103"], "某某置业", kind="developer")
        row = scheme(town, entered_on=clock.today() - timedelta(days=800))
        service.name_units(
            town.community_id, row.id, [homes["1-102"].id], included=False, reason="已改商用"
        )
        fee, version = priced(town, "2020-01-01")
        billed(
            homes["1-101"], "2026-03", fee, version.id, version_id=version.id, scheme_id=row.id,
            gross_fen=9600, subsidy_fen=6000,
        )  # fmt: skip
        scheme_id = row.id
        db.session.commit()
    return scheme_id


def test_every_unit_says_why_it_is_paid_for_or_not(app: Flask, town: Town) -> None:
    scheme_id = furnished(town)
    with scoped([town.community_id]):
        row = queries.scheme(town.community_id, scheme_id)
        grounds = {
            one.label: (one.paid, one.ground)
            for one in queries.units(town.community_id, row, clock.today())
        }
    assert grounds == {
        "1-101": (True, "terms"),
        "1-102": (False, "named_out"),
        "1-103": (False, "developer"),
        "1-104": (False, "unsold"),
        "9-1": (False, "kind"),
    }
    page = text_of(client_for(app, "manager", town).get(at(town, f"/{scheme_id}/units?paid=no")))
    assert "已改商用" in page
    assert "1-101" not in page


def test_the_page_sums_bill_lines_and_shows_the_bill_after_the_end(app: Flask, town: Town) -> None:
    scheme_id = furnished(town)
    page = text_of(client_for(app, "manager", town).get(at(town, f"/{scheme_id}")))
    assert "¥60.00" in page  # netted so far
    assert "¥36.00" in page  # an average bill now
    assert "¥96.00" in page  # and then


def test_many_units_are_named_at_once_and_unknown_ones_told(app: Flask, town: Town) -> None:
    scheme_id = furnished(town)
    manager = client_for(app, "manager", town)
    url = at(town, f"/{scheme_id}/units/name")
    body = {"naming": "include", "units": "1-103、1-104", "reason": "协议附件二列名"}
    refused = text_of(manager.submit(url, body | {"units": "1-103 8-888"}))
    assert "8-888" in refused
    assert manager.submit(url, body).status_code == 303
    assert len(kept(town, SubsidyExclusion)) == 3
    assert manager.submit(url, body | {"naming": "clear", "reason": ""}).status_code == 303
    assert len(kept(town, SubsidyExclusion)) == 1


def test_ending_early_asks_for_a_reason_and_is_shown(app: Flask, town: Town) -> None:
    scheme_id = furnished(town)
    manager = client_for(app, "manager", town)
    url = at(town, f"/{scheme_id}/terminate")
    last = clock.today() + timedelta(days=31)
    assert manager.submit(url, {"last_day": last.isoformat()}).status_code == 422
    saved = manager.submit(url, {"last_day": last.isoformat(), "reason": "财政调整"})
    assert saved.status_code == 303
    assert "财政调整" in text_of(manager.get(at(town, f"/{scheme_id}")))


def test_an_unused_agreement_can_be_taken_back(app: Flask, town: Town) -> None:
    manager = client_for(app, "manager", town)
    manager.submit(at(town, "/new"), form(town))
    url = at(town, f"/{kept(town)[0].id}/withdraw")
    assert manager.get(url).status_code == 200
    assert manager.submit(url).status_code == 303
    assert kept(town) == []


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_every_subsidy_page_opens(app: Flask, town: Town, language: str) -> None:
    manager = client_for(app, "manager", town)
    assert "empty-state" in manager.get(at(town)).get_data(as_text=True)
    scheme_id = furnished(town)
    for path in ("", "/new", "/{s}", "/{s}/units", "/{s}/units/name", "/{s}/terminate"):
        url = at(town, path.format(s=scheme_id)) + f"?lang={language}"
        answer = manager.get(url)
        assert answer.status_code == 200, path
        if language == "en":
            title = re.search(r"<title>([^<]*)", answer.get_data(as_text=True))
            assert title
            head = title[1].split(" · ")[0].replace("街道协议〔2025〕7号", "")
            assert not re.search(r"[\u4e00-\u9fff]", head), path


def test_the_cliff_is_told_to_pages_and_by_the_nightly_job(town: Town) -> None:
    today = clock.today()
    row = scheme(
        town, entered_on=today - timedelta(days=300), term_months=12, rates=(Rate(Decimal("0.8")),)
    )
    facts = queries.cliff(town.community_id, today)
    assert facts is not None
    assert facts.days_left == (row.ends_on - today).days
    assert facts.warned == 3
    assert (facts.bill_now_fen, facts.bill_then_fen) == (None, None)
    assert queue._jobs["subsidy:cliff"](town.community_id) == {"given": 3}
    assert queue._jobs["subsidy:cliff"](town.community_id) == {"given": 0}
    assert (
        len(
            db.session.scalars(
                select(CliffNotice).where(CliffNotice.community_id == town.community_id)
            ).all()
        )
        == 3
    )
    assert queries.cliff(town.community_id, row.ends_on) is None

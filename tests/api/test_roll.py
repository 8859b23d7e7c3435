"""The roll by the API: places, units, owners, occupants, people, mandates."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import text

from app.kernel.db import db
from app.kernel.tenancy import scoped
from app.registry.models import Organization
from tests.api.asking import Program, program
from tests.api.conftest import token_for
from tests.builders import unique


def _home(here: Program, area: str = "88.47") -> dict[str, str]:
    """A unit 9-2-501 with its building and stair."""
    building = here.ask("POST", "/buildings", 201, code="9栋", address="和平路 9 号")
    stair = here.ask("POST", f"/buildings/{building['id']}/entrances", 201, code="2")
    return here.ask(
        "POST", "/units", 201, building_id=building["id"], entrance_id=stair["id"], room="501",
        area_m2=area, kind="residential", status="occupied",
    )  # fmt: skip


def test_a_unit_is_entered_changed_relabelled_and_closed(app: Flask) -> None:
    here = program(app)
    unit = _home(here)
    assert (unit["label"], unit["area_m2"], unit["status"]) == ("9-2-501", "88.47", "occupied")
    path = f"/units/{unit['id']}"
    changed = here.ask("PATCH", path, status="vacant")
    assert changed == {**unit, "status": "vacant"}  # and nothing else
    renamed = here.ask("PATCH", f"/buildings/{unit['building_id']}", code="10")
    assert (renamed["code"], renamed["address"]) == ("10", "和平路 9 号")
    assert here.ask("PATCH", f"/entrances/{unit['entrance_id']}", code="3")["code"] == "3"
    assert here.ask("GET", path)["label"] == "10-3-501"
    closed = here.ask("POST", f"{path}/closure", 201, on="2026-06-01", reason="拆除重建")
    assert (closed["status"], closed["billable_until"]) == ("demolished", "2026-06-01")
    again = here.refused("POST", f"{path}/closure", 409, on="2026-06-01", reason="再次")
    assert again["code"] == "unit.closed"


def test_units_are_searched_sorted_and_paged(app: Flask) -> None:
    here = program(app)  # 65.34, 70.12 and 88.88 m²
    _home(here)
    found = here.ask("GET", "/units?sort=-area_m2")
    labels = [one["label"] for one in found["items"]]
    assert labels == ["1-103", "9-2-501", "1-102", "1-101"]
    second = here.ask("GET", "/units?sort=-area_m2&per_page=2&page=2")
    assert [one["label"] for one in second["items"]] == ["1-102", "1-101"]
    assert (second["total"], second["page"], second["per_page"]) == (4, 2, 2)
    assert [one["label"] for one in here.ask("GET", "/units?q=9-2")["items"]] == ["9-2-501"]
    assert [one["label"] for one in here.ask("GET", "/units?q=张三")["items"]] == ["1-101"]
    assert here.ask("GET", "/units?owner=unknown")["total"] == 3
    assert here.ask("GET", "/units?page=9")["items"] == []
    assert here.refused("GET", "/units?sort=price")["fields"]["query"]["sort"]


def test_who_may_not_see_names_cannot_search_by_them(app: Flask) -> None:
    here = program(app)
    station = token_for(app, "committee_member", here.office.town)
    looker = Program(app, here.office, station)
    assert looker.ask("GET", "/units?q=张三")["total"] == 0
    assert looker.ask("GET", "/units?q=101")["total"] == 1
    assert looker.refused("GET", "/people", 403)


def test_a_sale_ends_the_old_parts_and_begins_the_new_on_its_day(app: Flask) -> None:
    here = program(app)
    unit = _home(here)
    path = f"/units/{unit['id']}"
    facts = {"share": "1/2", "starts_on": "2024-01-01"}
    li = here.ask("POST", f"{path}/owners", 201, name="李四", phone="13800138001", **facts)
    here.ask("POST", f"{path}/owners", 201, name="王五", **facts)
    third = here.refused("POST", f"{path}/owners", 409, name="赵六", **facts)
    assert list(third["fields"]) == ["share"]
    now = here.ask(
        "POST", f"{path}/transfers", 201, on="2026-02-15", document_no="产权 88",
        owners=[{"person_id": li["person_id"], "share": "2/3"}, {"name": "赵六", "share": "1/3"}],
    )  # fmt: skip
    told = [(one["name"], one["share_numerator"], one["share_denominator"]) for one in now]
    assert told == [("李四", 2, 3), ("赵六", 1, 3)]
    history = here.ask("GET", f"{path}/ownerships")
    ends = sorted((one["name"], one["starts_on"], one["ends_on"] or "") for one in history)
    assert ends == [
        ("李四", "2024-01-01", "2026-02-15"),
        ("李四", "2026-02-15", ""),
        ("王五", "2024-01-01", "2026-02-15"),
        ("赵六", "2026-02-15", ""),
    ]
    assert here.ask("GET", f"{path}/owners")[0]["phone_tail"] == "8001"


def test_a_wrong_ownership_is_corrected_with_its_reason(app: Flask) -> None:
    here = program(app)
    path = f"/units/{here.office.unit_id}"
    (zhang,) = here.ask("GET", f"{path}/owners")
    there = f"{path}/ownerships/{zhang['id']}/correction"
    facts = {"share": "1", "starts_on": "2001-05-01"}
    assert "reason" in str(here.refused("POST", there, **facts)["fields"])
    right = here.ask("POST", there, 201, reason="录入有误", **facts)
    assert (right["starts_on"], right["ends_on"]) == ("2001-05-01", None)
    assert here.refused(
        "POST", f"{path}/ownerships/{10**9}/correction", 404, reason="录入", **facts
    )


def test_owners_without_shares_divide_evenly_and_half_told_shares_are_refused(app: Flask) -> None:
    here = program(app)
    path = f"/units/{here.office.unit_id}/transfers"
    three = [{"name": name} for name in ("甲一", "乙二", "丙三")]
    now = here.ask("POST", path, 201, on="2026-05-01", owners=three)
    assert {(one["share_numerator"], one["share_denominator"]) for one in now} == {(1, 3)}
    half = [{"name": "丁四", "share": "1/2"}, {"name": "戊五"}]
    refused = here.refused("POST", path, on="2026-06-01", owners=half)
    assert (refused["code"], list(refused["fields"])) == ("owners.shares", ["owners"])
    nobody = here.refused("POST", path, on="2026-06-01", owners=[{}])
    assert "name" in nobody["fields"]["json"]["owners"]["0"]


def test_a_tenant_moves_in_and_out(app: Flask) -> None:
    here = program(app)
    path = f"/units/{here.office.unit_id}/occupants"
    came = here.ask(
        "POST", path, 201, name="陈租", phone="13900139002", relation="tenant",
        starts_on="2026-01-10",
    )  # fmt: skip
    assert (came["kind"], came["ends_on"], came["phone_tail"]) == ("tenant", None, "9002")
    early = here.refused("POST", f"{path}/{came['id']}/departure", ends_on="2026-01-01")
    assert list(early["fields"]) == ["ends_on"]
    left = here.ask("POST", f"{path}/{came['id']}/departure", 201, ends_on="2026-03-01")
    assert left["ends_on"] == "2026-03-01"
    assert [one["id"] for one in here.ask("GET", path)] == [came["id"]]


def test_a_person_is_entered_once_found_changed_and_merged(app: Flask) -> None:
    here = program(app)
    facts = {"name": "孙七", "phone": "13700137003"}
    one = here.ask("POST", "/people", 201, **facts)
    assert here.ask("POST", "/people", 201, **facts)["id"] == one["id"]
    assert [row["name"] for row in here.ask("GET", "/people?q=7003")["items"]] == ["孙七"]
    without = here.ask("PATCH", f"/people/{one['id']}", phone="")
    assert (without["phone_tail"], without["name"]) == (None, "孙七")
    wrong = here.refused("PATCH", f"/people/{one['id']}", id_number="110101190001011234")
    assert list(wrong["fields"]) == ["id_number"]
    other = here.ask("POST", "/people", 201, name="孙七")
    here.ask("POST", f"/people/{one['id']}/merger", 201, drop_id=other["id"])
    assert here.refused("GET", f"/people/{other['id']}", 404)
    names = [row["name"] for row in here.ask("GET", "/people?sort=-name")["items"]]
    assert names == ["张三", "孙七"]


def test_a_mandate_ends_with_notice_and_the_next_begins(app: Flask) -> None:
    here = program(app)
    street = Program(app, here.office, token_for(app, "street_officer", here.office.town))
    (first,) = street.ask("GET", "/mandates")
    path = f"/mandates/{first['id']}/termination"
    with app.app_context():
        company = Organization(kind="property_company", name=unique("接手物业"))
        db.session.add(company)
        db.session.commit()
        company_id = str(company.id)
    soon = street.refused("POST", path, ends_on="2026-01-01", reason="业主大会解聘")
    assert (soon["code"], list(soon["fields"])) == ("mandate.notice", ["sure"])
    ended = street.ask("POST", path, 201, ends_on="2030-01-01", reason="合同到期")
    assert (ended["ends_on"], ended["end_reason"]) == ("2030-01-01", "合同到期")
    facts = {"organization_id": company_id}
    clash = street.refused("POST", "/mandates", 409, starts_on="2029-12-31", **facts)
    assert list(clash["fields"]) == ["starts_on"]
    street.ask("POST", "/mandates", 201, starts_on="2030-01-01", **facts)
    assert [one["starts_on"] for one in street.ask("GET", "/mandates")] == [
        "2030-01-01",
        "2020-01-01",
    ]
    assert here.refused("POST", "/mandates", 403, starts_on="2031-01-01", **facts)


def test_a_communitys_facts_change_one_by_one(app: Flask) -> None:
    here = program(app)
    before = here.ask("GET", "")
    after = here.ask("PATCH", "", year_renovated=2023, service_phone="02988886666")
    assert after == {**before, "year_renovated": 2023, "service_phone": "02988886666"}
    assert "due_day" in str(here.refused("PATCH", "", due_day=31)["fields"])


def test_what_a_program_did_is_on_record_as_done_by_the_api(app: Flask) -> None:
    here = program(app)
    unit = _home(here)
    with app.app_context(), scoped([here.office.town.community_id]):
        rows = db.session.execute(
            text("SELECT action, via, account_id IS NOT NULL AS known FROM audit_event"
                 " WHERE subject = :s"), {"s": f"unit:{unit['id']}"},
        ).all()  # fmt: skip
    assert [tuple(row) for row in rows] == [("registry:add-unit", "api", True)]

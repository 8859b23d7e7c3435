"""Tariffs, prices, measures and sums by the API, followed into the preview of a month.

The office's fee is 1.10 yuan/m² on 65.34, 70.12 and 88.88 m²: 71.87 + 77.13 + 97.77 = 246.77.
"""

from __future__ import annotations

import io
from typing import Any

from flask import Flask

from tests.api.asking import Program, program

FEE_FEN = 7187 + 7713 + 9777
PAPER = {"price_basis": "contract", "document_no": "合同 2"}


def _tariff(here: Program, name: str, basis: str, **more: Any) -> str:
    made = here.ask("POST", "/tariffs", 201, name=name, basis=basis, income_code="6001", **more)
    return str(made["id"])


def test_a_charge_is_opened_priced_repriced_and_ended(app: Flask) -> None:
    here = program(app)
    lift = _tariff(here, "电梯费", "area", unit_kinds=["residential"])
    path = f"/tariffs/{lift}"
    first = here.ask("POST", f"{path}/prices", 201, starts_on="2026-04-01", price="0.35", **PAPER)
    assert (first["price"], first["ends_on"], first["billed"]) == ("0.3500", None, False)
    # 65.34 × 0.35 = 22.869, 70.12 × 0.35 = 24.542, 88.88 × 0.35 = 31.108
    assert here.april()["resident_fen"] == FEE_FEN + 2287 + 2454 + 3111
    second = here.ask("POST", f"{path}/prices", 201, starts_on="2026-09-01", price="0.4", **PAPER)
    latest, earlier = here.ask("GET", path)["versions"]
    assert (latest["id"], earlier["ends_on"]) == (second["id"], "2026-09-01")
    here.ask("DELETE", f"{path}/prices/{second['id']}", 204)
    (only,) = here.ask("GET", path)["versions"]
    assert (only["id"], only["ends_on"]) == (first["id"], None)
    renamed = here.ask("PATCH", path, name="电梯运行费")
    assert (renamed["name"], renamed["unit_kinds"]) == ("电梯运行费", ["residential"])
    ended = here.ask("POST", f"{path}/termination", 201, last_day="2026-12-31")
    assert ended["ended_on"] == "2027-01-01"
    assert here.refused("PATCH", path, 409, name="又一个")["code"] == "tariff.ended"


def test_a_price_without_its_paper_and_a_name_in_use_are_refused(app: Flask) -> None:
    here = program(app)
    lift = _tariff(here, "电梯费", "area")
    bare = {"starts_on": "2026-04-01", "price": "0.35", "price_basis": "contract"}
    refused = here.refused("POST", f"/tariffs/{lift}/prices", **bare)
    assert list(refused["fields"]) == ["document_no"]
    float_price = here.refused("POST", f"/tariffs/{lift}/prices", **{**bare, "price": 0.35})
    assert "price" in float_price["fields"]["json"]
    twice = here.refused("POST", "/tariffs", name="电梯费", basis="area", income_code="6001")
    assert list(twice["fields"]) == ["name"]


def test_a_price_that_billed_stays(app: Flask) -> None:
    here = program(app)
    (fee,) = here.ask("GET", "/tariffs")
    path = f"/tariffs/{fee['id']}"
    billed = here.refused("DELETE", f"{path}/prices/{fee['present']['id']}", 409)
    assert billed["code"] == "tariff.version_billed"
    early = here.refused("POST", f"{path}/termination", last_day="2026-02-28")
    assert list(early["fields"]) == ["last_day"]
    other = program(app)
    assert here.refused("GET", f"/tariffs/{other.ask('GET', '/tariffs')[0]['id']}", 404)


def test_a_reduction_takes_half_off_until_it_ends(app: Flask) -> None:
    here = program(app)
    facts = {"units": ["1-101"], "kind": "vacancy", "percent": "50", "starts_on": "2026-04-01"}
    bare = here.refused("POST", "/reductions", **facts, document_no="")
    assert "document_no" in bare["fields"]["json"]
    nobody = here.refused("POST", "/reductions", **{**facts, "units": ["9-9"]}, document_no="文")
    assert (list(nobody["fields"]), "9-9" in nobody["message"]) == (["units"], True)
    (made,) = here.ask("POST", "/reductions", 201, **facts, document_no="青办〔2025〕3 号")
    # 65.34 × 1.10 × 50 % = 35.937
    assert here.april()["resident_fen"] == 3594 + 7713 + 9777
    end = here.ask("POST", f"/reductions/{made['id']}/termination", 201, last_day="2026-04-30")
    assert (end["ends_on"], end["percent"], end["unit_label"]) == ("2026-05-01", "50.00", "1-101")
    assert here.april("2026-05")["resident_fen"] == FEE_FEN
    assert here.ask("GET", "/reductions?state=ended")["total"] == 1


def test_parking_spaces_are_counted_by_unit(app: Flask) -> None:
    here = program(app)
    space = _tariff(here, "车位费", "space")
    path = f"/tariffs/{space}"
    here.ask("POST", f"{path}/prices", 201, starts_on="2026-04-01", price="60", **PAPER)
    given = {"starts_on": "2026-04-01", "units": ["1-101"], "quantity": "2"}
    assert here.ask("POST", f"{path}/quantities", 201, **given) == {"changed": 1}
    assert here.april()["resident_fen"] == FEE_FEN + 12000
    (row,) = here.ask("GET", f"{path}/quantities")["items"]
    assert (row["unit_label"], row["quantity"], row["ends_on"]) == ("1-101", "2.00", None)
    there = f"quantities/{row['id']}/termination"
    ended = here.ask("POST", f"{path}/{there}", 201, last_day="2026-04-30")
    assert ended["ends_on"] == "2026-05-01"
    (fee, _) = here.ask("GET", "/tariffs")
    assert here.refused("POST", f"/tariffs/{fee['id']}/{there}", 404, last_day="2026-04-30")


def test_a_meter_is_read_replaced_and_billed(app: Flask) -> None:
    here = program(app)
    water = _tariff(here, "二次供水", "metered", measure="m³")
    here.ask("POST", f"/tariffs/{water}/prices", 201, starts_on="2026-04-01", price="0.35", **PAPER)
    hung = here.ask(
        "POST", "/meters", 201, tariff_id=water, unit="1-102", serial="A1", initial="100"
    )
    backwards = {"month": "2026-04", "readings": [{"meter_id": hung["id"], "reading": "99"}]}
    refused = here.refused("POST", "/readings", **backwards)
    assert list(refused["fields"]) == [f"reading-{hung['id']}"]
    read = {"month": "2026-04", "readings": [{"meter_id": hung["id"], "reading": "112"}]}
    assert here.ask("POST", "/readings", 201, **read) == {"changed": 1}
    assert here.ask("POST", "/readings", 201, **read) == {"changed": 0}
    assert here.april()["resident_fen"] == FEE_FEN + 420  # 12 m³ × 0.35
    twice = {**read, "readings": read["readings"] * 2}
    assert "readings" in here.refused("POST", "/readings", **twice)["fields"]["json"]
    (grid,) = here.ask("GET", "/readings?month=2026-04")["items"]
    assert (grid["previous"], grid["reading"]) == ("100.000", "112.000")
    swap = {"replaced_on": "2026-04-20", "final": "115", "serial": "B2"}
    new = here.ask("POST", f"/meters/{hung['id']}/replacement", 201, **swap)
    assert (new["serial"], new["installed_on"]) == ("B2", "2026-04-20")
    (old,) = here.ask("GET", f"/meters/{hung['id']}/readings")
    assert (old["reading"], old["used"]) == ("115.000", "15.000000")
    sheet = io.BytesIO("表号,读数\nB2,4\n".encode())
    data = {"tariff_id": water, "month": "2026-04", "file": (sheet, "读数.csv")}
    assert here.send("POST", "/readings/sheet", 201, data=data) == {"changed": 1}
    assert here.april()["resident_fen"] == FEE_FEN + 525 + 140  # 15 m³ and 4 m³
    gone = here.ask("POST", f"/meters/{new['id']}/removal", 201, removed_on="2026-05-10")
    assert gone["removed_on"] == "2026-05-10"
    in_use = here.ask("GET", "/meters?state=in_use")
    assert in_use["total"] == 0


def test_a_shared_cost_is_divided_to_the_fen_and_struck_out(app: Flask) -> None:
    here = program(app)
    light = _tariff(here, "楼道照明", "shared")
    cost = {
        "tariff_id": light, "month": "2026-04", "amount_fen": 10000, "allocation": "unit",
        "document_no": "电费 4 月",
    }  # fmt: skip
    made = here.ask("POST", "/shared-costs", 201, **cost)
    assert here.april()["resident_fen"] == FEE_FEN + 10000
    repeated = here.refused("POST", "/shared-costs", 409, **cost)
    assert list(repeated["fields"]) == ["document_no"]
    here.ask("DELETE", f"/shared-costs/{made['id']}", 204)
    assert here.ask("GET", "/shared-costs?month=2026-04") == []
    assert here.refused("DELETE", f"/shared-costs/{made['id']}", 404)


def test_a_one_off_charge_is_written_once_per_key(app: Flask) -> None:
    here = program(app)
    card = _tariff(here, "门禁卡", "one_off")
    charge = {
        "tariff_id": card, "units": ["1-102", "1-103"], "month": "2026-04", "amount_fen": 2000,
        "description": "补办门禁卡",
    }  # fmt: skip
    first = here.send("POST", "/one-off-charges", 201, key="cards-april", json=charge)
    again = here.send("POST", "/one-off-charges", 201, key="cards-april", json=charge)
    assert (first, [one["unit_label"] for one in first]) == (again, ["1-102", "1-103"])
    assert here.ask("GET", "/one-off-charges?state=waiting")["total"] == 2
    here.ask("DELETE", f"/one-off-charges/{first[0]['id']}", 204)
    assert here.april()["resident_fen"] == FEE_FEN + 2000
    cancelled = here.ask("GET", "/one-off-charges?state=cancelled")["items"]
    assert [one["unit_label"] for one in cancelled] == ["1-102"]
    zero = here.refused("POST", "/one-off-charges", **{**charge, "amount_fen": 0})
    assert "amount_fen" in zero["fields"]["json"]


def test_late_terms_rest_on_the_contract(app: Flask) -> None:
    here = program(app)
    terms = {"daily_permille": "0.5", "grace_days": 10, "starts_on": "2026-04-01"}
    bare = here.refused("POST", "/late-terms", **terms, document_no="")
    assert "document_no" in bare["fields"]["json"]
    made = here.ask("POST", "/late-terms", 201, **terms, document_no="合同 第 12 条")
    assert (made["daily_rate"], made["grace_days"]) == ("0.000500", 10)
    path = f"/late-terms/{made['id']}/termination"
    (ended,) = here.ask("POST", path, 201, last_day="2026-12-31")
    assert ended["ends_on"] == "2027-01-01"


def test_an_agreement_is_recorded_leaves_units_out_and_ends(app: Flask) -> None:
    here = program(app)
    terms = {
        "agreement_no": "青补 1", "payer_region_id": str(here.office.town.region_id),
        "entered_on": "2026-04-01", "rate_1": "0.80", "rate_2": "0.70", "rate_3": "0.40",
    }  # fmt: skip
    unusual = here.refused("POST", "/subsidies", **terms)
    assert (unusual["code"], list(unusual["fields"])) == ("subsidy.override", ["rate_3"])
    made = here.ask("POST", "/subsidies", 201, **{**terms, "rate_3": "0.60"})
    assert (made["starts_on"], made["last_day"]) == ("2026-04-01", "2029-03-31")
    assert [(one["starts_on"], one["rate"]) for one in made["steps"]] == [
        ("2026-04-01", "0.8000"),
        ("2027-04-01", "0.7000"),
        ("2028-04-01", "0.6000"),
    ]
    path = f"/subsidies/{made['id']}"
    left_out = {"naming": "exclude", "units": ["1-103"], "reason": "开发商自持"}
    assert here.ask("POST", f"{path}/units", 201, **left_out) == {"changed": 1}
    (out,) = here.ask("GET", f"{path}/units?paid=false")["items"]
    assert (out["unit_label"], out["ground"]) == ("1-103", "named_out")
    # 65.34 × 0.80 = 52.272, 70.12 × 0.80 = 56.096
    run = here.april()
    assert (run["subsidy_fen"], run["resident_fen"]) == (5227 + 5610, FEE_FEN - 5227 - 5610)
    cleared = {"naming": "clear", "units": ["1-103"]}
    assert here.ask("POST", f"{path}/units", 201, **cleared) == {"changed": 1}
    ended = here.ask("POST", f"{path}/termination", 201, last_day="2026-12-31", reason="协商终止")
    assert (ended["terminated_on"], ended["last_day"]) == ("2027-01-01", "2026-12-31")
    assert here.refused("POST", f"{path}/termination", 409, last_day="2026-12-31", reason="再")
    here.ask("DELETE", path, 204)
    assert here.refused("GET", path, 404)

"""A roster by the API: uploaded, previewed, mapped, applied, undone."""

from __future__ import annotations

import io
from typing import Any

from flask import Flask

from app.kernel.db import db
from app.kernel.tenancy import scoped
from app.registry.imports import work
from tests.api.asking import Program, program

HEAD = "楼栋,单元,房号,建筑面积,业主,电话\n"
GOOD = "2,1,101,88.47,周一,13800138000\n"
WRONG = "2,1,102,八十,吴二,\n"


def _upload(here: Program, text: str, name: str = "名册.csv", expected: int = 201) -> Any:
    data = {"file": (io.BytesIO(text.encode()), name), "starts_on": "2025-01-01"}
    return here.send("POST", "/imports", expected, data=data)


def _counts(made: dict[str, Any]) -> tuple[int, ...]:
    return tuple(made[f"{name}_count"] for name in ("new", "changed", "unchanged", "error"))


def test_a_roster_is_previewed_applied_and_undone(app: Flask) -> None:
    here = program(app)
    made = _upload(here, HEAD + GOOD + WRONG)
    assert (made["status"], _counts(made), made["missing_count"]) == ("ready", (1, 0, 0, 1), 3)
    path = f"/imports/{made['id']}"
    (row,) = here.ask("GET", f"{path}/rows")["items"]
    assert row["row_no"] == 3
    assert "建筑面积" in row["errors"][0]
    (fresh,) = here.ask("GET", f"{path}/rows?action=new")["items"]
    assert (fresh["label"], fresh["errors"]) == ("2-1-101", [])
    assert here.ask("GET", "/units?label=2-1-101")["total"] == 0  # only looked at
    whole = here.refused("POST", f"{path}/application", 409)
    assert whole["code"] == "roster.errors"
    assert here.ask("GET", path)["status"] == "ready"
    applied = here.ask("POST", f"{path}/application", 201, skip_errors=True)
    assert (applied["status"], applied["task"]) == ("applied", None)
    (unit,) = here.ask("GET", "/units?label=2-1-101")["items"]
    assert unit["area_m2"] == "88.47"
    (owner,) = here.ask("GET", f"/units/{unit['id']}/owners")
    told = (owner["name"], owner["phone_tail"], owner["starts_on"])
    assert told == ("周一", "8000", "2025-01-01")
    assert here.refused("POST", f"{path}/application", 409)
    undone = here.send("POST", f"{path}/reversal", 201)
    assert undone["status"] == "undone"
    assert here.ask("GET", "/units?label=2-1-101")["total"] == 0
    assert [one["id"] for one in here.ask("GET", "/imports")["items"]] == [made["id"]]


def test_an_import_something_stands_on_is_not_undone(app: Flask) -> None:
    here = program(app)
    path = f"/imports/{_upload(here, HEAD + GOOD)['id']}"
    here.ask("POST", f"{path}/application", 201)
    (unit,) = here.ask("GET", "/units?label=2-1-101")["items"]
    here.ask("PATCH", f"/units/{unit['id']}", area_m2="90.00")
    refused = here.send("POST", f"{path}/reversal", 409)["error"]
    assert (refused["code"], "2-1-101" in refused["message"]) == ("roster.edited", True)


def test_strange_headings_are_mapped_by_the_program(app: Flask) -> None:
    here = program(app)
    made = _upload(here, "甲列,建筑面积,丙列\n3-1-201,77.70,郑三\n")
    assert (made["status"], made["headers"]) == ("uploaded", ["甲列", "建筑面积", "丙列"])
    path = f"/imports/{made['id']}/mapping"
    assert list(here.refused("POST", path, columns={"area": 1})["fields"]) == ["columns"]
    assert list(here.refused("POST", path, columns={"room": 9})["fields"]) == ["columns"]
    ready = here.ask("POST", path, 201, columns={"room": 0, "area": 1, "owner": 2})
    assert (ready["status"], _counts(ready)) == ("ready", (1, 0, 0, 0))


def test_what_is_no_roster_is_refused_with_a_sentence(app: Flask) -> None:
    here = program(app)
    without = here.send("POST", "/imports", 422, data={"starts_on": "2025-01-01"})["error"]
    assert list(without["fields"]) == ["file"]
    undated = here.send("POST", "/imports", 422, data={"file": (io.BytesIO(b"x"), "a.csv")})
    assert list(undated["error"]["fields"]) == ["starts_on"]
    typed = here.send("POST", "/imports", 422, data={"file": "x", "starts_on": "2025-01-01"})
    assert list(typed["error"]["fields"]) == ["file"]
    broken = _upload(here, "PK\x03\x04 not a workbook", "名册.xlsx")
    assert (broken["status"], bool(broken["refusal"])) == ("refused", True)


def test_a_large_roster_is_read_by_a_worker_and_its_task_is_told(app: Flask) -> None:
    here = program(app)
    lines = [f"2,1,{room},60.00,业主{room},,{'顶' * 150}\n" for room in range(1001, 1801)]
    made = _upload(here, HEAD.replace("\n", ",备注\n") + "".join(lines))
    assert (made["status"], made["task"]["status"]) == ("reading", "queued")
    busy = here.refused("POST", f"/imports/{made['id']}/application", 409)
    assert busy["message"]
    with app.app_context(), scoped([here.office.town.community_id]):
        work.read(here.office.town.community_id, int(made["id"]))  # what the worker does
        db.session.commit()
    ready = here.ask("GET", f"/imports/{made['id']}")
    assert (ready["status"], _counts(ready), ready["task"]) == ("ready", (800, 0, 0, 0), None)
    page = here.ask("GET", f"/imports/{made['id']}/rows?action=new&per_page=3&page=2")
    assert (page["total"], [row["row_no"] for row in page["items"]]) == (800, [5, 6, 7])

"""The pages of the roll through the door, as the roles that open them."""

from __future__ import annotations

import io
from datetime import date

import pytest
from openpyxl import load_workbook

from app.kernel.db import db
from app.kernel.tenancy import scoped
from app.registry import queries
from app.registry.models import RosterImport
from tests.builders import found_town
from tests.people import client_for
from tests.registry.sheets import HEADINGS, sentences, workbook

ROWS = [
    ["3栋", "2单元", 501, "88.47㎡", "张三丰", "13800138765"],
    ["3栋", "2单元", 502, 90.5, "李四、王五", ""],
]


@pytest.fixture
def manager(app, town):
    return client_for(app, "manager", town)


def at(town, path):
    return f"/c/{town.community_id}/{path}"


def upload(client, town, content, name="名册.xlsx", **more):
    return client.submit(
        at(town, "imports/new"),
        {"file": (io.BytesIO(content), name), "starts_on": "2025-01-01", **more},
        content_type="multipart/form-data",
    )


def imported(client, town, rows=ROWS):
    """A town with a roster in it; returns the import's address."""
    sent = upload(client, town, workbook(rows))
    assert sent.status_code == 303, sent.text
    address = sent.headers["Location"]
    done = client.submit(f"{address}/apply")
    assert done.status_code == 303
    return address


def fresh():
    db.session.rollback()
    db.session.expire_all()


def test_a_roster_goes_from_upload_to_the_list_of_units_and_back(manager, town):
    sent = upload(manager, town, workbook(ROWS))
    assert sent.status_code == 303
    address = sent.headers["Location"]
    preview = manager.get(address).text
    assert "3-2-501" in preview
    assert "13800138765" not in preview
    assert manager.submit(f"{address}/apply").status_code == 303
    page = manager.get(at(town, "units"))
    assert page.status_code == 200
    assert "张三丰" in page.text
    assert "李四、王五" in page.text
    assert manager.get(f"{address}/undo").status_code == 200
    assert manager.submit(f"{address}/undo").status_code == 303
    assert "张三丰" not in manager.get(at(town, "units")).text


def test_every_page_of_the_roll_opens(app, town, manager):
    address = imported(manager, town)
    fresh()
    unit = queries.unit_by_label(town.community_id, "3-2-501")
    [owner] = queries.owners_of(town.community_id, unit.id, date(2026, 1, 1))
    building = queries.buildings(town.community_id)[0]
    stair = queries.entrances(town.community_id)[0]
    chair = client_for(app, "committee_chair", town)
    [mandate] = queries.mandates(town.community_id)
    for client, paths in {
        manager: [
            "units", "units?q=3-2", "units?building=1&kind=residential&owner=unknown&sort=-area_m2",
            "units?format=xlsx", "units?format=csv", "units/new", f"units/{unit.id}",
            f"units/{unit.id}/edit", f"units/{unit.id}/close", f"units/{unit.id}/transfer",
            f"units/{unit.id}/owners/new", f"units/{unit.id}/owners/{owner.id}/correct",
            f"units/{unit.id}/occupants/new", "people", "people?q=张", f"people/{owner.person_id}",
            f"people/{owner.person_id}/edit", f"people/{owner.person_id}/merge", "buildings",
            "buildings/new", f"buildings/{building.id}/edit",
            f"buildings/{building.id}/entrances/new", f"entrances/{stair.id}/edit", "facts",
            "mandates", "imports", "imports/new", "imports/template.xlsx", "units/roll.xlsx",
        ],
        chair: ["mandates", "mandates/new", f"mandates/{mandate.id}/end", "units"],
    }.items():  # fmt: skip
        for path in paths:
            answer = client.get(at(town, path))
            assert answer.status_code == 200, (path, answer.text[-600:])
    for tab in ("new", "changed", "unchanged", "error", "missing"):
        assert manager.get(f"{address}?tab={tab}").status_code == 200


def test_names_are_masked_for_who_need_not_know_them(app, town, manager):
    imported(manager, town)
    supervisor = client_for(app, "supervisor", town)
    page = supervisor.get(at(town, "units")).text
    assert "张三丰" not in page
    assert "张**" in page
    sheet = supervisor.get(at(town, "units?format=csv")).text
    assert "张三丰" not in sheet
    # A search by name would tell what the mask hides.
    assert ">3-2-501<" not in supervisor.get(at(town, "units?q=张三丰")).text
    assert ">3-2-501<" not in supervisor.get(at(town, "units?q=8765")).text
    assert ">3-2-501<" in manager.get(at(town, "units?q=张三")).text
    fresh()
    unit = queries.unit_by_label(town.community_id, "3-2-501")
    detail = supervisor.get(at(town, f"units/{unit.id}")).text
    assert "张三丰" not in detail
    assert "张**" in detail
    assert supervisor.get(at(town, "people")).status_code == 403
    assert supervisor.get(at(town, "units/roll.xlsx")).status_code == 403


def test_errors_come_back_as_a_sheet_with_what_is_wrong(manager, town):
    rows = [*ROWS, ["4栋", "", "101", "很大", "赵六", "138"], ["", "", "102", 50, "钱七", ""]]
    address = upload(manager, town, workbook(rows)).headers["Location"]
    page = manager.get(f"{address}?tab=error").text
    assert "D 建筑面积" in page
    assert "很大" in page
    book = load_workbook(io.BytesIO(manager.get(f"{address}/errors.xlsx").data))
    lines = list(book.active.iter_rows(values_only=True))
    assert lines[0][:2] == ("需更正", "楼栋")
    assert [line[3] for line in lines[1:]] == ["101", "102"]
    assert "面积" in lines[1][0]
    refused = manager.submit(f"{address}/apply")
    assert refused.status_code == 303
    assert "2 行有错" in manager.get(address).text
    manager.submit(f"{address}/apply", {"skip_errors": "on"})
    fresh()
    assert queries.counts(town.community_id).unit_count == 2


def test_columns_nobody_knows_are_asked_for_and_remembered(manager, town):
    headings = ("座落", "序号", "几号", "大小", "谁", "拨号")
    content = workbook([["3", 1, "501", 88.47, "张三", "13800138000"]], headings)
    refused = upload(manager, town, content)
    assert refused.status_code == 303
    assert "没有找到表头" in manager.get(refused.headers["Location"]).text
    headings = ("楼栋", "序号", "几号", "大小", "谁", "拨号")
    content = workbook([["3", 1, "501", 88.47, "张三", "13800138000"]], headings)
    address = upload(manager, town, content).headers["Location"]
    mapping = manager.get(address, follow_redirects=True).text
    assert "对应列" in mapping
    wrong = manager.submit(f"{address}/mapping", {"column-0": "building"})
    assert wrong.status_code == 422
    chosen = {"column-0": "building", "column-2": "room", "column-3": "area", "column-4": "owner"}
    manager.submit(f"{address}/mapping", chosen)
    assert "3-501" in manager.get(address).text
    again = upload(manager, town, content).headers["Location"]
    assert "3-501" in manager.get(again).text


def test_a_whole_roll_exported_imports_unchanged(manager, town):
    headings = (
        *HEADINGS,
        "身份证号",
        "产权比例",
        "产权起始",
        "租户",
        "租户电话",
        "用途",
        "备注",
        "楼层",
    )
    rows = [
        ["A座", "", "101", 50, "张三", "13800138000", "11010519491231002X", "2/3",
         date(2010, 1, 2), "租客", "13700137000", "商业", "=1+1", -1],
        ["A座", "", "101", "", "李四", "", "", "1/3", date(2011, 1, 2), "二租客", "", "", "", ""],
        ["东区3", "2", "502", 90.5, "甲、乙、丙", "", "", "", "", "", "", "", "", 5],
        ["东区3", "2", "503", 90.5, "", "", "", "", "", "", "", "车位", "", ""],
        ["12", "1", "3", 90.5, "示范置业有限公司", "02584212345", "", "", "", "", "", "", "+x", ""],
    ]  # fmt: skip
    rows[0][12] = "@cmd"  # a formula in the source would be refused
    address = upload(manager, town, workbook(rows, headings)).headers["Location"]
    assert manager.submit(f"{address}/apply").status_code == 303
    fresh()
    assert queries.counts(town.community_id).unit_count == 4
    exported = manager.get(at(town, "units/roll.xlsx")).data
    again = upload(manager, town, exported).headers["Location"]
    fresh()
    made = db.session.get(RosterImport, (town.community_id, int(again.rpartition("/")[2])))
    assert (made.new_count, made.changed_count, made.error_count) == (0, 0, 0)
    assert made.unchanged_count == 4
    assert made.mapping["missing_units"] == 0


def test_the_template_is_understood_and_its_examples_would_import(manager, town):
    for language in ("zh_Hans_CN", "en"):
        content = manager.get(at(town, f"imports/template.xlsx?lang={language}")).data
        book = load_workbook(io.BytesIO(content))
        assert len(book.sheetnames) == 3
        empty = upload(manager, town, content).headers["Location"]
        assert "没有数据" in manager.get(empty + "?lang=zh_Hans_CN").text
        book.remove(book.worksheets[0])
        filled = io.BytesIO()
        book.save(filled)
        address = upload(manager, town, filled.getvalue()).headers["Location"]
        fresh()
        made = db.session.get(RosterImport, (town.community_id, int(address.rpartition("/")[2])))
        assert (made.status, made.new_count, made.error_count) == ("ready", 3, 0), sentences(made)


def test_a_transfer_page_takes_several_buyers(manager, town):
    imported(manager, town)
    fresh()
    unit = queries.unit_by_label(town.community_id, "3-2-501")
    page = at(town, f"units/{unit.id}/transfer")
    bad = manager.submit(page, {"on": "2026-03-16", "owners": "甲，1/2\n乙"})
    assert bad.status_code == 422
    done = manager.submit(page, {"on": "2026-03-16", "owners": "甲，1/2，13800138001\n乙,50%"})
    assert done.status_code == 303, done.text
    fresh()
    owners = queries.owners_of(town.community_id, unit.id, date(2026, 3, 16))
    assert sorted((o.name, str(o.share)) for o in owners) == [("乙", "1/2"), ("甲", "1/2")]


def test_a_refused_form_leaves_nothing_behind(manager, town):
    imported(manager, town)
    fresh()
    unit = queries.unit_by_label(town.community_id, "3-2-501")
    form = {"name": "新人", "kind": "natural", "share": "1/2", "starts_on": "2026-01-01"}
    refused = manager.submit(at(town, f"units/{unit.id}/owners/new"), form)
    assert refused.status_code == 422
    fresh()
    assert queries.search_people(town.community_id, "新人") == []


def test_a_community_is_founded_by_its_company(app, town):
    manager = client_for(app, "company_admin", town)
    page = f"/o/{town.organization_id}/communities/new"
    assert manager.get(page).status_code == 200
    assert manager.get("/communities/new").status_code == 200
    form = {
        "region_id": str(town.region_id), "name": "新里", "fee_mode": "fixed", "due_day": "10",
        "transfer_policy": "by_day", "year_built": "1988", "entered_on": "2025-03-01",
    }  # fmt: skip
    made = manager.submit(page, form)
    assert made.status_code == 303, made.text
    community_id = int(made.headers["Location"].split("/")[2])
    fresh()
    assert queries.community(community_id).name == "新里"
    with scoped([community_id]):
        [mandate] = queries.mandates(community_id)
    assert (mandate.organization_id, mandate.starts_on) == (town.organization_id, date(2025, 3, 1))
    assert manager.get(f"/c/{community_id}/units").status_code == 200
    stranger = found_town()
    assert manager.get(f"/o/{stranger.organization_id}/communities/new").status_code == 404


def test_a_street_founds_only_within_itself(app, town):
    officer = client_for(app, "street_officer", town)
    stranger = found_town()
    page = f"/regions/{town.region_id}/communities/new"
    form = {
        "region_id": str(stranger.region_id), "name": "新里", "fee_mode": "fixed",
        "due_day": "10", "transfer_policy": "by_day",
    }  # fmt: skip
    assert officer.submit(page, form).status_code == 422
    form["region_id"] = str(town.region_id)
    assert officer.submit(page, form).status_code == 303


def test_ending_a_mandate_shuts_the_companys_door(app, town, manager):
    chair = client_for(app, "committee_chair", town)
    [mandate] = queries.mandates(town.community_id)
    page = at(town, f"mandates/{mandate.id}/end")
    assert manager.get(page).status_code == 403
    today = date.today().isoformat()
    short = chair.submit(page, {"ends_on": today, "reason": "解聘"})
    assert short.status_code == 422
    assert "60" in short.text
    assert manager.get(at(town, "units")).status_code == 200
    done = chair.submit(page, {"ends_on": today, "reason": "解聘", "sure": "on"})
    assert done.status_code == 303
    assert manager.get(at(town, "units")).status_code == 404


def test_the_operator_keeps_regions_and_organizations(app, town):
    operator = client_for(app, "operator", town)
    for path in ("/regions", "/regions/new", "/organizations", "/organizations/new",
                 f"/regions/{town.region_id}/below", f"/regions/{town.region_id}/below/new",
                 f"/regions/{town.region_id}/rename",
                 f"/o/{town.organization_id}/edit"):  # fmt: skip
        assert operator.get(path).status_code == 200, path
    made = operator.submit(f"/regions/{town.region_id}/below/new", {"name": "第一社区"})
    assert made.status_code == 303
    fresh()
    assert [one.name for one in queries.children(town.region_id)] == ["第一社区"]


def test_a_page_of_units_costs_at_most_eight_statements(app, town, manager):
    imported(manager, town)
    fresh()
    unit = queries.unit_by_label(town.community_id, "3-2-501")
    from sqlalchemy import event

    for path in ("units", f"units/{unit.id}", "people", "imports", "mandates"):
        seen: list[str] = []

        def note(_c, _cursor, statement, *_rest, seen=seen):
            if not statement.startswith(("SET LOCAL", "ROLLBACK", "BEGIN", "COMMIT")):
                seen.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            manager.get(at(town, path))
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        assert len(seen) <= 8, (path, len(seen), seen)

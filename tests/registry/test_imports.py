"""A roster from upload to the roll."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from app.kernel.db import db
from app.kernel.errors import Conflict
from app.kernel.outbox import OutboxEvent
from app.registry import queries, service
from app.registry.imports import apply, preview
from tests.registry.rolls import THREE, digest, owners
from tests.registry.sheets import (
    HEADINGS,
    applied,
    counts,
    preview_of,
    rows_of,
    sentences,
    workbook,
)


def test_three_ways_to_write_a_building_become_one(town):
    made = preview_of(town, workbook(THREE, title="示范里业主名册"))
    assert counts(made) == (3, 0, 0, 0)
    assert made.mapping["header_row"] == 2
    assert queries.counts(town.community_id).unit_count == 0  # a preview touches nothing
    apply.apply_roster(town.community_id, made.id)
    assert [b.code for b in queries.buildings(town.community_id)] == ["3"]
    unit = queries.unit_by_label(town.community_id, "3-2-501")
    assert (unit.area_m2, unit.kind, unit.status) == (Decimal("88.47"), "residential", "occupied")
    assert owners(town, "3-2-501") == [("张三", "1/1", "8000")]
    assert owners(town, "3-2-502") == [("李四", "1/2", "9001"), ("王五", "1/2", "9002")]
    assert queries.unit_by_label(town.community_id, "3-门面1").area_m2 == Decimal("120.50")
    company = queries.search_people(town.community_id, "示范置业")[0]
    assert company.kind == "company"


def test_ownership_begins_on_the_imports_day_unless_the_file_says(town):
    content = workbook(
        [["1", "", "101", 50, "甲", date(2010, 5, 6)], ["1", "", "102", 50, "乙", None]],
        ["楼栋", "单元", "房号", "面积", "业主", "产权起始"],
    )
    applied(town, content)
    found = [
        queries.ownership_history(
            town.community_id, queries.unit_by_label(town.community_id, label).id
        )[0].starts_on
        for label in ("1-101", "1-102")
    ]
    assert found == [date(2010, 5, 6), date(2025, 1, 1)]


def test_every_new_unit_gets_a_binding_code_of_its_own(town):
    applied(town, workbook([["1", "", str(n), 50, "", ""] for n in range(101, 201)]))
    codes = db.session.execute(
        text("SELECT binding_code FROM unit WHERE community_id = :c"), {"c": town.community_id}
    ).scalars()
    found = list(codes)
    assert len(set(found)) == 100
    assert all(len(code) == 8 and not set(code) & set("01IO") for code in found)


def test_the_same_file_again_changes_nothing(town):
    applied(town, workbook(THREE))
    before = digest(town)
    again = preview_of(town, workbook(THREE))
    assert counts(again) == (0, 0, 3, 0)
    apply.apply_roster(town.community_id, again.id)
    assert digest(town) == before


def test_changes_are_shown_with_what_was_there_before(town):
    applied(town, workbook(THREE))
    made = preview_of(
        town, workbook([["3", "2", "501", "90.00", "张三", "13800138111"]]), day=date(2026, 1, 1)
    )
    assert counts(made) == (0, 1, 0, 0)
    [row] = rows_of(made, "changed")
    assert row.before["facts"]["area"] == "88.47"
    assert row.before["owners"][0]["tail"] == "8000"
    assert made.mapping["missing_units"] == 2
    apply.apply_roster(town.community_id, made.id)
    assert owners(town, "3-2-501") == [("张三", "1/1", "8111")]
    assert queries.unit_by_label(town.community_id, "3-2-501").area_m2 == Decimal("90.00")
    assert queries.counts(town.community_id).unit_count == 3  # missing ones are never deleted


def test_a_blank_cell_leaves_what_is_known(town):
    applied(town, workbook(THREE))
    made = preview_of(town, workbook([["3", "2", "501", None, None, None]]))
    assert counts(made) == (0, 0, 1, 0)


def test_another_owner_in_the_file_is_a_transfer_on_the_imports_day(town):
    applied(town, workbook(THREE))
    made = preview_of(town, workbook([["3", "2", "501", 88.47, "赵六", ""]]), day=date(2026, 3, 16))
    apply.apply_roster(town.community_id, made.id)
    unit = queries.unit_by_label(town.community_id, "3-2-501")
    history = [
        (o.name, o.starts_on, o.ends_on)
        for o in queries.ownership_history(town.community_id, unit.id)
    ]
    assert history == [
        ("赵六", date(2026, 3, 16), None),
        ("张三", date(2025, 1, 1), date(2026, 3, 16)),
    ]
    db.session.flush()
    [told] = db.session.scalars(
        select(OutboxEvent).where(
            OutboxEvent.community_id == town.community_id,
            OutboxEvent.topic == "unit:transferred",
        )
    )
    assert told.payload["unit_id"] == unit.id
    assert told.payload["on"] == "2026-03-16"
    assert len(told.payload["from"]) == len(told.payload["to"]) == 1


def test_a_co_owner_who_keeps_the_same_part_stays(town):
    applied(town, workbook(THREE))
    unit = queries.unit_by_label(town.community_id, "3-2-502")
    kept = {o.name: o.id for o in queries.ownership_history(town.community_id, unit.id)}["李四"]
    made = preview_of(
        town, workbook([["3", "2", "502", None, "李四、赵六", ""]]), day=date(2026, 3, 16)
    )
    apply.apply_roster(town.community_id, made.id)
    now = {o.name: o for o in queries.owners_of(town.community_id, unit.id, date(2026, 4, 1))}
    assert set(now) == {"李四", "赵六"}
    assert now["李四"].id == kept


def test_a_transfer_before_the_owner_began_is_refused_with_the_day(town):
    applied(town, workbook(THREE))
    made = preview_of(town, workbook([["3", "2", "501", 88.47, "赵六", ""]]))
    assert "2025-01-01" in sentences(made)[2][0]


def test_one_person_of_several_units_is_one_person(town):
    rows = [["1", "", str(room), 50, "张三", "13800138000"] for room in range(1, 6)]
    rows.append(["1", "", "6", 50, "张三", ""])  # nothing says that this is the same one
    applied(town, workbook(rows))
    assert sorted(p.unit_count for p in queries.search_people(town.community_id, "张三")) == [1, 5]


def test_a_person_with_phone_here_and_identity_there_is_one(town):
    headings = (*HEADINGS, "身份证号")
    rows = [
        ["1", "", "1", 50, "张三", "13800138000", ""],
        ["1", "", "2", 50, "张三", "13800138000", "11010519491231002X"],
        ["1", "", "3", 50, "张三", "", "11010519491231002X"],
    ]
    applied(town, workbook(rows, headings))
    [person] = queries.search_people(town.community_id, "张三")
    assert person.unit_count == 3
    opened = queries.person(town.community_id, person.id)
    assert (opened.phone, opened.id_number) == ("13800138000", "11010519491231002X")


def test_known_people_are_found_again(town):
    known = service.add_person(town.community_id, "张三", phone="13800138000")
    applied(town, workbook(THREE))
    unit = queries.unit_by_label(town.community_id, "3-2-501")
    [owner] = queries.owners_of(town.community_id, unit.id, date(2026, 1, 1))
    assert owner.person_id == known.id


def test_contradictions_name_their_rows(town):
    headings = (*HEADINGS, "身份证号")
    identity = "11010519491231002X"
    rows = [
        ["1", "", "1", 50, "张三", "", identity],
        ["1", "", "2", 50, "张山", "", identity],
        ["1", "", "3", 50, "李四", "13800138000", "E12345678"],
        ["1", "", "4", 50, "李四", "13800138000", "E87654321"],
        ["1", "", "5", 50, "王五", "13800138001", "E11111111"],
        ["1", "", "6", 50, "王五", "13800138002", "E11111111"],
        ["1", "", "7", None, "赵六", "", ""],
        ["1", "", "8", 50, "钱七", "", ""],
    ]
    made = preview_of(town, workbook(rows, headings))
    found = sentences(made)
    assert set(found) == {2, 3, 4, 5, 6, 7, 8}
    assert "第 2、3 行" in found[2][0]
    assert "面积" in found[8][0]
    assert identity not in str(found)
    assert counts(made) == (1, 0, 0, 7)


def test_errors_are_left_out_only_by_choice(town):
    made = preview_of(town, workbook([*THREE, ["4", "", "1", "大", "张三", ""]]))
    assert counts(made) == (3, 0, 0, 1)
    with pytest.raises(Conflict):
        apply.apply_roster(town.community_id, made.id)
    apply.apply_roster(town.community_id, made.id, skip_errors=True)
    assert queries.counts(town.community_id).unit_count == 3


def test_an_identity_registered_under_another_name_is_an_error(town):
    service.add_person(town.community_id, "张三", id_number="11010519491231002X")
    made = preview_of(
        town,
        workbook([["1", "", "1", 50, "李四", "", "11010519491231002X"]], (*HEADINGS, "身份证号")),
    )
    assert counts(made) == (0, 0, 0, 1)


def test_several_rows_of_one_unit_are_its_co_owners(town):
    headings = (*HEADINGS, "产权比例")
    rows = [
        ["1", "", "1", 50, "甲", "", "2/3"],
        ["1", "", "2", 50, "丙", "", ""],
        ["1", "", "1", 50, "乙", "", "1/3"],
    ]
    made = applied(town, workbook(rows, headings))
    assert counts(made) == (2, 0, 0, 0)
    assert owners(town, "1-1") == [("甲", "2/3", None), ("乙", "1/3", None)]


def test_merged_cells_belong_to_every_row_they_cover(town):
    def merge(_book, page):
        page.merge_range(1, 0, 2, 0, "3栋")
        page.merge_range(1, 2, 2, 2, "501")
        page.merge_range(1, 3, 2, 3, 88.47)

    rows = [[None, "1", None, None, "甲", ""], [None, "1", None, None, "乙", ""]]
    made = applied(town, workbook(rows, then=merge))
    assert counts(made) == (1, 0, 0, 0)
    assert owners(town, "3-1-501") == [("甲", "1/2", None), ("乙", "1/2", None)]


def test_a_repeated_row_is_an_error_of_the_whole_unit(town):
    row = ["1", "", "1", 50, "甲", ""]
    made = preview_of(town, workbook([row, ["1", "", "2", 50, "乙", ""], row]))
    assert counts(made) == (1, 0, 0, 2)
    assert "第 2 行重复" in sentences(made)[4][0]


def test_tenants_come_and_go_with_the_file(town):
    headings = (*HEADINGS, "租户", "租户电话")
    applied(town, workbook([["1", "", "1", 50, "甲", "", "租客", "13700137000"]], headings))
    unit = queries.unit_by_label(town.community_id, "1-1")
    made = preview_of(
        town,
        workbook([["1", "", "1", 50, "甲", "", "新客", ""]], headings),
        day=date(2026, 1, 1),
    )
    apply.apply_roster(town.community_id, made.id)
    found = [(o.name, o.ends_on) for o in queries.occupants_of(town.community_id, unit.id)]
    assert found == [("新客", None), ("租客", date(2026, 1, 1))]


def test_a_preview_that_no_longer_holds_is_refused_and_changes_nothing(town):
    applied(town, workbook(THREE))
    made = preview_of(town, workbook([["3", "2", "501", 99, "张三", "13800138000"]]))
    unit = queries.unit_by_label(town.community_id, "3-2-501")
    service.edit_unit(town.community_id, unit.id, area_m2=Decimal("77.00"))
    db.session.flush()
    before = digest(town)
    with pytest.raises(Conflict):
        apply.apply_roster(town.community_id, made.id)
    assert digest(town) == before


def test_an_import_is_applied_once(town):
    made = applied(town, workbook(THREE))
    with pytest.raises(Conflict):
        apply.apply_roster(town.community_id, made.id)
    with pytest.raises(Conflict):
        preview.read_file(town.community_id, made.id)


def test_personal_numbers_are_sealed_in_the_waiting_rows_too(town):
    made = preview_of(
        town,
        workbook(
            [
                ["1", "", "1", 50, "张三", "13800138000", "11010519491231002X"],
                ["1", "", "2", "大", "李四", "13800138999", "11010519491231002X"],
            ],
            (*HEADINGS, "身份证号"),
        ),
    )
    db.session.flush()
    waiting = str(
        db.session.execute(
            text(
                "SELECT values, before, errors FROM roster_import_row"
                " WHERE community_id = :c AND import_id = :i"
            ),
            {"c": town.community_id, "i": made.id},
        ).all()
    )
    for canary in ("13800138000", "11010519491231002X", "13800138999"):
        assert canary not in waiting


def test_a_file_is_gone_from_the_disk_once_it_is_applied(town):
    made = applied(town, workbook(THREE))
    with pytest.raises(Exception, match="清理"):
        preview.file_of(made)


def test_the_roll_survives_a_refusal_in_the_middle(town):
    """A roster that breaks a rule only the database knows leaves nothing behind."""
    made = preview_of(town, workbook(THREE))
    before = digest(town)
    unit_steps = apply.STEPS
    broken = (*unit_steps[:-2], "SELECT 1 / 0")
    try:
        apply.STEPS = broken
        with pytest.raises(Exception, match="zero"), db.session.begin_nested():
            apply.apply_roster(town.community_id, made.id)
    finally:
        apply.STEPS = unit_steps
    assert digest(town) == before

"""An import is undone as a whole, while nothing depends on it."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text

from app.kernel.db import db
from app.kernel.errors import Conflict
from app.registry import queries, service
from app.registry.imports import apply, undo
from app.registry.service import NewOwner
from tests.registry.rolls import THREE, digest
from tests.registry.sheets import (
    HEADINGS,
    applied,
    counts,
    preview_of,
    workbook,
)


def test_undo_of_new_units_leaves_no_trace(town):
    before = digest(town)
    made = applied(town, workbook(THREE))
    undo.undo_roster(town.community_id, made.id)
    assert digest(town) == before
    assert made.status == "undone"
    with pytest.raises(Conflict):
        undo.undo_roster(town.community_id, made.id)


def test_undo_of_changes_puts_everything_back(town):
    headings = (*HEADINGS, "租户", "备注", "状态", "产权起始")
    first = [
        ["3", "2", "501", 88.47, "张三", "13800138000", "租客", "旧", "已入住", ""],
        ["3", "2", "502", 90.5, "李四、王五", "", "", "", "", ""],
        ["3", "2", "503", 90.5, "赵六", "", "", "", "", ""],
    ]
    second = [
        ["3", "2", "501", 99, "买家", "13800138001", "新客", "新", "空置", "2026-02-01"],
        ["3", "2", "502", 90.5, "李四、王五", "13900139001、13900139002", "", "", "", ""],
        ["3", "2", "503", 90.5, "赵六", "", "", "", "已拆除", "2001-02-03"],
        ["4", "1", "101", 50, "李四", "13900139001", "", "", "", ""],
    ]
    applied(town, workbook(first, headings))
    before = digest(town)
    made = preview_of(town, workbook(second, headings), day=date(2026, 1, 1))
    assert counts(made) == (1, 3, 0, 0)
    apply.apply_roster(town.community_id, made.id)
    assert digest(town) != before
    closed = queries.unit_by_label(town.community_id, "3-2-503")
    assert closed.billable_until == date(2026, 1, 1)
    undo.undo_roster(town.community_id, made.id)
    assert digest(town) == before


def test_undo_is_refused_after_a_later_edit_and_names_the_unit(town):
    made = applied(town, workbook(THREE))
    unit = queries.unit_by_label(town.community_id, "3-2-501")
    buyer = service.add_person(town.community_id, "买方")
    service.transfer_unit(town.community_id, unit.id, [NewOwner(buyer.id)], date(2026, 1, 1))
    with pytest.raises(Conflict, match="3-2-501"):
        undo.undo_roster(town.community_id, made.id)


def test_undo_is_refused_when_other_rooms_wrote_about_a_unit(town):
    made = applied(town, workbook(THREE))
    unit = queries.unit_by_label(town.community_id, "3-2-501")
    account = db.session.execute(
        text(
            "INSERT INTO account (name, phone_digest, password_hash)"
            " VALUES ('x', sha256(gen_random_uuid()::text::bytea), 'x') RETURNING id"
        )
    ).scalar_one()
    db.session.execute(
        text("INSERT INTO unit_binding (community_id, account_id, unit_id) VALUES (:c, :a, :u)"),
        {"c": town.community_id, "a": account, "u": unit.id},
    )
    with pytest.raises(Conflict, match=r"住户账号绑定.*3-2-501"):
        undo.undo_roster(town.community_id, made.id)


def test_undo_is_refused_when_imported_people_own_something_else(town):
    made = applied(town, workbook(THREE))
    other = town.add_unit("9-9")
    person = queries.search_people(town.community_id, "张三")[0]
    service.add_owner(town.community_id, other.id, person.id, date(2026, 1, 1))
    with pytest.raises(Conflict, match="9-9"):
        undo.undo_roster(town.community_id, made.id)


def test_undo_is_refused_when_an_imported_building_has_grown(town):
    made = applied(town, workbook(THREE))
    building = queries.buildings(town.community_id)[0]
    service.add_unit(town.community_id, building.id, "X", Decimal("1"))
    with pytest.raises(Conflict, match="楼栋"):
        undo.undo_roster(town.community_id, made.id)


def test_a_later_import_of_the_same_units_is_undone_first(town):
    first = applied(town, workbook(THREE))
    second = preview_of(town, workbook([["3", "2", "501", 99, "张三", ""]]), day=date(2026, 1, 1))
    apply.apply_roster(town.community_id, second.id)
    with pytest.raises(Conflict):
        undo.undo_roster(town.community_id, first.id)
    undo.undo_roster(town.community_id, second.id)
    undo.undo_roster(town.community_id, first.id)
    assert queries.counts(town.community_id).unit_count == 0

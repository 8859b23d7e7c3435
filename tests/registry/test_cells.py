"""Cells, headings and rows as people write them."""

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.tables.sheets import letter
from app.registry.imports import cells, columns
from app.registry.imports.refusals import BadCell


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("3栋", "3"), ("3号楼", "3"), ("三号楼", "3"), ("３ 幢", "3"), ("十二栋", "12"),
        ("二十三幢", "23"), ("A座", "A"), ("12a栋", "12A"), ("东区3栋", "东区3"), (3.0, "3"),
        ("门面房", "门面房"), ("5#", "5"), ("第5栋", "5"), ("楼", "楼"),
    ],
)  # fmt: skip
def test_buildings(raw, code):
    assert cells.building_of(raw) == code


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ("3-2-501", ("3", "2", "501")), ("3栋2单元501室", ("3", "2", "501")),
        ("3幢501", ("3", "", "501")), ("5#-2-301", ("5", "2", "301")), ("501", None),
        ("东区3栋1门502", ("东区3", "1", "502")), ("３－２－５０１", ("3", "2", "501")),
    ],
)  # fmt: skip
def test_whole_labels(raw, place):
    assert cells.whole_label(raw) == place


@pytest.mark.parametrize(
    ("raw", "area"),
    [
        ("88.47㎡", "88.47"), ("８８.４７", "88.47"), ("88.47平方米", "88.47"), (88.47, "88.47"),
        (88.47000000000001, "88.47"), ("1,088.5 m²", "1088.50"), (90, "90.00"), ("0", "0.00"),
    ],
)  # fmt: skip
def test_areas(raw, area):
    assert cells.area_of(raw) == Decimal(area)


@pytest.mark.parametrize(
    "raw",
    ["大", "-5", "88.475", 88.475, "1e9", "nan", "inf", float("nan"), 1e300, "1e999999", "9" * 400],
)
def test_wrong_areas_say_what_to_do(raw):
    with pytest.raises(BadCell) as bad:
        cells.area_of(raw)
    assert bad.value.message % bad.value.params


@pytest.mark.parametrize(
    ("raw", "share"),
    [("1/2", (1, 2)), ("50%", (1, 2)), (0.5, (1, 2)), ("1", (1, 1)), ("2/4", (1, 2)),
     ("33.33%", (3333, 10000)), ("0.3333333333", (1, 3))],
)  # fmt: skip
def test_shares(raw, share):
    [found] = cells.shares_of(raw)
    assert found.fraction == Fraction(*share)


@pytest.mark.parametrize("raw", ["0", "3/2", "1/0", "-1/2", "abc", "1e999999999", date(2024, 1, 2)])
def test_wrong_shares(raw):
    with pytest.raises(BadCell):
        cells.shares_of(raw)


@pytest.mark.parametrize(
    "raw",
    ["2024-03-01", "2024/3/1", "2024.3.1", "2024年3月1日", "20240301", 45352.0, "45352",
     datetime(2024, 3, 1, 12), date(2024, 3, 1), "2024-03-01 00:00:00"],
)  # fmt: skip
def test_dates(raw):
    assert cells.date_of(raw) == date(2024, 3, 1)


@pytest.mark.parametrize("raw", ["2024-02-30", "昨天", "1890-01-01", "99999999", 3.0])
def test_wrong_dates(raw):
    with pytest.raises(BadCell):
        cells.date_of(raw)


@pytest.mark.parametrize(
    ("raw", "phones"),
    [
        (13800138000.0, ["13800138000"]), ("138-0013-8000", ["13800138000"]),
        ("+86 13800138000", ["13800138000"]), ("13800138000.0", ["13800138000"]),
        ("１３８００１３８０００", ["13800138000"]), ("025-84212345", ["02584212345"]), ("无", []),
        ("13800138000/13900139000", ["13800138000", "13900139000"]),
        ("13800138000 13900139000", ["13800138000", "13900139000"]),
    ],
)  # fmt: skip
def test_phones(raw, phones):
    assert cells.phones_of(raw) == phones


@pytest.mark.parametrize("raw", ["1.38E+10", "12345", "电话138", "1380013800a"])
def test_wrong_phones_are_never_repeated_in_the_sentence(raw):
    with pytest.raises(BadCell) as bad:
        cells.phones_of(raw)
    assert bad.value.params == {}


def test_identity_numbers_that_became_figures_are_told_apart():
    with pytest.raises(BadCell, match="丢失"):
        cells.ids_of(1.10105194912310e17)
    assert cells.ids_of("11010519491231002x") == ["11010519491231002X"]


def test_names():
    assert cells.names_of("张 三、李四/王五，赵六") == ["张三", "李四", "王五", "赵六"]
    assert cells.names_of("John Smith") == ["John Smith"]
    assert cells.names_of("无") == []


@given(st.text(max_size=60) | st.floats() | st.integers() | st.none() | st.dates())
def test_no_cell_can_do_worse_than_be_refused(raw):
    for read in (
        cells.area_of, cells.floor_of, cells.kind_of, cells.status_of, cells.names_of,
        cells.phones_of, cells.ids_of, cells.shares_of, cells.date_of, cells.owner_kind_of,
        cells.building_of, cells.entrance_of, cells.room_of, cells.whole_label,
    ):  # fmt: skip
        try:
            read(raw)
        except BadCell as bad:
            assert bad.message % bad.params  # noqa: PT017


def test_headings_are_found_under_titles_in_either_language():
    rows = [["示范里业主名册", "", "", ""], ["制表：张三", "", "", ""],
            ["楼栋*", "房号", "建筑面积（㎡）", "业主 姓名"], ["3", "501", 88, "张三"]]  # fmt: skip
    header = columns.find_header(rows)
    assert (header.row_index, dict(header.columns)) == (
        2, {"building": 0, "room": 1, "area": 2, "owner": 3},
    )  # fmt: skip
    header = columns.find_header([["Building", "Room No.", "Area (m2)", "Owner", "Phone Number"]])
    assert header.missing == ()
    assert set(header.columns) == {"building", "room", "area", "owner", "phone"}


def test_headings_of_two_rows_are_read_together():
    rows = [["楼栋", "单元", "房号", "面积", "业主信息", ""], ["", "", "", "", "姓名", "手机"]]
    header = columns.find_header(rows)
    assert header.row_index == 1
    assert header.columns["owner"] == 4
    assert header.columns["building"] == 0


def test_the_registered_area_is_preferred():
    header = columns.find_header([["楼栋", "房号", "面积", "建筑面积"]])
    assert header.columns["area"] == 3


@pytest.mark.parametrize(("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ")])
def test_column_letters(index, letters):
    assert letter(index) == letters

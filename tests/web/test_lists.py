from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from flask import Flask

from app.web import sheets
from app.web.lists import Column
from tests.web.kitchen import LIST, rows


def page_at(app: Flask, query: str) -> Any:
    from app.kernel.db import db

    with app.test_request_context(f"/c/7/kitchen/list?{query}"):
        found = LIST.page(rows())
        db.session.rollback()
        return found


def numbers(app: Flask, query: str) -> list[int]:
    return [row.n for row in page_at(app, query).rows]


@pytest.fixture
def app(kitchen: Flask) -> Flask:
    return kitchen


def test_pages_do_not_overlap_and_miss_nothing(app: Flask) -> None:
    seen = [n for page in (1, 2, 3) for n in numbers(app, f"page={page}")]
    assert seen == list(range(1, 121))


def test_a_page_past_the_last_is_the_last(app: Flask) -> None:
    assert numbers(app, "page=99999999") == list(range(101, 121))
    assert numbers(app, "page=-3") == list(range(1, 51))


def test_only_columns_that_may_be_sorted_are(app: Flask) -> None:
    assert numbers(app, "sort=-n")[:2] == [120, 119]
    assert numbers(app, "sort=open_fen")[0] == 120
    assert numbers(app, "sort=area_m2; DROP TABLE unit")[:2] == [1, 2]
    assert numbers(app, "sort=area_m2")[:2] == [1, 2]


def test_filters_and_search_narrow_and_unknown_values_do_not(app: Flask) -> None:
    assert page_at(app, "status=vacant").total == 60
    assert page_at(app, "status=nonsense").total == 120
    assert numbers(app, "q=１７") == [17]
    assert page_at(app, "q=nobody").narrowed
    assert page_at(app, "q=%00").total == 120


def test_the_count_a_page_is_one_of_ours(app: Flask) -> None:
    assert len(numbers(app, "per_page=25")) == 25
    assert len(numbers(app, "per_page=100000")) == 50


def test_addresses_keep_what_was_asked(app: Flask) -> None:
    with app.test_request_context("/c/7/kitchen/list?status=vacant&page=2&lang=en"):
        page = LIST.page(rows())
        assert page.url(page=1) == "/c/7/kitchen/list?status=vacant&page=1"
        n = page.columns[0]
        assert page.sorted_by(n) == "ascending"
        assert page.sort_url(n) == "/c/7/kitchen/list?status=vacant&sort=-n"


def test_the_pager_shows_ends_and_neighbours(app: Flask) -> None:
    page = page_at(app, "per_page=25&page=3")
    assert page.around() == [1, 2, 3, 4, 5]
    page.total = 25 * 20
    assert page.around() == [1, 2, 3, 4, 5, None, 20]


def test_a_sheet_has_every_matching_row_and_exact_money(visit: Any) -> None:
    answer = visit.client.get("/c/7/kitchen/list?status=vacant&format=xlsx&page=2&sort=-n")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=kitchen-")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert sheet is not None
    cells = list(sheet.iter_rows(values_only=True))
    assert cells[0] == ("序号", "房号", "欠费（元）", "面积（m²）", "状态")
    assert cells[1] == (120, "3-2-120", 14814.0, 88.47, "空置")
    assert len(cells) == 61
    assert sheet["C2"].number_format.startswith("#,##0.00")


def test_a_sheet_speaks_the_readers_language(visit: Any) -> None:
    answer = visit.client.get("/c/7/kitchen/list?format=csv&lang=en")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert "(yuan)" in answer.get_data(as_text=True)


NASTY = ["=1+1", "+86 138", "-2", "@SUM(A1)", "\tx", "ordinary", "张三"]


def of_text(values: list[Any]) -> list[SimpleNamespace]:
    return [SimpleNamespace(x=value) for value in values]


def test_csv_cells_are_never_formulas(house: Flask) -> None:
    file = io.BytesIO()
    sheets.write_csv(file, [Column("x", "x")], of_text(NASTY))
    assert file.getvalue().startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"))))
    assert [row[0] for row in read[1:]] == [
        "'=1+1",
        "'+86 138",
        "'-2",
        "'@SUM(A1)",
        "'\tx",
        "ordinary",
        "张三",
    ]


def test_xlsx_cells_are_never_formulas(house: Flask) -> None:
    file = io.BytesIO()
    sheets.write_xlsx(file, [Column("x", "x")], of_text(NASTY))
    sheet = openpyxl.load_workbook(file).active
    assert sheet is not None
    for line, value in enumerate(NASTY, start=2):
        cell = sheet.cell(line, 1)
        assert cell.data_type == "s"
        assert cell.value == value
        assert cell.quotePrefix is (value[0] in "=+-@\t")


def test_sheets_write_dates_instants_and_gaps(house: Flask) -> None:
    file = io.BytesIO()
    columns = [Column("d", "d", kind="date"), Column("t", "t"), Column("m", "m", kind="money")]
    row = SimpleNamespace(d=date(2026, 3, 5), t=datetime(2026, 3, 4, 17, tzinfo=UTC), m=None)
    sheets.write_xlsx(file, columns, [row])
    sheet = openpyxl.load_workbook(file).active
    assert sheet is not None
    assert sheet["A2"].value == datetime(2026, 3, 5)
    assert sheet["B2"].value == datetime(2026, 3, 5, 1)
    assert sheet["C2"].value is None


def test_negative_money_stays_a_number_in_csv(house: Flask) -> None:
    file = io.BytesIO()
    sheets.write_csv(file, [Column("x", "x", kind="money")], of_text([-450]))
    assert file.getvalue().decode("utf-8-sig").splitlines()[1] == "-4.50"
    assert sheets.value_of(SimpleNamespace(x=-450), Column("x", "x", kind="money")) == Decimal(
        "-4.50"
    )


def test_an_empty_list_makes_an_empty_sheet_with_headings(house: Flask) -> None:
    file = io.BytesIO()
    sheets.write_xlsx(file, [Column("x", "房号")], [])
    sheet = openpyxl.load_workbook(file).active
    assert sheet is not None
    assert [cell.value for cell in sheet[1]] == ["房号"]

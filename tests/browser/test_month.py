"""The manager's month and the resident's bill, from an empty community to the phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.kernel.db import db
from app.kernel.tenancy import scoped
from app.registry.models import Unit
from tests.browser.conftest import assert_accessible, assert_fits, picture
from tests.builders import Town, found_town
from tests.people import browser_cookie

HOMES = (  # building, entrance, room, area, owner, phone
    ("1", "1", "101", 65.34, "张建国", "13900000101"),
    ("1", "1", "102", 88.88, "李秀英", "13900000102"),
    ("1", "1", "201", 65.34, "王芳", "13900000103"),
)
# 1.10 × 65.34 = 71.874 → 71.87; less 0.75 × 65.34 = 49.005 → 49.01: 22.86
# 1.10 × 88.88 = 97.768 → 97.77; less 0.75 × 88.88 = 66.66: 31.11
TOTAL, MINE = "¥76.83", "22.86"


@pytest.fixture(scope="module")
def taken_over(app: Flask) -> Town:
    """A community that a company has just taken over: no roll, no price, no agreement."""
    with app.app_context():
        return found_town(
            entered_on=date(2026, 1, 1),
            year_built=1996,
            year_renovated=2025,
            service_phone="0510-80000000",
        )


def test_a_manager_issues_the_first_month_and_a_resident_reads_why(
    app: Flask, taken_over: Town, open_page: Callable[..., Page], address: str, tmp_path: Path
) -> None:
    town = taken_over
    manager = open_page(cookie=browser_cookie(app, "manager", town, url=address))
    here = f"/c/{town.community_id}"

    _bring_in_the_roll(manager, here, tmp_path)
    _set_the_fee(manager, here)
    _record_the_agreement(manager, here)

    manager.goto(f"{here}/runs/new")
    manager.locator("input[name=month]").fill("2026-03")
    _submit(manager)
    expect(manager.get_by_text(TOTAL).first).to_be_visible()
    picture(manager, "month-preview")
    assert_accessible(manager)
    run = manager.url

    manager.goto(f"{run}/confirm")
    expect(manager.get_by_text("必须由另一个人复核").first).to_be_visible()

    accountant = open_page(cookie=browser_cookie(app, "accountant", town, url=address))
    accountant.goto(f"{run}/confirm")
    assert_accessible(accountant)
    _submit(accountant)
    expect(accountant.get_by_text("已出账").first).to_be_visible()
    picture(accountant, "month-issued")

    accountant.goto(f"{here}/bills")
    expect(accountant.get_by_text("1-1-101").first).to_be_visible()
    picture(accountant, "month-bills")
    assert_accessible(accountant)

    _a_resident_reads(app, town, open_page, address, "zh", "您应付")
    _a_resident_reads(app, town, open_page, address, "en", "You pay")


def _a_resident_reads(
    app: Flask, town: Town, open_page: Callable[..., Page], address: str, language: str, words: str
) -> None:
    with app.app_context(), scoped([town.community_id]):
        unit = db.session.scalars(
            select(Unit).where(Unit.community_id == town.community_id, Unit.label == "1-1-101")
        ).one()
    cookie = browser_cookie(app, "resident", town, unit=unit, url=address)
    phone = open_page(cookie=cookie, phone=True)
    phone.goto(f"/c/{town.community_id}/my")
    if language == "en":
        phone.get_by_role("button", name="English").click()
    expect(phone.get_by_text(MINE).first).to_be_visible()
    assert_fits(phone)
    assert_accessible(phone)
    picture(phone, f"my-{language}")

    phone.locator(f"a[href*='/c/{town.community_id}/my/bills/']").first.click()
    expect(phone.get_by_text("65.34").first).to_be_visible()
    expect(phone.get_by_text("49.01").first).to_be_visible()
    expect(phone.get_by_text(words).first).to_be_visible()
    assert_fits(phone)
    assert_accessible(phone)
    picture(phone, f"my-bill-{language}")


def _bring_in_the_roll(page: Page, here: str, folder: Path) -> None:
    roster = folder / "名册.xlsx"
    roster.write_bytes(_roster())
    page.goto(f"{here}/imports/new")
    page.locator("input[type=file]").set_input_files(str(roster))
    _submit(page)
    expect(page.get_by_role("heading", name="写入 3 户？")).to_be_visible()
    picture(page, "month-import-preview")
    assert_accessible(page)
    _submit(page)
    page.goto(f"{here}/units")
    expect(page.get_by_text("1-1-201").first).to_be_visible()


def _set_the_fee(page: Page, here: str) -> None:
    page.goto(f"{here}/tariffs/starter")
    for offer in ("shop_fee", "parking", "lighting"):
        page.locator(f"#f-chosen-{offer}").uncheck()
    page.locator("input[name=price_fee]").fill("1.10")
    page.locator("input[name=starts_on]").fill("2026-01-01")
    page.locator("input[name=document_no]").fill("物业服务合同 2026-1")
    _submit(page)
    expect(page.get_by_text("1.10").first).to_be_visible()


def _record_the_agreement(page: Page, here: str) -> None:
    page.goto(f"{here}/subsidy/new")
    page.locator("input[name=agreement_no]").fill("街补〔2026〕1 号")
    page.locator("input[name=entered_on]").fill("2026-01-01")
    page.locator("input[name=rate_1]").fill("0.75")
    page.locator("main form button[type=submit]:not([name=look])").last.click()
    # three years from the day itself: through 31 December 2028
    expect(page.get_by_text("2028").first).to_be_visible()
    picture(page, "month-subsidy")
    assert_accessible(page)


def _submit(page: Page) -> None:
    page.locator("main form[method=post] button[type=submit]").last.click()
    page.wait_for_load_state()


def _roster() -> bytes:
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.merge_range(0, 0, 0, 5, "示范里业主名册")
        sheet.write_row(1, 0, ("楼栋", "单元", "房号", "建筑面积", "业主", "手机号"))
        for number, home in enumerate(HOMES, start=2):
            sheet.write_row(number, 0, home)
    return buffer.getvalue()

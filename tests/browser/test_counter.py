"""The cashier takes cash, prints the receipt and closes the shift; a resident sees the receipt."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from playwright.sync_api import expect

from tests.billing.bills import Charge, Counter
from tests.browser.conftest import assert_accessible, assert_fits, picture
from tests.builders import Town
from tests.people import browser_cookie

pytestmark = pytest.mark.browser


@pytest.fixture
def home(town: Town):
    """A home with three open bills, of which the street pays a part."""
    unit = town.add_unit("3-501")
    owner = town.add_owner(unit, "李桂兰")
    counter = Counter(town)
    for month in ("2026-01", "2026-02", "2026-03"):
        counter.issue(unit, month, Charge(9200, 3200), payer=owner)
    return unit


def look(page, name: str) -> None:
    """What every page of the counter must be: whole, and readable by all."""
    assert_fits(page)
    assert_accessible(page)
    picture(page, name)


def test_the_cashier_takes_cash_and_closes_the_shift(app: Flask, town: Town, home, open_page):
    """180.00 due, 200.00 given, 20.00 back; the till holds 300.00 + 180.00."""
    page = open_page(cookie=browser_cookie(app, "cashier", town, url="http://127.0.0.1"))
    base = f"/c/{town.community_id}"
    page.goto(f"{base}/counter")
    page.get_by_role("link", name="开班").click()
    page.get_by_label("备用金").fill("300")
    look(page, "counter-open-shift")
    page.get_by_role("button", name="开班").click()
    page.get_by_label("房号、姓名").fill("李桂兰")
    page.get_by_role("button", name="查找").click()
    expect(page.get_by_label("收款金额")).to_have_value("180.00")
    page.get_by_role("checkbox").first.uncheck()
    expect(page.get_by_label("收款金额")).to_have_value("120.00")
    page.get_by_role("checkbox").first.check()
    page.get_by_label("实收现金").fill("200")
    expect(page.locator("[data-change-due]")).to_have_text("找零 ¥20.00")
    look(page, "counter-take")
    page.get_by_role("button", name="确认收款").click()
    expect(page.locator(".stat", has_text="找零")).to_contain_text("¥20.00")
    look(page, "counter-taken")
    page.get_by_role("link", name="查看收据").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("W20")
    look(page, "receipt")
    page.goto(f"{base}/counter")
    look(page, "counter")
    page.get_by_role("link", name="交班").click()
    page.get_by_label("清点现金").fill("479")
    page.get_by_role("button", name="交班").click()
    expect(page.get_by_role("alert")).to_contain_text("-1.00")
    look(page, "counter-close-refused")
    page.get_by_label("清点现金").fill("")
    page.get_by_label("¥100.00").fill("4")
    page.get_by_label("¥20.00").fill("4")
    page.get_by_role("button", name="交班").click()
    expect(page.get_by_text("已交班，账实相符。")).to_be_visible()
    look(page, "shift-closed")
    page.goto(f"{base}/shifts")
    look(page, "shifts")
    page.goto(f"{base}/receipts")
    look(page, "receipts")


def test_the_counter_in_english_and_on_a_phone(app, town: Town, home, open_page):
    cookie = browser_cookie(app, "manager", town, url="http://127.0.0.1")
    page = open_page(cookie=cookie, language="en")
    base = f"/c/{town.community_id}"
    page.goto(f"{base}/shifts/open")
    page.get_by_text("English").click()
    page.get_by_role("button", name="Open shift").click()
    page.goto(f"{base}/counter/units/{home.id}")
    look(page, "counter-take-en")
    page.get_by_label("Card terminal").check()
    page.get_by_role("button", name="Take the payment").click()
    expect(page.get_by_role("alert").first).to_contain_text("slip")
    look(page, "counter-take-refused-en")
    page.get_by_label("Slip no.").fill("004417")
    page.get_by_role("button", name="Take the payment").click()
    page.get_by_role("link", name="See the receipt").click()
    look(page, "receipt-en")
    page.goto(f"{base}/counter")
    look(page, "counter-en")
    code = re.search(r"\d+-\w{4}-\w{4}-\w{4}", page.goto(_receipt(page, base)).text())[0]
    phone = open_page(phone=True, language="en")
    phone.goto(f"/receipts/check/{code}")
    look(phone, "receipt-check-en-phone")


def _receipt(page, base: str) -> str:
    return page.locator(f'a[href^="{base}/receipts/"]').first.get_attribute("href")


def test_a_resident_asks_for_a_fapiao_on_a_phone(app: Flask, town: Town, home, open_page):
    from datetime import date

    from app.billing.bills import service
    from app.kernel.db import db

    service.settle(
        town.community_id,
        home.id,
        20000,
        received_on=date(2026, 4, 2),
        means="cash",
        source="counter:1",
    )
    db.session.commit()
    cookie = browser_cookie(app, "resident", town, url="http://127.0.0.1", unit=home)
    page = open_page(cookie=cookie, phone=True)
    page.goto(f"/c/{town.community_id}/my/receipts")
    look(page, "my-receipts-phone")
    page.locator(".bill-rows a").first.click()
    look(page, "my-receipt-phone")
    page.get_by_role("link", name="申请发票").click()
    look(page, "ask-fapiao-phone")
    page.get_by_role("button", name="提交申请").click()
    expect(page.get_by_text("待开")).to_be_visible()

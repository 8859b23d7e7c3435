"""The frame and the desk in a real browser: both languages, both sizes, large type, no script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from tests.browser.conftest import assert_accessible, assert_fits, picture
from tests.builders import Town
from tests.people import browser_cookie

pytestmark = pytest.mark.browser
Opened = Callable[..., Page]


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_strangers_pages(open_page: Opened, language: str, phone: bool) -> None:
    page = open_page(phone=phone, language=language)
    for path in ("/", "/help", "/help/resident", "/bind", "/password-reset", "/nothing-here"):
        page.goto(path)
        assert_accessible(page)
        assert_fits(page)


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_the_desk(app: Flask, town: Town, address: str, open_page: Opened, phone: bool) -> None:
    cookie = browser_cookie(app, "manager", town, url=address)
    page = open_page(cookie=cookie, phone=phone)
    c = f"/c/{town.community_id}"
    for path in ("/communities", f"{c}/", f"{c}/start", f"/o/{town.organization_id}/"):
        page.goto(path)
        assert_accessible(page)
        assert_fits(page)
    picture(page, f"company-{'phone' if phone else 'desk'}")


def test_switches_keep_language_and_large_type(
    app: Flask, town: Town, address: str, open_page: Opened
) -> None:
    page = open_page(cookie=browser_cookie(app, "manager", town, url=address))
    page.goto(f"/c/{town.community_id}/start")
    page.get_by_role("button", name="English").click()
    assert page.url.endswith("/start")
    assert page.get_by_role("heading", level=1).inner_text() == "Getting started"
    page.get_by_role("button", name="Large type").click()
    size = page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
    assert size == pytest.approx(16 * 1.35)
    assert_accessible(page)
    assert_fits(page)


def test_the_menu_opens_on_a_phone_without_script(
    app: Flask, town: Town, address: str, browser: Any
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=False, base_url=address
    )
    context.add_cookies([browser_cookie(app, "manager", town, url=address)])
    page = context.new_page()
    page.goto(f"/c/{town.community_id}/?lang=zh_Hans_CN")
    menu = page.locator("#menu")
    assert not menu.is_visible()
    page.get_by_role("link", name="菜单", exact=True).click()
    assert menu.is_visible()
    menu.get_by_role("link", name="开始使用").click()
    assert page.get_by_role("heading", level=1).inner_text() == "开始使用"
    context.close()


def test_nothing_is_refused_by_the_content_policy(
    app: Flask, town: Town, address: str, open_page: Opened
) -> None:
    page = open_page(cookie=browser_cookie(app, "manager", town, url=address))
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if said.type == "error" else None)
    for path in ("/communities", f"/c/{town.community_id}/"):
        page.goto(path, wait_until="networkidle")
    assert refused == []

"""A resident pays on a phone, in the sandbox, and sees it settled."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import text

from app.kernel.db import db
from app.kernel.tenancy import scoped
from app.payments import stripe_gateway
from app.payments.online import service
from app.payments.sandbox.desk import Desk
from app.payments.sandbox.server import at
from tests.billing.bills import Charge, Counter
from tests.browser.conftest import assert_accessible, assert_fits, picture
from tests.builders import Town, found_town
from tests.payments.online.conftest import run_waiting
from tests.people import browser_cookie

SECRET = "whsec_browser"
pytestmark = pytest.mark.browser


@pytest.fixture
def sandbox(app: Flask, address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The gateway's stub, telling the house's server what happens."""
    ear = socket.socket()
    ear.bind(("127.0.0.1", 0))
    ear.listen(64)
    desk = Desk()
    server = at(ear, desk, f"{address}/webhooks/stripe", SECRET)
    threading.Thread(target=server.serve, daemon=True).start()
    for name, value in (
        ("STRIPE_SECRET_KEY", "sk_test_browser"),
        ("STRIPE_WEBHOOK_SECRETS", (SECRET,)),
        ("STRIPE_API_BASE", desk.base),
        ("PUBLIC_URL", address),
    ):
        monkeypatch.setitem(app.config, name, value)
    stripe_gateway._client_of.cache_clear()
    yield desk
    server.stop()


@pytest.fixture
def home(app: Flask, sandbox: Desk) -> Iterator[Town]:
    """A home with two bills in a community that takes online payments, its worker running."""
    with app.app_context():
        town = found_town(service_phone="0510-80000000")
        unit = town.add_unit("1-101")
        town.add_owner(unit, "李秀英")
        with scoped([town.community_id]):
            counter = Counter(town)
            for month, fen in (("2026-09", 4560), ("2026-10", 4560)):
                counter.issue(unit, month, Charge(fen))
            service.begin_account(
                town.community_id, "service", f"acct_{secrets.token_hex(6)}", "安居物业服务有限公司"
            )
            db.session.commit()
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.3):
            with app.app_context():
                run_waiting([0, town.community_id])

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield town
    over.set()
    thread.join(timeout=10)


def speak(app: Flask, language: str) -> None:
    """Let the newest account read this language."""
    with app.app_context():
        db.session.execute(
            text("UPDATE account SET language = :l WHERE id = (SELECT max(id) FROM account)"),
            {"l": language},
        )
        db.session.commit()


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_a_resident_pays_on_a_phone_and_sees_the_receipt(
    app: Flask,
    home: Town,
    open_page: Callable[..., Page],
    address: str,
    language: str,
) -> None:
    cookie = browser_cookie(app, "resident", home, url=address)
    page = open_page(cookie=cookie, phone=True, language=language)
    speak(app, language)
    page.goto(f"/c/{home.community_id}/my")
    picture(page, f"pay-home-{language}")
    page.locator(".due-button").click()
    expect(page.locator("[data-total-figure]")).to_have_text("¥91.20")
    assert_accessible(page)
    assert_fits(page)
    picture(page, f"pay-choose-{language}")
    page.locator("input[name=bills]").nth(1).uncheck()
    expect(page.locator("[data-total-figure]")).to_have_text("¥45.60")
    page.locator(".pay-next").click()
    assert_fits(page)
    assert_accessible(page)
    picture(page, f"pay-check-{language}")
    page.locator("a.button-primary").click()
    expect(page.get_by_text("SANDBOX")).to_be_visible()
    assert_fits(page)
    picture(page, f"pay-checkout-{language}")
    page.locator("button[value=decline]").click()
    expect(page.locator(".no")).to_be_visible()
    page.locator("button[value=alipay]").click()
    expect(page.locator(".pay-settled")).to_be_visible(timeout=20_000)
    assert_accessible(page)
    assert_fits(page)
    picture(page, f"pay-settled-{language}")
    page.goto(f"/c/{home.community_id}/my/payments")
    assert_fits(page)
    picture(page, f"pay-list-{language}")
    page.goto(f"/c/{home.community_id}/my/pay")
    expect(page.locator("input[name=bills]")).to_have_count(1)


def test_a_checkout_that_was_left_can_be_continued_or_given_up(
    app: Flask, home: Town, open_page: Callable[..., Page], address: str
) -> None:
    page = open_page(cookie=browser_cookie(app, "resident", home, url=address), phone=True)
    page.goto(f"/c/{home.community_id}/my/pay")
    page.locator(".pay-next").click()
    page.locator("a.button-primary").click()
    page.locator("button[value=abandon]").click()
    expect(page.get_by_text("没有扣款")).to_be_visible()
    page.goto(f"/c/{home.community_id}/my/pay")
    expect(page.locator("input[name=bills]").first).to_be_disabled()
    picture(page, "pay-under-way")
    page.get_by_role("link", name="继续或放弃那一笔").first.click()
    page.get_by_role("button", name="放弃").click()
    expect(page.locator("input[name=bills]").first).to_be_enabled()


def test_staff_see_what_came_online(
    app: Flask, home: Town, sandbox: Desk, open_page: Callable[..., Page], address: str
) -> None:
    payer = open_page(cookie=browser_cookie(app, "resident", home, url=address), phone=True)
    payer.goto(f"/c/{home.community_id}/my/pay")
    payer.locator(".pay-next").click()
    payer.locator("a.button-primary").click()
    payer.locator("button[value=card]").click()
    expect(payer.locator(".pay-settled")).to_be_visible(timeout=20_000)
    here = f"/c/{home.community_id}/online-payments"
    for language, phone in (("zh_Hans_CN", False), ("en", False), ("zh_Hans_CN", True)):
        staff = open_page(cookie=browser_cookie(app, "accountant", home, url=address), phone=phone)
        speak(app, language)
        name = f"{'phone' if phone else 'desk'}-{language}"
        staff.goto(here)
        assert_fits(staff)
        assert_accessible(staff)
        picture(staff, f"online-list-{name}")
        staff.locator("tbody a").first.click()
        assert_fits(staff)
        assert_accessible(staff)
        picture(staff, f"online-payment-{name}")
        staff.goto(f"{staff.url}/refund")
        picture(staff, f"online-refund-{name}")
        staff.goto(f"{here}/settings")
        assert_fits(staff)
        assert_accessible(staff)
        picture(staff, f"online-settings-{name}")
        staff.context.close()

"""The accountant's books in a real browser: every page fits, is accessible, in both languages."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from app.kernel import queue
from app.kernel.db import transaction
from app.kernel.period import Month
from app.ledger import invariants, service
from app.ledger.chart import BANK, FEE_INCOME, RECEIVABLE, SUBSIDY_RECEIVABLE
from tests.browser.conftest import assert_accessible, assert_fits, picture
from tests.ledger.books import post
from tests.people import browser_cookie
from tests.servers import DATABASE

pytestmark = pytest.mark.browser


@pytest.fixture
def books(town, monkeypatch):
    """A street of 130 homes: three months of bills, many payments, one reversal, one closing."""
    # Entries without bills: what billing checks is not for these books.
    monkeypatch.setattr(invariants, "INVARIANTS", list(invariants.LEDGER))
    c = town.community_id
    units = [town.add_unit(f"{1 + n // 40}-{101 + n % 40}").id for n in range(130)]
    for number, month in enumerate(("2026-07", "2026-08", "2026-09")):
        lines = [(RECEIVABLE, 6_000 + 10 * n, unit) for n, unit in enumerate(units)]
        resident = sum(line[1] for line in lines)
        post(c, month, *lines, (SUBSIDY_RECEIVABLE, 390_000), (FEE_INCOME, -resident - 390_000),
             kind="bill_run:issued", source=str(number + 1), memo=f"{month} 账单",
             posted_on=date(2026, 7 + number, 1))  # fmt: skip
        for n, unit in enumerate(units[:40]):
            post(c, month, (BANK, 6_000 + 10 * n), (RECEIVABLE, -6_000 - 10 * n, unit),
                 kind="settlement:received", source=f"counter:{number}-{n}",
                 posted_on=date(2026, 7 + number, 2 + n % 25))  # fmt: skip
    with transaction():
        service.reverse(c, 50, reason="支票退票，银行回单 20260812")
        service.close_month(c, "service", Month(2026, 7))
        task_id = queue.enqueue("ledger:check", c).id
    queue.run(c, task_id)
    return town


PAGES = {
    "overview": "",
    "months": "/service",
    "trial": "/service/trial-balance?month=2026-08",
    "account": "/service/accounts/1122?start=2026-08",
    "entries": "/service/entries",
    "entries-none": "/service/entries?q=nothing-like-it",
    "entry": "/service/entries/42",
    "reversal": "/service/entries/50",
    "close": "/service/close",
    "checks": "/checks",
    "empty-book": "/fund",
}


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_the_books_fit_and_are_accessible(app, address, open_page, books, language, phone):
    cookie = browser_cookie(app, "accountant", books, url=address)
    page = open_page(cookie=cookie, phone=phone, language=language)
    for name, path in PAGES.items():
        joint = "&" if "?" in path else "?"
        answer = page.goto(f"/c/{books.community_id}/ledger{path}{joint}lang={language[:2]}")
        assert answer.status == 200, name
        picture(page, f"books-{name}-{'phone' if phone else 'desk'}-{language[:2]}")
        assert_fits(page)
        assert_accessible(page)


def test_the_accountant_closes_august_without_a_script(app, address, browser, books):
    cookie = browser_cookie(app, "accountant", books, url=address)
    context = browser.new_context(base_url=address, java_script_enabled=False, locale="zh-CN")
    context.add_cookies([{"url": address, **cookie}])
    page = context.new_page()
    page.goto(f"/c/{books.community_id}/ledger/service")
    page.get_by_role("link", name="结账此月").first.click()
    assert page.get_by_role("heading", name="结账 2026年8月").is_visible()
    page.get_by_role("button", name="结账此月").click()
    assert page.get_by_text("2026年8月 已结账，不能再记入凭证。").is_visible()
    context.close()


def test_findings_are_shown_in_words(app, address, open_page, books, servers):
    url = servers.database_url("postgres", DATABASE).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(
            "UPDATE entry SET memo = memo || '.' WHERE community_id = %s AND id BETWEEN 20 AND 33",
            [books.community_id])  # fmt: skip
        superuser.execute(
            "UPDATE closing_balance SET balance_fen = balance_fen + 1 WHERE community_id = %s",
            [books.community_id])  # fmt: skip
    with transaction():
        task_id = queue.enqueue("ledger:check", books.community_id).id
    queue.run(books.community_id, task_id)
    with transaction():
        queue.enqueue("ledger:check", books.community_id)
    cookie = browser_cookie(app, "supervisor", books, url=address)
    for phone in (False, True):
        page = open_page(cookie=cookie, phone=phone)
        page.goto(f"/c/{books.community_id}/ledger/checks")
        assert page.get_by_text("凭证 20 或其封印在记账后被改动。").is_visible()
        picture(page, f"books-findings-{'phone' if phone else 'desk'}-zh")
        assert_fits(page)
        assert_accessible(page)

"""The pages of the books: who sees them, what they say, how many statements they take."""

from __future__ import annotations

import io
from datetime import date

import openpyxl
import pytest
from sqlalchemy import event

from app.kernel import clock, queue
from app.kernel.db import db, transaction
from app.kernel.period import Month
from app.kernel.tenancy import scoped
from app.ledger import queries, service
from app.ledger.chart import BANK, FEE_INCOME, RECEIVABLE, SUBSIDY_RECEIVABLE
from tests.builders import found_town
from tests.ledger.books import post
from tests.people import client_for

JANUARY = Month(2026, 1)


@pytest.fixture
def books(town):
    """January: two units charged 100 and 50 and the street 30; one pays 100; a reversal."""
    c = town.community_id
    one, two = town.add_unit("1-101"), town.add_unit("1-102")
    post(c, "2026-01", (RECEIVABLE, 10_000, one.id), (RECEIVABLE, 5_000, two.id),
         (SUBSIDY_RECEIVABLE, 3_000), (FEE_INCOME, -18_000), kind="bill_run:issued", source="7",
         memo="一月账单", posted_on=date(2026, 1, 5))  # fmt: skip
    post(c, "2026-01", (BANK, 10_000), (RECEIVABLE, -10_000, one.id),
         kind="settlement:received", source="counter:1", posted_on=date(2026, 1, 9))  # fmt: skip
    post(c, "2026-02", (BANK, 100), (RECEIVABLE, -100, two.id),
         kind="settlement:received", source="counter:2", posted_on=date(2026, 2, 9))  # fmt: skip
    with transaction():
        service.reverse(c, 3, reason="退票")
    return town


def url(town, path: str = "") -> str:
    return f"/c/{town.community_id}/ledger{path}"


PATHS = (
    "", "/service", "/service/trial-balance?month=2026-01", "/service/accounts/1122",
    "/service/accounts/1122?start=2026-02", "/service/entries", "/service/entries/1",
    "/service/entries/3", "/service/entries/4", "/checks", "/fund", "/fund/trial-balance",
    "/fund/entries", "/fund/accounts/1002", "/service/close",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_every_page_opens_for_the_accountant_in_both_languages(app, books, path):
    reader = client_for(app, "accountant", books)
    for language in ("zh_Hans_CN", "en"):
        joint = "&" if "?" in path else "?"
        page = reader.get(url(books, f"{path}{joint}lang={language}"), follow_redirects=True)
        assert page.status_code == 200, path


@pytest.mark.parametrize("path", [path for path in PATHS if "close" not in path])
def test_a_page_takes_at_most_eight_statements(app, books, path):
    reader = client_for(app, "accountant", books)
    reader.get(url(books, path))
    counted: list[str] = []

    def count(_connection, _cursor, statement, *_rest):
        if not statement.startswith(("SET LOCAL", "BEGIN")):
            counted.append(statement)

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        reader.get(url(books, path))
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
    assert len(counted) <= 8, "\n".join(counted)


@pytest.mark.parametrize("role", ["cashier", "resident", "party_branch"])
def test_who_may_not_read_the_books_is_refused(app, books, role):
    assert client_for(app, role, books).get(url(books)).status_code == 403


def test_another_towns_books_are_not_there(app, books):
    stranger = client_for(app, "accountant", found_town())
    assert stranger.get(url(books)).status_code in {403, 404}
    assert stranger.get(url(books, "/service/entries/1")).status_code in {403, 404}


def test_the_supervisor_reads_but_does_not_close(app, books):
    supervisor = client_for(app, "supervisor", books)
    page = supervisor.get(url(books, "/service")).get_data(as_text=True)
    assert "可结账" in page
    assert "/close" not in page
    assert supervisor.get(url(books, "/service/close")).status_code == 403


def test_closing_needs_a_second_factor(app, books):
    weak = client_for(app, "accountant", books, second_factor=False)
    answer = weak.submit(url(books, "/service/close"), {"month": "2026-01"})
    assert answer.status_code in {302, 303, 403}
    assert queries.closed_through(books.community_id, "service") is None


def test_closing_from_the_page_locks_the_month(app, books):
    accountant = client_for(app, "accountant", books)
    asked = accountant.get(url(books, "/service/close")).get_data(as_text=True)
    assert "2026年1月" in asked
    assert "不能撤销结账" in asked
    answer = accountant.submit(url(books, "/service/close"), {"month": "2026-01"})
    assert answer.status_code == 303
    page = accountant.get(answer.location).get_data(as_text=True)
    assert "已结账，不能再记入凭证" in page
    db.session.rollback()
    assert queries.closed_through(books.community_id, "service") == JANUARY
    again = accountant.submit(url(books, "/service/close"), {"month": "2026-01"})
    assert "已经结账" in accountant.get(again.location).get_data(as_text=True)
    wrong = accountant.submit(url(books, "/service/close"), {"month": "nonsense"})
    assert wrong.status_code == 303


def sheet(answer) -> list[list[object]]:
    book = openpyxl.load_workbook(io.BytesIO(answer.get_data()))
    return [list(row) for row in book.active.iter_rows(values_only=True)]


def test_the_trial_balance_as_a_sheet_equals_the_page(app, books):
    accountant = client_for(app, "accountant", books)
    rows = sheet(accountant.get(
        url(books, "/service/trial-balance?month=2026-01&format=xlsx")))  # fmt: skip
    found = {row[0]: row[5:7] for row in rows[1:]}
    assert found["1122"] == [150, 100]
    assert found["6001"][1] == 180
    assert sum(row[5] or 0 for row in rows[1:]) == sum(row[6] or 0 for row in rows[1:]) == 280


def test_the_journal_has_every_posting_and_neutral_words(app, books):
    c = books.community_id
    post(c, "2026-01", (BANK, 1), (FEE_INCOME, -1), source="f", memo="=1+1")
    accountant = client_for(app, "accountant", books)
    answer = accountant.get(url(books, "/service/journal.xlsx?start=2026-01&end=2026-01"))
    rows = sheet(answer)
    assert len(rows) == 1 + 4 + 2 + 2
    assert rows[1][:4] == [1, rows[1][1], rows[1][2], "账单出账"]
    memo = openpyxl.load_workbook(io.BytesIO(answer.get_data())).active.cell(len(rows), 6)
    assert (memo.value, memo.data_type) == ("=1+1", "s"), "a word, not a formula"


def test_an_entrys_page_leads_to_its_reversal_and_back(app, books):
    accountant = client_for(app, "accountant", books)
    reversed_page = accountant.get(url(books, "/service/entries/3")).get_data(as_text=True)
    assert url(books, "/service/entries/4") in reversed_page
    reversal = accountant.get(url(books, "/service/entries/4")).get_data(as_text=True)
    assert url(books, "/service/entries/3") in reversal
    found = accountant.get(url(books, "/entries/4"))
    assert found.location.endswith(url(books, "/service/entries/4"))
    assert accountant.get(url(books, "/entries/99")).status_code == 404
    assert accountant.get(url(books, "/fund/entries/1")).status_code == 404
    assert accountant.get(url(books, "/slush")).status_code == 404
    assert accountant.get(url(books, "/service/accounts/9999")).status_code == 404


@pytest.mark.parametrize(
    ("query", "numbers"),
    [("q=2", {2}), ("q=一月", {1}), ("kind=reversal", {4}), ("unit=1-101", {1, 2}),
     ("start=2026-02", {3, 4}), ("end=2026-01", {1, 2}), ("kind=nonsense", {1, 2, 3, 4}),
     ("unit=9-9", set()), ("q=%25", set())],
)  # fmt: skip
def test_entries_are_found_by_number_words_kind_unit_and_month(app, books, query, numbers):
    accountant = client_for(app, "accountant", books)
    rows = sheet(accountant.get(url(books, f"/service/entries?{query}&format=xlsx")))
    assert {row[0] for row in rows[1:]} == numbers


def test_a_check_is_asked_for_run_and_shown(app, books, servers):
    accountant = client_for(app, "accountant", books)
    assert "未核对" in accountant.get(url(books, "/checks")).get_data(as_text=True)
    assert accountant.submit(url(books, "/checks")).status_code == 303
    waiting = accountant.get(url(books, "/checks")).get_data(as_text=True)
    assert "排队中" in waiting
    again = accountant.submit(url(books, "/checks"))
    assert "已在进行中" in accountant.get(again.location).get_data(as_text=True)
    c = books.community_id
    with scoped([c]):
        task = db.session.query(queue.Task).one()
        queue.run(c, task.id)
    # What belongs to billing is its own to check: these entries have no bills behind them.
    page = accountant.get(url(books, "/checks")).get_data(as_text=True)
    assert "凭证号连续，没有缺号" in page
    assert "没有问题" in page


def test_a_finding_names_and_links_the_guilty_entry(app, books, servers):
    import psycopg

    from tests.servers import DATABASE

    address = servers.database_url("postgres", DATABASE).replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("UPDATE entry SET memo = 'x' WHERE community_id = %s AND id = 2",
                          [books.community_id])  # fmt: skip
    c = books.community_id
    with transaction():
        task_id = queue.enqueue("ledger:check", c).id
    queue.run(c, task_id)
    reader = client_for(app, "supervisor", books)
    page = reader.get(url(books, "/checks")).get_data(as_text=True)
    assert "凭证 2 或其封印在记账后被改动。" in page
    assert url(books, "/entries/2") in page
    assert "处问题" in reader.get(url(books)).get_data(as_text=True)


def test_months_not_over_cannot_be_asked_to_close(app, town):
    unit = town.add_unit("1-101")
    post(town.community_id, str(Month.of(clock.today())), (RECEIVABLE, 1, unit.id),
         (FEE_INCOME, -1), source="1")  # fmt: skip
    accountant = client_for(app, "accountant", town)
    answer = accountant.get(url(town, "/service/close"))
    assert answer.status_code == 303
    assert "没有可以结账的月份" in accountant.get(answer.location).get_data(as_text=True)

"""The pages of accounts, statements, matching and the daily check, in a browser's hands."""

from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.billing.bank import service
from app.kernel import queue
from app.kernel.db import db
from app.kernel.tenancy import scoped
from app.payments.bank import service as statements
from tests.billing.bank import HEADS, lines, sheet
from tests.billing.bills import Charge, Counter
from tests.billing.test_tariffs_pages import counted
from tests.builders import Town
from tests.people import Browser, client_for

DATA = ("工商银行", "张三丰", "3栋501物业费", "某某", "不知道", "手续费", "测试员", *HEADS)
SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "statements"


def at(town: Town, path: str = "") -> str:
    return f"/c/{town.community_id}/bank{path}"


def run_tasks(town: Town) -> None:
    """Run what waits, as a worker would."""
    db.session.rollback()
    for _ in range(5):
        with scoped([town.community_id]):
            waiting = db.session.execute(
                text("SELECT id FROM task WHERE community_id = :c AND status = 'queued'"),
                {"c": town.community_id},
            ).scalars().all()  # fmt: skip
            db.session.rollback()
        for task_id in waiting:
            queue.run(town.community_id, task_id)


def value(town: Town, sql: str) -> Any:
    db.session.rollback()
    with scoped([town.community_id]):
        return db.session.execute(text(sql), {"c": town.community_id}).scalar_one()


def new_account(person: Browser, town: Town, **more: str) -> int:
    data = {"kind": "bank", "book": "service", "name": "工商银行", "tail": "1234"}
    answer = person.submit(
        at(town, "/accounts/new"), {**data, "checked_from": "2026-01-01", **more}
    )
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return int(re.search(r"account=(\d+)", answer.location)[1])


def upload(person: Browser, town: Town, account: int, content: bytes, name: str = "a.csv") -> str:
    answer = person.submit(
        at(town, "/files/new"),
        {"account_id": str(account), "file": (io.BytesIO(content), name)},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 303, answer.get_data(as_text=True)
    run_tasks(town)
    return answer.location


@pytest.fixture
def home(town: Town):
    unit = town.add_unit("3-501")
    owner = town.add_owner(unit, "张三丰")
    counter = Counter(town)
    counter.issue(unit, "2026-02", Charge(10000), payer=owner)
    counter.issue(unit, "2026-03", Charge(12000), payer=owner)
    return unit


def imported(person: Browser, town: Town) -> int:
    """One sure line, one unknown, one fee; brought in through the pages; the account's number."""
    account = new_account(person, town)
    page = upload(
        person,
        town,
        account,
        sheet(
            ("2026-03-20", "220.00", "张三丰", "3栋501物业费"),
            ("2026-03-21", "33.00", "某某", "不知道"),
            ("2026-03-22", "-5.00", "工商银行", "手续费"),
        ),
    )
    assert "导入 3 笔新流水" in person.get(page).get_data(as_text=True)
    person.submit(page + "/apply")
    run_tasks(town)
    run_tasks(town)
    with scoped([town.community_id]):
        service.propose_all(town.community_id)
        db.session.commit()
    return account


def test_from_an_empty_page_to_a_paid_bill(app: Flask, town: Town, home) -> None:
    accountant = client_for(app, "accountant", town)
    assert "先登记账户" in accountant.get(at(town)).get_data(as_text=True)
    imported(accountant, town)
    page = accountant.get(at(town)).get_data(as_text=True)
    assert "一起确认 1 笔" in page
    assert "3-501" in page
    together = accountant.get(at(town, "/together")).get_data(as_text=True)
    (ticked,) = re.findall(r'name="line" value="(\d+)"', together)
    accountant.submit(at(town, "/together"), {"line": ticked})
    assert value(town, "SELECT sum(open_fen) FROM bill WHERE community_id = :c") == 0
    assert value(town, "SELECT count(*) FROM receipt WHERE community_id = :c") == 1
    one = accountant.get(at(town, f"/lines/{ticked}")).get_data(as_text=True)
    assert "已认领" in one
    match = re.search(r"matches/(\d+)/undo", one)[1]
    refused = accountant.submit(at(town, f"/lines/{ticked}/matches/{match}/undo"), {"reason": ""})
    assert refused.status_code == 422
    accountant.submit(at(town, f"/lines/{ticked}/matches/{match}/undo"), {"reason": "认错了"})
    assert value(town, "SELECT sum(open_fen) FROM bill WHERE community_id = :c") == 22000


def test_a_line_is_laid_on_a_home_found_by_hand(app: Flask, town: Town, home) -> None:
    accountant = client_for(app, "accountant", town)
    imported(accountant, town)
    with scoped([town.community_id]):
        unknown = lines(town)[1].id
        home_id = db.session.merge(home).id
    found = accountant.get(at(town, f"/lines/{unknown}?q=张三")).get_data(as_text=True)
    assert "3-501" in found
    bill = re.findall(r'name="bill" value="(\d+)"', found)[1]
    accountant.submit(
        at(town, f"/lines/{unknown}/home"),
        {"unit_id": str(home_id), "amount_fen": "33.00", "bill": bill},
    )
    assert value(town, f"SELECT paid_fen FROM bill WHERE community_id = :c AND id = {bill}") == 3300
    again = accountant.submit(
        at(town, f"/lines/{unknown}/home"), {"unit_id": str(home_id), "amount_fen": "33.00"}
    )
    page = accountant.get(again.location).get_data(as_text=True)
    assert "已经认领完了" in page
    assert value(town, "SELECT count(*) FROM payment WHERE community_id = :c") == 1


def test_a_fee_an_explanation_and_the_check(app: Flask, town: Town, home) -> None:
    accountant = client_for(app, "accountant", town)
    imported(accountant, town)
    with scoped([town.community_id]):
        _, unknown, fee = (line.id for line in lines(town))
    accountant.submit(at(town, f"/lines/{fee}/fee"))
    assert (
        accountant.submit(at(town, f"/lines/{unknown}/explain"), {"reason": ""}).status_code == 422
    )
    accountant.submit(at(town, f"/lines/{unknown}/explain"), {"reason": "误转已退"})
    accountant.submit(at(town, "/check"))
    page = accountant.get(at(town, "/check")).get_data(as_text=True)
    assert "银行有、账上没有" in page
    (number,) = set(re.findall(r"/differences/(\d+)", page))
    accountant.submit(at(town, f"/differences/{number}"), {"reason": "等业主确认"})
    assert "等业主确认" in accountant.get(at(town, "/check")).get_data(as_text=True)


def test_an_unknown_table_is_mapped_on_its_page(app: Flask, town: Town) -> None:
    accountant = client_for(app, "accountant", town)
    page = upload(
        accountant, town, new_account(accountant, town), "何时,几多\n2026-03-20,100.00\n".encode()
    )
    assert "请指明各列" in accountant.get(page).get_data(as_text=True)
    refused = accountant.submit(page + "/columns", {"column-0": "date"})
    assert refused.status_code == 422
    accountant.submit(
        page + "/columns",
        {"column-0": "date", "column-1": "amount", "date_order": "ymd", "decimal": "."},
    )
    run_tasks(town)
    assert "导入 1 笔新流水" in accountant.get(page).get_data(as_text=True)


def test_broken_uploads_give_sentences(app: Flask, town: Town) -> None:
    accountant = client_for(app, "accountant", town)
    account = new_account(accountant, town)
    for content in (b"%PDF-1.4 x\x00", b"\x00\x01\x02", "日期,金额\n昨天,一百\n".encode()):
        page = accountant.get(upload(accountant, town, account, content))
        assert page.status_code == 200
        assert "没有受理" in page.get_data(as_text=True) or "请指明各列" in page.get_data(
            as_text=True
        )
    empty = accountant.submit(
        at(town, "/files/new"),
        {"account_id": str(account), "file": (io.BytesIO(b""), "a.csv")},
        content_type="multipart/form-data",
    )
    assert empty.status_code == 422


def test_the_committee_sees_sums_and_no_names_and_changes_nothing(
    app: Flask, town: Town, home
) -> None:
    accountant = client_for(app, "accountant", town)
    imported(accountant, town)
    member = client_for(app, "committee_member", town)
    with scoped([town.community_id]):
        first = lines(town)[0].id
    for path in ("", f"/lines/{first}", "/check", "/accounts", "/files", "?format=csv"):
        answer = member.get(at(town, path))
        assert answer.status_code == 200, path
        assert "张三丰" not in answer.get_data(as_text=True), path
    assert member.submit(at(town, f"/lines/{first}/confirm")).status_code == 403
    assert member.get(at(town, "/together")).status_code == 403
    cashier = client_for(app, "cashier", town)
    assert cashier.get(at(town)).status_code == 403


def test_matching_asks_for_the_second_factor(app: Flask, town: Town, home) -> None:
    accountant = client_for(app, "accountant", town)
    imported(accountant, town)
    with scoped([town.community_id]):
        first = lines(town)[0].id
    weak = client_for(app, "accountant", town, second_factor=False)
    weak.submit(at(town, f"/lines/{first}/confirm"))
    assert value(town, "SELECT count(*) FROM payment WHERE community_id = :c") == 0


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_every_page_opens_in_both_languages_with_few_statements(
    app: Flask, town: Town, home, language: str
) -> None:
    accountant = client_for(app, "accountant", town)
    account = imported(accountant, town)
    with scoped([town.community_id]):
        first, unknown, _ = (line.id for line in lines(town))
        service.check_day(town.community_id, date(2026, 3, 31))
        db.session.commit()
    file = value(town, "SELECT max(id) FROM statement_file WHERE community_id = :c")
    difference = value(town, "SELECT max(id) FROM check_difference WHERE community_id = :c")
    for path in (
        "", "?tab=all", "?tab=matched", "?older=7", "/together", f"/lines/{first}",
        f"/lines/{unknown}", f"/lines/{unknown}?q=3-501", f"/lines/{unknown}/explain", "/check",
        f"/differences/{difference}", "/accounts", "/accounts/new", f"/accounts/{account}/close",
        "/files", "/files/new", f"/files/{file}",
    ):  # fmt: skip
        joint = "&" if "?" in path else "?"
        answer, seen = counted(
            lambda path=path, joint=joint: accountant.get(at(town, f"{path}{joint}lang={language}"))
        )
        assert answer.status_code == 200, path
        assert seen <= 8, (path, seen)
        if language == "en":
            body = answer.get_data(as_text=True).partition("<main")[2].partition("</main>")[0]
            plain = re.sub(r"<[^>]+>", " ", body)
            for name in DATA:
                plain = plain.replace(name, "")
            found = re.findall(r"[\u4e00-\u9fff]{2,}", plain)
            assert not found, (path, found)


def test_the_queue_as_a_sheet(app: Flask, town: Town, home) -> None:
    accountant = client_for(app, "accountant", town)
    imported(accountant, town)
    answer = accountant.get(at(town, "?format=xlsx"))
    assert answer.status_code == 200
    assert answer.data[:2] == b"PK"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real samples are not here")
def test_the_real_samples_through_the_page(app: Flask, town: Town) -> None:
    """Every one is previewed, mapped or refused with a sentence; applied twice it adds nothing."""
    accountant = client_for(app, "accountant", town)
    seen: dict[str, int] = {}
    for number, file in enumerate(sorted(SAMPLES.rglob("*.*"))):
        if file.suffix in (".json", ".md", ".txt"):
            continue
        kind = next((k for k in ("wechat", "alipay") if k in file.name), "bank")
        account = new_account(accountant, town, name=f"账户{number}", kind=kind, tail="")
        page = upload(accountant, town, account, file.read_bytes(), file.name)
        answer = accountant.get(page)
        assert answer.status_code == 200, file.name
        status = value(
            town,
            f"SELECT status FROM statement_file WHERE community_id = :c AND id = {page.rpartition('/')[2]}",  # noqa: E501
        )
        assert status in ("ready", "columns", "refused"), file.name
        seen[status] = seen.get(status, 0) + 1
        if status == "ready":
            accountant.submit(page + "/apply")
            run_tasks(town)
            before = value(town, "SELECT count(*) FROM bank_line WHERE community_id = :c")
            accountant.submit(page + "/apply")
            assert accountant.get(page).status_code == 200
            run_tasks(town)
            assert value(town, "SELECT count(*) FROM bank_line WHERE community_id = :c") == before
    assert seen["ready"] >= 6, seen


def test_statements_of_the_service_and_the_job_agree(app: Flask, town: Town) -> None:
    """A job that runs twice adds nothing."""
    accountant = client_for(app, "accountant", town)
    account = new_account(accountant, town)
    page = upload(accountant, town, account, sheet(("2026-03-20", "220.00", "张三", "x")))
    accountant.submit(page + "/apply")
    run_tasks(town)
    file_id = int(page.rpartition("/")[2])
    with scoped([town.community_id]):
        statements.apply_file(town.community_id, file_id)
        assert len(lines(town)) == 1
        db.session.rollback()

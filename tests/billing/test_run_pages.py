"""The month in two persons' hands: computed, looked at, confirmed, withdrawn."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.billing.models import BillRun
from app.billing.tariffs import service as tariffs
from app.kernel import clock
from app.kernel.db import db
from app.kernel.period import Month
from app.kernel.tenancy import scoped
from tests.billing.paperwork import price, tariff
from tests.builders import Town, found_town
from tests.people import client_for

MONTH = Month.of(clock.today())


def at(town: Town, path: str = "") -> str:
    return f"/c/{town.community_id}/runs{path}"


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


def ready(town: Town) -> None:
    """Two homes at 1.20 yuan, and a shop nobody has a price for."""
    with scoped([town.community_id]):
        for label, area in (("1-101", "80.00"), ("1-102", "65.34")):
            town.add_owner(town.add_unit(label, area))
        town.add_unit("9-1", "30.00", kind="commercial")
        row = tariff(town, unit_kinds=["residential"])
        tariffs.set_price(town.community_id, row.id, price("2020-01-01", "1.20"))
        db.session.commit()


def runs(town: Town) -> list[BillRun]:
    db.session.rollback()
    with scoped([town.community_id]):
        found = db.session.scalars(
            select(BillRun).where(BillRun.community_id == town.community_id).order_by(BillRun.id)
        )
        return list(found)


def previewed(app: Flask, town: Town) -> tuple[Any, str]:
    accountant = client_for(app, "accountant", town)
    answer = accountant.submit(at(town, "/new"), {"month": str(MONTH)})
    assert answer.status_code == 303, text_of(answer)
    return accountant, answer.headers["Location"]


def test_a_month_goes_from_one_persons_preview_to_anothers_confirmation(
    app: Flask, town: Town
) -> None:
    ready(town)
    accountant, url = previewed(app, town)
    page = text_of(accountant.get(url))
    assert "¥174.41" in page  # 80 × 1.20 + round(65.34 × 1.20) = 96.00 + 78.41
    assert "9-1" in page
    assert "没有适用的收费项目或价格" in page
    assert "等另一个人复核" in page
    assert runs(town)[0].status == "preview"

    refused = accountant.submit(f"{url}/confirm")
    assert refused.status_code == 403
    assert "不能是同一个人" in text_of(refused)
    assert runs(town)[0].status == "preview"

    manager = client_for(app, "manager", town)
    assert "复核并出账" in text_of(manager.get(url))
    assert manager.submit(f"{url}/confirm").status_code == 303
    run = runs(town)[0]
    assert (run.status, run.bill_count, run.resident_fen) == ("issued", 2, 17441)
    assert run.confirmed_by == manager.account_id
    assert "已出账" in text_of(manager.get(url))


def test_the_preparer_reads_who_else_may_confirm(app: Flask, town: Town) -> None:
    ready(town)
    accountant, url = previewed(app, town)
    assert "目前没有别人有复核权限" in text_of(accountant.get(url))
    client_for(app, "manager", town)
    page = text_of(accountant.get(url))
    assert "测试员" in page
    assert "项目经理" in page


def test_without_the_second_factor_nobody_issues(app: Flask, town: Town) -> None:
    ready(town)
    _, url = previewed(app, town)
    manager = client_for(app, "manager", town, second_factor=False)
    answer = manager.submit(f"{url}/confirm")
    assert answer.status_code in {302, 303, 403}
    assert runs(town)[0].status == "preview"


def test_what_changed_after_the_preview_must_be_looked_at_again(app: Flask, town: Town) -> None:
    ready(town)
    _, url = previewed(app, town)
    with scoped([town.community_id]):
        town.add_unit("1-103", "50.00")
    manager = client_for(app, "manager", town)
    refused = manager.submit(f"{url}/confirm")
    assert refused.status_code == 409
    assert "请重新试算" in text_of(refused)
    assert runs(town)[0].status == "preview"


def test_a_second_confirmation_finds_it_issued(app: Flask, town: Town) -> None:
    ready(town)
    _, url = previewed(app, town)
    manager, other = client_for(app, "manager", town), client_for(app, "manager", town)
    assert manager.submit(f"{url}/confirm").status_code == 303
    late = other.submit(f"{url}/confirm")
    assert late.status_code == 303
    assert runs(town)[0].confirmed_by == manager.account_id


def test_an_issued_month_is_withdrawn_with_a_reason(app: Flask, town: Town) -> None:
    ready(town)
    _, url = previewed(app, town)
    manager = client_for(app, "manager", town)
    manager.submit(f"{url}/confirm")
    assert manager.submit(f"{url}/withdraw", {"reason": " "}).status_code == 422
    assert runs(town)[0].status == "issued"
    assert manager.submit(f"{url}/withdraw", {"reason": "单价填错"}).status_code == 303
    page = text_of(manager.get(url))
    assert "单价填错" in page
    assert runs(town)[0].status == "withdrawn"


def test_a_preview_is_discarded_by_whoever_prepares(app: Flask, town: Town) -> None:
    ready(town)
    accountant, url = previewed(app, town)
    assert accountant.submit(f"{url}/discard").status_code == 303
    assert runs(town)[0].status == "discarded"
    again = accountant.submit(f"{url}/discard", follow_redirects=True)
    assert "已不是试算" in text_of(again)


def test_lines_are_paged_searched_and_taken_away(app: Flask, town: Town) -> None:
    ready(town)
    accountant, url = previewed(app, town)
    every = text_of(accountant.get(f"{url}/lines"))
    assert "1-101" in every
    assert "1-102" in every
    found = text_of(accountant.get(f"{url}/lines?q=1-102"))
    assert "1-102" in found
    assert "1-101" not in found
    sheet = accountant.get(f"{url}/lines?format=xlsx")
    assert sheet.data[:2] == b"PK"


def test_a_month_too_far_ahead_is_refused_beside_the_month(app: Flask, town: Town) -> None:
    ready(town)
    accountant = client_for(app, "accountant", town)
    answer = accountant.submit(at(town, "/new"), {"month": str(MONTH.shift(2))})
    assert answer.status_code == 422
    assert 'id="f-month-error"' in answer.get_data(as_text=True)
    assert runs(town) == []


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_every_run_page_opens(app: Flask, town: Town, language: str) -> None:
    ready(town)
    accountant, url = previewed(app, town)
    manager = client_for(app, "manager", town)
    pages = [at(town), at(town, "/new"), url, f"{url}/lines", f"{url}/confirm"]
    for page in pages:
        assert manager.get(f"{page}?lang={language}").status_code == 200, page
    manager.submit(f"{url}/confirm")
    for page in (at(town), url, f"{url}/withdraw"):
        answer = manager.get(f"{page}?lang={language}")
        assert answer.status_code == 200, page
    if language == "en":
        title = re.search(r"<title>([^<]*)", accountant.get(f"{url}?lang=en").get_data(True))
        assert title
        assert not re.search(r"[\u4e00-\u9fff]", title[1].split(" · ")[0])


def test_a_cashier_looks_and_a_stranger_does_not(app: Flask, town: Town) -> None:
    ready(town)
    _, url = previewed(app, town)
    cashier = client_for(app, "cashier", town)
    assert cashier.get(url).status_code == 200
    assert cashier.get(at(town, "/new")).status_code == 403
    assert cashier.submit(f"{url}/confirm").status_code == 403
    assert cashier.submit(f"{url}/discard").status_code == 403
    stranger = client_for(app, "manager", found_town())
    assert stranger.get(url).status_code == 404
    assert stranger.submit(f"{url}/confirm").status_code == 404


def test_another_communitys_run_is_not_there(app: Flask, town: Town) -> None:
    ready(town)
    _, url = previewed(app, town)
    other = found_town()
    manager = client_for(app, "manager", other)
    foreign = url.replace(f"/c/{town.community_id}/", f"/c/{other.community_id}/")
    assert manager.get(foreign).status_code == 404

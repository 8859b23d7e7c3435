"""Dunning in a real browser: every page fits, is accessible, in both languages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.billing.bills import service as bills
from app.billing.dunning import jobs, service
from app.billing.dunning.queries import cases, letters
from app.kernel import audit, clock
from app.kernel.db import db, transaction
from app.registry.models import Unit
from tests.billing.bills import Charge, Counter
from tests.browser.conftest import assert_accessible, assert_fits, picture
from tests.people import browser_cookie

pytestmark = pytest.mark.browser


@pytest.fixture
def estate(town):
    """Six homes in arrears: a letter, a promise, a plan, a pause, an objection, a write-off."""
    counter, today, c = Counter(town), clock.today(), town.community_id
    units = []
    for n, name in enumerate(("王小明", "李春花", "张建国", "赵敏", "陈阿婆", "刘志强")):
        unit = town.add_unit(f"{1 + n // 3}-{101 + n}")
        owner = town.add_owner(unit, name)
        for months in range(1 + n):
            due = today - timedelta(days=30 * (months + 2))
            counter.issue(unit, f"{due:%Y-%m}", Charge(9_000 + 700 * n), payer=owner,
                          due_on=due.isoformat())  # fmt: skip
        units.append(unit)
    old = today - timedelta(days=1_000)
    counter.issue(units[5], f"{old:%Y-%m}", Charge(8_000), payer=owner, due_on=old.isoformat())
    with transaction():
        bills.settle(c, units[4].id, 9_000, received_on=today, means="bank", source="counter:1")
        service.look(c)
    one = {row.unit_id: row for row in cases.cases(c, today)}
    case = [one[unit.id] for unit in units]
    with transaction():
        for row in case[:2]:
            service.record_act(
                c, row.id, "phone", today, said="月底交", done="已提醒", as_step=True
            )
        service.pause(c, case[2].id, "illness", "住院，家人代为联系", today + timedelta(days=60))
        service.promise(c, case[3].id, today + timedelta(days=9), 20_000, "发工资那天")
        plan = service.draw_up(c, case[4].id, [d.bill_id for d in case[4].debts], 4, today)
        service.sign(c, plan.id, today)
        service.object_to(c, case[0].id, "objection", "我家从三月起没人住，想问能不能减。")
        service.answer(c, letters.objections(c)[0].id, "空置也要缴纳，可以商量分期。")
        run = service.make_run(c, [case[5].id], "zh_Hans_CN")
        jobs.print_letters(c, run.id)
        with audit.acting(audit.Actor(account_id=1, name="吴国平", via="web")):
            made = service.request_write_off(
                c, units[5].id, [case[5].debts[0].bill_id], reason="失联，查无财产",
                resolution_no="业主大会决议〔2026〕3 号", resolution_on=today,
                resolution_body="业主大会", document=b"%PDF-1.4", document_name="决议.pdf",
            )  # fmt: skip
    ids = {"case": case[0].id, "finished": case[5].id, "plan": plan.id, "run": run.id,
           "write_off": made.id, "unit": units[5].id, "answered": units[0].id}  # fmt: skip
    return town, ids


PAGES = {
    "list": "dunning",
    "case": "dunning/cases/{case}",
    "act": "dunning/cases/{case}/acts",
    "new-plan": "dunning/cases/{finished}/plan",
    "preview": "dunning/runs/new",
    "runs": "dunning/runs",
    "run": "dunning/runs/{run}",
    "stages": "dunning/stages",
    "limitation": "dunning/limitation",
    "promises": "dunning/promises",
    "plans": "dunning/plans",
    "plan": "dunning/plans/{plan}",
    "write-offs": "dunning/write-offs",
    "write-off": "dunning/write-offs/{write_off}",
    "ask-write-off": "units/{unit}/write-off",
    "over-time": "collection/over-time",
}


@pytest.mark.parametrize(("phone", "language"), [(False, "zh-CN"), (True, "en-US")])
def test_every_page_of_dunning_fits_and_is_accessible(
    app, estate, open_page, address, phone, language
):
    town, ids = estate
    page = open_page(
        cookie=browser_cookie(app, "manager", town, url=address), phone=phone, language=language
    )
    for name, path in PAGES.items():
        page.goto(f"{address}/c/{town.community_id}/{path.format(**ids)}?lang={language[:2]}")
        picture(page, f"dunning-{name}-{language[:2]}{'-phone' if phone else ''}")
        assert_fits(page)
        assert_accessible(page)


def test_a_resident_in_arrears_reads_it_on_a_phone_and_asks(app, estate, open_page, address):
    town, ids = estate
    unit = db.session.get_one(Unit, (town.community_id, ids["answered"]))
    page = open_page(
        cookie=browser_cookie(app, "resident", town, url=address, unit=unit), phone=True
    )
    page.goto(f"{address}/c/{town.community_id}/my/arrears")
    picture(page, "dunning-my")
    assert_fits(page)
    assert_accessible(page)
    page.get_by_label("申请分期").check()
    page.locator("textarea").fill("想分三个月付")
    page.get_by_role("button", name="提交").click()
    page.get_by_text("等待物业答复").wait_for()
    picture(page, "dunning-my-asked")
    assert_accessible(page)

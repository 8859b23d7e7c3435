"""Dunning through the door: the office's way, the resident's way, and who sees no names."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import text

from app.billing.dunning import jobs, service
from app.billing.dunning.queries import agreements, cases, letters, write_offs
from app.kernel import clock
from app.kernel.db import db
from tests.billing.bills import Charge, Counter
from tests.people import client_for

PNG = b"\x89PNG\r\n\x1a\n resolution"


@pytest.fixture
def owed(town):
    """A home 100 days late with 100.00, and one 40 days late with 50.00."""
    counter = Counter(town)
    today = clock.today()
    made = []
    for label, name, late, fen in (
        ("1-101", "王小明", 100, 10_000),
        ("2-201", "李春花", 40, 5_000),
    ):
        unit = town.add_unit(label)
        owner = town.add_owner(unit, name)
        due = today - timedelta(days=late)
        made.append(
            counter.issue(unit, f"{due:%Y-%m}", Charge(fen), payer=owner, due_on=due.isoformat())
        )
    service.look(town.community_id)
    db.session.commit()
    return made


def case_of(town, bill) -> int:
    db.session.rollback()
    found = cases.cases(town.community_id, clock.today(), unit_id=bill.unit_id)
    return found[0].id


def remind(client, town, case_id: int):
    return client.submit(
        f"/c/{town.community_id}/dunning/cases/{case_id}/acts",
        {
            "kind": "phone",
            "happened_on": clock.today().isoformat(),
            "said": "月底发了工资就交",
            "done": "约好再联系",
            "as_step": "on",
        },
    )


def test_the_list_is_narrowed_sorted_and_taken_away(app, town, owed):
    client = client_for(app, "cashier", town)
    where = f"/c/{town.community_id}/dunning"
    page = client.get(where).text
    assert "王小明" in page
    assert page.index("1-101") < page.index("2-201")  # the larger sum first
    assert "王小明" not in client.get(f"{where}?q=李").text
    assert "2-201" not in client.get(f"{where}?age=90").text
    assert "1-101" in client.get(f"{where}?age=90").text
    assert "1-101" not in client.get(f"{where}?sum=100000").text
    assert "2-201" not in client.get(f"{where}?building={town.buildings['1']}").text
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{where}?format=xlsx").data))
    cells = [str(cell.value) for row in book.active.iter_rows() for cell in row]
    assert "王小明" in cells
    assert "李春花" in cells


@pytest.mark.parametrize("role", ["committee_chair", "committee_member", "supervisor"])
def test_who_watches_sees_sums_without_rooms_and_names(app, town, owed, role):
    client = client_for(app, role, town)
    for path in ("dunning", "dunning/limitation", "dunning/promises", "dunning/plans", "arrears"):
        page = client.get(f"/c/{town.community_id}/{path}").text
        assert "王小明" not in page, path
        assert "1-101" not in page, path
        sheet = client.get(f"/c/{town.community_id}/{path}?format=csv").text
        assert "王小明" not in sheet, path
        assert "1-101" not in sheet, path
    case_id = case_of(town, owed[0])
    assert client.get(f"/c/{town.community_id}/dunning/cases/{case_id}").status_code == 403


def test_from_a_call_to_a_letter_delivered(app, town, owed):
    client = client_for(app, "cashier", town)
    c, case_id = town.community_id, case_of(town, owed[0])
    assert remind(client, town, case_id).status_code == 303
    page = client.get(f"/c/{c}/dunning/cases/{case_id}").text
    assert "月底发了工资就交" in page
    preview = client.get(f"/c/{c}/dunning/runs/new?case={case_id}").text
    assert "期限未到" in preview
    db.session.execute(
        text("UPDATE dunning_case SET answer_until = :d, stepped_on = :d WHERE id = :id"),
        {"d": clock.today() - timedelta(days=1), "id": case_id},
    )
    db.session.commit()
    made = client.submit(f"/c/{c}/dunning/runs/new", {"case": [case_id], "language": "zh_Hans_CN"})
    assert made.status_code == 303
    where = made.headers["Location"]
    run_id = int(where.rsplit("/", 1)[1])
    db.session.rollback()
    jobs.print_letters(c, run_id)
    db.session.commit()
    assert "王小明" in client.get(where).text
    file = client.submit(f"{where}/file")
    assert file.data.startswith(b"%PDF")
    assert client.submit(f"{where}/undo").status_code == 409
    (letter,) = letters.letters(c, run_id=run_id)
    sent = {"letter": [letter.id], "delivered_on": clock.today().isoformat(), "how": "signed"}
    assert client.submit(where, sent).status_code == 303
    db.session.rollback()
    one = cases.case(c, case_id, clock.today())
    assert one.stage_kind == "demand"
    assert one.limitation_on is not None
    assert one.limitation_on.year == clock.today().year + 3
    assert "函件送达" in client.get(f"/c/{c}/dunning/cases/{case_id}").text


def test_words_of_cutting_are_refused_beside_the_field(app, town, owed):
    client = client_for(app, "manager", town)
    case_id = case_of(town, owed[0])
    answer = client.submit(
        f"/c/{town.community_id}/dunning/cases/{case_id}/acts",
        {"kind": "phone", "happened_on": clock.today().isoformat(), "done": "告知将停水停电"},
    )
    assert answer.status_code == 422
    assert "民法典第 944 条" in answer.text
    assert "告知将停水停电" in answer.text


def test_steps_are_set_and_unlawful_ones_refused(app, town, owed):
    client = client_for(app, "manager", town)
    where = f"/c/{town.community_id}/dunning/stages"
    form = {
        "kind_1": "reminder", "days_1": "5", "answer_1": "7", "channel_1": "phone",
        "kind_2": "demand", "days_2": "20", "answer_2": "10", "channel_2": "paper",
        "kind_3": "", "days_3": "", "answer_3": "", "channel_3": "", "signer_3": "",
    }  # fmt: skip
    assert client.get(where).status_code == 200
    refused = client.submit(where, form)
    assert refused.status_code == 422
    assert "至少给 15 天" in refused.text
    assert client.submit(where, {**form, "answer_2": "15"}).status_code == 303
    db.session.rollback()
    assert [one.days_after_due for one in cases.stages(town.community_id)] == [5, 20]


def test_a_pause_a_promise_and_a_plan_through_their_forms(app, town, owed):
    client = client_for(app, "cashier", town)
    c, today = town.community_id, clock.today()
    first, second = case_of(town, owed[0]), case_of(town, owed[1])
    where = f"/c/{c}/dunning/cases"
    until = (today + timedelta(days=60)).isoformat()
    for path in ("acts", "pause", "promise", "plan"):
        assert client.get(f"{where}/{first}/{path}").status_code == 200
        assert client.submit(f"{where}/{first}/{path}", {}).status_code == 422
    paused = client.submit(
        f"{where}/{first}/pause", {"reason": "hardship", "words": "低保户", "until_on": until}
    )
    assert paused.status_code == 303
    assert "低保户" in client.get(f"{where}/{first}").text
    promised = client.submit(
        f"{where}/{second}/promise",
        {"pay_on": (today + timedelta(days=5)).isoformat(), "amount_fen": "20.00"},
    )
    assert promised.status_code == 303
    assert "20.00" in client.get(f"/c/{c}/dunning/promises").text
    drawn = client.submit(
        f"{where}/{first}/plan",
        {"bill_ids": [owed[0].id], "count": "3", "first_on": today.isoformat()},
    )
    assert drawn.status_code == 303
    plan = drawn.headers["Location"]
    assert "33.34" in client.get(plan).text
    assert client.get(f"{plan}/agreement.pdf").data.startswith(b"%PDF")
    assert client.get(f"{plan}/sign").status_code == 200
    assert client.submit(f"{plan}/sign", {"signed_on": today.isoformat()}).status_code == 303
    assert "按期履行" in client.get(f"/c/{c}/dunning/plans").text
    assert client.submit(f"{plan}/end", {"reason": "改为一次付清"}).status_code == 303
    db.session.rollback()
    (told,) = agreements.plans(c, today)
    assert told.state == "ended"


def test_a_resident_sees_what_is_owed_and_objects_and_is_answered(app, town, owed):
    from app.registry.models import Unit

    c = town.community_id
    unit = db.session.get_one(Unit, (c, owed[0].unit_id))
    resident = client_for(app, "resident", town, unit=unit)
    page = resident.get(f"/c/{c}/my/arrears")
    assert page.status_code == 200
    assert "100.00" in page.text
    assert "不受影响" in page.text
    asked = resident.submit(
        f"/c/{c}/my/arrears",
        {"unit_id": str(unit.id), "kind": "instalments", "words": "想分六个月付"},
    )
    assert asked.status_code == 303
    assert "等待物业答复" in resident.get(f"/c/{c}/my/arrears").text
    other = resident.submit(
        f"/c/{c}/my/arrears",
        {"unit_id": str(owed[1].unit_id), "kind": "objection", "words": "不对"},
    )
    assert other.status_code == 422
    staff = client_for(app, "cashier", town)
    assert "想分六个月付" in staff.get(f"/c/{c}/dunning/objections").text
    (asked_row,) = letters.objections(c, only_open=True)
    where = f"/c/{c}/dunning/objections/{asked_row.id}"
    assert staff.get(where).status_code == 200
    assert staff.submit(where, {"answer": "可以，请来签协议"}).status_code == 303
    assert "可以，请来签协议" in resident.get(f"/c/{c}/my/arrears").text


def test_a_write_off_is_asked_by_one_and_approved_by_another(app, town, owed):
    manager, accountant = client_for(app, "manager", town), client_for(app, "accountant", town)
    c, bill = town.community_id, owed[0]
    where = f"/c/{c}/units/{bill.unit_id}/write-off"
    assert client_for(app, "cashier", town).get(where).status_code == 403
    assert manager.get(where).status_code == 200
    form = {
        "bill_ids": [bill.id],
        "reason": "失联三年",
        "resolution_no": "决〔2026〕3号",
        "resolution_on": clock.today().isoformat(),
        "resolution_body": "业主大会",
    }
    assert manager.submit(where, form).status_code == 422  # no document
    form["document"] = (io.BytesIO(PNG), "决议.png")
    asked = manager.submit(where, form, content_type="multipart/form-data")
    assert asked.status_code == 303
    one = asked.headers["Location"]
    assert "另一位同事" in manager.get(one).text
    assert manager.submit(f"{one}/decision", {"approve": "1"}).status_code == 422
    assert "核销不免除债务" in accountant.get(one).text
    assert accountant.submit(f"{one}/decision", {"approve": "1"}).status_code == 303
    assert accountant.get(f"{one}/document").data == PNG
    back = {"bill_id": str(bill.id), "amount_fen": "60.00"}
    assert accountant.submit(one, back).status_code == 303
    page = manager.get(f"/c/{c}/dunning/write-offs").text
    assert "60.00" in page
    db.session.rollback()
    (row,) = write_offs.write_offs(c)
    assert (row.status, row.reversed_fen) == ("approved", 6_000)
    assert manager.get(f"/c/{c}/dunning/write-offs?format=xlsx").status_code == 200


def test_collection_over_time_for_a_community_and_its_company(app, town, owed):
    client = client_for(app, "company_admin", town)
    for where in (
        f"/c/{town.community_id}/collection/over-time",
        f"/o/{town.organization_id}/collection",
    ):
        page = client.get(where)
        assert page.status_code == 200
        assert "data-chart" in page.text
        assert client.get(f"{where}?format=xlsx").status_code == 200


def test_every_page_stands_empty_too(app, town):
    client = client_for(app, "manager", town)
    for path in (
        "dunning", "dunning/limitation", "dunning/promises", "dunning/plans", "dunning/runs",
        "dunning/runs/new", "dunning/objections", "dunning/write-offs", "dunning/stages",
        "collection/over-time",
    ):  # fmt: skip
        assert client.get(f"/c/{town.community_id}/{path}").status_code == 200, path
        english = client.get(f"/c/{town.community_id}/{path}", headers={"Accept-Language": "en"})
        assert english.status_code == 200, path
    assert client.submit(f"/c/{town.community_id}/dunning/look").status_code == 303


def test_programs_read_cases_plans_and_collection(app, town, owed):
    client, c = client_for(app, "cashier", town), town.community_id
    here = f"/api/v1/communities/{c}"
    first = client.get(f"{here}/dunning/cases").json["items"][0]
    assert (first["unit_label"], first["open_fen"], first["state"]) == ("1-101", 10_000, "ready")
    assert client.get(f"{here}/dunning/promises").json["total"] == 0
    assert client.get(f"{here}/dunning/plans").json["total"] == 0
    months = client.get(f"{here}/collection").json["items"]
    assert sum(month["billed_fen"] for month in months) == 15_000
    watcher = client_for(app, "committee_chair", town)
    assert watcher.get(f"{here}/dunning/cases").status_code == 403
    labels = [one["unit_label"] for one in watcher.get(f"{here}/arrears").json["items"]]
    assert labels == ["1-***", "2-***"]

"""A write by a program happens once per key."""

from __future__ import annotations

import threading

from flask import Flask

from app.billing.models import BillNote
from app.kernel.db import db
from app.kernel.tenancy import scoped
from tests.api.conftest import MONTH, Office, make_office

NOTE = {"kind": "credit", "amount_fen": 100, "reason": "多计一天"}


def _notes(app: Flask, office: Office) -> int:
    with app.app_context(), scoped([office.town.community_id]):
        return db.session.query(BillNote).filter_by(bill_id=office.bill_id).count()


def test_a_repeat_gets_the_first_answer_and_writes_nothing(app: Flask) -> None:
    office, client = make_office(app), app.test_client()
    path = f"/bills/{office.bill_id}/notes"
    first = office.call(client, "POST", path, key="first-key-1", json=NOTE)
    again = office.call(client, "POST", path, key="first-key-1", json=NOTE)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotent-Replay"] == "true"
    assert _notes(app, office) == 1


def test_the_same_key_for_another_request_is_refused(app: Flask) -> None:
    office, client = make_office(app), app.test_client()
    path = f"/bills/{office.bill_id}/notes"
    office.call(client, "POST", path, key="second-key-1", json=NOTE)
    other = office.call(client, "POST", path, key="second-key-1", json={**NOTE, "amount_fen": 101})
    assert other.status_code == 409
    assert other.get_json()["error"]["code"] == "idempotency.reused"
    assert _notes(app, office) == 1


def test_a_key_is_an_accounts_own(app: Flask) -> None:
    office, client = make_office(app), app.test_client()
    path = f"/bills/{office.bill_id}/notes"
    for token in (office.manager, office.accountant):
        assert (
            office.call(client, "POST", path, token, "shared-key-1", json=NOTE).status_code == 201
        )
    assert _notes(app, office) == 2


def test_a_refusal_does_not_use_up_the_key(app: Flask) -> None:
    office, client = make_office(app), app.test_client()
    path = f"/bills/{office.bill_id}/notes"
    refused = office.call(client, "POST", path, key="third-key-1", json={**NOTE, "reason": ""})
    assert refused.status_code == 422
    assert "reason" in str(refused.get_json()["error"]["fields"])
    assert office.call(client, "POST", path, key="third-key-1", json=NOTE).status_code == 201


def test_a_write_without_a_key_is_refused_with_a_sentence(app: Flask) -> None:
    office = make_office(app)
    answer = office.call(app.test_client(), "POST", f"/bills/{office.bill_id}/notes", json=NOTE)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.get_json()["error"]["message"]


def test_ten_at_once_with_one_key_act_once(app: Flask) -> None:
    office = make_office(app)
    statuses: list[int] = []

    def send() -> None:
        answer = office.call(
            app.test_client(),
            "POST",
            f"/bills/{office.bill_id}/notes",
            key="racing-key-1",
            json=NOTE,
        )
        statuses.append(answer.status_code)

    racers = [threading.Thread(target=send) for _ in range(10)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert statuses == [201] * 10
    assert _notes(app, office) == 1


def test_two_tokens_issue_a_month_and_one_cannot(app: Flask) -> None:
    office, client = make_office(app), app.test_client()
    made = office.call(client, "POST", "/runs", key="preview-key", json={"month": "2026-04"})
    assert made.status_code == 201
    run = made.get_json()
    # 1.10 × (65.34 + 70.12 + 88.88): 71.874 → 71.87, 77.132 → 77.13, 97.768 → 97.77
    assert (run["status"], run["resident_fen"]) == ("preview", 7187 + 7713 + 9777)
    path = f"/runs/{run['id']}/confirmation"
    alone = office.call(client, "POST", path, key="confirm-alone")
    assert (alone.status_code, alone.get_json()["error"]["code"]) == (403, "run.same_person")
    both = office.call(client, "POST", path, office.accountant, "confirm-both")
    assert (both.status_code, both.get_json()["status"]) == (201, "issued")
    bills = office.call(client, "GET", "/bills?month=2026-04").get_json()
    assert [bill["open_fen"] for bill in bills["items"]] == [7187, 7713, 9777]


def test_lists_page_and_filter(app: Flask, office: Office) -> None:
    client = app.test_client()
    page = office.call(client, "GET", f"/bills?month={MONTH}&per_page=2&page=2").get_json()
    assert (page["total"], page["page"], len(page["items"])) == (3, 2, 1)
    unit = office.call(client, "GET", "/units?label=1-102").get_json()["items"]
    assert [one["area_m2"] for one in unit] == ["70.12"]


def test_the_books_answer_the_same_sums(app: Flask, office: Office) -> None:
    found = office.call(app.test_client(), "GET", f"/books/service/trial-balance?month={MONTH}")
    rows = {row["code"]: row["closing_fen"] for row in found.get_json()["rows"]}
    assert rows["1122"] == 7187 + 7713 + 9777 == -rows["6001"]


def test_another_communitys_token_finds_nothing(app: Flask, office: Office) -> None:
    stranger = make_office(app)
    answer = office.call(app.test_client(), "GET", "/bills", stranger.manager)
    assert answer.status_code == 404
    assert office.call(app.test_client(), "GET", "", stranger.manager).status_code == 404

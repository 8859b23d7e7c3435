"""The desk's pages, over HTTP, for each role that comes to them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from app.kernel.db import db
from tests.builders import Town
from tests.people import anonymous, client_for


def test_a_stranger_reads_what_linli_is(app: Flask) -> None:
    answer = anonymous(app).get("/")
    assert answer.status_code == 200
    assert "/sign-in" in answer.get_data(as_text=True)


def test_the_signed_in_go_on_from_the_front_door(app: Flask, town: Town) -> None:
    answer = client_for(app, "manager", town).get("/")
    assert answer.status_code == 302


@pytest.mark.parametrize("role", ["manager", "supervisor", "street_officer"])
def test_staff_see_the_community(app: Flask, town: Town, role: str) -> None:
    answer = client_for(app, role, town).get(f"/c/{town.community_id}/")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200, text
    assert town.name in text
    assert "还没有出过账" in text


def test_a_resident_has_no_overview(app: Flask, town: Town) -> None:
    town.add_unit()
    answer = client_for(app, "resident", town).get(f"/c/{town.community_id}/")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "path", ["/communities", "/communities?lang=en", "/communities?format=csv"]
)
def test_the_list_has_what_one_reaches(app: Flask, town: Town, path: str) -> None:
    answer = client_for(app, "manager", town).get(path)
    assert answer.status_code == 200
    assert town.name in answer.get_data(as_text=True)


def test_company_and_region_pages_open(app: Flask, town: Town) -> None:
    for role, path in (
        ("manager", f"/o/{town.organization_id}/"),
        ("street_officer", f"/regions/{town.region_id}/"),
    ):
        client = client_for(app, role, town)
        for query in ("", "?lang=en", "?sort=-overdue_fen", "?format=xlsx"):
            answer = client.get(path + query)
            assert answer.status_code == 200, answer.get_data(as_text=True)
        assert town.name in client.get(path).get_data(as_text=True)


def test_first_steps(app: Flask, town: Town) -> None:
    client = client_for(app, "manager", town)
    text = client.get(f"/c/{town.community_id}/start").get_data(as_text=True)
    assert "现在做这一步" in text
    assert "已完成" not in text
    town.add_unit()
    assert "已完成" in client.get(f"/c/{town.community_id}/start").get_data(as_text=True)


def test_help_in_both_languages(app: Flask) -> None:
    client: Any = anonymous(app)
    assert "我是住户" in client.get("/help").get_data(as_text=True)
    from app.desk.pages.help import TOPICS

    for topic in TOPICS:
        assert client.get(f"/help/{topic}?lang=zh_Hans_CN").status_code == 200
        assert client.get(f"/help/{topic}?lang=en").status_code == 200
    assert client.get("/help/nothing").status_code == 404


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("manager", "/c/{c}/"),
        ("manager", "/c/{c}/start"),
        ("manager", "/communities"),
        ("manager", "/o/{o}/"),
        ("street_officer", "/regions/{r}/"),
    ],
)
def test_a_page_makes_at_most_eight_statements(
    app: Flask, town: Town, role: str, path: str
) -> None:
    town.add_unit()
    client = client_for(app, role, town)
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith("SET LOCAL"):
            asked.append(" ".join(statement.split())[:90])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        place = {"c": town.community_id, "o": town.organization_id, "r": town.region_id}
        assert client.get(path.format(**place)).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(asked) <= 8, "\n".join(asked)

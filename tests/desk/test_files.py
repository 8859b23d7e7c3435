"""A file opens for those who may do what it asks, and for nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask

from app.kernel import clock, files, queue
from app.kernel.db import db
from tests.builders import Town, found_town
from tests.people import client_for


def kept(town: Town, **more: Any) -> int:
    row = files.keep(
        town.community_id,
        "../账单.pdf",
        b"%PDF-1.7",
        content_type="application/pdf",
        **{"action": "bill.read", **more},
    )
    db.session.commit()
    return row.id


def test_a_file_downloads_under_its_name_and_is_not_stored(app: Flask, town: Town) -> None:
    answer = client_for(app, "manager", town).get(f"/c/{town.community_id}/files/{kept(town)}")
    assert answer.data == b"%PDF-1.7"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "..%2F" not in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_role_without_the_files_action_finds_nothing(app: Flask, town: Town) -> None:
    path = f"/c/{town.community_id}/files/{kept(town)}"
    assert client_for(app, "committee_member", town).get(path).status_code == 404


def test_another_communitys_file_is_not_there(app: Flask, town: Town) -> None:
    file_id = kept(town)
    other = found_town()
    client = client_for(app, "manager", other)
    assert client.get(f"/c/{other.community_id}/files/{file_id}").status_code == 404
    assert client.get(f"/c/{town.community_id}/files/{file_id}").status_code == 404


def test_an_expired_file_says_so(app: Flask, town: Town) -> None:
    file_id = kept(town, expires_at=clock.now() - timedelta(seconds=1))
    answer = client_for(app, "manager", town).get(f"/c/{town.community_id}/files/{file_id}")
    assert answer.status_code == 404
    assert "已过期" in answer.get_data(as_text=True)


def test_a_resident_opens_only_what_they_made(app: Flask, town: Town) -> None:
    town.add_unit()
    client = client_for(app, "resident", town)
    own = kept(town, action="own.read", created_by=client.account_id)
    foreign = kept(town, action="own.read")
    at = f"/c/{town.community_id}/my/files"
    assert client.get(f"{at}/{own}").status_code == 200
    assert client.get(f"{at}/{foreign}").status_code == 404
    assert client.get(f"/c/{town.community_id}/files/{own}").status_code == 403


def test_a_tasks_page_follows_it(app: Flask, town: Town) -> None:
    task = queue.enqueue("ledger:check", town.community_id)
    db.session.commit()
    client = client_for(app, "manager", town)
    at = f"/c/{town.community_id}/tasks/{task.id}"
    waiting = client.get(at).get_data(as_text=True)
    assert "排队中" in waiting
    assert "hx-get" in waiting
    task.status, task.finished_at, task.result = "done", clock.now(), {"file_id": kept(town)}
    db.session.commit()
    done = client.get(at).get_data(as_text=True)
    assert "已完成" in done
    assert "hx-get" not in done
    assert "/files/" in done
    assert client.get(f"/c/{town.community_id}/tasks/{2**70}").status_code == 404

"""Canaries: a phone, an identity number, an e-mail, a token; seeded, then looked for."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import structlog
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.kernel import masking
from app.kernel.db import db
from app.kernel.seal import digest, seal
from tests.builders import Town
from tests.people import PASSWORD, anonymous, client_for, make_account

PHONE = "18612349876"
IDENTITY = "110105194912310021"
EMAIL = "canary.bird@example.cn"
CARD = "6222020200112233445"
TOKEN = "linli_abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.mark.parametrize("canary", [PHONE, IDENTITY, EMAIL, CARD, TOKEN, "+86 186-1234-9876"])
@pytest.mark.parametrize("around", ["%s", "电话%s。", "a=%s&b=2", '{"x": "%s"}', "(%s)", "%s,%s"])
def test_canaries_are_masked_wherever_they_stand(canary: str, around: str) -> None:
    text_with = around.replace("%s", canary)
    masked = masking.mask_text(text_with)
    assert canary not in masked
    assert "12349876" not in masked.replace("-", "")


@pytest.mark.parametrize(
    "harmless",
    [
        "2026-03-01",
        "1,234,567.89",
        "3-2-501",
        "12345678",
        "房屋 9123",
        "sha256:0f3a",
        "20260301120000",
    ],
)
def test_figures_of_work_stay_readable(harmless: str) -> None:
    assert masking.mask_text(harmless) == harmless


@given(st.text(max_size=200))
def test_any_text_can_be_masked_and_twice_is_once(value: str) -> None:
    once = masking.mask_text(value)
    assert masking.mask_text(once) == once


@given(
    st.recursive(
        st.sampled_from([PHONE, IDENTITY, EMAIL, TOKEN, 5, None, True, 1.5, b"x"]),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_a_log_event_hides_them_however_deep(value: Any) -> None:
    event = masking.mask_personal_data(None, "info", {"event": "x", "value": value})
    written = repr(event)
    assert not any(canary in written for canary in (PHONE, IDENTITY, EMAIL, TOKEN))


def test_secrets_by_name_are_never_written() -> None:
    event = masking.mask_personal_data(
        None, "info", {"event": "x", "password": "plain words", "form": {"Cookie": "abc def"}}
    )
    assert "plain words" not in repr(event)
    assert "abc def" not in repr(event)


def test_links_that_open_something_are_masked() -> None:
    for path in ("/password/WzEsImEiXQ.abc.def", "/invitation/WzEsImEiXQ.abc", "/b/12/AB3D9K2M"):
        assert masking.mask_text(f"GET {path} 200").count(path.rpartition("/")[2]) == 0


def test_the_houses_logs_pass_the_mask(capsys: pytest.CaptureFixture[str]) -> None:
    from app.kernel import logging as house_logging

    root = logging.getLogger()
    kept = (root.handlers[:], root.level)
    try:
        house_logging.set_up()
        structlog.get_logger("t").warning("said", phone=PHONE, note=f"call {PHONE} {EMAIL}")
        logging.getLogger("other").warning("plain %s %s", IDENTITY, TOKEN)
        try:
            raise ValueError(f"no such person {IDENTITY}")
        except ValueError:
            structlog.get_logger("t").exception("failed")
    finally:
        root.handlers, level = kept
        root.setLevel(level)
        structlog.reset_defaults()
    written = capsys.readouterr().err
    assert "said" in written
    assert "failed" in written
    for canary in (PHONE, IDENTITY, EMAIL, TOKEN):
        assert canary not in written


def test_a_canary_person_shows_on_no_page_of_this_room(app: Flask, town: Town) -> None:
    """Their account too: other roles see a masked number, logs and the trail none."""
    unit = town.add_unit("7-701")
    person = town.add_owner(unit, "金丝雀")
    db.session.execute(
        text(
            "UPDATE person SET phone = :phone, phone_digest = :digest, id_number = :number"
            " WHERE id = :id"
        ),
        {
            "phone": seal(PHONE),
            "digest": digest(PHONE),
            "number": seal(IDENTITY),
            "id": person.id,
        },
    )
    db.session.commit()
    visitor = anonymous(app)
    visitor.get(f"/b/{town.community_id}/{unit.binding_code}")
    visitor.submit(
        "/sign-up",
        {"name": "金丝雀", "login": PHONE, "password": "我家门前有棵大槐树", "agreed": "on"},
    )
    pages = (
        f"/c/{town.community_id}/bindings",
        f"/c/{town.community_id}/bindings?format=csv",
        f"/c/{town.community_id}/members",
        f"/c/{town.community_id}/audit",
        f"/c/{town.community_id}/audit?format=csv",
    )
    manager = client_for(app, "manager", town)
    for page in pages:
        answer = manager.get(page)
        assert answer.status_code == 200, page
        written = answer.get_data(as_text=True)
        for canary in (PHONE, IDENTITY, "金丝雀"):
            assert canary not in written, f"{canary} on {page}"
    operator = client_for(app, "operator", town)
    for page in ("/platform/accounts", "/platform/audit", "/platform/audit?format=csv"):
        written = operator.get(page).get_data(as_text=True)
        assert PHONE not in written
        assert "金丝雀" not in written, page


def test_an_error_page_repeats_nothing_typed(app: Flask, house: Flask) -> None:
    account = make_account(password=PASSWORD)
    db.session.commit()
    client = anonymous(app)
    answer = client.submit("/sign-in", {"login": account.phone, "password": f"secret {IDENTITY}"})
    assert IDENTITY not in answer.get_data(as_text=True)


def test_the_table_holds_no_plain_number(app: Flask, house: Flask) -> None:
    account = make_account()
    db.session.commit()
    row = db.session.execute(
        text("SELECT to_jsonb(a)::text AS whole, phone FROM account a WHERE id = :id"),
        {"id": account.id},
    ).one()
    assert str(account.phone) not in row.whole
    assert str(account.phone).encode() not in bytes(row.phone)

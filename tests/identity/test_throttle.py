"""Guesses are counted per account and per address, in Redis and without it."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from flask import Flask

from app.identity import passwords
from app.identity.service import bindings, sign_ins
from app.identity.throttle import (
    BINDING_ADDRESS,
    RESET_ACCOUNT,
    RESET_ADDRESS,
    SIGN_IN_ACCOUNT,
    SIGN_IN_ADDRESS,
    Throttle,
    throttle,
)
from app.kernel.db import db
from app.kernel.errors import HouseError, RuleBroken, Throttled
from tests.builders import Town, unique
from tests.people import PASSWORD, anonymous, make_account


@pytest.fixture(scope="module")
def guarded(environment: dict[str, str], app: Flask) -> Flask:
    """The application with throttling on, as in production."""
    from app import create_app
    from tests.people import Browser

    made = create_app({"TESTING": True, "PROPAGATE_EXCEPTIONS": False, "RATELIMIT_ENABLED": True})
    made.test_client_class = Browser
    return made


def guess(login: str, word: str, address: str) -> str:
    """What a guess meets: in, wrong, or stopped."""
    try:
        sign_ins.sign_in(login, word, address=address, browser="guesser")
    except Throttled:
        return "stopped"
    except RuleBroken:
        return "wrong"
    else:
        return "in"
    finally:
        db.session.rollback()


def test_ten_guesses_at_an_account_from_ever_new_addresses(guarded: Flask) -> None:
    with guarded.app_context():
        account = make_account(password=PASSWORD)
        db.session.commit()
        phone = str(account.phone)
        met = [guess(phone, f"guess {n}", f"10.{n // 250}.{n % 250}.1") for n in range(300)]
        assert met.count("wrong") == 10
        assert met.count("stopped") == 290
        # The right password does not help while the account is shut.
        assert guess(phone, PASSWORD, "10.9.9.9") == "stopped"


def test_fifty_guesses_from_one_address_over_many_accounts(guarded: Flask) -> None:
    with guarded.app_context():
        met = [guess(f"139{n:08d}", "guess", "172.16.0.1") for n in range(300)]
        assert met.count("wrong") == 50
        assert guess("13900009999", "guess", "172.16.0.2") == "wrong"


@pytest.mark.slow
def test_ten_thousand_guesses_end_at_the_cap(guarded: Flask) -> None:
    """Bar 23: from one and from many addresses, at one account: never more than ten looks."""
    with guarded.app_context():
        account = make_account(password=PASSWORD)
        db.session.commit()
        met = [guess(str(account.phone), "guess", f"10.1.{n % 40}.{n % 7}") for n in range(10_000)]
        assert met.count("wrong") <= 10
        assert "in" not in met


def test_a_good_sign_in_begins_the_count_anew(guarded: Flask) -> None:
    with guarded.app_context():
        account = make_account(password=PASSWORD)
        db.session.commit()
        phone = str(account.phone)
        for _ in range(3):
            assert [guess(phone, "typo", "192.0.2.1") for _ in range(9)] == ["wrong"] * 9
            assert guess(phone, PASSWORD, "192.0.2.1") == "in"


def test_guesses_side_by_side_do_not_slip_past(guarded: Flask) -> None:
    name = unique("13")
    met: list[bool] = []

    def hit() -> None:
        with guarded.app_context():
            try:
                throttle().hit(SIGN_IN_ACCOUNT, name)
            except Throttled:
                met.append(False)
            else:
                met.append(True)

    threads = [threading.Thread(target=hit) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met.count(True) == 10


def test_unknown_accounts_are_stopped_like_known_ones(guarded: Flask) -> None:
    with guarded.app_context():
        met = [guess("13712340000", "guess", f"10.2.{n}.1") for n in range(20)]
        assert met == ["wrong"] * 10 + ["stopped"] * 10


def test_without_redis_the_caps_hold_and_nobody_is_shut_out(
    guarded: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process counts for itself; a server that does not answer costs half a second once."""
    with guarded.app_context():
        lone = Throttle(guarded)
        guarded_uri = "redis://127.0.0.1:1"
        monkeypatch.setitem(guarded.config, "RATELIMIT_STORAGE_URI", guarded_uri)
        lone = Throttle(guarded)
        monkeypatch.setitem(guarded.extensions, "identity_throttle", lone)
        account = make_account(password=PASSWORD)
        db.session.commit()
        phone = str(account.phone)
        begun = time.monotonic()
        met = [guess(phone, "guess", f"10.3.{n}.1") for n in range(30)]
        assert met == ["wrong"] * 10 + ["stopped"] * 20
        other = make_account(password=PASSWORD)
        db.session.commit()
        assert guess(str(other.phone), PASSWORD, "10.3.99.1") == "in"
        assert time.monotonic() - begun < 10


def test_binding_codes_are_guessed_no_more_than_thirty_times_an_hour(
    guarded: Flask, town: Town
) -> None:
    with guarded.app_context():
        met: list[str] = []
        for n in range(60):
            try:
                bindings.look_up(town.community_id, f"GUESS{n:03d}", address="198.51.100.7")
            except HouseError as error:
                met.append(type(error).__name__)
        assert met == ["RuleBroken"] * 30 + ["Throttled"] * 30


def test_the_page_says_429_in_the_same_words_for_anyone(guarded: Flask) -> None:
    client = anonymous(guarded)
    answers: list[Any] = [
        client.submit("/sign-in", {"login": "13655550000", "password": "guess"}) for _ in range(11)
    ]
    assert [one.status_code for one in answers] == [422] * 10 + [429]
    assert "尝试次数过多" in answers[-1].get_data(as_text=True)


def test_a_wrong_name_costs_as_much_work_as_a_wrong_password(
    guarded: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the path through the code: one hash is verified either way, at the same cost."""
    with guarded.app_context():
        account = make_account(password=PASSWORD)
        disabled = make_account(password=PASSWORD)
        disabled.disabled_at = (
            account.totp_confirmed_at or __import__("app.kernel.clock", fromlist=["now"]).now()
        )
        no_password = make_account()
        db.session.commit()
        verified: list[str] = []
        honest = passwords._hasher("test").verify

        class Counting:
            def verify(self, hashed: str, word: str) -> bool:
                verified.append(hashed.rpartition("$")[0].rpartition("$")[0])
                return honest(hashed, word)

            def __getattr__(self, name: str) -> Any:
                return getattr(passwords._hasher.__wrapped__("test"), name)

        monkeypatch.setattr(passwords, "_nobodys_hash", lambda _cost: nobody)
        nobody = passwords.hash_password("nobody")
        counting = Counting()
        monkeypatch.setattr(passwords, "_hasher", lambda _cost: counting)
        for login in (
            account.phone,
            disabled.phone,
            no_password.phone,
            "13611110000",
            "not a login",
        ):
            assert guess(str(login), "guess", "203.0.113.5") == "wrong"
        assert len(verified) == 5
        assert len(set(verified)) == 1  # the same algorithm, version and cost


def test_counters_never_hold_a_phone_number(guarded: Flask) -> None:
    import redis

    with guarded.app_context():
        guess("13622223333", "guess", "203.0.113.9")
        store = redis.Redis.from_url(guarded.config["REDIS_URL"])
        keys = [key.decode() for key in store.keys("*")]
    assert any("linli-tries" in key for key in keys)
    assert not any("13622223333" in key for key in keys)


def test_the_documented_caps_are_the_codes() -> None:
    """docs/adr/0010-sign-in.md names them; change both."""
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs/adr/0010-sign-in.md").read_text("utf-8")
    for cap in (SIGN_IN_ACCOUNT, SIGN_IN_ADDRESS, BINDING_ADDRESS, RESET_ACCOUNT, RESET_ADDRESS):
        assert cap.text in text

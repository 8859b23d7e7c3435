"""A community that takes online payments, and the stub of the gateway on a port of its own."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app import wiring
from app.kernel import audit, clock, queue
from app.kernel.audit import Actor
from app.kernel.db import db, transaction
from app.kernel.tenancy import scoped
from app.payments import stripe_gateway
from app.payments.models import Payment
from app.payments.online import service
from app.payments.online.service import Item
from app.payments.sandbox.desk import Desk
from app.payments.sandbox.server import at
from tests.billing.bills import Counter
from tests.builders import Town
from tests.payments.online import stripe_says


@pytest.fixture(autouse=True)
def keys(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of the gateway, and an address where nobody answers."""
    for name, value in (
        ("STRIPE_SECRET_KEY", "sk_test_of_tests"),
        ("STRIPE_WEBHOOK_SECRETS", (stripe_says.SECRET,)),
        ("STRIPE_API_BASE", "http://127.0.0.1:9"),
    ):
        monkeypatch.setitem(app.config, name, value)
    monkeypatch.setattr(stripe_gateway, "RETRIES", 0)
    stripe_gateway._client_of.cache_clear()


@pytest.fixture
def sandbox(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The stub, listening; its notifications are handed over by hand (`Office.hear_all`)."""
    ear = socket.socket()
    ear.bind(("127.0.0.1", 0))
    ear.listen(64)
    desk = Desk()
    server = at(ear, desk, "", stripe_says.SECRET)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setitem(app.config, "STRIPE_API_BASE", desk.base)
    yield desk
    server.shutdown()
    ear.close()


def run_waiting(communities: list[int]) -> None:
    """Relay and worker in one, without Redis: until nothing is left whose time has come."""
    for _ in range(20):
        with scoped(communities):
            queue._relay_news(wiring.NEWS)
            waiting = db.session.execute(
                text(
                    "SELECT community_id, id FROM task WHERE status = 'queued'"
                    " AND community_id = ANY (:c) AND run_after <= :now ORDER BY id"
                ),
                {"c": communities, "now": clock.now()},
            ).all()
            db.session.commit()
        if not waiting:
            return
        for community_id, task_id in waiting:
            queue.run(community_id, task_id)


@dataclass
class Office:
    """Acts in a town that takes online payments; each act is committed."""

    town: Town
    app: Flask
    account: str
    bills: Counter
    payer: int = 4711
    serial: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    @property
    def community_id(self) -> int:
        """The town's number."""
        return self.town.community_id

    def start(self, *items: Item, key: str = "", opened: bool = True) -> Any:
        """A payment as it began; `opened` gives it a checkout without asking the gateway."""
        with audit.acting(Actor(account_id=self.payer, name="张三", via="web")):
            one = service.start(
                self.community_id, "service", items, key=key or secrets.token_hex(8)
            )
        if opened and one.session_id is None:
            one.session_id, one.livemode = f"cs_test_{secrets.token_hex(6)}", False
        db.session.commit()
        return _kept(one)

    def open(self, one: Any) -> str:
        """Open its checkout at the stub; gives the address."""
        with audit.acting(Actor(account_id=self.payer, name="张三", via="web")):
            url = service.open_checkout(
                self.community_id,
                one.id,
                title="物业费",
                success_url="http://house/back",
                cancel_url="http://house/back",
            )
        db.session.commit()
        return url

    def tell(self, said: dict[str, Any], **how: Any) -> bool:
        """Hand a notification over, as the web would; the scope stays as it was."""
        with scoped([]), transaction():
            return service.receive_event(*stripe_says.signed(said, **how))

    def hear_all(self, desk: Desk) -> None:
        """Hand over whatever the stub has to say, then work."""
        while desk.outgoing:
            said = desk.outgoing.pop(0)
            with scoped([]), transaction():
                service.receive_event(*stripe_says.signed(said))
        self.work()

    def work(self) -> None:
        """Run every task whose time has come, news included, until nothing is left."""
        db.session.commit()
        run_waiting([0, self.community_id])
        db.session.rollback()

    def again(self, one: Any) -> Any:
        """The payment as it is now."""
        db.session.rollback()
        db.session.expire_all()
        return _kept(db.session.get_one(Payment, (self.community_id, one.id)))

    def failed_tasks(self) -> list[tuple[str, str]]:
        """Tasks that gave up, with their sentence."""
        rows = db.session.execute(
            text("SELECT name, error FROM task WHERE community_id = :c AND status = 'failed'"),
            {"c": self.community_id},
        )
        return [tuple(row) for row in rows]

    def events(self) -> dict[str, int]:
        """How many notifications ended how."""
        rows = db.session.execute(
            text("SELECT status, count(*) FROM gateway_event WHERE community_id = :c GROUP BY 1"),
            {"c": self.community_id},
        )
        return {row[0]: row[1] for row in rows}


def _kept(one: Payment) -> Any:
    """A row's values, free of its session."""
    return SimpleNamespace(**{c.name: getattr(one, c.name) for c in Payment.__table__.columns})


@pytest.fixture
def office(app: Flask, town: Town) -> Office:
    """A town with a settlement account for its service book."""
    account = f"acct_{secrets.token_hex(6)}"
    service.begin_account(town.community_id, "service", account, "示范物业")
    db.session.commit()
    return Office(town, app, account, Counter(town))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Move the clock on by so many minutes."""

    def move(minutes: int) -> None:
        monkeypatch.setenv(
            "LINLI_CLOCK_OFFSET_SECONDS", str(timedelta(minutes=minutes).total_seconds())
        )

    return move

"""A closing and an entry that come at the same time."""

from __future__ import annotations

import threading
from datetime import date

from app.kernel import clock
from app.kernel.db import transaction
from app.kernel.period import Month
from app.ledger import service
from tests.ledger.raw import MARCH, Raw, connect, refusal


def test_a_closing_and_an_entry_on_its_way_wait_for_each_other(servers, raw, app):
    """Two connections, the entry first: the closing waits and counts the entry in."""
    with connect(servers) as writer:
        other = Raw(writer, raw.c, raw.unit_id)
        with writer.transaction():
            other.scope()
            writer.execute(
                "INSERT INTO entry (community_id, id, book, month, posted_on, kind, source)"
                " VALUES (%s, 2, 'service', %s, %s, 'raw:sql', '2')",
                [raw.c, MARCH, MARCH],
            )
            other.post(2, ("1002", 5), ("6001", -5))
            outcome = close_in_thread(app, raw.c)
            outcome.wait_until_blocked(servers)
        outcome.thread.join(10)
    assert outcome.result == "closed"
    with raw.connection.transaction():
        raw.scope()
        assert raw.connection.execute(
            "SELECT balance_fen FROM closing_balance WHERE account_code = '1002'"
        ).fetchone() == (5,)


def test_an_entry_that_comes_while_a_closing_is_under_way_is_refused_after_it(servers, raw):
    """Two connections, the closing first: the entry waits and then finds the month closed."""
    with connect(servers) as closer, connect(servers) as writer:
        other = Raw(writer, raw.c, raw.unit_id)
        refused: list[str] = []
        with closer.transaction():
            closer.execute(f"SET LOCAL app.communities = '{{{raw.c}}}'")
            closer.execute(
                "UPDATE book SET closed_through = %s WHERE community_id = %s AND code = 'service'",
                [MARCH, raw.c],
            )
            thread = threading.Thread(
                target=lambda: refused.append(
                    refusal(lambda: other.enter(("1002", 5), ("6001", -5)))
                )
            )
            thread.start()
            wait_for_a_blocked_one(servers)
        thread.join(10)
    assert refused == ["ck_entry__month_open"]


class close_in_thread:
    """Close March of a community in a thread with an application context of its own."""

    def __init__(self, app, community_id: int) -> None:
        self.app, self.c, self.result = app, community_id, ""
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        from app.kernel.tenancy import scoped

        with self.app.app_context(), scoped([self.c]), clock.moved_to(date(2026, 4, 3)):
            with transaction():
                service.close_month(self.c, "service", Month(2026, 3))
            self.result = "closed"

    def wait_until_blocked(self, servers) -> None:
        wait_for_a_blocked_one(servers)
        assert self.result == ""


def wait_for_a_blocked_one(servers) -> None:
    """Return once some session waits for a lock."""
    import time

    with connect(servers, "postgres") as watcher:
        for _ in range(200):
            waiting = watcher.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            ).fetchone()
            if waiting[0]:
                return
            time.sleep(0.05)
    raise AssertionError("nobody waited")

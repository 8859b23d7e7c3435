"""Takes notifications to the house, signed as Stripe signs them; tries again when refused."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import urllib.error
import urllib.request
from typing import Any

from app.kernel import clock
from app.payments.sandbox.desk import Desk

PAUSE_SECONDS = 0.3
LARGEST_TRIES = 20


def signature(body: str, secret: str, at: int) -> str:
    """The header that proves who sent a body, and when."""
    made = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={made}"


class Messenger(threading.Thread):
    """Runs beside the server until told to stop."""

    def __init__(self, desk: Desk, url: str, secret: str) -> None:
        super().__init__(daemon=True)
        self.desk, self.url, self.secret = desk, url, secret
        self.over = threading.Event()
        self.tries: dict[str, int] = {}
        self.direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def run(self) -> None:
        """Let time pass and deliver what waits."""
        while not self.over.wait(PAUSE_SECONDS):
            with self.desk.lock:
                changed = self.desk.tick()
                waiting = list(self.desk.outgoing)
                if changed:
                    self.desk.keep()
            for event in waiting:
                if not self._deliver(event):
                    break

    def _deliver(self, event: dict[str, Any]) -> bool:
        """Whether to go on with the next one."""
        body = json.dumps(event, ensure_ascii=False)
        at = int(clock.now().timestamp())
        request = urllib.request.Request(  # noqa: S310 -- our own address, given at the start
            self.url,
            body.encode(),
            {
                "Content-Type": "application/json",
                "Stripe-Signature": signature(body, self.secret, at),
            },
        )
        try:
            self.direct.open(request, timeout=10).close()
        except (OSError, urllib.error.HTTPError):
            self.tries[event["id"]] = self.tries.get(event["id"], 0) + 1
            if self.tries[event["id"]] < LARGEST_TRIES:
                return False
        with self.desk.lock:
            self.desk.outgoing = [one for one in self.desk.outgoing if one["id"] != event["id"]]
            self.desk.keep()
        return True

"""How often one may try: per account and per address, counted in Redis.

The caps are written down in docs/adr/0010-sign-in.md. When Redis does not answer, each web
process counts for itself with the same caps, so tries stay limited (by the caps times the
number of processes) and nobody is locked out by an outage.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import structlog
from flask import Flask, current_app
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from app.kernel.errors import N_, Throttled

log = structlog.get_logger(__name__)

REST_SECONDS = 15.0  # how long Redis is left alone after it did not answer


@dataclass(frozen=True)
class Cap:
    """How many tries of a kind in which windows, such as `10 per 15 minutes`."""

    name: str
    text: str

    @property
    def windows(self) -> list[RateLimitItem]:
        """The windows as `limits` reads them."""
        return parse_many(self.text)


SIGN_IN_ACCOUNT = Cap("sign-in-account", "10 per 15 minutes; 50 per day")
SIGN_IN_ADDRESS = Cap("sign-in-address", "50 per 15 minutes; 300 per day")
CODE_ACCOUNT = Cap("code-account", "6 per 15 minutes; 30 per day")
BINDING_ACCOUNT = Cap("binding-account", "10 per 1 hour; 30 per day")
BINDING_ADDRESS = Cap("binding-address", "30 per 1 hour; 100 per day")
SIGN_UP_ADDRESS = Cap("sign-up-address", "20 per 1 hour; 60 per day")
PASSWORD_ACCOUNT = Cap("password-account", "10 per 15 minutes")
RESET_ACCOUNT = Cap("reset-account", "6 per 15 minutes; 20 per day")
RESET_ADDRESS = Cap("reset-address", "30 per 1 hour; 100 per day")
RESET_ISSUED = Cap("reset-issued", "5 per day")
RESET_STAFF = Cap("reset-staff", "20 per 1 hour; 60 per day")


class Throttle:
    """The counters of an application."""

    def __init__(self, app: Flask) -> None:
        self.enabled = bool(app.config["RATELIMIT_ENABLED"])
        self._resting_until = 0.0
        self._near = FixedWindowRateLimiter(MemoryStorage())
        self._far = FixedWindowRateLimiter(_storage(app.config["RATELIMIT_STORAGE_URI"]))

    def hit(self, cap: Cap, key: str) -> None:
        """Count a try. Raises Throttled when it is one too many."""
        if self.enabled and not all(
            self._ask("hit", window, cap.name, key) for window in cap.windows
        ):
            raise _throttled(cap, key)

    def count(self, cap: Cap, key: str) -> None:
        """Count a failed try; the next `look` will say when it was the last."""
        if self.enabled:
            for window in cap.windows:
                self._ask("hit", window, cap.name, key)

    def look(self, cap: Cap, key: str) -> None:
        """Raise Throttled when the tries are used up; count nothing."""
        if self.enabled and not all(
            self._ask("test", window, cap.name, key) for window in cap.windows
        ):
            raise _throttled(cap, key)

    def forget(self, cap: Cap, key: str) -> None:
        """Begin the shortest window anew: the try was good."""
        if self.enabled:
            self._ask("clear", cap.windows[0], cap.name, key)

    def _ask(self, act: str, window: RateLimitItem, *names: str) -> bool:
        if time.monotonic() >= self._resting_until:
            try:
                return getattr(self._far, act)(window, *names) is not False
            except StorageError:
                log.warning("throttle.redis_silent")
                self._resting_until = time.monotonic() + REST_SECONDS
        return getattr(self._near, act)(window, *names) is not False


def set_up(app: Flask) -> None:
    """Prepare the counters."""
    app.extensions["identity_throttle"] = Throttle(app)


def throttle() -> Throttle:
    """The counters of the present application."""
    found: Throttle = current_app.extensions["identity_throttle"]
    return found


def _storage(uri: str) -> Storage:
    made = storage_from_string(
        uri,
        wrap_exceptions=True,
        socket_timeout=0.5,
        socket_connect_timeout=0.5,
        key_prefix="linli-tries",
    )
    assert isinstance(made, Storage)
    return made


def _throttled(cap: Cap, key: str) -> Throttled:
    log.warning("throttled", cap=cap.name, key=key[:12])
    return Throttled("throttled." + cap.name, N_("尝试次数过多。请过一会儿（最多一天）再试。"))

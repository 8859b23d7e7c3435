"""For operators and load balancers: alive, ready, and how much work waits."""

from __future__ import annotations

import hmac
import time
from typing import Any

import redis
from flask import Blueprint, Flask, Response, abort, current_app, g, jsonify, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from sqlalchemy import text

from app.kernel.db import db
from app.kernel.tenancy import scoped
from app.web.door import public

pages = Blueprint("health", __name__)

REGISTRY = CollectorRegistry()
ANSWERS = Counter(
    "linli_http_answers_total",
    "Answers by route and status class",
    ["endpoint", "status"],
    registry=REGISTRY,
)
SECONDS = Histogram(
    "linli_http_seconds",
    "Seconds from door to door",
    ["endpoint"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)
WAITING = Gauge("linli_tasks", "Tasks by state", ["status"], registry=REGISTRY)
OLDEST = Gauge(
    "linli_outbox_oldest_seconds", "Age of the oldest news not handed out", registry=REGISTRY
)


@pages.get("/healthz")
@public
def healthz() -> Any:
    """The process answers."""
    return jsonify(status="ok")


@pages.get("/readyz")
@public
def readyz() -> Any:
    """PostgreSQL and Redis answer; 503 says which does not."""
    found = {
        "database": _ask(lambda: db.session.execute(text("SELECT 1"))),
        "queue": _ask(
            lambda: redis.Redis.from_url(current_app.config["REDIS_URL"], socket_timeout=2).ping()
        ),
    }
    ready = all(value == "ok" for value in found.values())
    return jsonify(status="ok" if ready else "unavailable", **found), 200 if ready else 503


@pages.get("/metrics")
@public
def metrics() -> Response:
    """Prometheus' text; open to whoever shows LINLI_METRICS_TOKEN, closed when it is not set."""
    token = current_app.config["METRICS_TOKEN"]
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not hmac.compare_digest(token.encode(), given.encode()):
        abort(404)
    with scoped([0, *db.session.execute(text("SELECT id FROM community")).scalars()]):
        counts = dict(
            db.session.execute(
                text(
                    "SELECT status, count(*) FROM task WHERE status IN ('queued', 'running')"
                    " GROUP BY status"
                )
            )
            .tuples()
            .all()
        )
        age = db.session.execute(
            text(
                "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(happened_at)), 0)"
                " FROM outbox_event WHERE relayed_at IS NULL"
            )
        ).scalar_one()
    for status in ("queued", "running"):
        WAITING.labels(status).set(counts.get(status, 0))
    OLDEST.set(float(age))
    return Response(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def measure(app: Flask) -> None:
    """Count and time every answer of this process."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        ANSWERS.labels(endpoint, f"{response.status_code // 100}xx").inc()
        SECONDS.labels(endpoint).observe(time.perf_counter() - g.get("started", 0))
        return response


def _ask(question: Any) -> str:
    try:
        question()
    except Exception as error:
        db.session.rollback()
        return type(error).__name__
    return "ok"

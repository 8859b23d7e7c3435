"""The whole house on one page: rooms, routes, which news starts which job, the timetable."""

from __future__ import annotations

from importlib import import_module

from flask import Flask

from app.identity import gate
from app.web import api, health

MODELS = (
    "app.kernel.audit",
    "app.kernel.counters",
    "app.kernel.files",
    "app.kernel.outbox",
    "app.kernel.queue",
    "app.registry.models",
    "app.identity.models",
    "app.ledger.models",
    "app.payments.models",
    "app.payments.receipts.models",
    "app.payments.online.models",
    "app.payments.bank.models",
    "app.billing.models",
    "app.billing.subsidy.models",
    "app.billing.counter.models",
    "app.billing.dunning.models",
    "app.web.idempotency",
)

# module: each has a flask Blueprint named `pages`
PAGES: tuple[str, ...] = (
    "app.demo.commands",
    "app.web.health",
    "app.ledger.pages",
    "app.registry.pages",
    "app.identity.pages",
    "app.desk.pages",
    "app.payments.receipts.pages",
    "app.billing.tariffs.pages",
    "app.billing.subsidy.pages",
    "app.billing.runs.pages",
    "app.billing.bills.pages",
    "app.billing.arrears.pages",
    "app.billing.dunning.pages",
    "app.billing.online.pages",
    "app.billing.counter.pages",
    "app.payments.online.pages",
    "app.payments.bank.pages",
    "app.billing.bank.pages",
)

# module: each has a flask-smorest Blueprint named `api`
APIS: tuple[str, ...] = (
    "app.identity.api",
    "app.registry.api",
    "app.ledger.api",
    "app.billing.api",
)

# module: importing it registers its jobs (and what it adds to the books' invariants)
JOBS: tuple[str, ...] = (
    "app.ledger.jobs",
    "app.registry.jobs",
    "app.billing.runs.jobs",
    "app.billing.subsidy.jobs",
    "app.billing.bills.jobs",
    "app.billing.bills.invariants",
    "app.billing.counter.invariants",
    "app.billing.dunning.jobs",
    "app.payments.online.jobs",
    "app.payments.bank.jobs",
    "app.billing.online.jobs",
    "app.billing.bank.jobs",
    "app.billing.bank.invariants",
)

# topic → jobs it starts
NEWS: dict[str, list[str]] = {
    "bill:issued": ["billing:apply-credits"],
    "statement:applied": ["billing:propose-matches"],
    "payment:received": ["billing:settle-payment"],
    "payment:returned": ["billing:take-back-payment"],
}

# (name, cron on China's clock, job, "community" for one task each or "platform" for one in all)
TIMETABLE: tuple[tuple[str, str, str, str], ...] = (
    ("forget-rosters", "40 3 * * *", "registry:forget-uploads", "community"),
    ("dunning-look", "20 6 * * *", "dunning:look", "community"),
    ("ledger-check", "30 2 * * *", "ledger:check", "community"),
    ("payments-look-after", "*/3 * * * *", "payments:look-after", "platform"),
    ("three-way-check", "40 5 * * *", "billing:three-way-check", "community"),
    ("subsidy-cliff", "10 6 * * *", "subsidy:cliff", "community"),
)


def set_up(app: Flask) -> None:
    """Import the tables and jobs, hang the door and the routes."""
    for module in (*MODELS, *JOBS):
        import_module(module)
    gate.set_up(app)
    for module in PAGES:
        app.register_blueprint(import_module(module).pages)
    api.set_up(app, APIS)
    health.measure(app)

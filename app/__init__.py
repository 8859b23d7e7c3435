"""Linli (邻里): how a renovated old community pays for its own upkeep once the subsidy ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask_migrate import Migrate

from app import config, wiring
from app.kernel import logging, tenancy  # noqa: F401 -- registers the scope on every transaction
from app.kernel.db import db
from app.web import faces


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Build the application: settings, database, faces, rooms."""
    app = Flask("app", template_folder="web/templates", static_folder="web/static")
    app.config.update(config.settings())
    app.config.update(overrides or {})
    if app.config["LINLI_ENV"] != "test":  # tests listen to the loggers themselves
        logging.set_up()
    db.init_app(app)
    Migrate(app, db, directory="migrations", compare_type=True)
    faces.set_up(app)
    wiring.set_up(app)
    return app

"""What every page has: language, protection, filters, navigation, error pages."""

from __future__ import annotations

from flask import Flask

from app.web import errors, formats, languages, navigation, preferences, protection, shell
from app.web.protection import csrf, limiter

__all__ = ["csrf", "limiter", "set_up"]


def set_up(app: Flask) -> None:
    """Prepare the faces."""
    languages.set_up(app)
    protection.set_up(app)
    formats.set_up(app)
    shell.set_up(app)
    navigation.set_up(app)
    app.register_blueprint(preferences.pages)
    errors.set_up(app)

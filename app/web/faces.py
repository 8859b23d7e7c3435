"""What every page has: language, security headers, error pages, filters."""

from __future__ import annotations

from flask import Flask

from app.web import errors


def set_up(app: Flask) -> None:
    """Prepare the faces."""
    errors.set_up(app)

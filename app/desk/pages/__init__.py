"""The street side of the desk."""

from app.desk.pages.common import pages

from app.desk.pages import (  # isort: skip -- each hangs its routes on `pages`
    communities,
    community,
    files,
    front,
    help,
    portfolios,
)

__all__ = ["communities", "community", "files", "front", "help", "pages", "portfolios"]

"""Pages of the books: overview and months, trial balance and accounts, entries, checks."""

from app.ledger.pages import books, checks, entries, trial
from app.ledger.pages.common import pages

__all__ = ["books", "checks", "entries", "pages", "trial"]

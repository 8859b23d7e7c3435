"""What can be wrong with a file or a cell; sentences are msgids, to be read in any language."""

from __future__ import annotations

from typing import Any

from app.kernel.tables.refusals import Refused

__all__ = ["BadCell", "Refused"]


class BadCell(Exception):
    """One cell cannot be what its column says; the sentence says what to do."""

    def __init__(self, message: str, **params: Any) -> None:
        super().__init__(message)
        self.message = message
        self.params = params

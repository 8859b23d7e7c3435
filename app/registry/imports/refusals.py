"""What can be wrong with a file or a cell; sentences are msgids, to be read in any language."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """The whole file is refused; the sentence says why and what to do."""

    def __init__(self, message: str, **params: Any) -> None:
        super().__init__(message)
        self.message = message
        self.params = params

    def __reduce__(self) -> tuple[Any, ...]:
        return (Refused, (self.message,), {"params": self.params})


class BadCell(Exception):
    """One cell cannot be what its column says; the sentence says what to do."""

    def __init__(self, message: str, **params: Any) -> None:
        super().__init__(message)
        self.message = message
        self.params = params

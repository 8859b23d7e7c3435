"""What can be wrong with a whole file; sentences are msgids, to be read in any language."""

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

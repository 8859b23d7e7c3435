"""The street side of the identity room."""

from app.identity.pages.common import pages

from app.identity.pages import (  # isort: skip -- each hangs its routes on `pages`
    account,
    binding,
    bindings,
    front,
    members,
    operators,
    reset_codes,
    second_factor,
    sign_in,
    tokens,
    trail,
)

__all__ = [
    "account",
    "binding",
    "bindings",
    "front",
    "members",
    "operators",
    "pages",
    "reset_codes",
    "second_factor",
    "sign_in",
    "tokens",
    "trail",
]

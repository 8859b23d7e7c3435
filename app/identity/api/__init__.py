"""Accounts for programs: who a token is and reaches, one's tokens, members of a place.

Members are given and ended as on the pages: an appointing role, within its own place. A token
limited to some communities edits no company's members, whose reach is wider than its own.
"""

from __future__ import annotations

from app.web.api import PREFIX, ApiBlueprint

api = ApiBlueprint(
    "accounts",
    __name__,
    url_prefix=PREFIX,
    description="Who a token is, its account's tokens, members of communities and companies.",
)

from app.identity.api import me, members  # noqa: E402 -- they hang their routes on `api`

__all__ = ["api", "me", "members"]

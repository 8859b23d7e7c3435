"""What tests of the books share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ledger.books import post
from tests.ledger.raw import Raw, connect


@pytest.fixture
def raw(servers, town) -> Iterator[Raw]:
    """Raw SQL in the scope of a town with books, one unit and one entry."""
    unit = town.add_unit("1-101")
    post(town.community_id, "2026-03", ("1122", 100, unit.id), ("6001", -100), source="1")
    with connect(servers) as connection:
        yield Raw(connection, town.community_id, unit.id)

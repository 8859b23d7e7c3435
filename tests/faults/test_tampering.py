"""Bar 11: 1,000 changes made as superuser, behind every trigger; all are found and named."""

from __future__ import annotations

import pytest

from tests.ledger.test_invariants import (
    superuser,  # noqa: F401 -- the fixture
    tamper_and_find,
)


@pytest.mark.slow
def test_a_thousand_changes_as_superuser_are_all_found(house, superuser):  # noqa: F811
    tamper_and_find(superuser, 1_000)

"""The SQL of a run computes what the rules say, line by line, to the fen."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict
from operator import itemgetter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.billing.models import BASES
from app.billing.runs import compute, plan
from app.billing.runs import rules as run_rules
from app.kernel.db import db
from app.kernel.period import Month
from app.kernel.tenancy import scoped
from tests.billing.communities import random_facts
from tests.billing.rows import bring
from tests.builders import found_town

MONTHS = [Month(2024, 2), Month(2025, 2), Month(2025, 6), Month(2026, 1), Month(2023, 12)]
EXAMPLES = int(os.environ.get("LINLI_RUN_EXAMPLES", "60"))

COLUMNS = """unit_id, party, tariff_id, version_id, detail_id, quantity, price, days,
  whole_gross_fen, whole_subsidy_fen, gross_fen, subsidy_fen, scheme_id, subsidy_rate,
  subsidy_days"""


def computed_by_sql(community_id: int, month: Month) -> list[dict[str, Any]]:
    compute.compute(plan.look(community_id, month))
    rows = db.session.execute(text(f"SELECT {COLUMNS} FROM run_line WHERE gross_fen > 0"))
    return [dict(row) for row in rows.mappings()]


def in_order(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(lines, key=itemgetter("unit_id", "tariff_id", "detail_id", "party"))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**48), month=st.sampled_from(MONTHS))
def test_every_line_is_what_the_rules_say(house: Any, seed: int, month: Month) -> None:
    facts = random_facts(seed, month)
    town = found_town()
    with scoped([town.community_id]):
        try:
            bring(facts, town.community_id, town.region_id)
            found = in_order(computed_by_sql(town.community_id, month))
            payers = db.session.execute(
                text("SELECT unit_id, party, payer_id, starts_on, ends_on FROM run_holder")
            ).all()
        finally:
            db.session.rollback()
    expected = in_order([asdict(line) for line in run_rules.charge_month(facts, month)])
    assert found == expected
    holders = {
        (unit.id, holder.party): (holder.payer_id, holder.days.start, holder.days.end)
        for unit in facts.units
        if (window := run_rules.billable_days(unit, month))
        for holder in run_rules.holders_of(unit, window, facts)
    }
    assert {(p.unit_id, p.party): (p.payer_id, p.starts_on, p.ends_on) for p in payers} == holders


def test_communities_out_of_seeds_have_something_to_compare() -> None:
    """Every kind of line occurs often, or the comparison above would compare nothing."""
    month = Month(2025, 6)
    lines = [
        (facts, line)
        for facts in (random_facts(seed, month) for seed in range(100))
        for line in run_rules.charge_month(facts, month)
    ]
    bases = Counter(
        tariff.basis
        for facts, line in lines
        for tariff in facts.tariffs
        if tariff.id == line.tariff_id
    )
    assert min(bases[basis] for basis in BASES) >= 50
    assert sum(line.party > 0 for _, line in lines) >= 100
    assert sum(0 < line.subsidy_fen < line.gross_fen for _, line in lines) >= 100
    assert sum(line.subsidy_fen == line.gross_fen for _, line in lines) >= 20
    assert sum(line.subsidy_days > 0 and line.subsidy_rate is None for _, line in lines) >= 10

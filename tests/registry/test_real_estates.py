"""Real communities and real floor areas, through the real import.

The shared data names no building and no room, so this loader assigns them: four units to a
floor, two to a stair, six floors, in the order of the file. They are not real addresses.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from app.kernel.db import db
from app.kernel.tenancy import scoped
from app.registry import queries
from tests.builders import found_town
from tests.registry.sheets import applied, counts, preview_of, workbook

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "estates" / "units.csv"
AT_MOST = 12  # communities in the suite; tests/real takes all 230


@pytest.mark.skipif(not DATA.exists(), reason="the shared data is not here (../shared/data)")
def test_real_estates_import_to_the_last_square_metre(house):
    estates: dict[str, list[str]] = defaultdict(list)
    with DATA.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            estates[f"{row['city']}{row['name']}"].append(row["area_m2"])
    largest = sorted(estates, key=lambda name: (-len(estates[name]), name))[:AT_MOST]
    for name in largest:
        import_estate(estates[name])


def import_estate(areas):
    town = found_town()
    rows = [
        [f"{index // 48 + 1}栋", f"{index % 48 // 24 + 1}单元",
         f"{index % 24 // 4 + 1}0{index % 4 + 1}", f"{area}㎡", f"业主{index}", ""]
        for index, area in enumerate(areas)
    ]  # fmt: skip
    with scoped([town.community_id]):
        made = applied(town, workbook(rows))
        assert counts(made) == (len(areas), 0, 0, 0)
        held = queries.counts(town.community_id)
        assert held.unit_count == len(areas)
        assert held.area_m2 == sum(Decimal(area).quantize(Decimal("0.01")) for area in areas)
        assert held.without_owner_count == 0
        again = preview_of(town, workbook(rows))
        assert counts(again) == (0, 0, len(areas), 0)
        labels = db.session.execute(
            text("SELECT count(DISTINCT label) FROM unit WHERE community_id = :c"),
            {"c": town.community_id},
        ).scalar_one()
        assert labels == len(areas)
        db.session.rollback()

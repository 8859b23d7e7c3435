"""230 real communities and 5,983 real homes, imported, billed for a year, recomputed.

The data lies beside the project and is read in place. What it does not say is assigned here,
and is no fact about these places: buildings (48 homes each), entrances (16 each), room
numbers, owners' names, the day each street's subsidy began. The fee is the listed one, of a
range (`1.7至2.6元/平米/月`) the lower bound; a blank or unreadable fee is skipped and
counted. The subsidy is 0.50 yuan/m²·month, or the whole fee where the fee is less.

The recomputation uses Fraction and the calendar and no code of the product's rules.
"""

from __future__ import annotations

import csv
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app.billing.service import issue_bills
from app.kernel import clock
from app.kernel.db import db, transaction
from app.kernel.period import Month
from app.kernel.tenancy import scoped
from app.ledger import invariants
from app.ledger.queries.balances import trial_balance
from app.registry.imports import apply, preview
from tests.billing.paperwork import priced, scheme
from tests.builders import Town, found_town

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "estates"
FIRST, LAST = Month(2025, 1), Month(2025, 12)
RATE = Decimal("0.50")

pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="the real estates are not on this machine (../shared/data/estates)"
)


@dataclass(frozen=True)
class Estate:
    """A community as the list has it, with what we assign."""

    name: str
    price: Decimal
    entered_on: date
    homes: dict[str, str]  # label → area as written

    def roster(self) -> bytes:
        """Its homes as a CSV such as a property company would bring."""
        lines = ["楼栋,单元,房号,建筑面积,业主"]
        for number, (label, area) in enumerate(self.homes.items(), start=1):
            building, entrance, room = label.split("-")
            lines.append(f"{building}栋,{entrance}单元,{room},{area}㎡,业主{number:04d}")
        return "\n".join(lines).encode("utf-8-sig")


def listed_fee(raw: str) -> Decimal | None:
    """The lower bound of a listed fee, yuan per m² and month; None when it does not say."""
    match = re.match(r"\s*(\d+(?:\.\d+)?)(?:至\d+(?:\.\d+)?)?元/平米/月", raw or "")
    return Decimal(match[1]) if match and Decimal(match[1]) > 0 else None


def place_of(number: int) -> str:
    """A building, entrance and room for the n-th home, from 0: two rooms a floor."""
    building, within = divmod(number, 48)
    entrance, room = divmod(within, 16)
    return f"{building + 1}-{entrance + 1}-{room // 2 + 1}{room % 2 + 1:02d}"


def estates() -> tuple[list[Estate], Counter[str]]:
    """Every community with a readable fee, and how many were skipped and why."""
    homes: dict[tuple[str, str], list[str]] = defaultdict(list)
    with (DATA / "units.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            homes[row["city"], row["lianjia_id"]].append(row["area_m2"])
    found, skipped = [], Counter()
    with (DATA / "estates.csv").open(encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file)):
            price = listed_fee(row["物业费用_raw"])
            if price is None:
                skipped["no readable fee"] += 1
                continue
            areas = homes[row["city"], row["lianjia_id"]]
            # Terms of three years that begin before, in and end in the year billed.
            entered_on = date(2022, 2, 11) + timedelta(days=number * 7 % 1400)
            placed = {place_of(index): area for index, area in enumerate(areas)}
            found.append(Estate(row["name"], price, entered_on, placed))
    return found, skipped


def bring(estate: Estate) -> Town:
    """Found the community, import its roster, set fee and subsidy: the product's own verbs."""
    town = found_town()
    with scoped([town.community_id]), transaction():
        made = preview.receive(town.community_id, "名册.csv", estate.roster(), date(2020, 1, 1))
        made = preview.read_file(town.community_id, made.id)
        assert made.status == "ready", (estate.name, made.status, made.refusal)
        assert (made.new_count, made.error_count) == (len(estate.homes), 0)
        apply.apply_roster(town.community_id, made.id)
        priced(town, "2020-01-01", str(estate.price), subsidised=True)
        scheme(town, entered_on=estate.entered_on, rates=(_rate(),))
    return town


def _rate() -> object:
    from app.billing.subsidy.service import Rate

    return Rate(RATE)


def half_up(yuan: Fraction) -> int:
    return (yuan.numerator * 200 + yuan.denominator) // (2 * yuan.denominator)


def due(estate: Estate) -> Iterator[tuple[str, Month, int, int]]:
    """Each home's gross and subsidy of each month, in fen, by counting days."""
    term_ends = estate.entered_on.replace(year=estate.entered_on.year + 3)
    for month in FIRST.until(LAST):
        days = [month.first + timedelta(days=n) for n in range(month.days)]
        eligible = sum(estate.entered_on <= day < term_ends for day in days)
        for label, area in estate.homes.items():
            gross = half_up(Fraction(area) * Fraction(estate.price))
            paid = half_up(Fraction(area) * Fraction(RATE) * eligible / month.days)
            yield label, month, gross, min(gross, paid)


def compare(estate: Estate, town: Town) -> tuple[int, int]:
    """The community's books against the recomputation; returns bills and fen compared."""
    owed: dict[str, int] = defaultdict(int)
    gross_fen = subsidy_fen = bills = 0
    for label, _, gross, paid in due(estate):
        owed[label] += gross - paid
        gross_fen, subsidy_fen, bills = gross_fen + gross, subsidy_fen + paid, bills + 1
    rows = db.session.execute(
        text(
            "SELECT u.label, COALESCE(sum(p.amount_fen), 0)::bigint AS fen FROM unit u"
            " LEFT JOIN posting p ON p.community_id = u.community_id AND p.unit_id = u.id"
            "  AND p.account_code = '1122' WHERE u.community_id = :c GROUP BY u.label"
        ),
        {"c": town.community_id},
    )
    assert {row.label: row.fen for row in rows} == dict(owed), estate.name
    balance = trial_balance(town.community_id, "service", LAST)
    closing = {row.account.code: row.closing_fen for row in balance.rows if row.closing_fen}
    resident_fen = sum(owed.values())
    expected = {"1122": resident_fen, "1221": subsidy_fen, "6001": -gross_fen}
    assert closing == {code: fen for code, fen in expected.items() if fen}, estate.name
    count = db.session.execute(
        text("SELECT count(*) FROM bill WHERE community_id = :c"), {"c": town.community_id}
    ).scalar_one()
    assert count == bills, estate.name
    assert invariants.check([town.community_id]) == []
    return bills, gross_fen


def test_a_year_of_every_real_estate_to_the_fen(house: Flask) -> None:
    everything, skipped = estates()
    some = everything[: int(os.environ.get("LINLI_ESTATES", "230"))]
    bills = gross_fen = homes = 0
    for estate in some:
        town = bring(estate)
        for month in FIRST.until(LAST):
            with clock.moved_to(month.last), scoped([town.community_id]), transaction():
                issue_bills(town.community_id, month, prepared_by=1, confirmed_by=2)
        with scoped([town.community_id]):
            compared = compare(estate, town)
            db.session.rollback()
        bills, gross_fen = bills + compared[0], gross_fen + compared[1]
        homes += len(estate.homes)
        db.session.expunge_all()
    print(
        f"\n{len(some)} estates ({sum(skipped.values())} skipped: {dict(skipped)}), {homes} homes,"
        f" {bills} bills, {gross_fen / 100:,.2f} yuan: equal to the fen"
    )
    assert len(everything) + sum(skipped.values()) == 230
    assert len(some) < 230 or homes == 5983


def test_fees_as_listed_are_read_or_skipped() -> None:
    assert listed_fee("1.7至2.6元/平米/月") == Decimal("1.7")
    assert listed_fee("2.18元/平米/月") == Decimal("2.18")
    assert listed_fee("") is None
    assert listed_fee("暂无信息") is None


def test_places_are_assigned_once_each() -> None:
    assert [place_of(n) for n in (0, 1, 2, 16, 48)] == [
        "1-1-101",
        "1-1-102",
        "1-1-201",
        "1-2-101",
        "2-1-101",
    ]
    assert len({place_of(n) for n in range(500)}) == 500

"""Thirty-six months of a community that lives: sales, prices, reductions, meters, mistakes.

Each seed is a history; a plain-Python oracle keeps the same books by counting days. Long
version (bar 9): `LINLI_HISTORIES=10000 python3 run.py test tests/billing/test_runs_history.py`.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, text, update

from app.billing import models as tables
from app.billing.rules import BY_DAY, TO_BUYER, TO_SELLER, DaysOff, Tier
from app.billing.runs.facts import (
    Facts,
    Held,
    OneOff,
    Quantity,
    Reading,
    Reduction,
    SharedCost,
    Tariff,
    Unit,
    Version,
)
from app.billing.service import confirm_run, issue_bills, preview_run, withdraw_run
from app.billing.subsidy.rules import Scheme, Step
from app.kernel import audit, clock
from app.kernel.db import db, transaction
from app.kernel.errors import RuleBroken
from app.kernel.period import DateRange, Month
from app.kernel.tenancy import scoped
from app.registry import models as registry
from tests.billing import oracle
from tests.billing.rows import bring
from tests.builders import Town, found_town

FIRST, MONTHS = Month(2024, 1), 36
HISTORIES = int(os.environ.get("LINLI_HISTORIES", "2"))
ALWAYS = DateRange(date(2020, 1, 1))
AREA, UNIT, METER, SHARED, ONE_OFF, SPACE = 1, 2, 3, 4, 5, 6
ACCOUNTS = {AREA: "6001", METER: "6051", SHARED: "2202"}

Lines = dict[tuple[Month, int, int, int, int], tuple[int, int]]


class History:
    """One community's life, told to the database and to the oracle at once."""

    def __init__(self, seed: int, town: Town) -> None:
        self.chance = random.Random(seed)
        self.town = town
        self.c = town.community_id
        self.serial = 1000
        self.live: Lines = {}
        self.runs: dict[int, Lines] = {}
        self.facts = self._beginning()
        bring(self.facts, self.c, town.region_id)
        db.session.flush()

    def _beginning(self) -> Facts:
        chance = self.chance
        units = tuple(self._unit(number) for number in (1, 2, 3))
        start = date(2024, 1, 1) + timedelta(days=chance.randint(0, 500))
        days = DateRange(start, start + timedelta(days=chance.randint(200, 700)))
        steps = (
            Step(start, Decimal("1.00")),
            Step(start + timedelta(days=chance.randint(30, 190)), Decimal("0.5625")),
        )
        tiers = (Tier(Decimal("10"), Decimal("3.45")),)
        return Facts(
            units=units,
            tariffs=(
                Tariff(AREA, "area", (Version(11, ALWAYS, Decimal("1.3333")),), subsidised=True),
                Tariff(UNIT, "unit", (Version(21, ALWAYS, Decimal("8.50")),)),
                Tariff(METER, "metered", (Version(31, ALWAYS, Decimal("2.105"), tiers),)),
                Tariff(SHARED, "shared"),
                Tariff(ONE_OFF, "one_off"),
                Tariff(SPACE, "space", (Version(61, ALWAYS, Decimal("120")),)),
            ),
            transfer_policy=chance.choice((BY_DAY, BY_DAY, TO_SELLER, TO_BUYER)),
            held=tuple(Held(u.id, u.id, ALWAYS, developer=chance.random() < 0.2) for u in units),
            schemes=(Scheme(1, days, steps),),
        )

    def _unit(self, number: int) -> Unit:
        area = Decimal(self.chance.randint(3000, 14000)) / 100
        return Unit(number, f"1-{number:04d}", 1, area)

    def next(self) -> int:
        """A number nobody has."""
        self.serial += 1
        return self.serial

    def day_of(self, month: Month) -> date:
        """Any day of a month."""
        return month.first + timedelta(days=self.chance.randint(0, month.days - 1))

    def add(self, table: type[Any], **row: Any) -> None:
        """A row in the database."""
        db.session.execute(insert(table).values(community_id=self.c, **row))

    def happen(self, month: Month) -> None:
        """What changes in a month, each with its own chance."""
        for chance, event in (
            (0.35, self.sell),
            (0.15, self.reprice),
            (0.15, self.reduce),
            (0.8, self.read),
            (0.5, self.share),
            (0.3, self.charge_once),
            (0.1, self.park),
            (0.08, self.build),
        ):
            if self.chance.random() < chance:
                event(month)

    def sell(self, month: Month) -> None:
        """A home changes hands on some day."""
        index = self.chance.randrange(len(self.facts.held))
        held, day, person = self.facts.held[index], self.day_of(month), self.next()
        if held.days.end is not None or held.days.start >= day:
            return
        developer = self.chance.random() < 0.1
        db.session.execute(
            update(registry.Ownership)
            .where(
                registry.Ownership.community_id == self.c,
                registry.Ownership.person_id == held.person_id,
                registry.Ownership.unit_id == held.unit_id,
            )
            .values(ends_on=day)
        )
        kind = "developer" if developer else "natural"
        self.add(registry.Person, id=person, name=f"p{person}", kind=kind)
        self.add(registry.Ownership, unit_id=held.unit_id, person_id=person, starts_on=day)
        sold = replace(held, days=DateRange(held.days.start, day))
        bought = Held(held.unit_id, person, DateRange(day), Fraction(1), developer)
        rest = self.facts.held[:index] + self.facts.held[index + 1 :]
        self.facts = replace(self.facts, held=(*rest, sold, bought))

    def reprice(self, month: Month) -> None:
        """A price ends on some day and another begins."""
        tariff_id = self.chance.choice((AREA, UNIT, METER, SPACE))
        day, version_id = self.day_of(month), self.next()
        (tariff,) = [t for t in self.facts.tariffs if t.id == tariff_id]
        last = tariff.versions[-1]
        if last.days.start >= day:
            return
        price = (last.price * Decimal(self.chance.randint(80, 125)) / 100).quantize(
            Decimal("0.0001")
        )
        db.session.execute(
            update(tables.TariffVersion)
            .where(tables.TariffVersion.community_id == self.c, tables.TariffVersion.id == last.id)
            .values(ends_on=day)
        )
        self.add(
            tables.TariffVersion,
            id=version_id,
            tariff_id=tariff_id,
            starts_on=day,
            price=price,
            price_basis="market",
        )
        ended = replace(last, days=DateRange(last.days.start, day))
        changed = replace(
            tariff,
            versions=(*tariff.versions[:-1], ended, Version(version_id, DateRange(day), price)),
        )
        others = tuple(changed if t.id == tariff_id else t for t in self.facts.tariffs)
        self.facts = replace(self.facts, tariffs=others)

    def reduce(self, month: Month) -> None:
        """A home stands empty for a while."""
        start = self.day_of(month)
        days = DateRange(start, start + timedelta(days=self.chance.randint(1, 80)))
        percent = Decimal(self.chance.choice(("30", "100", "12.50")))
        unit_id = self.chance.choice(self.facts.units).id
        self.add(
            tables.Reduction,
            unit_id=unit_id,
            kind="vacancy",
            percent=percent,
            starts_on=days.start,
            ends_on=days.end,
            document_no="1",
        )
        one = Reduction(unit_id, None, DaysOff(days, percent))
        self.facts = replace(self.facts, reductions=(*self.facts.reductions, one))

    def read(self, month: Month) -> None:
        """Somebody's meter is read."""
        unit_id, number = self.chance.choice(self.facts.units).id, self.next()
        reading = Reading(
            number, unit_id, METER, month, Decimal(0),
            Decimal(self.chance.randint(0, 40000)) / 1000, self.day_of(month),
        )  # fmt: skip
        self.add(tables.Meter, id=number, tariff_id=METER, unit_id=unit_id, serial=str(number))
        self.add(
            tables.MeterReading,
            id=number,
            meter_id=number,
            month=month.first,
            previous=reading.previous,
            reading=reading.reading,
            read_on=reading.read_on,
        )
        self.facts = replace(self.facts, readings=(*self.facts.readings, reading))

    def share(self, month: Month) -> None:
        """The stairs' light is shared."""
        cost = SharedCost(
            self.next(), SHARED, month, self.chance.randint(1, 99999),
            self.chance.choice(("area", "unit")),
        )  # fmt: skip
        self.add(
            tables.SharedCost,
            id=cost.id,
            tariff_id=SHARED,
            month=month.first,
            amount_fen=cost.amount_fen,
            allocation=cost.allocation,
        )
        self.facts = replace(self.facts, shared_costs=(*self.facts.shared_costs, cost))

    def charge_once(self, month: Month) -> None:
        """A door card is lost."""
        one = OneOff(
            self.next(), self.chance.choice(self.facts.units).id, ONE_OFF, month,
            self.chance.randint(1, 9999),
        )  # fmt: skip
        self.add(
            tables.OneOffCharge,
            id=one.id,
            tariff_id=ONE_OFF,
            unit_id=one.unit_id,
            month=month.first,
            amount_fen=one.amount_fen,
            description="门禁卡",
        )
        self.facts = replace(self.facts, one_offs=(*self.facts.one_offs, one))

    def park(self, month: Month) -> None:
        """A home that has none takes a space for good."""
        unit_id = self.chance.choice(self.facts.units).id
        if unit_id in {q.unit_id for q in self.facts.quantities}:
            return
        one = Quantity(unit_id, SPACE, Decimal("1.00"), DateRange(self.day_of(month)))
        self.add(
            tables.TariffQuantity,
            unit_id=unit_id,
            tariff_id=SPACE,
            quantity=one.quantity,
            starts_on=one.days.start,
        )
        self.facts = replace(self.facts, quantities=(*self.facts.quantities, one))

    def build(self, month: Month) -> None:
        """A home comes on the roll, billed from some day."""
        unit = replace(self._unit(self.next()), billable_from=self.day_of(month))
        self.add(
            registry.Unit,
            id=unit.id,
            building_id=1,
            room=str(unit.id),
            label=unit.label,
            sort_key=unit.label,
            area_m2=unit.area_m2,
            billable_from=unit.billable_from,
            binding_code=str(unit.id),
        )
        self.facts = replace(self.facts, units=(*self.facts.units, unit))

    def bill(self, month: Month) -> None:
        """Issue what is due and not yet billed, one way or the other; the oracle does too."""
        due = self._due(month)
        with clock.moved_to(month.first + timedelta(days=12)):
            if not due and not any(key[0] == month for key in self.live):
                with pytest.raises(RuleBroken):
                    issue_bills(self.c, month, prepared_by=1, confirmed_by=2)
                return
            if due and self.chance.random() < 0.5:
                with audit.acting(audit.Actor(account_id=1)):
                    preview = preview_run(self.c, month)
                with audit.acting(audit.Actor(account_id=2)):
                    run = confirm_run(self.c, preview.id)
            else:
                run = issue_bills(self.c, month, prepared_by=1, confirmed_by=2)
        if due:
            assert run.resident_fen == sum(gross - paid for gross, paid in due.values())
            self.runs[run.id] = due
            self.live |= due
        if due and self.chance.random() < 0.1:
            with clock.moved_to(month.first + timedelta(days=13)):
                withdraw_run(self.c, run.id, "算错了")
            for key in self.runs.pop(run.id):
                del self.live[key]
            if self.chance.random() < 0.8:
                self.bill(month)

    def _due(self, month: Month) -> Lines:
        dated = {t.id for t in self.facts.tariffs if t.basis in ("area", "unit", "space")}
        billed = {key for key in self.live if key[0] == month}
        by_unit = {(unit, tariff) for _, unit, tariff, _, _ in billed}
        by_detail = {(unit, tariff, detail) for _, unit, tariff, detail, _ in billed}
        costs = {detail for _, _, tariff, detail, _ in billed if tariff == SHARED}
        return {
            (month, *key): sums
            for key, sums in oracle.bill(self.facts, month).items()
            if not (key[1] in dated and key[:2] in by_unit)
            and not (key[1] == SHARED and key[2] in costs)
            and key[:3] not in by_detail
        }

    def compare(self) -> None:
        """Lines, receivables, subsidy and income are the oracle's."""
        lines = db.session.execute(
            text(
                "SELECT month, unit_id, tariff_id, detail_id, party, gross_fen, subsidy_fen"
                " FROM bill_line WHERE community_id = :c AND live"
            ),
            {"c": self.c},
        )
        assert {(Month.of(r[0]), *r[1:5]): tuple(r[5:]) for r in lines} == self.live
        expected: Counter[tuple[str, int | None]] = Counter()
        for (_, unit, tariff, _, _), (gross, paid) in self.live.items():
            expected["1122", unit] += gross - paid
            expected["1221", None] += paid
            expected[ACCOUNTS.get(tariff, "6001"), None] -= gross
        found = db.session.execute(
            text(
                "SELECT account_code, unit_id, sum(amount_fen)::bigint FROM posting"
                " WHERE community_id = :c GROUP BY 1, 2 HAVING sum(amount_fen) <> 0"
            ),
            {"c": self.c},
        )
        assert {(code, unit): fen for code, unit, fen in found} == {
            key: fen for key, fen in expected.items() if fen
        }


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_a_history_of_three_years_comes_to_what_the_oracle_says(house: Flask, seed: int) -> None:
    town = found_town()
    with scoped([town.community_id]):
        with transaction():
            history = History(seed, town)
        for month in FIRST.until(FIRST.shift(MONTHS - 1)):
            with transaction():
                history.happen(month)
                history.bill(month)
            if history.chance.random() < 0.4:
                with transaction():
                    history.chance.choice((history.charge_once, history.build, history.read))(month)
                    history.bill(month)
        history.compare()
        assert len(history.live) > 200
        db.session.rollback()
    db.session.expunge_all()

"""A counter for tests: issue bills by hand, with their entry, as a run would.

Sums are fen the test worked out itself; prices and areas are strings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from app.billing import postings
from app.billing.models import Bill, BillLine, BillRun, LateTerms, Tariff, TariffVersion
from app.billing.subsidy.models import SubsidyScheme, SubsidyStep
from app.kernel import clock
from app.kernel.db import db
from app.kernel.period import Month
from app.ledger import service as ledger
from app.ledger.rules import Line
from app.registry.models import Unit
from tests.builders import Town


@dataclass
class Charge:
    """One line to be: fen by hand; `whole_*` only where the unit changed hands."""

    gross_fen: int
    subsidy_fen: int = 0
    tariff: str = "物业费"
    quantity: str = "80.00"
    price: str = "1.35"
    days: str | None = None
    whole_gross_fen: int | None = None
    whole_subsidy_fen: int | None = None
    subsidy_rate: str | None = None
    subsidy_days: int = 0
    scheme_id: int | None = None
    detail_id: int | None = None


@dataclass
class Counter:
    """Issues bills in a town."""

    town: Town
    tariffs: dict[str, tuple[int, int]] = field(default_factory=dict)

    def tariff(
        self,
        name: str = "物业费",
        basis: str = "area",
        price: str = "1.35",
        document_no: str = "示发改〔2025〕12号",
        **columns: Any,
    ) -> tuple[int, int]:
        """A tariff and its version since 2020; the ids of both."""
        if name not in self.tariffs:
            tariff = Tariff(community_id=self.town.community_id, name=name, basis=basis, **columns)
            db.session.add(tariff)
            db.session.flush()
            version = TariffVersion(
                community_id=self.town.community_id,
                tariff_id=tariff.id,
                starts_on=date(2020, 1, 1),
                price=Decimal(price),
                price_basis="guided",
                document_no=document_no,
            )
            db.session.add(version)
            db.session.flush()
            self.tariffs[name] = (tariff.id, version.id)
        return self.tariffs[name]

    def scheme(
        self, entered_on: str = "2024-03-15", ends_on: str = "2027-03-15", rate: str = "0.50"
    ) -> int:
        """A street's subsidy scheme."""
        start = date.fromisoformat(entered_on)
        scheme = SubsidyScheme(
            community_id=self.town.community_id,
            payer_region_id=self.town.region_id,
            agreement_no="示街办〔2024〕3号",
            entered_on=start,
            starts_on=start,
            ends_on=date.fromisoformat(ends_on),
        )
        db.session.add(scheme)
        db.session.flush()
        db.session.add(
            SubsidyStep(
                community_id=self.town.community_id,
                scheme_id=scheme.id,
                starts_on=start,
                rate=Decimal(rate),
            )
        )
        db.session.flush()
        return scheme.id

    def late_terms(
        self, daily_rate: str = "0.0003", grace_days: int = 0, starts_on: str = "2020-01-01"
    ) -> None:
        """A contract's clause on late payment."""
        db.session.add(
            LateTerms(
                community_id=self.town.community_id,
                daily_rate=Decimal(daily_rate),
                grace_days=grace_days,
                starts_on=date.fromisoformat(starts_on),
                document_no="物业服务合同 第十二条",
            )
        )
        db.session.flush()

    def issue(
        self,
        unit: Unit,
        month: str,
        *charges: Charge,
        payer: Any = None,
        party: int = 0,
        starts_on: str | None = None,
        ends_on: str | None = None,
        due_on: str | None = None,
    ) -> Bill:
        """A unit's bill of a month in a run of its own, with the run's entry; committed."""
        which = Month.parse(month)
        due = date.fromisoformat(due_on) if due_on else which.first + timedelta(days=27)
        lines = charges or (Charge(10000),)
        gross, subsidy = sum(c.gross_fen for c in lines), sum(c.subsidy_fen for c in lines)
        run = BillRun(
            community_id=self.town.community_id,
            month=which.first,
            status="issued",
            due_on=due,
            prepared_at=clock.now(),
            issued_at=_noon(which),
            gross_fen=gross,
            subsidy_fen=subsidy,
            resident_fen=gross - subsidy,
        )
        db.session.add(run)
        db.session.flush()
        bill = Bill(
            community_id=self.town.community_id,
            run_id=run.id,
            unit_id=unit.id,
            party=party,
            payer_id=payer.id if payer else None,
            month=which.first,
            starts_on=date.fromisoformat(starts_on) if starts_on else which.first,
            ends_on=date.fromisoformat(ends_on) if ends_on else which.range.end,
            due_on=due,
            gross_fen=gross,
            subsidy_fen=subsidy,
            resident_fen=gross - subsidy,
        )
        db.session.add(bill)
        db.session.flush()
        for no, charge in enumerate(lines, 1):
            self._line(bill, no, which, charge)
        self._book(run, unit, gross, subsidy)
        db.session.commit()
        db.session.refresh(bill)
        return bill

    def withdraw(self, bill: Bill) -> None:
        """Take a bill's run back, its entry reversed."""
        run = db.session.get_one(BillRun, (bill.community_id, bill.run_id))
        ledger.reverse(bill.community_id, run.entry_id, reason="出错")
        run.status, run.withdrawn_at, run.withdrawn_reason = "withdrawn", clock.now(), "出错"
        bill.withdrawn = True
        for line in db.session.query(BillLine).filter_by(bill_id=bill.id):
            line.live = False
        db.session.commit()
        db.session.refresh(bill)

    def _line(self, bill: Bill, no: int, month: Month, charge: Charge) -> None:
        tariff_id, version_id = self.tariff(charge.tariff)
        db.session.add(
            BillLine(
                community_id=bill.community_id,
                bill_id=bill.id,
                no=no,
                unit_id=bill.unit_id,
                month=month.first,
                party=bill.party,
                tariff_id=tariff_id,
                version_id=version_id,
                detail_id=charge.detail_id or version_id,
                quantity=Decimal(charge.quantity),
                price=Decimal(charge.price),
                days=Decimal(charge.days or month.days),
                month_days=month.days,
                whole_gross_fen=_first(charge.whole_gross_fen, charge.gross_fen),
                whole_subsidy_fen=_first(charge.whole_subsidy_fen, charge.subsidy_fen),
                gross_fen=charge.gross_fen,
                subsidy_fen=charge.subsidy_fen,
                resident_fen=charge.gross_fen - charge.subsidy_fen,
                scheme_id=charge.scheme_id,
                subsidy_rate=Decimal(charge.subsidy_rate) if charge.subsidy_rate else None,
                subsidy_days=charge.subsidy_days,
            )
        )
        db.session.flush()

    def _book(self, run: BillRun, unit: Unit, gross: int, subsidy: int) -> None:
        lines = postings.issued({unit.id: gross - subsidy}, subsidy, {"6001": gross})
        entry = ledger.post(
            run.community_id,
            postings.BOOK,
            Month.of(run.month),
            postings.ISSUED,
            str(run.id),
            [Line(code, fen, unit_id) for code, unit_id, fen in lines],
        )
        run.entry_id = entry.id
        db.session.flush()


def _first(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value


def _noon(month: Month) -> Any:
    from datetime import datetime

    return datetime(month.year, month.number, 1, 12, tzinfo=clock.CHINA)

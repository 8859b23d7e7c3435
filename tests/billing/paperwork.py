"""Shortest sentences of the tariff and subsidy rooms, for their tests: verbs with usual values."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from app.billing.models import Bill, BillLine, BillRun, Tariff, TariffVersion
from app.billing.subsidy import service as subsidy
from app.billing.subsidy.models import SubsidyScheme
from app.billing.tariffs import service
from app.billing.tariffs.rules import Price
from app.kernel import clock
from app.kernel.db import db
from app.kernel.period import Month
from app.registry.models import Unit
from tests.builders import Town


def day(text: str) -> date:
    """An ISO day."""
    return date.fromisoformat(text)


def price(starts_on: str = "2026-01-01", yuan: str = "1.20", **more: object) -> Price:
    """A market price from a day on."""
    return Price(day(starts_on), Decimal(yuan), str(more.pop("price_basis", "market")), **more)  # type: ignore[arg-type]


def tariff(town: Town, name: str = "物业费", basis: str = "area", **more: object) -> Tariff:
    """A tariff without a price."""
    return service.create_tariff(town.community_id, name=name, basis=basis, **more)  # type: ignore[arg-type]


def priced(
    town: Town, starts_on: str = "2026-01-01", yuan: str = "1.20", **more: object
) -> tuple[Tariff, TariffVersion]:
    """A tariff with one price."""
    row = tariff(town, **more)  # type: ignore[arg-type]
    return row, service.set_price(town.community_id, row.id, price(starts_on, yuan))


def terms(town: Town, **more: object) -> subsidy.Terms:
    """An agreement of 0.75 yuan for three years from 2025-03-15."""
    usual = {
        "agreement_no": "街道协议〔2025〕7号",
        "entered_on": day("2025-03-15"),
        "rates": (subsidy.Rate(Decimal("0.75")),),
        "payer_region_id": town.region_id,
    }
    return subsidy.Terms(**(usual | more))  # type: ignore[arg-type]


def scheme(town: Town, **more: object) -> SubsidyScheme:
    """A recorded agreement."""
    return subsidy.record_scheme(town.community_id, terms(town, **more))


def billed(
    unit: Unit,
    month: str,
    row: Tariff,
    detail_id: int,
    *,
    version_id: int | None = None,
    scheme_id: int | None = None,
    gross_fen: int = 9600,
    subsidy_fen: int = 0,
    live: bool = True,
) -> None:
    """A bill line that rests on a detail, written by hand instead of a run."""
    first = Month.parse(month)
    c = unit.community_id
    run = BillRun(
        community_id=c, month=first.first, due_on=first.last, prepared_at=clock.now(),
        status="issued", issued_at=clock.now(),
    )  # fmt: skip
    db.session.add(run)
    db.session.flush()
    resident = gross_fen - subsidy_fen
    bill = Bill(
        community_id=c, run_id=run.id, unit_id=unit.id, party=0, month=first.first,
        starts_on=first.first, ends_on=first.range.end, due_on=first.last, gross_fen=gross_fen,
        subsidy_fen=subsidy_fen, resident_fen=resident, withdrawn=not live,
    )  # fmt: skip
    db.session.add(bill)
    db.session.flush()
    db.session.add(
        BillLine(
            community_id=c, bill_id=bill.id, no=1, unit_id=unit.id, month=first.first, party=0,
            tariff_id=row.id, version_id=version_id, detail_id=detail_id,
            quantity=Decimal(80), price=Decimal("1.20"), days=Decimal(first.days),
            month_days=first.days, whole_gross_fen=gross_fen, whole_subsidy_fen=subsidy_fen,
            gross_fen=gross_fen, subsidy_fen=subsidy_fen, resident_fen=resident,
            scheme_id=scheme_id, live=live,
        )
    )  # fmt: skip
    db.session.flush()

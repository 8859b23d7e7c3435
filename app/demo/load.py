"""Bring the demonstration in, once, through the services a company would use."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select

from app.billing.subsidy import service as subsidy
from app.billing.subsidy.service import Rate, Terms
from app.billing.tariffs.rules import Price
from app.billing.tariffs.service import prices, quantities, tariffs
from app.demo import bank, history, people, reminders, roster
from app.demo.plan import Home, homes
from app.kernel import audit, clock
from app.kernel.db import db, transaction
from app.kernel.period import Month
from app.kernel.tenancy import NOWHERE, scoped
from app.payments.online import service as payments
from app.registry.models import Region
from app.registry.service import mandates, places

CITY, DISTRICT, STREET, STATION = "云溪市", "望江区", "梧桐街道", "梧桐社区"
COMPANY = "安居物业服务有限公司"
MONTHS = 14


@dataclass(frozen=True)
class Story:
    """A community of the demonstration: what it is and how far it has come."""

    name: str
    address: str
    seed: int
    buildings: int
    year_built: int
    fee: Decimal  # yuan per m² and month
    rates: tuple[str, ...]  # the street's, year by year
    entered_months_ago: int
    billed_months: int


STORIES = (
    Story(
        "梧桐里小区",
        "梧桐路 18 号",
        7,
        14,
        1996,
        Decimal("1.15"),
        ("0.80", "0.65", "0.50"),
        26,
        MONTHS,
    ),
    Story(
        "纺织新村", "解放东路 203 号", 11, 2, 1988, Decimal("0.95"), ("0.60", "0.60", "0.50"), 38, 6
    ),
)
NEW_COMMUNITY = "桂花苑"


def load(stories: Sequence[Story] = STORIES) -> bool:
    """Load everything, or nothing when it is there already; returns whether it did.

    The first story is the one the committee and the residents among the guests live in.
    """
    if db.session.scalar(select(Region.id).where(Region.name == CITY)) is not None:
        return False
    today = clock.today()
    with audit.acting(audit.Actor(name="演示数据", via="command")):
        with clock.moved_to(Month.of(today).shift(-40).first), at_large(), transaction():
            where = _places()
            guests = {role: one.id for role, one in people.register_all().items()}
            people.appoint_at_large(where.company_id, where.street_id, where.district_id)
        for story in stories:
            _tell(story, today, where, guests, settled=story is stories[0])
        _found_new(where, today)
    return True


@dataclass(frozen=True)
class _Where:
    district_id: int
    street_id: int
    station_id: int
    company_id: int


def at_large() -> AbstractContextManager[None]:
    """Where acts are recorded that belong to no community."""
    return scoped([NOWHERE])


def _places() -> _Where:
    city = places.found_region("city", CITY)
    district = places.found_region("district", DISTRICT, city.id)
    street = places.found_region("street", STREET, district.id)
    station = places.found_region("station", STATION, street.id)
    company = places.found_organization(
        "property_company", COMPANY, "91320000MA1DEM0XX1", "0510-80000000"
    )
    return _Where(district.id, street.id, station.id, company.id)


def _tell(
    story: Story,
    today: date,
    where: _Where,
    guests: dict[str, int],
    *,
    settled: bool,
) -> None:
    """Found one community, bring its roll, its prices and its agreement, and live through it."""
    entered = Month.of(today).shift(-story.entered_months_ago).first.replace(day=15)
    lived = list(homes(story.seed, story.buildings))
    with clock.moved_to(entered), at_large(), transaction():
        community = places.found_community(
            where.station_id,
            story.name,
            address=story.address,
            year_built=story.year_built,
            year_renovated=entered.year,
            renovation_class="improved",
            entered_on=entered,
            due_day=25,
            service_phone="0510-80000000",
        )
        community_id = community.id
    with scoped([community_id]):
        with clock.moved_to(entered), transaction():
            mandates.begin_mandate(
                community_id, where.company_id, entered, document_no="托管协议〔2024〕7 号"
            )
            unit_ids = roster.bring_in(community_id, lived, entered)
            # Where the sandbox pays out to: a name, no account of anybody's.
            payments.begin_account(community_id, "service", f"acct_demo{community_id}", COMPANY)
        first = Month.of(today).shift(1 - story.billed_months)
        with clock.moved_to(entered), transaction():
            lighting = _set_prices(story, community_id, entered, first, where, lived, unit_ids)
        habits = {unit_ids[home.label]: home.habit for home in lived}
        history.live_through(
            community_id,
            first,
            Month.of(today),
            habits,
            lighting=lighting,
            prepared_by=guests["manager"],
            confirmed_by=guests["accountant"],
            cashier=guests["cashier"] if settled else None,
        )
        if settled:
            with transaction():
                people.settle_in(community_id, unit_ids)
            accountant = audit.Actor(guests["accountant"], "吴国平", via="command")
            with audit.acting(accountant), transaction():
                bank.bank_a_week(community_id, STREET)
            reminders.remind(community_id, guests["cashier"])


def _set_prices(  # noqa: PLR0917 -- a story has many parts
    story: Story,
    community_id: int,
    entered: date,
    first: Month,
    where: _Where,
    lived: list[Home],
    unit_ids: dict[str, int],
) -> int:
    """Fee, shop fee, parking and shared lighting, and what the street pays of the fee."""
    fee = tariffs.create_tariff(
        community_id, name="物业费", basis="area", unit_kinds=("residential",), subsidised=True
    )
    prices.set_price(
        community_id,
        fee.id,
        Price(first.first, story.fee, "guided", "云发改价〔2024〕31 号", ceiling=Decimal("1.30")),
    )
    shops = tariffs.create_tariff(
        community_id, name="商业物业费", basis="area", unit_kinds=("commercial",)
    )
    prices.set_price(
        community_id,
        shops.id,
        Price(first.first, Decimal("2.20"), "contract", "商铺服务合同 2024 版"),
    )
    parking = tariffs.create_tariff(
        community_id, name="车位管理费", basis="space", income_code="6051"
    )
    prices.set_price(
        community_id,
        parking.id,
        Price(first.first, Decimal("80"), "resolution", "业主大会决议 2024-03"),
    )
    quantities.set_quantities(
        community_id,
        parking.id,
        first.first,
        [
            quantities.Quantity(unit_ids[home.label], Decimal(1))
            for home in lived[::6]
            if home.kind == "residential"
        ],
    )
    subsidy.record_scheme(
        community_id,
        Terms(
            agreement_no=f"梧街补〔{entered.year}〕{story.seed} 号",
            entered_on=entered,
            rates=tuple(Rate(Decimal(rate)) for rate in story.rates),
            payer_region_id=where.street_id,
            signed_on=entered,
        ),
    )
    lighting = tariffs.create_tariff(
        community_id, name="公共照明公摊", basis="shared", income_code="2202"
    )
    return lighting.id


def _found_new(where: _Where, today: date) -> None:
    """A community just taken over, empty, for trying the first month from its beginning."""
    with at_large(), transaction():
        community = places.found_community(
            where.station_id,
            NEW_COMMUNITY,
            address="桂花巷 6 号",
            year_built=1999,
            year_renovated=today.year,
            renovation_class="basic",
            entered_on=today,
        )
        with scoped([community.id]):
            mandates.begin_mandate(
                community.id, where.company_id, today, document_no=f"托管协议〔{today.year}〕2 号"
            )

"""Regions, organizations, communities and mandates."""

from datetime import date

import pytest
from sqlalchemy import select, text

from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.kernel.outbox import OutboxEvent
from app.kernel.tenancy import scope, scoped
from app.registry import queries, service
from app.registry.models import Mandate
from tests.builders import found_town, unique


def organization(kind="property_company"):
    with scoped([0, *scope()]):
        made = service.found_organization(kind, unique("单位"))
        db.session.flush()
        return made


@pytest.fixture
def street(house):
    """A street in a district in a city, with nobody in view."""
    with scoped([0]):
        city = service.found_region("city", unique("市"))
        district = service.found_region("district", "区", city.id)
        yield service.found_region("street", "街道", district.id)


def test_the_tree_is_city_district_street_station(street):
    station = service.found_region("station", "工作站", street.id)
    assert [r.kind for r in queries.region_path(station.id)] == [
        "city",
        "district",
        "street",
        "station",
    ]
    assert [r.name for r in queries.children(street.id)] == ["工作站"]
    with pytest.raises(RuleBroken):
        service.found_region("city", "又一市", street.id)
    with pytest.raises(Conflict):
        service.found_region("station", "工作站", street.id)
    service.rename_region(station.id, "新站")
    assert queries.region(station.id).name == "新站"


def test_founding_a_community_brings_it_into_view(street):
    made = service.found_community(
        street.id, "示范里", year_built=1986, year_renovated=2024, entered_on=date(2024, 7, 1)
    )
    assert made.id in scope()
    found = queries.community(made.id)
    assert (found.name, found.due_day, found.entered_on) == ("示范里", 28, date(2024, 7, 1))
    assert [c.name for c in queries.communities_in(street.id)] == ["示范里"]
    with pytest.raises(Conflict):
        service.found_community(street.id, "示范里")


def test_a_community_lies_in_a_street_not_in_a_city(street):
    city = queries.region_path(street.id)[0]
    with pytest.raises(RuleBroken):
        service.found_community(city.id, "示范里")
    with pytest.raises(NotFound):
        service.found_community(2**62, "示范里")


@pytest.mark.parametrize(("built", "renovated"), [(1850, None), (None, 2199), (2000, 1999)])
def test_years_are_in_order(street, built, renovated):
    with pytest.raises(RuleBroken):
        service.found_community(street.id, "示范里", year_built=built, year_renovated=renovated)


def test_editing_facts_is_audited_with_before_and_after(town):
    service.edit_community(town.community_id, due_day=10, year_built=1990)
    db.session.flush()
    event = db.session.execute(
        text("SELECT before, after FROM audit_event WHERE community_id = :c"),
        {"c": town.community_id},
    ).one()
    assert (event.before["due_day"], event.after["due_day"]) == (28, 10)


def test_organizations_have_one_name_and_one_credit_code(house):
    with scoped([0]):
        name = unique("物业")
        company = service.found_organization("property_company", name)
        with pytest.raises(Conflict):
            service.found_organization("property_company", name)
        with pytest.raises(RuleBroken):
            service.edit_organization(company.id, credit_code="123")
        service.edit_organization(company.id, phone="4008123123")
        assert queries.organization(company.id).phone == "4008123123"


def test_two_mandates_never_overlap(town):
    company = organization()
    with pytest.raises(Conflict):
        service.begin_mandate(town.community_id, company.id, date(2026, 1, 1))
    with pytest.raises(Conflict):
        service.begin_mandate(
            town.community_id, company.id, date(2019, 1, 1), ends_on=date(2020, 1, 2)
        )
    service.begin_mandate(town.community_id, company.id, date(2019, 1, 1), ends_on=date(2020, 1, 1))
    assert [m.starts_on.year for m in queries.mandates(town.community_id)] == [2020, 2019]


def test_the_database_itself_refuses_overlapping_mandates(town):
    db.session.add(
        Mandate(
            community_id=town.community_id,
            organization_id=town.organization_id,
            starts_on=date(2026, 1, 1),
        )
    )
    with pytest.raises(Exception, match="ex_mandate__overlap"):
        db.session.flush()
    db.session.rollback()


def test_only_property_companies_are_appointed(town):
    office = organization("government")
    with pytest.raises(RuleBroken):
        service.begin_mandate(town.community_id, office.id, date(2019, 1, 1))


def reach(account_id, on):
    return db.session.execute(
        text("SELECT community_id FROM access_of(:a, :on, NULL)"), {"a": account_id, "on": on}
    ).scalars()


def test_ending_a_mandate_ends_the_companys_access_that_day(town):
    account = db.session.execute(
        text(
            "INSERT INTO account (name, phone_digest, password_hash) VALUES ('x', :d, 'x')"
            " RETURNING id"
        ),
        {"d": unique("d").encode()},
    ).scalar_one()
    db.session.execute(
        text(
            "INSERT INTO membership (account_id, role, organization_id, starts_on)"
            " VALUES (:a, 'manager', :o, '2020-01-01')"
        ),
        {"a": account, "o": town.organization_id},
    )
    [mandate] = queries.mandates(town.community_id)
    service.end_mandate(town.community_id, mandate.id, date(2026, 5, 1), "合同期满")
    db.session.flush()
    assert list(reach(account, date(2026, 4, 30))) == [town.community_id]
    assert list(reach(account, date(2026, 5, 1))) == []
    assert queries.manager_on(town.community_id, date(2026, 4, 30)).id == mandate.id
    assert queries.manager_on(town.community_id, date(2026, 5, 1)) is None
    [told] = db.session.scalars(
        select(OutboxEvent).where(
            OutboxEvent.community_id == town.community_id, OutboxEvent.topic == "mandate:ended"
        )
    )
    assert told.payload["ends_on"] == "2026-05-01"
    with pytest.raises(Conflict):
        service.end_mandate(town.community_id, mandate.id, date(2027, 5, 1), "再来")


def test_a_mandate_ends_after_it_began_and_with_a_reason(town):
    [mandate] = queries.mandates(town.community_id)
    with pytest.raises(RuleBroken):
        service.end_mandate(town.community_id, mandate.id, date(2020, 1, 1), "解聘")
    with pytest.raises(RuleBroken):
        service.end_mandate(town.community_id, mandate.id, clock.today(), "  ")


def test_a_foreign_mandate_does_not_exist_here(town):
    stranger = found_town()
    with scoped([stranger.community_id]):
        [theirs] = queries.mandates(stranger.community_id)
    with pytest.raises(NotFound):
        service.end_mandate(town.community_id, theirs.id, date(2026, 1, 1), "解聘")

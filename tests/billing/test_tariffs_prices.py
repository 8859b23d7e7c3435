"""Prices follow one another by the day, rest on a paper, and never change once they billed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.billing.models import Tariff, TariffTier, TariffVersion
from app.billing.tariffs import service
from app.billing.tariffs.rules import Step
from app.billing.tariffs.service.prices import versions_of
from app.kernel.audit import AuditEvent
from app.kernel.db import db
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.kernel.tenancy import scoped
from tests.billing.paperwork import billed, day, price, priced, tariff
from tests.builders import Town, found_town


def spans(town: Town, row: Tariff) -> list[tuple[str, str | None, str]]:
    return [
        (str(one.starts_on), one.ends_on and str(one.ends_on), f"{one.price:.2f}")
        for one in versions_of(town.community_id, row.id)
    ]


def test_a_new_price_closes_the_one_in_force_the_day_before(town: Town) -> None:
    row, _ = priced(town, "2026-01-01", "1.20")
    service.set_price(town.community_id, row.id, price("2026-07-01", "1.35"))
    assert spans(town, row) == [
        ("2026-01-01", "2026-07-01", "1.20"),
        ("2026-07-01", None, "1.35"),
    ]


def test_a_price_set_before_a_later_one_gives_way_to_it(town: Town) -> None:
    row, _ = priced(town, "2026-01-01", "1.20")
    service.set_price(town.community_id, row.id, price("2027-01-01", "1.50"))
    service.set_price(town.community_id, row.id, price("2026-07-01", "1.35"))
    assert spans(town, row) == [
        ("2026-01-01", "2026-07-01", "1.20"),
        ("2026-07-01", "2027-01-01", "1.35"),
        ("2027-01-01", None, "1.50"),
    ]


def test_a_price_before_all_others_ends_where_they_begin(town: Town) -> None:
    row, _ = priced(town, "2026-07-01", "1.35")
    service.set_price(town.community_id, row.id, price("2026-01-01", "1.20"))
    assert spans(town, row)[0] == ("2026-01-01", "2026-07-01", "1.20")


def test_two_prices_cannot_begin_on_one_day(town: Town) -> None:
    row, _ = priced(town, "2026-01-01")
    with pytest.raises(Conflict) as refusal:
        service.set_price(town.community_id, row.id, price("2026-01-01", "1.30"))
    assert refusal.value.field == "starts_on"


def test_nothing_changes_up_to_the_end_of_the_last_billed_month(town: Town) -> None:
    row, version = priced(town)
    unit = town.add_unit()
    billed(unit, "2026-03", row, version.id, version_id=version.id)
    with pytest.raises(RuleBroken) as refusal:
        service.set_price(town.community_id, row.id, price("2026-03-31", "1.50"))
    assert "2026-04-01" in str(refusal.value)
    service.set_price(town.community_id, row.id, price("2026-04-01", "1.50"))
    assert spans(town, row)[0] == ("2026-01-01", "2026-04-01", "1.20")


def test_a_withdrawn_run_frees_the_days_but_not_the_price(town: Town) -> None:
    row, version = priced(town)
    unit = town.add_unit()
    billed(unit, "2026-03", row, version.id, version_id=version.id, live=False)
    service.set_price(town.community_id, row.id, price("2026-03-01", "1.50"))
    with pytest.raises(Conflict):
        service.withdraw_price(town.community_id, version.id)


def test_a_price_that_billed_cannot_be_withdrawn(town: Town) -> None:
    row, version = priced(town)
    billed(town.add_unit(), "2026-03", row, version.id, version_id=version.id)
    with pytest.raises(Conflict) as refusal:
        service.withdraw_price(town.community_id, version.id)
    assert refusal.value.code == "tariff.version_billed"


def test_withdrawing_a_future_price_lets_the_present_one_run_on(town: Town) -> None:
    row, _ = priced(town, "2026-01-01", "1.20")
    later = service.set_price(town.community_id, row.id, price("2027-01-01", "1.50"))
    service.withdraw_price(town.community_id, later.id)
    assert spans(town, row) == [("2026-01-01", None, "1.20")]


def test_withdrawing_the_middle_price_joins_its_neighbours(town: Town) -> None:
    row, _ = priced(town, "2026-01-01", "1.20")
    middle = service.set_price(town.community_id, row.id, price("2026-07-01", "1.35"))
    service.set_price(town.community_id, row.id, price("2027-01-01", "1.50"))
    service.withdraw_price(town.community_id, middle.id)
    assert spans(town, row) == [
        ("2026-01-01", "2027-01-01", "1.20"),
        ("2027-01-01", None, "1.50"),
    ]


def test_a_price_after_a_gap_leaves_the_gap(town: Town) -> None:
    row, first = priced(town, "2026-01-01", "1.20")
    first.ends_on = day("2026-04-01")
    db.session.flush()
    service.set_price(town.community_id, row.id, price("2026-07-01", "1.35"))
    assert spans(town, row) == [
        ("2026-01-01", "2026-04-01", "1.20"),
        ("2026-07-01", None, "1.35"),
    ]


def test_the_database_itself_refuses_overlapping_prices(town: Town) -> None:
    from sqlalchemy.exc import IntegrityError

    row, _ = priced(town, "2026-01-01")
    db.session.add(
        TariffVersion(
            community_id=town.community_id, tariff_id=row.id, starts_on=date(2026, 6, 1),
            price=Decimal(1), price_basis="market",
        )
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="ex_tariff_version__overlap"):
        db.session.flush()
    db.session.rollback()


@pytest.mark.parametrize("basis", ["guided", "contract", "resolution"])
def test_a_price_that_rests_on_a_paper_names_it(town: Town, basis: str) -> None:
    row = tariff(town)
    with pytest.raises(RuleBroken) as refusal:
        service.set_price(town.community_id, row.id, price(price_basis=basis))
    assert refusal.value.field == "document_no"
    service.set_price(
        town.community_id, row.id, price(price_basis=basis, document_no="甬价费〔2019〕3号")
    )


def test_a_price_over_its_ceiling_is_refused_and_at_it_allowed(town: Town) -> None:
    row = tariff(town)
    papers = {"price_basis": "guided", "document_no": "甬价费〔2019〕3号"}
    with pytest.raises(RuleBroken) as refusal:
        service.set_price(
            town.community_id, row.id, price(yuan="1.21", ceiling=Decimal("1.20"), **papers)
        )
    assert refusal.value.field == "price"
    service.set_price(
        town.community_id, row.id, price(yuan="1.20", ceiling=Decimal("1.20"), **papers)
    )


def test_a_fifth_decimal_is_refused_not_rounded(town: Town) -> None:
    row = tariff(town)
    with pytest.raises(RuleBroken):
        service.set_price(town.community_id, row.id, price(yuan="1.23456"))


def test_steps_are_for_meters_and_go_upwards(town: Town) -> None:
    steps = (Step(Decimal(15), Decimal("0.45")), Step(Decimal(25), Decimal("0.60")))
    fee, water = tariff(town), tariff(town, "二次供水", "metered", measure="m³")
    with pytest.raises(RuleBroken):
        service.set_price(town.community_id, fee.id, price(steps=steps))
    with pytest.raises(RuleBroken):
        service.set_price(town.community_id, water.id, price(steps=steps[::-1]))
    made = service.set_price(town.community_id, water.id, price(yuan="0.35", steps=steps))
    db.session.flush()
    kept = db.session.scalars(
        select(TariffTier.from_quantity)
        .where(TariffTier.community_id == town.community_id, TariffTier.version_id == made.id)
        .order_by(TariffTier.from_quantity)
    )
    assert list(kept) == [Decimal(15), Decimal(25)]


def test_sums_have_no_price(town: Town) -> None:
    row = tariff(town, "楼道照明", "shared")
    with pytest.raises(RuleBroken):
        service.set_price(town.community_id, row.id, price())


def test_only_an_area_charge_is_subsidised_and_no_square_metre_twice(town: Town) -> None:
    with pytest.raises(RuleBroken):
        tariff(town, "垃圾清运", "unit", subsidised=True)
    tariff(town, "物业费", subsidised=True, unit_kinds=["residential"])
    with pytest.raises(RuleBroken) as refusal:
        tariff(town, "另一项", subsidised=True)
    assert refusal.value.code == "tariff.subsidised_twice"
    tariff(town, "商铺费", subsidised=True, unit_kinds=["commercial"])


def test_two_charges_of_one_community_have_two_names(town: Town) -> None:
    tariff(town, "物业费")
    with pytest.raises(RuleBroken) as refusal:
        tariff(town, " 物业费 ")
    assert refusal.value.field == "name"


def test_ending_cuts_the_price_and_drops_the_future_ones(town: Town) -> None:
    row, version = priced(town, "2026-01-01", "1.20")
    service.set_price(town.community_id, row.id, price("2027-01-01", "1.50"))
    billed(town.add_unit(), "2026-03", row, version.id, version_id=version.id)
    with pytest.raises(RuleBroken):
        service.end_tariff(town.community_id, row.id, day("2026-03-30"))
    service.end_tariff(town.community_id, row.id, day("2026-03-31"))
    assert spans(town, row) == [("2026-01-01", "2026-04-01", "1.20")]
    assert row.ended_at is not None
    assert row.ended_at.isoformat() == "2026-04-01T00:00:00+08:00"
    with pytest.raises(Conflict):
        service.set_price(town.community_id, row.id, price("2026-05-01"))


def test_the_measure_stays_once_billed_while_the_name_may_change(town: Town) -> None:
    row = tariff(town, "二次供水", "metered", measure="m³")
    billed(town.add_unit(), "2026-03", row, 1)
    with pytest.raises(RuleBroken):
        service.edit_tariff(town.community_id, row.id, name="二次供水", measure="t")
    service.edit_tariff(town.community_id, row.id, name="加压费", measure="m³")
    assert row.name == "加压费"


def test_every_act_leaves_who_and_which_document(town: Town) -> None:
    row = tariff(town)
    service.set_price(
        town.community_id, row.id, price(price_basis="contract", document_no="合同 12 号")
    )
    db.session.flush()
    events = db.session.scalars(
        select(AuditEvent)
        .where(AuditEvent.community_id == town.community_id)
        .where(AuditEvent.subject == f"tariff:{row.id}")
        .order_by(AuditEvent.id)
    ).all()
    assert [one.action for one in events] == ["tariff:create", "tariff:price"]
    assert events[1].after is not None
    assert events[1].after["document_no"] == "合同 12 号"


def test_another_communitys_tariff_is_not_there(town: Town) -> None:
    tariff_id = priced(town)[0].id
    db.session.commit()
    other = found_town()
    with scoped([other.community_id]), pytest.raises(NotFound):
        service.set_price(other.community_id, tariff_id, price("2026-07-01"))


def test_another_communitys_building_limits_nothing_here(town: Town) -> None:
    other = found_town()
    other.add_unit("9-101")
    with pytest.raises(NotFound):
        tariff(town, building_ids=[other.buildings["9"]])

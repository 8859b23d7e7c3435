"""Quantities, reductions, meters, readings, shared costs, one-off charges, late terms."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from app.billing.models import LateTerms, MeterReading, Reduction, TariffQuantity
from app.billing.tariffs import service
from app.billing.tariffs.service.quantities import Quantity
from app.billing.tariffs.service.readings import Reading
from app.kernel.db import db
from app.kernel.errors import Conflict, Invalid, NotFound, RuleBroken
from app.kernel.period import Month
from tests.billing.paperwork import billed, day, tariff
from tests.builders import Town, found_town

MARCH, APRIL, MAY = Month(2026, 3), Month(2026, 4), Month(2026, 5)


def quantities(town: Town, unit_id: int) -> list[tuple[str, str, str | None]]:
    rows = db.session.scalars(
        select(TariffQuantity)
        .where(TariffQuantity.community_id == town.community_id)
        .where(TariffQuantity.unit_id == unit_id)
        .order_by(TariffQuantity.starts_on)
    )
    return [(f"{r.quantity:.0f}", str(r.starts_on), r.ends_on and str(r.ends_on)) for r in rows]


def test_a_second_space_ends_the_first_count_the_day_before(town: Town) -> None:
    row, unit = tariff(town, "车位", "space"), town.add_unit()
    for starts_on, count in (("2026-01-01", 1), ("2026-03-11", 2), ("2026-05-01", 0)):
        given = [Quantity(unit.id, Decimal(count))]
        assert service.set_quantities(town.community_id, row.id, day(starts_on), given) == 1
    assert quantities(town, unit.id) == [
        ("1", "2026-01-01", "2026-03-11"),
        ("2", "2026-03-11", "2026-05-01"),
    ]


def test_the_same_count_again_changes_nothing(town: Town) -> None:
    row, unit = tariff(town, "车位", "space"), town.add_unit()
    given = [Quantity(unit.id, Decimal(1))]
    service.set_quantities(town.community_id, row.id, day("2026-01-01"), given)
    assert service.set_quantities(town.community_id, row.id, day("2026-02-01"), given) == 0
    assert quantities(town, unit.id) == [("1", "2026-01-01", None)]


def test_a_count_of_the_same_day_is_corrected_in_place(town: Town) -> None:
    row, unit = tariff(town, "车位", "space"), town.add_unit()
    for count in (1, 3):
        given = [Quantity(unit.id, Decimal(count))]
        service.set_quantities(town.community_id, row.id, day("2026-01-01"), given)
    assert quantities(town, unit.id) == [("3", "2026-01-01", None)]


def test_a_count_before_a_later_one_is_refused(town: Town) -> None:
    row, unit = tariff(town, "车位", "space"), town.add_unit()
    given = [Quantity(unit.id, Decimal(1))]
    service.set_quantities(town.community_id, row.id, day("2026-06-01"), given)
    with pytest.raises(Conflict):
        service.set_quantities(town.community_id, row.id, day("2026-01-01"), given)


def test_spaces_belong_to_a_charge_by_number_and_a_unit_of_the_community(town: Town) -> None:
    fee, row = tariff(town), tariff(town, "车位", "space")
    unit = town.add_unit()
    stranger = found_town().add_unit()
    with pytest.raises(RuleBroken):
        service.set_quantities(
            town.community_id, fee.id, day("2026-01-01"), [Quantity(unit.id, Decimal(1))]
        )
    with pytest.raises(NotFound):
        service.set_quantities(
            town.community_id, row.id, day("2026-01-01"), [Quantity(stranger.id, Decimal(1))]
        )


def reduce(town: Town, *unit_ids: int, **more: object) -> list[Reduction]:
    usual: dict[str, object] = {
        "unit_ids": unit_ids,
        "tariff_id": None,
        "kind": "vacancy",
        "percent": Decimal(30),
        "starts_on": day("2026-01-01"),
        "last_day": day("2026-06-30"),
        "document_no": "物业服务合同第 18 条",
    }
    return service.grant_reductions(town.community_id, **(usual | more))  # type: ignore[arg-type]


def test_a_reduction_without_a_paper_is_refused(town: Town) -> None:
    unit = town.add_unit()
    with pytest.raises(RuleBroken) as refusal:
        reduce(town, unit.id, document_no="  ")
    assert refusal.value.field == "document_no"


def test_the_last_day_of_a_reduction_is_reduced_too(town: Town) -> None:
    assert reduce(town, town.add_unit().id)[0].ends_on == day("2026-07-01")


def test_reductions_of_a_unit_do_not_overlap_but_may_follow(town: Town) -> None:
    unit, fee = town.add_unit(), tariff(town)
    reduce(town, unit.id)
    with pytest.raises(Conflict):
        reduce(town, unit.id, tariff_id=fee.id, starts_on=day("2026-06-30"), last_day=None)
    reduce(town, unit.id, tariff_id=fee.id, starts_on=day("2026-07-01"), last_day=None)


def test_reductions_of_different_charges_may_share_days(town: Town) -> None:
    unit, fee, rubbish = town.add_unit(), tariff(town), tariff(town, "垃圾", "unit")
    reduce(town, unit.id, tariff_id=fee.id)
    reduce(town, unit.id, tariff_id=rubbish.id)


def test_a_reduction_ends_earlier_never_later(town: Town) -> None:
    row = reduce(town, town.add_unit().id)[0]
    with pytest.raises(RuleBroken):
        service.end_reduction(town.community_id, row.id, day("2026-07-01"))
    with pytest.raises(RuleBroken):
        service.end_reduction(town.community_id, row.id, day("2025-12-31"))
    service.end_reduction(town.community_id, row.id, day("2026-03-31"))
    assert row.ends_on == day("2026-04-01")


def meter(town: Town, serial: str = "A1", initial: str = "100", **more: object):  # type: ignore[no-untyped-def]
    row = more.pop("tariff", None) or tariff(town, f"水费{serial}", "metered", measure="m³")
    unit = more.pop("unit", None) or town.add_unit(f"1-{serial}")
    return service.register_meter(
        town.community_id, tariff_id=row.id, unit_id=unit.id, serial=serial,
        initial=Decimal(initial), **more,
    )  # fmt: skip


def read(town: Town, month: Month, meter_id: int, value: str, **more: bool) -> int:
    given = [Reading(meter_id, Decimal(value), **more)]
    return service.record_readings(town.community_id, month, given)


def kept(town: Town, meter_id: int) -> list[tuple[str, str, str]]:
    rows = db.session.scalars(
        select(MeterReading)
        .where(MeterReading.community_id == town.community_id, MeterReading.meter_id == meter_id)
        .order_by(MeterReading.month)
    )
    return [(str(r.month)[:7], f"{r.previous:.0f}", f"{r.reading:.0f}") for r in rows]


def test_a_reading_goes_on_from_the_last_and_the_first_from_what_the_meter_showed(
    town: Town,
) -> None:
    one = meter(town)
    read(town, MARCH, one.id, "112")
    read(town, APRIL, one.id, "120")
    assert kept(town, one.id) == [("2026-03", "100", "112"), ("2026-04", "112", "120")]


def test_a_month_without_reading_is_caught_up_by_the_next(town: Town) -> None:
    one = meter(town)
    read(town, MARCH, one.id, "112")
    read(town, MAY, one.id, "130")
    assert kept(town, one.id)[-1] == ("2026-05", "112", "130")


def test_a_meter_never_runs_backwards_and_nothing_of_the_sheet_is_kept(town: Town) -> None:
    good, bad = meter(town, "A1"), meter(town, "A2")
    given = [Reading(good.id, Decimal(110)), Reading(bad.id, Decimal("99.5"))]
    with pytest.raises(Invalid) as refusal:
        service.record_readings(town.community_id, MARCH, given)
    assert list(refusal.value.errors) == [f"reading-{bad.id}"]
    assert "99.5" in refusal.value.errors[f"reading-{bad.id}"][0]
    assert kept(town, good.id) == []


def test_a_jump_is_asked_about_and_kept_when_checked(town: Town) -> None:
    one = meter(town)
    for offset, value in enumerate(("110", "120", "130")):
        read(town, Month(2026, 1 + offset), one.id, value)
    with pytest.raises(Invalid):
        read(town, APRIL, one.id, "230")
    assert read(town, APRIL, one.id, "230", checked=True) == 1


def test_three_times_the_usual_is_no_jump_and_a_hair_more_is(town: Town) -> None:
    one = meter(town)
    for offset, value in enumerate(("120", "140", "160")):
        read(town, Month(2026, 1 + offset), one.id, value)
    assert read(town, APRIL, one.id, "220") == 1
    with pytest.raises(Invalid):
        read(town, APRIL, one.id, "220.001")


def test_a_reading_is_corrected_until_it_is_billed(town: Town) -> None:
    one = meter(town)
    read(town, MARCH, one.id, "112")
    assert read(town, MARCH, one.id, "112") == 0
    read(town, MARCH, one.id, "113")
    assert kept(town, one.id) == [("2026-03", "100", "113")]
    row = db.session.scalars(
        select(MeterReading).where(
            MeterReading.community_id == town.community_id, MeterReading.meter_id == one.id
        )
    ).one()
    from app.billing.models import Tariff
    from app.registry.models import Unit

    charge = db.session.get_one(Tariff, (town.community_id, one.tariff_id))
    unit = db.session.get_one(Unit, (town.community_id, one.unit_id))
    billed(unit, "2026-03", charge, row.id)
    with pytest.raises(Invalid):
        read(town, MARCH, one.id, "114")


def test_an_earlier_month_waits_for_the_later_to_be_mended(town: Town) -> None:
    one = meter(town)
    read(town, APRIL, one.id, "120")
    with pytest.raises(Invalid):
        read(town, MARCH, one.id, "110")


def test_a_replaced_meter_ends_with_its_last_reading_and_the_new_one_begins(town: Town) -> None:
    old = meter(town, "OLD")
    read(town, MARCH, old.id, "112")
    new = service.replace_meter(
        town.community_id, old.id, replaced_on=day("2026-04-12"), final=Decimal(118),
        serial="NEW", initial=Decimal(3),
    )  # fmt: skip
    read(town, APRIL, new.id, "9")
    assert kept(town, old.id)[-1] == ("2026-04", "112", "118")
    assert kept(town, new.id) == [("2026-04", "3", "9")]
    assert (old.removed_on, new.unit_id) == (day("2026-04-12"), old.unit_id)
    with pytest.raises(Invalid):
        read(town, MAY, old.id, "120")


def test_two_meters_of_a_charge_have_two_serial_numbers(town: Town) -> None:
    row, unit = tariff(town, "水费", "metered"), town.add_unit()
    meter(town, "S1", tariff=row, unit=unit)
    with pytest.raises(RuleBroken) as refusal:
        meter(town, "S1", tariff=row, unit=unit)
    assert refusal.value.field == "serial"


def test_a_sheet_with_one_wrong_row_is_refused_whole_naming_every_row(town: Town) -> None:
    row = tariff(town, "水费", "metered")
    one = meter(town, "S1", tariff=row)
    sheet = [(2, "S1", "112"), (3, "S9", "5"), (4, "S1", "113"), (5, "S1", "十二")]
    with pytest.raises(Invalid) as refusal:
        service.import_readings(town.community_id, MARCH, row.id, sheet)
    assert sorted(refusal.value.errors) == ["row-3", "row-4", "row-5"]
    assert kept(town, one.id) == []
    assert service.import_readings(town.community_id, MARCH, row.id, sheet[:1]) == 1


def test_a_sheets_backward_reading_is_named_by_its_row(town: Town) -> None:
    row = tariff(town, "水费", "metered")
    meter(town, "S1", tariff=row)
    with pytest.raises(Invalid) as refusal:
        service.import_readings(town.community_id, MARCH, row.id, [(7, "S1", "12")])
    assert "第 7 行" in refusal.value.errors["row-7"][0]


def test_a_shared_cost_is_of_a_scope_of_the_community_and_written_once_a_paper(
    town: Town,
) -> None:
    row = tariff(town, "楼道照明", "shared", income_code="2202")
    town.add_unit("1-101")
    usual = {
        "tariff_id": row.id, "month": MARCH, "amount_fen": 123640, "allocation": "area",
        "building_id": town.buildings["1"], "document_no": "电费单 0312",
    }  # fmt: skip
    cost = service.add_shared_cost(town.community_id, **usual)
    with pytest.raises(Conflict):
        service.add_shared_cost(town.community_id, **usual)
    with pytest.raises(RuleBroken):
        service.add_shared_cost(town.community_id, **(usual | {"amount_fen": 0}))
    other = found_town()
    other.add_unit("7-101")
    with pytest.raises(NotFound):
        service.add_shared_cost(
            town.community_id, **(usual | {"building_id": other.buildings["7"]})
        )
    service.cancel_shared_cost(town.community_id, cost.id)


def test_what_is_billed_cannot_be_struck_out(town: Town) -> None:
    shared, single = tariff(town, "照明", "shared"), tariff(town, "门禁卡", "one_off")
    unit = town.add_unit()
    cost = service.add_shared_cost(
        town.community_id, tariff_id=shared.id, month=MARCH, amount_fen=100, allocation="unit"
    )
    charge = service.charge_units(
        town.community_id, tariff_id=single.id, unit_ids=[unit.id], month=MARCH,
        amount_fen=2000, description="补办门禁卡",
    )[0]  # fmt: skip
    billed(unit, "2026-03", shared, cost.id)
    billed(unit, "2026-03", single, charge.id)
    with pytest.raises(Conflict):
        service.cancel_shared_cost(town.community_id, cost.id)
    with pytest.raises(Conflict):
        service.cancel_one_off(town.community_id, charge.id)


def test_a_one_off_charge_falls_on_each_unit_once_and_is_cancelled_once(town: Town) -> None:
    row = tariff(town, "门禁卡", "one_off")
    units = [town.add_unit("1-101").id, town.add_unit("1-102").id]
    made = service.charge_units(
        town.community_id, tariff_id=row.id, unit_ids=[*units, units[0]], month=MARCH,
        amount_fen=2000, description="补办门禁卡",
    )  # fmt: skip
    assert [one.unit_id for one in made] == sorted(units)
    service.cancel_one_off(town.community_id, made[0].id)
    with pytest.raises(Conflict):
        service.cancel_one_off(town.community_id, made[0].id)


def late(town: Town, starts_on: str = "2026-01-01", rate: str = "0.0005", **more: object):  # type: ignore[no-untyped-def]
    usual = {"grace_days": 0, "document_no": "物业服务合同第 21 条"}
    return service.set_late_terms(
        town.community_id, daily_rate=Decimal(rate), starts_on=day(starts_on),
        **(usual | more),  # type: ignore[arg-type]
    )  # fmt: skip


def test_there_are_no_late_damages_by_default_and_none_without_the_contract(town: Town) -> None:
    assert (
        db.session.scalars(
            select(LateTerms).where(LateTerms.community_id == town.community_id)
        ).all()
        == []
    )
    with pytest.raises(RuleBroken) as refusal:
        late(town, document_no="")
    assert refusal.value.field == "document_no"


def test_late_terms_follow_one_another_and_stay_below_three_per_mille(town: Town) -> None:
    first = late(town)
    with pytest.raises(RuleBroken):
        late(town, "2026-05-01", rate="0.003001")
    second = late(town, "2026-05-01", rate="0.003")
    assert first.ends_on == day("2026-05-01")
    with pytest.raises(Conflict):
        late(town, "2026-04-01")
    service.end_late_terms(town.community_id, second.id, day("2026-05-31"))
    assert second.ends_on == day("2026-06-01")

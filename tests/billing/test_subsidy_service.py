"""Agreements: their days by either convention, their rates, who is left out, how they end."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from app.billing.subsidy import service
from app.billing.subsidy.models import CliffNotice, SubsidyExclusion, SubsidyStep
from app.billing.subsidy.service import Rate
from app.kernel.db import db
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.kernel.outbox import OutboxEvent
from tests.billing.paperwork import billed, day, priced, scheme
from tests.builders import Town, found_town


def test_by_agreement_the_day_of_entry_counts(town: Town) -> None:
    row = scheme(town)
    assert (row.starts_on, row.ends_on) == (day("2025-03-15"), day("2028-03-15"))


def test_by_the_civil_code_the_day_after_entry_is_the_first(town: Town) -> None:
    row = scheme(town, convention="civil_code_201")
    assert (row.starts_on, row.ends_on) == (day("2025-03-16"), day("2028-03-16"))


def test_yearly_rates_step_on_the_anniversaries(town: Town) -> None:
    row = scheme(town, rates=tuple(Rate(Decimal(one)) for one in ("1.00", "0.75", "0.50")))
    steps = db.session.execute(
        select(SubsidyStep.starts_on, SubsidyStep.rate)
        .where(SubsidyStep.community_id == town.community_id, SubsidyStep.scheme_id == row.id)
        .order_by(SubsidyStep.starts_on)
    ).all()
    assert [(str(at), f"{rate:.2f}") for at, rate in steps] == [
        ("2025-03-15", "1.00"),
        ("2026-03-15", "0.75"),
        ("2027-03-15", "0.50"),
    ]


def test_a_rate_of_a_year_past_the_term_is_left_out(town: Town) -> None:
    row = scheme(town, term_months=12, rates=(Rate(Decimal("0.8")), Rate(Decimal("0.6"))))
    steps = db.session.scalars(
        select(SubsidyStep.rate).where(
            SubsidyStep.community_id == town.community_id, SubsidyStep.scheme_id == row.id
        )
    ).all()
    assert steps == [Decimal("0.8000")]


@pytest.mark.parametrize("rate", ["0.49", "1.01", "0.4999"])
def test_an_unusual_rate_needs_the_document_that_overrides(town: Town, rate: str) -> None:
    with pytest.raises(RuleBroken) as refusal:
        scheme(town, rates=(Rate(Decimal(rate)),))
    assert (refusal.value.code, refusal.value.field) == ("subsidy.override", "rate_1")
    scheme(town, rates=(Rate(Decimal(rate), "区政府专题会议纪要〔2025〕4号"),))


@pytest.mark.parametrize("rate", ["0.50", "1.00"])
def test_the_edges_of_the_range_are_usual(town: Town, rate: str) -> None:
    scheme(town, rates=(Rate(Decimal(rate)),))


def test_two_agreements_never_pay_for_one_day(town: Town) -> None:
    scheme(town)
    with pytest.raises(Conflict):
        scheme(town, agreement_no="另一份", entered_on=day("2028-03-14"))
    scheme(town, agreement_no="另一份", entered_on=day("2028-03-15"))


def test_units_are_left_out_with_a_reason_and_taken_in_again(town: Town) -> None:
    row, units = scheme(town), [town.add_unit("1-101").id, town.add_unit("1-102").id]
    with pytest.raises(RuleBroken):
        service.name_units(town.community_id, row.id, units, included=False, reason=" ")
    service.name_units(town.community_id, row.id, units, included=False, reason="已改商用")
    service.name_units(town.community_id, row.id, units[:1], included=True, reason="恢复居住")
    kept = db.session.execute(
        select(SubsidyExclusion.unit_id, SubsidyExclusion.included, SubsidyExclusion.reason)
        .where(SubsidyExclusion.community_id == town.community_id)
        .order_by(SubsidyExclusion.unit_id)
    ).all()
    assert [tuple(one) for one in kept] == [
        (units[0], True, "恢复居住"),
        (units[1], False, "已改商用"),
    ]
    assert service.unname_units(town.community_id, row.id, units) == 2


def test_a_stranger_cannot_be_named(town: Town) -> None:
    row = scheme(town)
    stranger = found_town().add_unit()
    with pytest.raises(NotFound):
        service.name_units(town.community_id, row.id, [stranger.id], included=False, reason="x")


def test_an_agreement_ends_early_with_a_reason_after_what_was_netted(town: Town) -> None:
    row = scheme(town)
    fee, version = priced(town)
    billed(
        town.add_unit(), "2026-03", fee, version.id, version_id=version.id, scheme_id=row.id,
        subsidy_fen=6000,
    )  # fmt: skip
    with pytest.raises(RuleBroken) as refusal:
        service.terminate_scheme(town.community_id, row.id, day("2026-03-30"), "街道改由他处出资")
    assert refusal.value.code == "subsidy.netted"
    with pytest.raises(RuleBroken):
        service.terminate_scheme(town.community_id, row.id, day("2026-03-31"), " ")
    service.terminate_scheme(town.community_id, row.id, day("2026-03-31"), "街道改由他处出资")
    assert row.terminated_on == day("2026-04-01")
    with pytest.raises(Conflict):
        service.terminate_scheme(town.community_id, row.id, day("2026-05-31"), "再来")


def test_an_agreement_does_not_end_early_on_its_own_last_day(town: Town) -> None:
    row = scheme(town)
    with pytest.raises(RuleBroken):
        service.terminate_scheme(town.community_id, row.id, day("2028-03-14"), "到期")
    service.terminate_scheme(town.community_id, row.id, day("2028-03-13"), "早一天")


def test_an_agreement_nobody_used_can_be_taken_back(town: Town) -> None:
    row = scheme(town)
    service.name_units(
        town.community_id, row.id, [town.add_unit().id], included=False, reason="误登"
    )
    assert service.withdraw_scheme(town.community_id, row.id) == "街道协议〔2025〕7号"
    scheme(town)


def test_an_agreement_that_was_used_stays(town: Town) -> None:
    row = scheme(town)
    fee, version = priced(town)
    billed(town.add_unit(), "2026-03", fee, version.id, scheme_id=row.id, subsidy_fen=1)
    with pytest.raises(Conflict):
        service.withdraw_scheme(town.community_id, row.id)


def told(town: Town) -> list[int]:
    rows = db.session.scalars(
        select(CliffNotice.months_before)
        .where(CliffNotice.community_id == town.community_id)
        .order_by(CliffNotice.months_before.desc())
    )
    return list(rows)


def test_the_warnings_come_on_their_days_and_once_each(town: Town) -> None:
    row = scheme(town)
    assert service.warn_of_end(town.community_id, day("2027-03-14")) == []
    assert service.warn_of_end(town.community_id, day("2027-03-15")) == [(row.id, 12)]
    assert service.warn_of_end(town.community_id, day("2027-03-15")) == []
    assert service.warn_of_end(town.community_id, day("2027-12-15")) == [(row.id, 6), (row.id, 3)]
    assert service.warn_of_end(town.community_id, day("2028-03-15")) == []
    assert told(town) == [12, 6, 3]
    db.session.flush()
    news = db.session.scalars(
        select(OutboxEvent.payload)
        .where(OutboxEvent.community_id == town.community_id, OutboxEvent.topic == "subsidy:ending")
        .order_by(OutboxEvent.id)
    ).all()
    assert [one["months_before"] for one in news] == [12, 6, 3]
    assert news[0]["ends_on"] == "2028-03-15"


def test_a_subsidy_that_another_follows_is_no_cliff(town: Town) -> None:
    scheme(town)
    later = scheme(town, agreement_no="续签", entered_on=day("2028-03-15"), term_months=12)
    assert service.warn_of_end(town.community_id, day("2028-01-01")) == []
    assert service.warn_of_end(town.community_id, day("2028-03-15")) == [(later.id, 12)]


def test_an_early_end_moves_the_warnings(town: Town) -> None:
    row = scheme(town)
    service.terminate_scheme(town.community_id, row.id, day("2026-12-31"), "财政调整")
    assert service.warn_of_end(town.community_id, day("2026-10-01")) == [
        (row.id, 12),
        (row.id, 6),
        (row.id, 3),
    ]


def test_the_payer_is_an_office(town: Town) -> None:
    with pytest.raises(NotFound):
        scheme(town, payer_region_id=2**40)

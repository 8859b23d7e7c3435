"""Words of a bill line: the arithmetic a resident reads gives the stored figure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from flask_babel import force_locale
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.billing.bills.explain import Words, explain
from app.billing.bills.queries import sheet
from app.billing.bills.rows import LineRow, Reading, ReductionRow, Shared, SubsidySpell, Tier
from app.billing.runs import service as runs
from app.kernel import clock
from app.kernel.apportion import apportion
from app.kernel.db import db
from app.kernel.period import Month
from app.kernel.tenancy import scoped
from tests.billing.bills import Charge, Counter
from tests.billing.communities import random_facts
from tests.billing.rows import bring
from tests.builders import found_town

NUMBER = r"\d[\d,]*(?:\.\d+)?"


def line(**changes: object) -> LineRow:
    plain = LineRow(
        bill_id=1,
        no=1,
        tariff_name="物业费",
        basis="area",
        measure="",
        quantity=Decimal("88.8800"),
        price=Decimal("1.3500"),
        days=Decimal("30.0000"),
        month_days=30,
        whole_gross_fen=11999,
        whole_subsidy_fen=4444,
        gross_fen=11999,
        subsidy_fen=4444,
        resident_fen=7555,
        subsidy_rate=Decimal("0.5000"),
        subsidy_days=30,
        agreement_no="示街办〔2024〕3号",
        document_no="示发改〔2025〕12号",
        price_basis="guided",
        price_from=date(2025, 1, 1),
        price_until=None,
        description="",
        month=date(2025, 6, 1),
        whole_days=Decimal("30.0000"),
        whole_subsidy_days=30,
        whole_measured=Decimal(0),
    )
    made = replace(plain, **changes)
    if "whole_measured" in changes:
        return made
    return replace(made, whole_measured=made.quantity * made.whole_days)


@pytest.fixture(params=["zh_Hans_CN", "en"])
def language(request: pytest.FixtureRequest, house: object) -> Iterator[str]:
    with force_locale(request.param):
        yield request.param


@pytest.fixture
def chinese(house: object) -> Iterator[None]:
    with force_locale("zh_Hans_CN"):
        yield


def half_up(yuan: Fraction) -> int:
    """Fen by the decimal module, not by the house's own rounding."""
    exact = Decimal(yuan.numerator) / Decimal(yuan.denominator)
    return int((exact * 100).quantize(Decimal(1), ROUND_HALF_UP))


def product(words: str) -> Fraction:
    """What a clause's numbers before its last equals sign come to: sums of products."""
    left = words.rsplit(" = ", 1)[0]
    left = left.rsplit(" = ", 1)[-1].rpartition("，")[2].rpartition(", ")[2]
    outside, bracket, inside = left.partition(" × (")
    if bracket:  # area × (rate × days + rate × days)
        return product(f"{outside} = ") * product(f"{inside.rstrip(')')} = ")
    total = Fraction(0)
    for term in re.split(r" \+ ", left):
        value = Fraction(1)
        for factor in re.split(r" × ", term):
            over = re.search(rf"({NUMBER})/({NUMBER})", factor)
            if over and "²" not in factor:
                value *= Fraction(over[1].replace(",", "")) / Fraction(over[2].replace(",", ""))
            else:
                value *= Fraction(re.search(NUMBER, factor)[0].replace(",", ""))
        total += value
    return total


def result(words: str) -> int:
    """The figure after the last equals sign, in fen."""
    figure = re.search(NUMBER, words.rsplit(" = ", 1)[1])[0].replace(",", "")
    return int(Decimal(figure) * 100)


def test_a_subsidised_line_reads_as_the_brief_says(chinese):
    assert explain(line()).sentence == (
        "物业费：88.88 m² × 1.35 元/m²·月 × 30/30 天 = 119.99 元；"
        "街道补贴 88.88 m² × 0.50 元 × 30/30 天 = 44.44 元；您付 75.55 元"
    )


def test_the_same_line_in_english(house):
    with force_locale("en"):
        assert explain(line(tariff_name="Property fee")).sentence == (
            "Property fee: 88.88 m² × ¥1.35/m²·month × 30/30 days = ¥119.99; "
            "street subsidy 88.88 m² × ¥0.50 × 30/30 days = ¥44.44; you pay ¥75.55"
        )


def test_the_source_is_the_document_and_its_day(chinese):
    assert explain(line()).source == (
        "收费依据：示发改〔2025〕12号（政府指导价），2025-01-01 起执行；补贴依据：示街办〔2024〕3号"
    )


def test_a_buyers_part_of_a_month_worked_case_f04(chinese):
    words = explain(
        line(days=Decimal(20), subsidy_days=20, gross_fen=7999, subsidy_fen=2963, resident_fen=5036)
    )
    assert words.sentence == (
        "物业费：88.88 m² × 1.35 元/m²·月 × 30/30 天 = 119.99 元；"
        "本月 119.99 元，您持有 20/30 天，按天分摊 79.99 元；"
        "街道补贴 88.88 m² × 0.50 元 × 30/30 天 = 44.44 元，您占 20/30 天，享受 29.63 元；"
        "您付 50.36 元"
    )


def test_a_spare_fen_is_said(chinese):
    """100.01 over 15 and 15 days: 50.005 each, both rounding up; the second gets 50.00."""
    words = explain(
        line(
            whole_gross_fen=10001,
            gross_fen=5000,
            days=Decimal(15),
            quantity=Decimal("74.08"),
            whole_subsidy_fen=0,
            subsidy_fen=0,
            resident_fen=5000,
            subsidy_rate=None,
            subsidy_days=0,
        )
    )
    assert "按天分摊 50.00 元（已减分摊尾差 0.01 元）" in words.sentence


def test_reduced_days_name_the_reduction(chinese):
    off = ReductionRow("vacancy", Decimal("30.00"), date(2025, 6, 21), None, "议〔2025〕3号")
    words = explain(
        line(
            days=Decimal(27),
            whole_days=Decimal(27),
            whole_gross_fen=10799,
            gross_fen=10799,
            resident_fen=6355,
            reductions=(off,),
        )
    )
    assert "× 27/30 天 = 107.99 元" in words.sentence
    assert "已计减免，折合 27 天：空置减免 30%（2025-06-21 起，议〔2025〕3号）" in words.sentence


def test_a_subsidy_never_passes_the_charge(chinese):
    words = explain(
        line(
            price=Decimal("0.40"),
            whole_gross_fen=3555,
            gross_fen=3555,
            whole_subsidy_fen=3555,
            subsidy_fen=3555,
            resident_fen=0,
        )
    )
    assert "= 44.44 元，不超过应收，补 35.55 元；您付 0.00 元" in words.sentence


def test_a_rate_that_steps_within_the_month_is_a_sum(chinese):
    """88.88 × (0.50 × 14 + 0.60 × 16) / 30 = 49.1803."""
    words = explain(
        line(
            subsidy_rate=None,
            whole_subsidy_fen=4918,
            subsidy_fen=4918,
            resident_fen=7081,
            spells=(SubsidySpell(14, Decimal("0.50")), SubsidySpell(16, Decimal("0.60"))),
        )
    )
    assert words.subsidy == (
        "街道补贴 88.88 m² × (0.50 元 × 14/30 天 + 0.60 元 × 16/30 天) = 49.18 元"
    )


def test_a_metered_line_shows_reading_and_tiers(chinese):
    """12.5 m³: 10 × 2.80 + 2.5 × 3.50 = 36.75."""
    words = explain(
        line(
            tariff_name="水费",
            basis="metered",
            measure="m³",
            quantity=Decimal("12.5000"),
            price=Decimal("2.80"),
            tiers=(Tier(Decimal(10), Decimal("3.50")),),
            reading=Reading(Decimal("217.500"), Decimal("230.000"), Decimal(1), False),
            whole_gross_fen=3675,
            gross_fen=3675,
            resident_fen=3675,
            whole_subsidy_fen=0,
            subsidy_fen=0,
            subsidy_rate=None,
        )
    )
    assert words.charge == (
        "本次读数 230 − 上次 217.5 = 用量 12.5 m³，10 m³ × 2.80 元 + 2.5 m³ × 3.50 元 = 36.75 元"
    )


def test_a_share_of_a_common_cost_names_the_whole(chinese):
    """1,000.00 × 88.88 ÷ 5,432.10 = 16.36."""
    words = explain(
        line(
            tariff_name="楼道照明",
            basis="shared",
            whole_gross_fen=1636,
            gross_fen=1636,
            resident_fen=1636,
            whole_subsidy_fen=0,
            subsidy_fen=0,
            subsidy_rate=None,
            price_from=None,
            shared=Shared(100000, "area", "3", None, "电费单 2025-06", Decimal("5432.10")),
        )
    )
    assert words.charge == "3 栋合计 1,000.00 元 × 您家 88.88 ÷ 合计 5,432.1 平方米 = 16.36 元"
    assert words.source == "费用依据：电费单 2025-06"


def test_a_one_off_charge_says_what_for(chinese):
    words = explain(
        line(
            tariff_name="门禁卡",
            basis="one_off",
            description="补办一张",
            whole_gross_fen=2000,
            gross_fen=2000,
            resident_fen=2000,
            whole_subsidy_fen=0,
            subsidy_fen=0,
            subsidy_rate=None,
            price_from=None,
        )
    )
    assert words.sentence == "门禁卡：补办一张 20.00 元；您付 20.00 元"


def test_wrong_arithmetic_is_never_written_down(chinese):
    words = explain(line(whole_gross_fen=12345, gross_fen=12345, resident_fen=7901))
    assert words.charge == "123.45 元"


areas = st.decimals("5", "400", places=2)
prices = st.decimals("0.1", "9.9999", places=4)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(areas, prices, st.decimals("0.5", "1", places=2), st.integers(28, 31), st.data())
def test_the_numbers_in_the_words_give_the_figures(language, area, price, rate, month_days, data):
    days = data.draw(st.integers(1, month_days))
    eligible = data.draw(st.integers(0, days))
    gross = half_up(Fraction(area) * Fraction(price) * days / month_days)
    subsidy = min(gross, half_up(Fraction(area) * Fraction(rate) * eligible / month_days))
    words = explain(
        line(
            quantity=area,
            price=price,
            days=Decimal(days),
            whole_days=Decimal(days),
            month_days=month_days,
            whole_gross_fen=gross,
            gross_fen=gross,
            whole_subsidy_fen=subsidy,
            subsidy_fen=subsidy,
            resident_fen=gross - subsidy,
            subsidy_rate=rate,
            subsidy_days=eligible,
            whole_subsidy_days=eligible,
        )
    )
    assert half_up(product(words.charge)) == gross == result(words.charge)
    if subsidy:
        assert min(half_up(product(words.subsidy)), gross) == subsidy
    pays = re.search(NUMBER, words.resident)[0].replace(",", "")
    assert int(Decimal(pays) * 100) == gross - subsidy


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(areas, prices, st.integers(28, 31), st.data())
def test_a_part_of_a_month_follows_from_its_words(language, area, price, month_days, data):
    first = data.draw(st.integers(1, month_days - 1))
    gross = half_up(Fraction(area) * Fraction(price))
    parts = apportion(gross, {0: first, 1: month_days - first})
    for party, days in ((0, first), (1, month_days - first)):
        words = explain(
            line(
                quantity=area,
                price=price,
                days=Decimal(days),
                whole_days=Decimal(month_days),
                month_days=month_days,
                whole_gross_fen=gross,
                gross_fen=parts[party],
                resident_fen=parts[party],
                whole_subsidy_fen=0,
                subsidy_fen=0,
                subsidy_rate=None,
            )
        )
        _check_part(words, gross, parts[party])


def _check_part(words: Words, gross: int, part: int) -> None:
    if not words.part:
        assert part == gross
        return
    whole, days, month_days, shown, *spare = [
        Fraction(found.replace(",", "")) for found in re.findall(NUMBER, words.part)
    ]
    assert (int(whole * 100), int(shown * 100)) == (gross, part)
    plain = half_up(whole * days / month_days)
    off = 0 if not spare else (1 if "含" in words.part or "includes" in words.part else -1)
    assert plain + off == part


def test_lines_are_read_back_with_all_that_explains_them(town, chinese):
    counter = Counter(town)
    scheme = counter.scheme()
    unit = town.add_unit("3-2-501", "88.88")
    owner = town.add_owner(unit, "张三")
    bill = counter.issue(
        unit,
        "2025-06",
        Charge(
            11999, 4444, quantity="88.88", scheme_id=scheme, subsidy_rate="0.50", subsidy_days=30
        ),
        payer=owner,
    )
    full = sheet.bill(town.community_id, bill.id)
    assert explain(full.lines[0]).sentence == (
        "物业费：88.88 m² × 1.35 元/m²·月 × 30/30 天 = 119.99 元；"
        "街道补贴 88.88 m² × 0.50 元 × 30/30 天 = 44.44 元；您付 75.55 元"
    )
    assert full.outlook.after_fen == 11999
    assert full.outlook.ends_on == date(2027, 3, 15)


def test_a_part_read_back_knows_the_whole_months_days(town, chinese):
    """F04 through the tables: seller ten days, buyer twenty."""
    counter = Counter(town)
    scheme = counter.scheme()
    unit = town.add_unit("3-2-501", "88.88")
    whole = {
        "quantity": "88.88",
        "whole_gross_fen": 11999,
        "whole_subsidy_fen": 4444,
        "scheme_id": scheme,
        "subsidy_rate": "0.50",
    }
    seller = counter.issue(
        unit,
        "2025-06",
        Charge(4000, 1481, days="10", subsidy_days=10, **whole),
        ends_on="2025-06-11",
    )
    buyer = counter.issue(
        unit,
        "2025-06",
        Charge(7999, 2963, days="20", subsidy_days=20, **whole),
        party=1,
        starts_on="2025-06-11",
    )
    _one_run(seller, buyer)
    assert (
        "您持有 20/30 天，按天分摊 79.99 元"
        in explain(sheet.bill(town.community_id, buyer.id).lines[0]).sentence
    )
    assert (
        "您持有 10/30 天，按天分摊 40.00 元"
        in explain(sheet.bill(town.community_id, seller.id).lines[0]).sentence
    )


def _one_run(first, second) -> None:
    second.run_id = first.run_id
    db.session.commit()


@pytest.mark.parametrize("seed", range(12))
def test_every_line_a_run_issues_is_explained_by_its_own_numbers(house, chinese, seed):
    """Awkward communities out of a seed: holders, reductions, steps, tiers, shares, all at once."""
    month = Month(2026, (1, 2, 6, 7)[seed % 4])
    town = found_town()
    with scoped([town.community_id]), clock.moved_to(month.last):
        bring(random_facts(seed, month), town.community_id, town.region_id)
        db.session.commit()
        runs.issue_bills(town.community_id, month, prepared_by=None, confirmed_by=None)
        for full in sheet.month_of_building(town.community_id, month):
            for one in full.lines:
                _check_line(one, explain(one))
        db.session.rollback()


def _check_line(one: LineRow, words: Words) -> None:
    assert words.name in words.sentence
    if one.basis != "one_off":
        assert result(words.charge) == one.whole_gross_fen, words.sentence
    if one.basis in ("area", "unit", "metered"):
        assert half_up(product(words.charge)) == one.whole_gross_fen, words.sentence
    if one.whole_subsidy_fen:
        computed = half_up(product(words.subsidy.split("元，")[0] + "元"))
        assert min(computed, one.whole_gross_fen) == one.whole_subsidy_fen, words.sentence
    if words.part:
        assert f"{one.gross_fen // 100:,}.{one.gross_fen % 100:02d}" in words.part

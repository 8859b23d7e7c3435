"""Worked cases: the shared rule cases read in place, and our own in tests/cases."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from app.billing import rules
from app.billing.rules import DaysOff, Tier, Weight
from app.billing.runs.facts import Facts, Held, Tariff, Unit, Version
from app.billing.runs.rules import Line, charge_month
from app.billing.subsidy import rules as subsidy
from app.billing.subsidy.rules import Scheme, Step
from app.kernel.money import round_to_fen, to_yuan
from app.kernel.period import DateRange, Month

ROOT = Path(__file__).parent.parent.parent
SHARED = ROOT.parent / "shared" / "cases" / "rule_cases.json"
OURS = ROOT / "tests" / "cases"


def shared(case_id: str) -> Any:
    """A case of the rule book: input and expected figures."""
    if not SHARED.exists():
        pytest.skip("the shared rule cases are not on this machine")
    (case,) = [c for c in json.loads(SHARED.read_text())["cases"] if c["id"] == case_id]
    return case["input"], case["expected"]


def ours(name: str, table: str) -> list[Any]:
    """Our cases of one kind, named by their titles."""
    rows = tomllib.loads((OURS / f"{name}.toml").read_text())[table]
    return [pytest.param(row, id=row["title"]) for row in rows]


def fen(yuan: str) -> int:
    return round_to_fen(Decimal(yuan))


def estate(area: str, price: str, scheme: Scheme, **more: Any) -> Facts:
    """One home with one subsidised fee."""
    version = Version(1, DateRange(date(2000, 1, 1)), Decimal(price))
    start = more.pop("billable_from", None)
    return Facts(
        units=(Unit(1, "1-101", 1, Decimal(area), billable_from=start),),
        tariffs=(Tariff(1, "area", (version,), subsidised=True),),
        schemes=(scheme,),
        **more,
    )


def one_rate(days: DateRange, rate: str) -> Scheme:
    return Scheme(1, days, (Step(days.start, Decimal(rate)),))


def test_f02_entry_in_mid_month_and_the_half_fen() -> None:
    given, expected = shared("F02")
    entry = date.fromisoformat(given["entry_date"])
    days = subsidy.term(entry, 36, given["term_convention"].lower())
    facts = estate(
        given["area"], given["price"], one_rate(days, given["subsidy_rate"]), billable_from=entry
    )
    for text in given["months"]:
        month = Month.parse(text)
        (line,) = charge_month(facts, month)
        assert {
            "days": line.days,
            "gross": str(to_yuan(line.gross_fen)),
            "subsidy": str(to_yuan(line.subsidy_fen)),
            "resident": str(to_yuan(line.gross_fen - line.subsidy_fen)),
        } == expected[text]
        assert line.subsidy_days == expected[text]["days"]


def f04(policy: str) -> tuple[list[Line], Any]:
    given, expected = shared("F04")
    sold = date.fromisoformat(given["buyer_from"])
    facts = estate(
        given["area"],
        given["price"],
        one_rate(DateRange(date(2024, 1, 1), date(2027, 1, 1)), given["subsidy_rate"]),
        transfer_policy=policy,
        held=(Held(1, 1, DateRange(date(2000, 1, 1), sold)), Held(1, 2, DateRange(sold))),
    )
    return charge_month(facts, Month.parse(given["month"])), expected


def test_f04_a_sale_divides_the_rounded_month_by_days() -> None:
    lines, expected = f04(rules.BY_DAY)
    for line, who in zip(lines, ("seller", "buyer"), strict=True):
        assert {
            "days": line.days,
            "gross": str(to_yuan(line.gross_fen)),
            "subsidy": str(to_yuan(line.subsidy_fen)),
            "net": str(to_yuan(line.gross_fen - line.subsidy_fen)),
        } == expected["BY_DAY"][who]
        assert str(to_yuan(line.whole_gross_fen)) == expected["month"]["gross"]
        assert str(to_yuan(line.whole_subsidy_fen)) == expected["month"]["subsidy"]


def test_f04_or_the_seller_has_the_whole_month() -> None:
    (line,), expected = f04(rules.TO_SELLER)
    seller = expected["WHOLE_MONTH_TO_SELLER"]["seller"]["net"]
    assert str(to_yuan(line.gross_fen - line.subsidy_fen)) == seller
    (line,), _ = f04(rules.TO_BUYER)
    assert str(to_yuan(line.gross_fen - line.subsidy_fen)) == seller


def test_s01_a_claim_is_the_sum_of_its_bill_lines() -> None:
    given, expected = shared("S01")
    days = DateRange(date(2023, 3, 15), date(2026, 3, 15))
    assert days.end is not None
    assert date.fromisoformat(given["last_day"]).toordinal() + 1 == days.end.toordinal()
    version = Version(1, DateRange(date(2000, 1, 1)), Decimal("1.10"))
    units = tuple(
        Unit(i, label, 1, Decimal(area)) for i, (label, area) in enumerate(given["units"], 1)
    )
    facts = Facts(
        units=units,
        tariffs=(Tariff(1, "area", (version,), subsidised=True),),
        schemes=(one_rate(days, given["rate"]),),
    )
    netted: dict[str, list[int]] = {unit.label: [] for unit in units}
    for text in given["quarter"]:
        for line in charge_month(facts, Month.parse(text)):
            netted[units[line.unit_id - 1].label].append(line.subsidy_fen)
    assert {u: [str(to_yuan(f)) for f in each] for u, each in netted.items()} == expected["lines"]
    _, claim = subsidy.claimable(netted)
    assert str(to_yuan(claim)) == expected["claim"] != expected["naive_area_times_rate"]
    _, verified = subsidy.claimable(netted, removed=[given["remove_unit"]])
    assert str(to_yuan(verified)) == expected["verified_after_removal"]


def test_s01_the_grant_to_the_works_and_the_floors_of_each_class() -> None:
    given, expected = shared("S01")
    classes = {"基础类": "basic", "完善类": "improved", "提升类": "improved", "拓展类": "extended"}
    for case in given["shenzhen"]:
        grant = subsidy.capital_grant(
            classes[case["class"]],
            case["households"],
            social_capital=case["social_capital"],
            standard_met=case["standard_met"],
            on=date(2026, 1, 1),
        )
        assert str(to_yuan(grant)) == expected[case["tag"]]
    check = given["floor_check"]
    invested, area = Decimal(check["invested"]), Decimal(check["area"])
    met = subsidy.classes_met(invested, area, date(2026, 1, 1))
    assert met == [classes[name] for name in expected["classes_met"]]
    assert (
        str(to_yuan(round_to_fen(Fraction(invested) / Fraction(area)))) == expected["cost_per_m2"]
    )


def test_m01_a_first_instalment_rounds_once_and_a_trigger_compares_exactly() -> None:
    """The fund's own room will hold the rule; the arithmetic under it is the kernel's."""
    given, expected = shared("M01")
    per_m2 = Decimal(given["local_cost_per_m2"]) * Decimal(given["city_rate"])
    assert str(to_yuan(round_to_fen(per_m2))) == expected["standard_per_m2"]
    instalment = round_to_fen(per_m2 * Decimal(given["area"]))
    assert str(to_yuan(instalment)) == expected["first_instalment"]
    for check in given["trigger_checks"]:
        low = 10 * fen(check["balance"]) < 3 * fen(check["initial"])
        assert low is expected[check["tag"]]
    top_up = given["shanghai_topup"]
    due = round_to_fen(Decimal(top_up["initial"]) / 2) - fen(top_up["balance"])
    assert str(to_yuan(due)) == expected["shanghai_topup_due"]


@pytest.mark.parametrize("case", ours("bill_lines", "line"))
def test_a_line(case: Any) -> None:
    found = rules.line_fen(
        Decimal(case["area"]),
        Decimal(case["price"]),
        Decimal(case["days"]),
        Month.parse(case["month"]).days,
    )
    assert str(to_yuan(found)) == case["gross"]


@pytest.mark.parametrize("case", ours("bill_lines", "metered"))
def test_a_metered_line(case: Any) -> None:
    tiers = [Tier(Decimal(start), Decimal(price)) for start, price in case["tiers"]]
    used = Decimal(case["used"])
    assert to_yuan(rules.metered_fen(used, Decimal(case["price"]), tiers)) == Decimal(case["gross"])
    parts = rules.tier_parts(used, Decimal(case["price"]), tiers)
    assert sum(part.quantity for part in parts) == used


@pytest.mark.parametrize("case", ours("bill_lines", "shared"))
def test_a_shared_cost(case: Any) -> None:
    weights = {label: Decimal(weight) for label, weight in case["weights"].items()}
    parts = rules.shared_fen(fen(case["amount"]), weights)
    assert {label: str(to_yuan(part)) for label, part in parts.items()} == case["parts"]


@pytest.mark.parametrize("case", ours("transfers", "split"))
def test_a_month_divided_between_holders(case: Any) -> None:
    holders = [Weight(Decimal(h["days"]), Decimal(h["eligible"])) for h in case["holders"]]
    parts = rules.split_line(fen(case["gross"]), fen(case["subsidy"]), holders)
    found = [[str(to_yuan(p.gross_fen)), str(to_yuan(p.subsidy_fen))] for p in parts]
    assert found == case["parts"]


@pytest.mark.parametrize("case", ours("subsidy_terms", "term"))
def test_a_term(case: Any) -> None:
    found = subsidy.term(case["entered_on"], case["months"], case["convention"])
    assert found == DateRange(case["starts_on"], case["ends_on"])


@pytest.mark.parametrize("case", ours("subsidy_terms", "month"))
def test_eligible_days_of_a_month(case: Any) -> None:
    scheme = one_rate(DateRange(*case["days"]), "0.50")
    assert subsidy.eligible_days(scheme, Month.parse(case["month"])) == case["eligible"]


def test_ten_days_with_thirty_percent_off_are_seven() -> None:
    june = Month(2025, 6).range
    off = DaysOff(DateRange(date(2025, 6, 1), date(2025, 6, 11)), Decimal(30))
    assert rules.reduced_days(june, [off]) == 27
    assert rules.reduced_days(june, [off, off]) == 27  # never added, the largest counts
    half = DaysOff(DateRange(date(2025, 6, 6)), Decimal(50))
    assert rules.reduced_days(june, [off, half]) == Decimal("3.5") + Decimal("12.5")

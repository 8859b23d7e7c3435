"""The pure rules of the roll."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.errors import RuleBroken
from app.registry import rules
from app.registry.rules import Share


def test_room_2_comes_before_room_10():
    labels = ["3-2-1001", "10-1-101", "3-2-901", "3-10-101", "2-1-101", "12A-1-1"]
    assert sorted(labels, key=rules.sort_key) == [
        "2-1-101",
        "3-2-901",
        "3-2-1001",
        "3-10-101",
        "10-1-101",
        "12A-1-1",
    ]


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_numbers_sort_as_numbers(one, other):
    assert (one < other) == (rules.sort_key(f"{one}") < rules.sort_key(f"{other}"))


def test_a_label_leaves_out_the_stair_of_a_one_stair_building():
    assert rules.unit_label("3", "2", "501") == "3-2-501"
    assert rules.unit_label("3", "", "501") == "3-501"


def test_codes_are_written_half_width_and_without_spaces():
    assert rules.normal_code(" １２ａ 座 ") == "12A座"


@pytest.mark.parametrize("parts", [(0, 1), (2, 1), (1, 10_001), (-1, 2)])
def test_unreal_shares_are_refused(parts):
    with pytest.raises(RuleBroken):
        Share(*parts)


def test_three_thirds_are_a_whole_and_decimals_do_not_pretend_to_be():
    rules.check_shares([Share(1, 3)] * 3)
    with pytest.raises(RuleBroken):
        rules.check_shares([Share(333, 1000)] * 3)
    with pytest.raises(RuleBroken):
        rules.check_shares([Share(1, 2), Share(2, 3)])


def test_identity_numbers_are_checked_by_their_last_digit():
    assert rules.is_id_number("11010519491231002X")  # the standard's own example
    assert not rules.is_id_number("110105194912310021")
    assert rules.is_id_number("E12345678")
    assert rules.is_id_number("110105491231002")
    assert not rules.is_id_number("张三")


@pytest.mark.parametrize("good", ["13800138000", "02584212345", "84212345", "4008123123"])
def test_phones_that_can_be_dialled(good):
    assert rules.is_phone(good)


@pytest.mark.parametrize("bad", ["1380013800", "12345678901", "110", "138001380001"])
def test_phones_that_cannot(bad):
    assert not rules.is_phone(bad)


def test_names_are_masked_to_the_surname_and_companies_stay():
    assert rules.masked_name("张三丰") == "张**"
    assert rules.masked_name("", "natural") == ""
    assert rules.masked_name("示范置业有限公司", "company") == "示范置业有限公司"
    assert rules.likely_kind("示范置业有限公司") == "company"
    assert rules.likely_kind("张三") == "natural"


def test_a_region_lies_in_one_of_the_next_size_up():
    rules.check_region("street", "district")
    rules.check_region("street", None)
    with pytest.raises(RuleBroken):
        rules.check_region("street", "city")


def test_a_dismissal_needs_sixty_days():
    assert rules.notice_is_short(date(2026, 1, 1), date(2026, 3, 1))
    assert not rules.notice_is_short(date(2026, 1, 1), date(2026, 3, 2))

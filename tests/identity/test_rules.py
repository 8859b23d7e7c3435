"""Passwords, sign-in names, codes on bills, and who appoints whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identity import rules
from app.identity.permissions import (
    ACTIONS,
    ALLOWED,
    APPOINTS,
    COMMUNITY_ROLES,
    COMPANY_ROLES,
    DISMISSES,
    MONEY,
    REGION_ROLE_KINDS,
    REGION_ROLES,
    ROLES,
    moves_money,
)


@pytest.mark.parametrize(
    "typed",
    ["13800001234", "138 0000 1234", "138-0000-1234", "+86 13800001234", "１３８００００１２３４"],
)
def test_a_phone_is_the_same_however_it_is_typed(typed: str) -> None:
    assert rules.login_name(typed) == rules.LoginName(phone="13800001234")


def test_an_email_knows_no_capitals() -> None:
    assert rules.login_name("  Zhang.San@Example.CN ") == rules.LoginName(
        email="zhang.san@example.cn"
    )


@pytest.mark.parametrize(
    "typed", ["", "1380000123", "23800001234", "张三", "a@b", "a b@c.cn", "@c.cn", "1380000123456x"]
)
def test_neither_phone_nor_email_is_no_login(typed: str) -> None:
    assert rules.login_name(typed) is None


@given(st.text(max_size=300))
def test_any_text_can_be_asked(typed: str) -> None:
    found = rules.login_name(typed)
    assert found is None or bool(found.phone) != bool(found.email)


@pytest.mark.parametrize(
    "password", ["梧桐树下三只猫", "wutong shu xia", "k3#fQ9zt", "我家住在春江花月夜"]
)
def test_good_passwords(password: str) -> None:
    assert rules.password_fault(password, 7 if "梧" in password else 8) is None


@pytest.mark.parametrize(
    "password",
    [
        "short7!",
        "12345678",
        "87654321",
        "abcdefgh",
        "aaaaaaaa",
        "abababab",
        "PASSWORD",
        "Password2026!",
        "qwertyuiop",
        "woaini1314",
        "１２３４５６７８",
        "x" * 129,
    ],
)
def test_bad_passwords(password: str) -> None:
    assert rules.password_fault(password) is not None


def test_composition_is_not_asked_for() -> None:
    assert rules.password_fault("staple battery horse green") is None


def test_ones_own_phone_is_no_password() -> None:
    assert rules.password_fault("13800001234", personal=("13800001234",)) is not None
    assert rules.password_fault("x13800001234", personal=("13800001234",)) is not None
    assert rules.password_fault("river 13800001234 stone", personal=("13800001234",)) is None


def test_money_asks_for_twelve() -> None:
    assert rules.shortest_password(["resident"]) == 8
    assert rules.shortest_password(["resident", "accountant"]) == 12
    assert rules.password_fault("k3#fQ9zt", 12) is not None


@given(st.integers(1, 10**11))
def test_a_printed_code_reads_back(community_id: int) -> None:
    code = rules.new_binding_code()
    printed = rules.printed_code(community_id, code)
    assert rules.read_printed_code(printed) == (community_id, code)
    assert rules.read_printed_code(printed.lower().replace("-", " ")) == (community_id, code)
    assert rules.read_printed_code(f" {community_id}－{code.lower()} ") == (community_id, code)


@pytest.mark.parametrize("typed", ["", "AB3D9K2M", "-AB3D9K2M", "12", "12-", "12-A!", "x-AB3D9K2M"])
def test_half_a_code_is_none(typed: str) -> None:
    assert rules.read_printed_code(typed) is None


def test_roles_belong_to_one_kind_of_place() -> None:
    assert rules.roles_given_at(rules.COMMUNITY) == COMMUNITY_ROLES
    assert rules.roles_given_at(rules.ORGANIZATION) == COMPANY_ROLES
    assert rules.roles_given_at(rules.REGION, "street") == ("street_officer",)
    assert rules.roles_given_at(rules.PLATFORM) == ("operator",)


def test_a_company_lets_lookers_in_but_appoints_no_chair_and_dismisses_nobody_who_watches() -> None:
    for role in ("manager", "company_admin"):
        given = rules.appointable([role], rules.COMMUNITY)
        assert set(given) == {"committee_member", "supervisor", "party_branch"}
        assert rules.dismissable([role], rules.COMMUNITY) == ()


def test_nobody_appoints_above_themselves() -> None:
    rank = {role: level for level, role in enumerate(REGION_ROLES)}
    for role, level in rank.items():
        for named in APPOINTS.get(role, ()):
            assert rank.get(named, 0) <= level
    for role in ("cashier", "accountant", "committee_member", "supervisor", "resident"):
        assert role not in APPOINTS
    assert "operator" not in {
        given for r, all_ in APPOINTS.items() if r != "operator" for given in all_
    }


def test_only_company_admins_and_operators_bring_money_into_a_company() -> None:
    money = {role for role in ROLES if moves_money(role)}
    assert money == {"manager", "accountant", "cashier"}
    givers = {role for role, named in APPOINTS.items() if money & set(named)}
    assert givers == {"company_admin"}


def test_the_tables_name_only_known_words() -> None:
    assert set(ALLOWED) == set(ROLES)
    assert set(ACTIONS) >= MONEY
    assert frozenset().union(*ALLOWED.values()) == set(ACTIONS)
    for table in (APPOINTS, DISMISSES):
        assert set(table) <= set(ROLES)
        assert {role for named in table.values() for role in named} <= set(ROLES)
        assert all(set(DISMISSES[role]) <= set(APPOINTS[role]) for role in table)
    assert set(REGION_ROLE_KINDS) == set(REGION_ROLES)
    assert len({*COMMUNITY_ROLES, *COMPANY_ROLES, *REGION_ROLES, "operator", "resident"}) == len(
        ROLES
    )

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError, validates_schema

from app.kernel.errors import Invalid, RuleBroken
from app.kernel.period import Month
from app.web import fields, forms

KINDS = {"a": "甲", "b": "乙"}


class Order(fields.Schema):
    name = fields.Text(required=True, least=1, most=5)
    amount_fen = fields.Money(required=True, least=1, most=100_000)
    area_m2 = fields.Area(load_default=None, allow_none=True)
    price = fields.Price(load_default=None, allow_none=True)
    count = fields.Whole(load_default=1, least=1, most=9)
    month = fields.Month(load_default=None, allow_none=True)
    day = fields.Date(load_default=None, allow_none=True)
    phone = fields.Phone(load_default=None, allow_none=True)
    kind = fields.Choice(KINDS, load_default="a")
    kinds = fields.Choices(KINDS, load_default=list)
    remark = fields.Text(most=100, lines=True, load_default="none")
    sure = fields.Flag()
    unit_id = fields.Id(load_default=None, allow_none=True)


GOOD = {"name": "水费", "amount_fen": "12.50"}


def read(app: Flask, typed: dict[str, Any], language: str = "zh_Hans_CN") -> forms.Form:
    with app.test_request_context("/?lang=" + language, method="POST", data=typed):
        return forms.read_form(Order)


def test_what_people_type_becomes_exact_values(app: Flask) -> None:
    form = read(
        app,
        {
            "name": " 水费 ",
            "amount_fen": "¥１，２３４．５",
            "area_m2": "８８．４７㎡",
            "price": "1.1元",
            "count": "３",
            "month": "2026年3月",
            "day": "2026/3/5",
            "phone": "+86 138-0000-1234",
            "kind": "b",
            "kinds": ["a", "b"],
            "remark": "第一行\r\n第二行",
            "sure": "on",
            "unit_id": "12",
        }
        | {"amount_fen": "¥９８７．５"},
    )
    assert form.errors == {}
    assert form.values == {
        "name": "水费",
        "amount_fen": 98750,
        "area_m2": Decimal("88.47"),
        "price": Decimal("1.1"),
        "count": 3,
        "month": Month(2026, 3),
        "day": date(2026, 3, 5),
        "phone": "13800001234",
        "kind": "b",
        "kinds": ["a", "b"],
        "remark": "第一行\n第二行",
        "sure": True,
        "unit_id": 12,
    }


def test_what_is_left_out_takes_its_default(app: Flask) -> None:
    form = read(app, GOOD)
    assert form.ok
    assert form["area_m2"] is None
    assert form["count"] == 1
    assert form["sure"] is False
    assert form["kinds"] == []


def test_a_text_left_empty_is_an_empty_text(app: Flask) -> None:
    assert read(app, {**GOOD, "remark": " "})["remark"] == ""


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("name", "", "请填写此项。"),
        ("name", "一二三四五六", "最多 5 个字。"),
        ("name", "a\x07b", "含有不可见的控制字符，请重新输入。"),
        ("amount_fen", "12.345", "金额“12.345”最多只能有两位小数。"),
        ("amount_fen", "many", "“many”不是金额，请填写如 1234.50 的数字。"),
        ("amount_fen", "0", "金额应在 0.01 元与 1,000.00 元之间。"),
        ("amount_fen", "1000.01", "金额应在 0.01 元与 1,000.00 元之间。"),
        ("area_m2", "88.475", "最多 2 位小数。"),
        ("area_m2", "-1", "不能小于 0。"),
        ("price", "NaN", "请填写数字。"),
        ("price", "1e3", "请填写数字。"),
        ("count", "1.5", "请填写整数。"),
        ("count", "12", "应在 1 与 9 之间。"),
        ("month", "2026-13", "没有 2026-13 这个月份。"),
        ("month", "soon", "请填写月份，如 2026-03。"),
        ("day", "2026-02-30", "请填写日期，如 2026-03-01。"),
        ("day", "0001-01-01", "年份应在 1949 与 2199 之间。"),
        ("phone", "12345", "请填写 11 位手机号，或带区号的座机号。"),
        ("kind", "c", "请从列出的选项中选择。"),
        ("unit_id", "99999999999999999999", "请从列出的选项中选择。"),
        ("unit_id", "0", "请从列出的选项中选择。"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    app: Flask, name: str, typed: str, sentence: str
) -> None:
    form = read(app, {**GOOD, name: typed})
    assert form.errors == {name: [sentence]}
    assert form.text(name) == typed


def test_findings_are_in_the_readers_language(app: Flask) -> None:
    form = read(app, {"amount_fen": "12.345"}, "en")
    assert form.errors == {
        "name": ["Please fill this in."],
        "amount_fen": ["The amount “12.345” may have at most two decimal places."],
    }


def test_json_is_strict_about_types(app: Flask) -> None:
    wrong: list[tuple[str, Any]] = [
        ("amount_fen", "1250"),
        ("amount_fen", 12.5),
        ("amount_fen", True),
        ("price", 1.1),
        ("unit_id", 12),
        ("day", "2026/3/5"),
        ("month", "2026-3"),
        ("unknown", 1),
    ]
    with app.test_request_context("/"):
        assert Order().load({"name": "a", "amount_fen": 1250, "price": "1.1"})["amount_fen"] == 1250
        for name, value in wrong:
            with pytest.raises(ValidationError) as found:
                Order().load({"name": "a", "amount_fen": 1250, name: value})
            assert list(found.value.messages) == [name]


def test_values_are_written_for_json_as_strings_and_fen(app: Flask) -> None:
    shown = Order().dump(
        {"amount_fen": 5, "price": Decimal("1.10"), "unit_id": 12, "month": date(2026, 3, 1)}
    )
    assert shown == {"amount_fen": 5, "price": "1.10", "unit_id": "12", "month": "2026-03"}


def test_a_form_to_fill_in_begins_with_values_as_people_write_them(app: Flask) -> None:
    form = forms.blank_form(
        Order, amount_fen=123450, price=Decimal("1.1000"), day=date(2026, 3, 5), kinds=["a"]
    )
    assert form.text("amount_fen") == "1234.50"
    assert form.text("price") == "1.10"
    assert form.text("day") == "2026-03-05"
    assert form.has("kinds", "a")
    assert not form.has("kinds", "b")


def test_a_services_refusal_stands_beside_its_field(app: Flask) -> None:
    with app.test_request_context("/"):
        form = forms.blank_form(Order)
        form.take(RuleBroken("x.y", "金额“%(text)s”过大，请核对。", field="amount_fen", text="9"))
        form.take(Invalid({"name": ["请填写此项。"], "elsewhere": ["请填写数字。"]}))
    assert form.errors == {
        "amount_fen": ["金额“9”过大，请核对。"],
        "name": ["请填写此项。"],
        forms.ALL: ["请填写数字。"],
    }


def test_a_schemas_own_finding_is_about_the_whole_form(app: Flask) -> None:
    class Dates(fields.Schema):
        start = fields.Date(required=True)
        end = fields.Date(required=True)

        @validates_schema
        def in_order(self, data: dict[str, Any], **_more: Any) -> None:
            if data["end"] <= data["start"]:
                raise ValidationError("请更正标出的内容。", "end")

    with app.test_request_context(
        "/", method="POST", data={"start": "2026-03-02", "end": "2026-03-01"}
    ):
        assert forms.read_form(Dates).errors == {"end": ["请更正标出的内容。"]}


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(min_value=1, max_value=100_000))
def test_money_survives_being_shown_and_typed_again(app: Flask, fen: int) -> None:
    typed = forms.blank_form(Order, amount_fen=fen).text("amount_fen")
    assert read(app, {**GOOD, "amount_fen": typed})["amount_fen"] == fen


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(sorted(Order().fields)), st.text(max_size=30)))
def test_nothing_typed_breaks_a_form(app: Flask, typed: dict[str, str]) -> None:
    form = read(app, typed)
    assert form.ok or all(isinstance(one, str) for found in form.errors.values() for one in found)

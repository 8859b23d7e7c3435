"""What all fields share: the schema, the words of findings, how lengths and choices are checked."""

from __future__ import annotations

import unicodedata
from typing import Any

from flask_babel import gettext
from marshmallow import RAISE, ValidationError, validate
from marshmallow import Schema as MarshmallowSchema

from app.kernel.errors import N_

# What marshmallow says by itself, in our words.
STOCK_SENTENCES = {
    "Missing data for required field.": N_("请填写此项。"),
    "Field may not be null.": N_("请填写此项。"),
    "Invalid value.": N_("填写的内容不对。"),
    "Not a valid string.": N_("请填写文字。"),
    "Not a valid utf-8 string.": N_("请填写文字。"),
    "Not a valid integer.": N_("请填写整数。"),
    "Not a valid number.": N_("请填写数字。"),
    "Number too large.": N_("数字过大。"),
    "Not a valid boolean.": N_("请选择“是”或“否”。"),
    "Not a valid date.": N_("请填写日期，如 2026-03-01。"),
    "Not a valid list.": N_("请至少选择一项。"),
    "Not a valid mapping type.": N_("填写的内容不对。"),
    "Not a valid email address.": N_("请填写邮箱地址，如 name@example.cn。"),
    "Invalid type.": N_("填写的内容不对。"),
    "Invalid input type.": N_("填写的内容不对。"),
    "Unknown field.": N_("没有这一项。"),
}


def in_words(sentence: object) -> str:
    """A finding of a schema in the reader's language."""
    text = str(sentence)
    return gettext(STOCK_SENTENCES.get(text, text))


def plain(text: str) -> str:
    """What was typed, with full-width digits and letters made ordinary and edges trimmed."""
    return unicodedata.normalize("NFKC", text).strip()


class Schema(MarshmallowSchema):
    """The base of every schema of the house: knows its fields, refuses others."""

    class Meta:
        unknown = RAISE


class Length(validate.Length):
    """A length in characters, said in words."""

    def __call__(self, value: Any) -> Any:
        size = len(value)
        if self.equal is not None and size != self.equal:
            raise ValidationError(gettext("应为 %(equal)s 个字。", equal=self.equal))
        if self.min is not None and size < self.min:
            raise ValidationError(gettext("至少 %(min)s 个字。", min=self.min))
        if self.max is not None and size > self.max:
            raise ValidationError(gettext("最多 %(max)s 个字。", max=self.max))
        return value


class OneOf(validate.OneOf):
    """One of the listed codes."""

    def __call__(self, value: Any) -> Any:
        if value not in self.choices:
            raise ValidationError(gettext("请从列出的选项中选择。"))
        return value


def listed(given: Any) -> list[Any]:
    """Validators as a list, however they were given."""
    if given is None:
        return []
    return [given] if callable(given) else list(given)

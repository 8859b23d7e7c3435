"""Fields that only this room needs."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from flask_babel import gettext
from marshmallow import ValidationError, fields

from app.billing.tariffs.starter import income_accounts
from app.web.fields import Choice, plain

MOST_UNITS = 5000
SEPARATORS = re.compile(r"[\s,;，；、]+")


class UnitLabels(fields.Field[list[str]]):
    """Units by their labels (`3-2-501`): a list in JSON; in a form separated as people will."""

    def __init__(self, **words: Any):
        shape = {
            "type": "array",
            "items": {"type": "string", "maxLength": 40},
            "maxItems": MOST_UNITS,
            "example": ["3-2-501"],
        }
        super().__init__(metadata=shape | words.pop("metadata", {}), **words)

    def read_text(self, text: str) -> list[str]:
        """Labels between spaces, commas or line ends, full-width or not."""
        return [one for one in SEPARATORS.split(plain(text)) if one]

    def write_text(self, value: list[str]) -> str:
        """One a line, to type over."""
        return "\n".join(value)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ValidationError(gettext("请填写房屋编号，如 3-2-501。"))
        if any(unicodedata.category(char) in {"Cc", "Cs"} for one in value for char in one.strip()):
            raise ValidationError(gettext("含有不可见的控制字符，请重新输入。"))
        labels = list(dict.fromkeys(one.strip() for one in value if one.strip()))
        if not labels and self.required:
            raise ValidationError(gettext("请至少选择一户。"))
        if len(labels) > MOST_UNITS or any(len(one) > 40 for one in labels):
            raise ValidationError(gettext("一次最多 %(most)s 户。", most=MOST_UNITS))
        return labels


class IncomeAccount(Choice):
    """An account of the service book that a charge may be booked to."""

    def __init__(self, **more: Any):
        super().__init__({one.code: one.name for one in income_accounts()}, **more)

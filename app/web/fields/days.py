"""Fields of the calendar: days and months of China."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask_babel import gettext
from marshmallow import ValidationError, fields

from app.kernel.errors import HouseError
from app.kernel.period import EARLIEST, LATEST
from app.kernel.period import Month as KernelMonth
from app.web.fields.base import plain


class Date(fields.Date):
    """A day of China's calendar, `2026-03-01`; a form also takes 2026/3/1 and 2026年3月1日."""

    def __init__(self, **words: Any):
        super().__init__(format="iso", **words)

    def read_text(self, text: str) -> str:
        """The day as typed, in ISO form where it can be read."""
        found = re.fullmatch(
            r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?", plain(text)
        )
        return "{}-{:0>2}-{:0>2}".format(*found.groups()) if found else text

    def write_text(self, value: date) -> str:
        """ISO, as date inputs want it."""
        return value.isoformat()

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            raise self.make_error("invalid", input=value, obj_type="date")
        found = super()._deserialize(value, attr, data, **more)
        if not EARLIEST <= found.year <= LATEST:
            raise ValidationError(
                gettext("年份应在 %(first)s 与 %(last)s 之间。", first=EARLIEST, last=LATEST)
            )
        return found


class Month(fields.String):
    """A calendar month, `2026-03`; a form also takes 2026/3 and 2026年3月."""

    def __init__(self, **words: Any):
        super().__init__(**words)
        self.metadata.setdefault("pattern", r"^\d{4}-(0[1-9]|1[0-2])$")
        self.metadata.setdefault("example", "2026-03")

    def read_text(self, text: str) -> str:
        """The month as typed, in ISO form where it can be read."""
        try:
            return str(KernelMonth.parse(plain(text)))
        except HouseError:
            return text

    def write_text(self, value: KernelMonth) -> str:
        """ISO, as month inputs want it."""
        return str(value)

    def _serialize(self, value: Any, attr: Any, obj: Any, **more: Any) -> str | None:
        if isinstance(value, date):
            value = KernelMonth.of(value)
        return None if value is None else str(value)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d", value, re.ASCII):
            raise ValidationError(gettext("请填写月份，如 2026-03。"))
        try:
            return KernelMonth.parse(value)
        except HouseError as error:
            raise ValidationError(gettext(error.message) % error.params) from None

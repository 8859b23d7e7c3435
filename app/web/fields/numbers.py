"""Fields of numbers: whole, money, areas, prices, percentages; all exact."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from flask_babel import gettext
from marshmallow import ValidationError, fields, validate

from app.kernel.errors import HouseError
from app.kernel.money import LARGEST_FEN, Fen, parse_yuan
from app.web.fields.base import listed, plain


class Whole(fields.Integer):
    """A whole number between bounds; JSON must bring an integer."""

    def __init__(self, *, least: int = 0, most: int = 2**31 - 1, **words: Any):
        given = listed(words.pop("validate", None))
        bounds = _Between(least, most)
        super().__init__(strict=True, validate=[bounds, *given], **words)

    def read_text(self, text: str) -> int:
        """Digits, full-width or with commas."""
        digits = plain(text).replace(",", "").replace("−", "-")
        if not re.fullmatch(r"-?\d{1,18}", digits):
            raise ValidationError(gettext("请填写整数。"))
        return int(digits)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return value


class Money(Whole):
    """A sum: whole fen in JSON, named `*_fen`; yuan with at most two decimals in a form."""

    def __init__(self, *, least: Fen = 0, most: Fen = LARGEST_FEN, **words: Any):
        super().__init__(least=least, most=most, **words)
        self.validators[0] = _MoneyBetween(least, most)
        self.metadata.setdefault("description", "fen (分), 1/100 yuan")

    def read_text(self, text: str) -> Fen:
        """Yuan as typed: `1,234.5`, `１２３４．５０`, `¥88`."""
        try:
            return parse_yuan(text)
        except HouseError as error:
            raise ValidationError(gettext(error.message) % error.params) from None

    def write_text(self, value: Fen) -> str:
        """Fen as yuan to type over."""
        return f"{Decimal(value) / 100:.2f}"


class Exact(fields.String):
    """A decimal written as a string, with at most `places` decimals, never rounded."""

    places = 4

    def __init__(
        self, *, least: str = "0", most: str = "99999999", places: int | None = None, **words: Any
    ):
        self.least, self.most = Decimal(least), Decimal(most)
        self.places = self.places if places is None else places
        sign = "-?" if self.least < 0 else ""
        decimals = rf"(\.\d{{1,{self.places}}})?" if self.places else ""
        super().__init__(**words)
        self.metadata.setdefault("pattern", rf"^{sign}\d{{1,12}}{decimals}$")
        self.metadata.setdefault("example", "1" if not self.places else "1.50")

    def read_text(self, text: str) -> str:
        """Digits as typed, without commas."""
        return plain(text).replace(",", "").replace("−", "-")

    def write_text(self, value: Decimal) -> str:
        """The decimal without idle zeros past the second."""
        return f"{value:f}"

    def _serialize(self, value: Any, attr: Any, obj: Any, **more: Any) -> str | None:
        return None if value is None else f"{value:f}"

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid", input=value)
        found = re.fullmatch(r"-?\d{1,12}(?:\.(\d+))?", value, re.ASCII)
        if found is None or (found[1] and not self.places):
            raise ValidationError(gettext("请填写数字。"))
        if len(found[1] or "") > self.places:
            raise ValidationError(gettext("最多 %(places)s 位小数。", places=self.places))
        number = Decimal(value)
        if not self.least <= number <= self.most:
            raise ValidationError(_between(self.least, self.most))
        return number


class Area(Exact):
    """Square metres, two decimals; a form may add ㎡, m² or 平方米."""

    places = 2

    def __init__(self, *, least: str = "0", most: str = "99999999.99", **words: Any):
        super().__init__(least=least, most=most, **words)
        self.metadata.setdefault("description", "m²")

    def read_text(self, text: str) -> str:
        """Digits as typed, the unit taken off."""
        return re.sub(
            r"\s*(m2|㎡|平方米|平米|平)$", "", super().read_text(text), flags=re.IGNORECASE
        )

    def write_text(self, value: Decimal) -> str:
        """Two decimals."""
        return f"{value:.2f}"


class Price(Exact):
    """Yuan for a unit of measure, four decimals."""

    def __init__(self, *, least: str = "0", most: str = "99999999.9999", **words: Any):
        super().__init__(least=least, most=most, **words)
        self.metadata.setdefault("description", "yuan per unit of measure")

    def read_text(self, text: str) -> str:
        """Digits as typed, the currency taken off."""
        return super().read_text(text).lstrip("¥").removesuffix("元").strip()

    def write_text(self, value: Decimal) -> str:
        """At least two decimals."""
        return f"{value.normalize():f}" if value != round(value, 2) else f"{value:.2f}"


class Percent(Exact):
    """A percentage, two decimals: `12.5` is 12.5 %."""

    places = 2

    def __init__(self, *, least: str = "0", most: str = "100", **words: Any):
        super().__init__(least=least, most=most, **words)

    def read_text(self, text: str) -> str:
        """Digits as typed, the sign taken off."""
        return super().read_text(text).rstrip("%").strip()


class _Between(validate.Range):
    """Bounds said in words."""

    def __init__(self, least: Any, most: Any):
        super().__init__(min=least, max=most)

    def __call__(self, value: Any) -> Any:
        if not self.min <= value <= self.max:
            raise ValidationError(self.sentence())
        return value

    def sentence(self) -> str:
        """The bounds in the reader's language."""
        return _between(self.min, self.max)


class _MoneyBetween(_Between):
    def sentence(self) -> str:
        """The bounds, in yuan."""
        low, high = Decimal(self.min) / 100, Decimal(self.max) / 100
        if self.max >= LARGEST_FEN:
            return gettext("金额不能小于 %(least)s 元。", least=f"{low:,.2f}")
        return gettext(
            "金额应在 %(least)s 元与 %(most)s 元之间。", least=f"{low:,.2f}", most=f"{high:,.2f}"
        )


def _between(least: Any, most: Any) -> str:
    if most >= 99_999_999:
        return gettext("不能小于 %(least)s。", least=least)
    return gettext("应在 %(least)s 与 %(most)s 之间。", least=least, most=most)

"""The fields of our schemas, one schema for a form and for JSON.

A form brings text as people type it, JSON brings exact types; both end in the same
value. `read_text` turns the first into the second and is used by `forms` alone. Every
number is exact: money is whole fen, areas and prices are decimals written as strings.
Sentences are Chinese msgids, translated where they are raised.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext
from marshmallow import RAISE, ValidationError, fields, validate
from marshmallow import Schema as MarshmallowSchema
from werkzeug.datastructures import FileStorage

from app.kernel.errors import N_, HouseError
from app.kernel.money import LARGEST_FEN, Fen, parse_yuan
from app.kernel.period import EARLIEST, LATEST
from app.kernel.period import Month as KernelMonth
from app.kernel.seal import normal_phone

LARGEST_ID = 2**63 - 1
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


class Text(fields.String):
    """A line or paragraph: trimmed, no control characters, at most `most` characters.

    `least` above zero refuses the empty text too.
    """

    def __init__(self, *, most: int = 200, least: int = 0, lines: bool = False, **words: Any):
        self.lines = lines
        given = _listed(words.pop("validate", None))
        super().__init__(validate=[Length(min=least or None, max=most), *given], **words)

    def read_text(self, text: str) -> str:
        """As it was typed, trimmed."""
        return text.strip()

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> str:
        text = super()._deserialize(value, attr, data, **more)
        assert isinstance(text, str)
        text = text.replace("\r\n", "\n").strip()
        kept = "\n\t" if self.lines else ""
        if any(unicodedata.category(char) in {"Cc", "Cs"} and char not in kept for char in text):
            raise ValidationError(gettext("含有不可见的控制字符，请重新输入。"))
        return text


class Choice(Text):
    """One of a room's codes. `words` maps each to its msgid, in the order to offer them."""

    def __init__(self, words: Mapping[str, str] | Iterable[str], **more: Any):
        self.words = dict(words) if isinstance(words, Mapping) else {one: one for one in words}
        super().__init__(validate=OneOf(list(self.words)), **more)

    def options(self) -> list[tuple[str, str]]:
        """Codes and their words in the reader's language."""
        return [(code, gettext(word)) for code, word in self.words.items()]


class Choices(fields.List):
    """Any of a room's codes."""

    def __init__(self, words: Mapping[str, str], **more: Any):
        self.words = dict(words)
        super().__init__(fields.String(validate=OneOf(list(self.words))), **more)

    def options(self) -> list[tuple[str, str]]:
        """Codes and their words in the reader's language."""
        return [(code, gettext(word)) for code, word in self.words.items()]


class Flag(fields.Boolean):
    """Yes or no; a form's unticked box is no."""

    def __init__(self, **words: Any):
        words.setdefault("load_default", False)
        super().__init__(truthy={True, "true", "on", "1"}, falsy={False, "false", "0", ""}, **words)

    def read_text(self, text: str) -> bool | str:
        """Ticked boxes say `on`."""
        return {"on": True, "1": True, "": False, "0": False}.get(text, text)


class Whole(fields.Integer):
    """A whole number between bounds; JSON must bring an integer."""

    def __init__(self, *, least: int = 0, most: int = 2**31 - 1, **words: Any):
        given = _listed(words.pop("validate", None))
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


class Phone(fields.String):
    """A mainland mobile number, or a landline with its area code; digits alone afterwards.

    Where it is not required, an empty text says that there is none.
    """

    def __init__(self, **words: Any):
        super().__init__(**words)
        none = "" if self.required else "|"
        self.metadata.setdefault("pattern", rf"^({none}1[3-9]\d{{9}}|0\d{{9,11}})$")

    def read_text(self, text: str) -> str:
        """Digits alone."""
        return normal_phone(text) if re.search(r"\d", plain(text)) else text

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if value == "" and not self.required:
            return value
        if not isinstance(value, str) or not re.fullmatch(
            r"1[3-9]\d{9}|0\d{9,11}", value, re.ASCII
        ):
            raise ValidationError(gettext("请填写 11 位手机号，或带区号的座机号。"))
        return value


class Id(fields.String):
    """A row's number: an int in Python, a string of digits in JSON."""

    def __init__(self, **words: Any):
        super().__init__(**words)
        self.metadata.setdefault("pattern", r"^[1-9]\d{0,18}$")

    def write_text(self, value: int) -> str:
        """Digits."""
        return str(value)

    def _serialize(self, value: Any, attr: Any, obj: Any, **more: Any) -> str | None:
        return None if value is None else str(value)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        known = isinstance(value, str) and re.fullmatch(r"[1-9]\d{0,18}", value, re.ASCII)
        if not known or int(value) > LARGEST_ID:
            raise ValidationError(gettext("请从列出的选项中选择。"))
        return int(value)


class Upload(fields.Field):
    """A file of a form (`werkzeug.FileStorage`); `endings` such as `.xlsx` say which."""

    def __init__(self, *, endings: Iterable[str] = (), **words: Any):
        self.endings = tuple(endings)
        super().__init__(**words)
        self.metadata.setdefault("type", "string")
        self.metadata.setdefault("format", "binary")

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not isinstance(value, FileStorage):  # a text where the file belongs
            raise ValidationError(gettext("请选择一个文件。"))
        if self.endings and not str(value.filename).lower().endswith(self.endings):
            raise ValidationError(
                gettext("请选择 %(endings)s 文件。", endings="、".join(self.endings))
            )
        return value


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


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    return [given] if callable(given) else list(given)

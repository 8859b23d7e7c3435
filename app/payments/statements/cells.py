"""One cell as its column means it: sums, days and instants, as banks and wallets write them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from app.kernel.clock import CHINA
from app.kernel.errors import N_
from app.kernel.money import LARGEST_FEN

LONGEST_TEXT = 500
EMPTY = frozenset({"", "/", "N/A", "n/a", "NULL", "null", "无"})
BAD_AMOUNT = N_(
    "第 %(row)s 行“%(column)s”：“%(value)s”不是金额。"
    "请核对原文件，改成如 1234.50 的数字后重新导入。"
)
TOO_FINE = N_(
    "第 %(row)s 行“%(column)s”：“%(value)s”多于两位小数，而金额最小到分。请向银行或平台核对这一笔。"
)
TOO_LARGE = N_("第 %(row)s 行“%(column)s”：“%(value)s”过大，不像真实的金额。请核对原文件。")
BAD_DAY = N_(
    "第 %(row)s 行“%(column)s”：“%(value)s”不是日期。请核对原文件，改成如 2026-03-01 后重新导入。"
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\ufeff\ufffe\uffff\ud800-\udfff]+")
_SPACES = re.compile(r"\s+")
_USUAL = re.compile(r"-?\d{1,12}\.\d{2}", re.ASCII)
_NUMBER = re.compile(r"(\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d*))?|\.(\d+)", re.ASCII)
_DAY = re.compile(
    r"(\d{4})(?:[-/.年]\s?(\d{1,2})[-/.月]\s?(\d{1,2})日?|(\d{2})(\d{2}))(?:[ T]+(.*)|(\d{6}))?",
    re.ASCII,
)
_OTHER_DAY = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?:[ T]+(.*))?", re.ASCII)
_TIME = re.compile(
    r"(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})秒?(?:\.\d{1,9})?)?\s*(Z|[+-]\d{2}:?\d{2})?"
    r"|(\d{2})(\d{2})(\d{2})",
    re.ASCII,
)


class BadCell(ValueError):
    """A cell is not what its column says; `message` is a msgid with row, column and value."""

    def __init__(self, message: str, value: str) -> None:
        super().__init__(message)
        self.message = message
        self.value = value if len(value) <= 40 else value[:40] + "…"


@dataclass(frozen=True)
class When:
    """A day, and the instant where the time is known too."""

    day: date
    at: datetime | None


def clean(raw: str) -> str:
    """Text as people read it: one line, single spaces, no controls, at most 500 characters."""
    if not raw:
        return ""
    # Printable text knows no white space but the plain space.
    text = (raw if raw.isprintable() else _SPACES.sub(" ", _CONTROL.sub(" ", raw))).strip()
    if "  " in text:
        text = _SPACES.sub(" ", text)
    if text.startswith('="') and text.endswith('"'):  # how Excel is told to leave a number alone
        text = text[2:-1]
    return text[:LONGEST_TEXT].strip()


def text_of(raw: str) -> str:
    """Clean text, with the marks for nothing left out."""
    text = clean(raw)
    return "" if _is_empty(text) else text


def is_blank(raw: str) -> bool:
    """Whether a cell says nothing: empty, a dash or a slash."""
    return _is_empty(clean(raw))


def _is_empty(text: str) -> bool:
    return text in EMPTY or not text.strip("-—")


def money(raw: str, decimal: str = ".") -> int | None:
    """A sum in yuan (or another currency of two decimals) as fen; None when the cell is blank.

    Takes ¥1,234.50, 1234.5元, +3.00, (3.00), 3.00-; `decimal` is "," where it ends the units.
    Decimals past the second must be zero: nothing is rounded. Raises BadCell.
    """
    shown = clean(raw)
    if _is_empty(shown):
        return None
    if decimal == "." and _USUAL.fullmatch(shown):
        return int(shown.replace(".", ""))
    plain = unicodedata.normalize("NFKC", shown).replace(" ", "").replace("'", "")
    plain = re.sub(r"^([+-]?)(?:[¥￥$€£]|CNY|RMB)", r"\1", plain).removesuffix("元")
    if decimal == ",":
        plain = plain.replace(".", "\x00").replace(",", ".").replace("\x00", ",")
    sign, digits = _signed(plain)
    found = _NUMBER.fullmatch(digits)
    if found is None:
        raise BadCell(BAD_AMOUNT, shown)
    whole = (found[1] or "0").replace(",", "").lstrip("0")
    decimals = (found[2] or found[3] or "").rstrip("0")
    if len(decimals) > 2:
        raise BadCell(TOO_FINE, shown)
    if len(whole) > 14 or int(whole + decimals.ljust(2, "0")) > LARGEST_FEN:
        raise BadCell(TOO_LARGE, shown)
    return sign * int(whole + decimals.ljust(2, "0"))


def _signed(plain: str) -> tuple[int, str]:
    if plain.startswith("(") and plain.endswith(")"):
        return -1, plain[1:-1]
    if plain.endswith("-") and not plain.startswith("-"):
        return -1, plain[:-1]
    if plain[:1] in ("-", "+", "−"):
        return (1 if plain[0] == "+" else -1), plain[1:]
    return 1, plain


def when(raw: str, clock: str = "", order: str = "ymd") -> When:
    """A day with or without its time; `clock` is a time from a cell of its own.

    `order` is `ymd`, or `dmy` or `mdy` for 31.12.2026 and 12/31/2026. A time without an
    offset is China's. Raises BadCell.
    """
    shown = clean(raw)
    plain = unicodedata.normalize("NFKC", shown)
    try:
        day, rest = _day(plain, order)
    except (ValueError, OverflowError):
        raise BadCell(BAD_DAY, shown) from None
    if not 1990 <= day.year <= 2100:
        raise BadCell(BAD_DAY, shown)
    return When(day, _instant(day, rest or unicodedata.normalize("NFKC", clean(clock)), shown))


def _day(plain: str, order: str) -> tuple[date, str]:
    found = _DAY.fullmatch(plain)
    if found:
        year, month, day = found[1], found[2] or found[4], found[3] or found[5]
        return date(int(year), int(month), int(day)), found[6] or found[7] or ""
    other = _OTHER_DAY.fullmatch(plain) if order != "ymd" else None
    if other is None:
        raise ValueError(plain)
    first, second, year = int(other[1]), int(other[2]), int(other[3])
    month_of, day_of = (second, first) if order == "dmy" else (first, second)
    return date(year if year > 99 else 2000 + year, month_of, day_of), other[4] or ""


def _instant(day: date, clock: str, shown: str) -> datetime | None:
    if _is_empty(clock):
        return None
    clock = clock.strip()
    if clock.isdigit() and len(clock) == 5:  # 093012, after a spreadsheet took it for a number
        clock = "0" + clock
    found = _TIME.fullmatch(clock)
    if found is None:
        raise BadCell(BAD_DAY, f"{shown} {clock}")
    hours, minutes, seconds = (
        (found[5], found[6], found[7]) if found[5] else (found[1], found[2], found[3] or "0")
    )
    try:
        naive = datetime.combine(day, time(int(hours), int(minutes), int(seconds)))
        return (naive.replace(tzinfo=CHINA) - _shift(naive, found[4])).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell(BAD_DAY, f"{shown} {clock}") from None


def _shift(naive: datetime, offset: str | None) -> timedelta:
    """How much later China's clock shows a time that was written with another offset."""
    if not offset:
        return timedelta()
    digits = "+0000" if offset == "Z" else offset.replace(":", "")
    minutes = int(digits[1:3]) * 60 + int(digits[3:5])
    written = timedelta(minutes=minutes if digits[0] == "+" else -minutes)
    china = naive.replace(tzinfo=CHINA).utcoffset()
    return written - (china or timedelta())

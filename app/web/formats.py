"""How money, areas, dates and names are written for people, in the page's language.

Every filter takes None and writes a dash, because a missing number is not zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Flask
from flask_babel import get_locale, gettext, ngettext
from markupsafe import Markup, escape

from app.kernel import clock
from app.kernel.money import Fen, to_yuan
from app.kernel.period import Month

NOTHING = "—"
MINUS = "−"  # U+2212, as wide as a plus: a hyphen is overlooked before a figure
ENGLISH_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def set_up(app: Flask) -> None:
    """Hand the filters to the templates."""
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def yuan(amount_fen: Fen | None) -> str:
    """Fen as `¥1,234.50`, or `−¥1,234.50` below zero; plain text."""
    if amount_fen is None:
        return NOTHING
    sign = MINUS if amount_fen < 0 else ""
    return f"{sign}¥{to_yuan(abs(amount_fen)):,.2f}"


def money(amount_fen: Fen | None) -> Markup:
    """Fen as a figure that aligns and, when negative, cannot be mistaken."""
    kind = "money is-negative" if amount_fen is not None and amount_fen < 0 else "money"
    return Markup('<span class="{}">{}</span>').format(kind, yuan(amount_fen))


def plain_yuan(amount_fen: Fen | None) -> str:
    """Fen as a person would type it into a field: `1234.50`."""
    return "" if amount_fen is None else f"{to_yuan(amount_fen)}"


def number(value: Decimal | int | None) -> str:
    """A count or quantity with thousands commas, without idle zeros."""
    if value is None:
        return NOTHING
    text = f"{_trimmed(value):,}"
    return text.replace("-", MINUS)


def area(area_m2: Decimal | str | None) -> str:
    """`1,088.47 m²`; a text is a decimal as JSON keeps it."""
    return NOTHING if area_m2 is None else f"{Decimal(area_m2):,.2f} m²"


def price(value: Decimal | None, measure: str = "") -> str:
    """`1.10 元/m²·月`: at least two decimals, at most four, none of them idle.

    `measure` is what a unit of it is (m², 户, m³, with ·月 where it recurs); msgids.
    """
    if value is None:
        return NOTHING
    fewest = Decimal("0.01")
    shown = _trimmed(value)
    figure = shown if shown != shown.quantize(fewest) else shown.quantize(fewest)
    unit = gettext("元/%(measure)s", measure=gettext(measure)) if measure else gettext("元")
    return f"{figure:,f} {unit}"


def area_price(value: Decimal | None) -> str:
    """A fee or subsidy per square metre and month."""
    return NOTHING if value is None else f"{price(value).split(' ')[0]} {gettext('元/m²·月')}"


def day(value: date | datetime | None) -> str:
    """`2026年3月5日`, `5 March 2026`."""
    if value is None:
        return NOTHING
    when = clock.local(value).date() if isinstance(value, datetime) else value
    if _english():
        return f"{when.day} {ENGLISH_MONTHS[when.month - 1]} {when.year}"
    return f"{when.year}年{when.month}月{when.day}日"


def short_day(value: date | datetime | None) -> str:
    """`2026-03-05`, for columns."""
    if value is None:
        return NOTHING
    return (clock.local(value).date() if isinstance(value, datetime) else value).isoformat()


def instant(value: datetime | None) -> str:
    """`2026-03-05 14:07` on a Chinese clock."""
    return NOTHING if value is None else clock.local(value).strftime("%Y-%m-%d %H:%M")


def month(value: Month | date | None) -> str:
    """`2026年3月`, `March 2026`."""
    if value is None:
        return NOTHING
    which = value if isinstance(value, Month) else Month.of(value)
    if _english():
        return f"{ENGLISH_MONTHS[which.number - 1]} {which.year}"
    return f"{which.year}年{which.number}月"


def days(starts_on: date, ends_on: date | None) -> str:
    """A half-open range in words, with its last day inside: `2026-03-01 至 2026-03-31`."""
    if ends_on is None:
        return gettext("自 %(start)s 起", start=short_day(starts_on))
    last = date.fromordinal(ends_on.toordinal() - 1)
    return gettext("%(start)s 至 %(end)s", start=short_day(starts_on), end=short_day(last))


def percent(share: Decimal | float | None, decimals: int = 1) -> str:
    """A share of one as `87.5%`."""
    return NOTHING if share is None else f"{Decimal(str(share)) * 100:.{decimals}f}%"


def ratio(part: int | None, whole: int | None) -> Decimal | None:
    """A part of a whole as a share of one; None where there is no whole."""
    return None if part is None or not whole else Decimal(part) / Decimal(whole)


def phone(value: str | None) -> str:
    """A phone number with its middle hidden: `138****1234`."""
    if not value:
        return NOTHING
    return f"{value[:3]}****{value[-4:]}" if len(value) >= 8 else "*" * len(value)


def name(value: str | None) -> str:
    """A person's name with all but the family name hidden: `张**`."""
    if not value:
        return NOTHING
    return value[0] + "*" * min(max(len(value) - 1, 1), 3)


def since(value: datetime | date | None) -> str:
    """How long ago, in one unit: `3 天前`."""
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        seconds = (clock.now() - value).total_seconds()
        if seconds < 60:
            return gettext("刚刚")
        if seconds < 3600:
            return ngettext("%(num)s 分钟前", "%(num)s 分钟前", int(seconds // 60))
        if seconds < 86400:
            return ngettext("%(num)s 小时前", "%(num)s 小时前", int(seconds // 3600))
        value = clock.local(value).date()
    past = (clock.today() - value).days
    if past == 0:
        return gettext("今天")
    if past < 60:
        return ngettext("%(num)s 天前", "%(num)s 天前", past)
    return ngettext("%(num)s 个月前", "%(num)s 个月前", past // 30)


def word(code: str | None, words: Mapping[str, str]) -> str:
    """A code of ours in the reader's language: `vacant|word(UNIT_STATUS_WORDS)`."""
    return NOTHING if code is None else gettext(words.get(code, code))


def file_size(size_bytes: int | None) -> str:
    """`830 KB`, `1.4 MB`."""
    if size_bytes is None:
        return NOTHING
    if size_bytes < 1024:
        return f"{size_bytes} B"
    if size_bytes < 1024 * 1024:
        return f"{size_bytes / 1024:.0f} KB"
    return f"{size_bytes / 1024 / 1024:.1f} MB"


def number_of(value: int | None) -> str:
    """An id as people quote it: `No. 17`, never with commas."""
    return NOTHING if value is None else f"No. {value}"


def written(value: Any, kind: str = "text") -> str | Markup:
    """A cell of a table by its column's kind."""
    writer = KINDS.get(kind)
    if writer is not None:
        text: str | Markup = writer(value)
        return text
    return NOTHING if value is None or value == "" else str(value)


def attributes(**values: Any) -> Markup:
    """HTML attributes from names and values; None and False are left out."""
    parts = []
    for key, value in values.items():
        label = key.rstrip("_").replace("_", "-")
        if value is True:
            parts.append(Markup(" {}").format(label))
        elif value is not None and value is not False:
            parts.append(Markup(' {}="{}"').format(label, escape(value)))
    return Markup("").join(parts)


def _trimmed(value: Decimal | int) -> Decimal | int:
    if isinstance(value, int):
        return value
    trimmed = value.normalize()
    exponent = trimmed.as_tuple().exponent
    whole = isinstance(exponent, int) and exponent > 0
    return trimmed.quantize(Decimal(1)) if whole else trimmed


def _english() -> bool:
    locale = get_locale()
    return locale is not None and locale.language == "en"


KINDS = {
    "money": money,
    "number": number,
    "area": area,
    "price": price,
    "area_price": area_price,
    "day": day,
    "date": short_day,
    "instant": instant,
    "month": month,
    "percent": percent,
    "phone": phone,
    "name": name,
    "since": since,
}
FILTERS = {
    **KINDS,
    "yuan": yuan,
    "plain_yuan": plain_yuan,
    "days": days,
    "ratio": ratio,
    "file_size": file_size,
    "number_of": number_of,
    "word": word,
    "written": written,
}

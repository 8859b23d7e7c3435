"""One cell as its column means it: areas, shares, dates, phones, codes of rooms.

Each reader takes what the spreadsheet gave (text, number, date) and returns a plain value or
raises BadCell with a sentence that says what to do. A sentence never repeats a phone or an
identity number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from typing import Any

from app.kernel.errors import N_
from app.registry import rules
from app.registry.imports.refusals import BadCell

LONGEST_CELL = 500
LONGEST_NAME = 100
LARGEST_AREA_M2 = Decimal("1000000")
EXCEL_EPOCH = date(1899, 12, 30)
CENT = Decimal("0.01")


def _words(meanings: Mapping[str, str]) -> dict[str, str]:
    return {word: value for value, words in meanings.items() for word in words.split()}


KINDS = _words(
    {
        "residential": "住宅 居住 民用 公寓 residential home house flat apartment",
        "commercial": "商业 商铺 店铺 门面 门面房 商用 底商 网点 商业用房 commercial shop retail",
        "office": "办公 写字楼 办公用房 office",
        "parking": "车位 车库 停车位 地下车位 parking garage space",
        "storage": "储藏室 储藏 地下室 车棚 杂物间 自行车库 storage cellar",
        "other": "其他 其它 other",
    }
)
STATUSES = _words(
    {
        "occupied": "已入住 入住 自住 在住 常住 出租 已出租 自用 正常 使用 使用中 已售"
        " occupied rented let",
        "vacant": "空置 空房 空关 未入住 闲置 vacant empty",
        "unsold": "未售 待售 未出售 unsold",
        "demolished": "已拆除或注销 已注销 已拆除 拆除 拆 注销 demolished",
    }
)
OWNER_KINDS = _words(
    {
        "natural": "个人 自然人 natural person individual",
        "company": "企业单位 单位 企业 公司 法人 company organization",
        "developer": "开发商 建设单位 developer",
        "government": "政府 公房 直管公房 国有 government public",
    }
)

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
_AREA_UNITS = re.compile(r"(?:m2|m\^2|㎡|平方米|平方|平米|sqm)$")
_HAN = re.compile(r"[\u3400-\u9fff]")
_SPACE_IN_HAN = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_SPACES = re.compile(r"\s+")
_SPLIT_NAMES = re.compile(r"[、,;/|\n]+")


def text_of(raw: Any) -> str:
    """A cell as text: half-width, trimmed, whole numbers without their `.0`."""
    if raw is None:
        return ""
    if isinstance(raw, str):
        if raw.isascii() and raw.isprintable():
            return raw.strip()
        return _CONTROL.sub(" ", unicodedata.normalize("NFKC", raw)).strip()
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw)) if abs(raw) < 1e17 else repr(raw)
    if isinstance(raw, datetime):
        return raw.date().isoformat()
    return str(raw)


def building_of(raw: Any) -> str:
    """3栋, 3号楼, 三号楼 and 3.0 → 3, A座 → A, 东区3幢 → 东区3."""
    return rules.building_code(text_of(raw))


def entrance_of(raw: Any) -> str:
    """二单元 → 2."""
    return rules.entrance_code(text_of(raw))


def room_of(raw: Any) -> str:
    """501室 → 501."""
    return rules.room_code(text_of(raw))


_WHOLE_LABEL = re.compile(
    r"(?P<b>.+?)(?:号楼|栋|幢|座|#|楼|-)-?(?:(?P<e>[^-]+?)(?:单元|门洞|门|梯|-)-?)?(?P<r>[^-]+)"
)


def whole_label(raw: Any) -> tuple[str, str, str] | None:
    """Building, entrance and room out of one cell: 3-2-501, 3栋2单元501室; None if it is not so."""
    return _whole_label(text_of(raw))


@lru_cache(maxsize=20_000)
def _whole_label(text: str) -> tuple[str, str, str] | None:
    found = _WHOLE_LABEL.fullmatch(rules.normal_code(text))
    if found is None:
        return None
    return building_of(found["b"]), entrance_of(found["e"] or ""), room_of(found["r"])


def area_of(raw: Any) -> Decimal | None:
    """Square metres with two decimals: 88.47㎡, 88.47平方米, 1,088.5."""
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        value = Decimal(repr(raw))
        if (
            value.is_finite()
            and abs(value) < 10**9
            and abs(value - value.quantize(CENT, ROUND_HALF_UP)) < Decimal("0.000001")
        ):
            value = value.quantize(CENT, ROUND_HALF_UP)  # what binary fractions add is no area
    else:
        plain = text_of(raw)
        if not plain:
            return None
        plain = _AREA_UNITS.sub("", plain.lower()).strip()
        try:
            value = Decimal(plain.replace(",", ""))
        except InvalidOperation:
            raise BadCell(
                N_("“%(value)s”不是面积，请填写如 88.47 的数字（平方米）。"), value=_short(raw)
            ) from None
    return _checked_area(value, raw)


def _checked_area(value: Decimal, raw: Any) -> Decimal:
    if not value.is_finite() or not 0 <= value <= LARGEST_AREA_M2:
        raise BadCell(N_("面积“%(value)s”不合理，请核对。"), value=_short(raw))
    if value != value.quantize(CENT):
        raise BadCell(
            N_("面积“%(value)s”超过两位小数，请按产权证填写到两位小数。"), value=_short(raw)
        )
    return value.quantize(CENT)


def floor_of(raw: Any) -> int | None:
    """5, 5层, 5F, 5/6 (the fifth of six), -1, B1."""
    plain = text_of(raw).upper()
    if not plain:
        return None
    found = re.fullmatch(r"第?(B?)(-?\d{1,3})(?:层|楼|F)?(?:/\d{1,3}层?)?", plain)
    floor = int(found[2]) * (-1 if found[1] else 1) if found else 0
    if found is None or not -20 <= floor <= 200:
        raise BadCell(N_("“%(value)s”不是楼层，请填写如 5 或 -1 的整数。"), value=_short(raw))
    return floor


def word_of(raw: Any, words: Mapping[str, str], message: str) -> str | None:
    """One of the field's terms by any of its words."""
    plain = text_of(raw)
    if not plain:
        return None
    found = words.get(plain) or words.get(rules.normal_code(plain).lower())
    if found is None:
        raise BadCell(message, value=_short(raw))
    return found


def kind_of(raw: Any) -> str | None:
    """What a unit is used for."""
    return word_of(
        raw, KINDS, N_("“%(value)s”不是可用的用途，请选：住宅、商业、办公、车位、储藏室、其他。")
    )


def status_of(raw: Any) -> str | None:
    """Whether somebody lives there."""
    return word_of(
        raw, STATUSES, N_("“%(value)s”不是可用的状态，请选：已入住、未入住、未售、已拆除。")
    )


def owner_kind_of(raw: Any) -> str | None:
    """What kind of owner."""
    return word_of(
        raw, OWNER_KINDS, N_("“%(value)s”不是可用的业主类型，请选：个人、企业单位、开发商、政府。")
    )


def names_of(raw: Any) -> list[str]:
    """The names in a cell: 张三、李四 or 张三/李四; spaces inside a Chinese name go."""
    names = []
    for part in _SPLIT_NAMES.split(text_of(raw)):
        name = _SPACES.sub(" ", part).strip()
        if " " in name and _HAN.search(name):
            name = _SPACE_IN_HAN.sub("", name)
        if len(name) > LONGEST_NAME:
            raise BadCell(N_("姓名过长，请缩短到 100 个字以内。"))
        if name in ("无", "-", "/", "—", "N/A"):
            continue
        if name:
            names.append(name)
    return names


def phones_of(raw: Any) -> list[str]:
    """The phones in a cell, as digits: 138-0013-8000, +86 138…, 13800138000.0."""
    plain = text_of(raw)
    if not plain or plain in ("无", "-", "/", "—"):
        return []
    if rules.is_mobile(plain):
        return [plain]
    if re.fullmatch(r"\d+(?:\.\d+)?[Ee]\+?\d+", plain):
        raise BadCell(N_("电话成了科学计数，末几位已丢失：请把该列设为文本后重新填写。"))
    phones = []
    for part in re.split(r"[、,;/|\n]+|\s{2,}|(?<=\d{11})\s+", plain):
        digits = re.sub(r"\D", "", part[:-2] if part.endswith(".0") else part)
        if len(digits) == 13 and digits.startswith("86"):
            digits = digits[2:]
        if not digits:
            continue
        if not rules.is_phone(digits) or re.search(r"[A-Za-z\u3400-\u9fff]", part):
            raise BadCell(N_("电话不正确：应是 11 位手机号，或带区号的固定电话。"))
        phones.append(digits)
    return phones


def ids_of(raw: Any) -> list[str]:
    """The identity numbers in a cell."""
    if isinstance(raw, float) and abs(raw) >= 1e15:
        raise BadCell(N_("证件号成了数字，末几位已丢失：请把该列设为文本后重新填写。"))
    numbers = []
    for part in re.split(r"[、,;/|\n]+", text_of(raw)):
        number = rules.normal_code(part)
        if not number or number == "无":
            continue
        if not rules.is_id_number(number):
            raise BadCell(N_("证件号不正确，请核对每一位（身份证为 18 位）。"))
        numbers.append(number)
    return numbers


def shares_of(raw: Any) -> list[rules.Share]:
    """The parts in a cell: 1/2, 50%, 0.5, 1/3、2/3."""
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        raw = repr(raw)
    if isinstance(raw, date):
        raise BadCell(N_("产权比例被表格软件改成了日期，请把该列设为文本后填写如 1/2。"))
    return [_share(part) for part in re.split(r"[、,;|\n]+", text_of(raw)) if part.strip()]


def _share(part: str) -> rules.Share:
    plain = part.strip()
    try:
        found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,15})?)(?:\s*/\s*(\d{1,6}))?\s*(%?)", plain)
        if found is None:  # also keeps out 1e999999999, which would take for ever
            raise ValueError
        value = Fraction(found[1]) / int(found[2] or 1) / (100 if found[3] else 1)
        if not 0 < value <= 1:
            raise ValueError
    except (ValueError, ZeroDivisionError):
        raise BadCell(
            N_("“%(value)s”不是产权比例，请填写如 1/2、50%% 或 1。"), value=_short(part)
        ) from None
    near = value.limit_denominator(rules.LARGEST_DENOMINATOR)
    if near != value and abs(near - value) > Fraction(1, 10**6):
        raise BadCell(N_("产权比例“%(value)s”过细，分母请不超过 10000。"), value=_short(part))
    return rules.Share(near.numerator, near.denominator)


def date_of(raw: Any) -> date | None:
    """A day: Excel's own, its serial number, 2024-03-01, 2024/3/1, 2024年3月1日, 20240301."""
    if isinstance(raw, datetime):
        return _in_reason(raw.date(), raw)
    if isinstance(raw, date):
        return _in_reason(raw, raw)
    plain = text_of(raw)
    if not plain:
        return None
    plain = re.sub(r"[ T]\d{1,2}:\d{2}.*$", "", plain)
    if re.fullmatch(r"\d{5}(?:\.\d+)?", plain):
        return _in_reason(EXCEL_EPOCH + timedelta(days=int(float(plain))), raw)
    found = re.fullmatch(
        r"(\d{4})(?:[-/.年]\s*(\d{1,2})[-/.月]\s*(\d{1,2})日?|(\d{2})(\d{2}))", plain
    )
    if found is None:
        raise BadCell(N_("“%(value)s”不是日期，请填写如 2024-03-01 的年月日。"), value=_short(raw))
    try:
        return _in_reason(
            date(int(found[1]), int(found[2] or found[4]), int(found[3] or found[5])), raw
        )
    except ValueError:
        raise BadCell(N_("没有“%(value)s”这一天，请核对。"), value=_short(raw)) from None


def _in_reason(day: date, raw: Any) -> date:
    if not 1949 <= day.year <= 2100:
        raise BadCell(N_("日期“%(value)s”不合理，请核对。"), value=_short(raw))
    return day


def _short(raw: Any) -> str:
    plain = text_of(raw)
    return plain if len(plain) <= 30 else plain[:30] + "…"

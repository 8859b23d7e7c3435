"""Pure rules of the roll: how rooms are named and ordered, what a share is, what is masked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache

from app.kernel.errors import N_, RuleBroken
from app.kernel.source import Source

LARGEST_DENOMINATOR = 10_000
REGION_BELOW = {"city": "district", "district": "street", "street": "station"}
COMPANY_ENDINGS = (
    "公司",
    "集团",
    "厂",
    "合作社",
    "学校",
    "医院",
    "中心",
    "委员会",
    "办事处",
    "银行",
    "局",
    "Ltd",
    "Inc",
)

# Owners who dismiss their manager tell it so many days before (物业服务人解聘).
OWNERS_NOTICE_DAYS = 60
OWNERS_NOTICE_SOURCE = Source("民法典", "946")

_CHINESE_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_DIGITS = re.compile(r"\d+")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


@dataclass(frozen=True)
class Share:
    """A part of a unit: a fraction between 1/10000 and the whole."""

    numerator: int = 1
    denominator: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.numerator <= self.denominator <= LARGEST_DENOMINATOR:
            raise RuleBroken(
                "share.unreal",
                N_("产权比例“%(share)s”应大于 0、不超过 1，分母不超过 10000。"),
                field="share",
                share=str(self),
            )

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @property
    def fraction(self) -> Fraction:
        """The part, exactly."""
        return Fraction(self.numerator, self.denominator)


WHOLE = Share()


def check_shares(shares: Iterable[Share]) -> None:
    """Owners of a day hold the whole and no more. Raises RuleBroken."""
    total = sum((share.fraction for share in shares), Fraction(0))
    if total != 1:
        raise RuleBroken(
            "share.sum",
            N_("各业主的产权比例合计应为 1，现在是 %(total)s。"),
            field="share",
            total=str(total),
        )


def normal_code(text: str) -> str:
    """A building, entrance or room as written once: half-width, upper case, no spaces."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def building_code(text: str) -> str:
    """How a building is called, without the word for it: 3栋, 3号楼 and 三号楼 are all 3."""
    return _bare_code(text, "号楼|栋楼|栋|幢|座|楼|号|#")


def entrance_code(text: str) -> str:
    """A stair without the word for it: 二单元 is 2."""
    return _bare_code(text, "单元|门洞|门|梯")


def room_code(text: str) -> str:
    """A room without the word for it: 501室 is 501."""
    return _bare_code(text, "号房|房间|室|房|号|户")


@lru_cache(maxsize=20_000)  # a roster says the same few hundred codes over and over
def _bare_code(text: str, endings: str) -> str:
    code = normal_code(text)
    bare = re.sub(rf"(?:{endings})$", "", code) or code
    bare = re.sub(r"^第(?=.)", "", bare)
    return _chinese_number(bare) or bare


def _chinese_number(text: str) -> str:
    """二十三 → 23, up to ninety-nine; anything else → nothing."""
    if not text or not re.fullmatch(r"[一二两三四五六七八九]?十?[一二三四五六七八九]?", text):
        return ""
    if "十" not in text:
        return str(_CHINESE_DIGITS[text]) if len(text) == 1 else ""
    tens, _, ones = text.partition("十")
    return str((_CHINESE_DIGITS[tens] if tens else 1) * 10 + (_CHINESE_DIGITS[ones] if ones else 0))


def unit_label(building: str, entrance: str, room: str) -> str:
    """How a unit is called: `3-2-501`, or `3-501` where the building has one stair."""
    return "-".join(part for part in (building, entrance, room) if part)


def sort_key(label: str) -> str:
    """A text that sorts as people count: every run of digits padded, so 2 comes before 10."""
    return _DIGITS.sub(lambda digits: digits[0].zfill(8), label)


def is_mobile(digits: str) -> bool:
    """Whether digits alone are a mainland mobile number."""
    return _MOBILE.fullmatch(digits) is not None


def is_phone(digits: str) -> bool:
    """Whether digits alone can be dialled: a mobile, or a landline with or without area code."""
    return (
        is_mobile(digits)
        or re.fullmatch(r"0[0-9]{9,11}|[2-9][0-9]{6,7}|400[0-9]{7}", digits) is not None
    )


def is_resident_id(text: str) -> bool:
    """Whether a text is an 18-place resident identity number with a right check digit.

    Source: GB 11643-1999, ISO 7064 mod 11-2.
    """
    if not re.fullmatch(r"[0-9]{17}[0-9X]", text):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], _ID_WEIGHTS, strict=True))
    return _ID_CHECKS[total % 11] == text[17]


def is_id_number(text: str) -> bool:
    """Whether a text can be an identity: resident ID, old 15-place ID, passport or credit code."""
    if re.fullmatch(r"[0-9]{18}|[0-9]{17}X", text):
        return is_resident_id(text) or text.startswith("9")
    return re.fullmatch(r"[0-9]{15}|(?=.*[0-9])[0-9A-Z()]{5,20}", text) is not None


def likely_kind(name: str) -> str:
    """What kind of owner a name speaks of, where nobody said."""
    return "company" if name.endswith(COMPANY_ENDINGS) else "natural"


def masked_name(name: str, kind: str = "natural") -> str:
    """A person's name for those who need not know it: surname and stars; companies as they are.

    Source: RULES G4, board convention 张**.
    """
    if kind != "natural":
        return name
    return name[:1] + "**" if name else ""


def masked_phone(tail: str | None) -> str:
    """A phone of which only the last four digits are known here."""
    return f"*******{tail}" if tail else ""


def check_years(year_built: int | None, year_renovated: int | None, today: date) -> None:
    """A community is built, then renovated, and neither lies ahead. Raises RuleBroken."""
    for field, year in (("year_built", year_built), ("year_renovated", year_renovated)):
        if year is not None and not 1900 <= year <= today.year + 1:
            raise RuleBroken(
                "community.year", N_("年份 %(year)s 不合理，请核对。"), field=field, year=year
            )
    if year_built and year_renovated and year_renovated < year_built:
        raise RuleBroken(
            "community.renovated_first", N_("改造年份不能早于建成年份。"), field="year_renovated"
        )


def check_region(kind: str, parent_kind: str | None) -> None:
    """Each region lies in one of the next size up; a top one may stand alone. Raises RuleBroken."""
    if parent_kind is not None and REGION_BELOW.get(parent_kind) != kind:
        raise RuleBroken(
            "region.order", N_("辖区应按市、区、街道、社区工作站逐级设立。"), field="parent_id"
        )


def notice_is_short(told_on: date, ends_on: date) -> bool:
    """Whether owners dismiss their manager with less notice than the law asks (CC 946)."""
    return ends_on < told_on + timedelta(days=OWNERS_NOTICE_DAYS)

"""Which column is which: Chinese and English headings, below title rows, in one row or two."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.kernel.errors import N_
from app.kernel.tables.sheets import MOST_COLUMNS

# The order within a line is the order of preference: a sheet may have both 建筑面积 and 面积.
SYNONYMS: dict[str, str] = {
    "building": "楼栋 栋 幢 楼栋号 栋号 幢号 楼号 号楼 楼宇 楼座 座 楼 building buildingno"
    " bldg block tower",
    "entrance": "单元 单元号 门洞 门洞号 梯 梯号 门 entrance entranceno stair staircase stairwell",
    "room": "房号 室号 室 房间号 房间 户室号 房屋编号 房室号 房屋号 房屋 户号 门牌号 门牌 room"
    " roomno roomnumber unit unitno flat flatno apartment house",
    "area": "建筑面积 产权面积 登记面积 收费面积 计费面积 房屋面积 面积 area areasqm aream2 sqm"
    " floorarea grossarea buildingarea",
    "floor": "楼层 所在楼层 所在层 层 层数 floor level storey",
    "kind": "用途 房屋用途 房屋类型 物业类型 类型 性质 房屋性质 kind type use usage unittype",
    "status": "状态 房屋状态 入住状态 使用状态 入住情况 status occupancy",
    "owner": "业主 业主姓名 产权人 产权人姓名 房主 所有人 权利人 户主 姓名 业主名称 owner owners"
    " ownername name",
    "phone": "电话 手机 手机号 手机号码 联系电话 电话号码 业主电话 业主手机 联系方式 phone"
    " phonenumber mobile tel telephone ownerphone",
    "id_number": "身份证 身份证号 身份证号码 证件号 证件号码 业主身份证号 idnumber idno idcard id"
    " identity passport",
    "owner_kind": "业主类型 业主性质 ownerkind ownertype",
    "share": "产权比例 产权份额 共有份额 份额 比例 share ownershipshare",
    "since": "产权起始 产权起始日 产权起始日期 产权日期 取得日期 登记日期 购房日期 since"
    " ownersince ownedsince startdate",
    "document_no": "产权证号 不动产权证号 房产证号 证书号 documentno certificate deedno titleno",
    "tenant": "租户 租客 承租人 租户姓名 租客姓名 住户 tenant tenants tenantname occupant",
    "tenant_phone": "租户电话 租客电话 承租人电话 租户手机 住户电话 tenantphone occupantphone",
    "remark": "备注 说明 附注 remark remarks note notes comment",
}

TITLES: dict[str, str] = {
    "building": N_("楼栋"),
    "entrance": N_("单元"),
    "room": N_("房号"),
    "area": N_("建筑面积"),
    "floor": N_("楼层"),
    "kind": N_("用途"),
    "status": N_("状态"),
    "owner": N_("业主"),
    "phone": N_("电话"),
    "id_number": N_("身份证号"),
    "owner_kind": N_("业主类型"),
    "share": N_("产权比例"),
    "since": N_("产权起始"),
    "document_no": N_("产权证号"),
    "tenant": N_("租户"),
    "tenant_phone": N_("租户电话"),
    "remark": N_("备注"),
}

NEEDED = ("room", "area")
SEARCHED_ROWS = 40

_MEANINGS = {
    word: (key, rank) for key, words in SYNONYMS.items() for rank, word in enumerate(words.split())
}


@dataclass(frozen=True)
class Header:
    """A heading row: where it is, what each column says, and which column means what."""

    row_index: int  # from 0
    texts: tuple[str, ...]
    columns: Mapping[str, int]

    @property
    def missing(self) -> tuple[str, ...]:
        """Needed columns that no heading names."""
        return tuple(key for key in NEEDED if key not in self.columns)

    def as_dict(self) -> dict[str, Any]:
        """For the import's `mapping`."""
        return {
            "header_row": self.row_index + 1,
            "headers": list(self.texts),
            "columns": dict(self.columns),
            "missing": list(self.missing),
        }


def find_header(rows: Sequence[Sequence[Any]]) -> Header | None:
    """The heading among the first rows: the one most of whose cells are known words.

    A cell that is blank takes the one above it, for headings of two rows. None when not even
    one known word is there.
    """
    best: tuple[int, Header] | None = None
    above: Sequence[str] = ()
    for index, row in enumerate(rows[:SEARCHED_ROWS]):
        texts = [_text(cell) for cell in row[:MOST_COLUMNS]]
        for candidate in (texts, _filled(texts, above)):
            columns = match(candidate)
            several = sum(1 for text in texts if text) > 1  # a title stands alone
            if columns and several and (best is None or len(columns) > best[0]):
                best = len(columns), Header(index, tuple(candidate), columns)
        above = texts
    return best[1] if best else None


def match(texts: Sequence[str]) -> dict[str, int]:
    """Which column index each known meaning has; the preferred word wins, then the first."""
    found: dict[str, tuple[int, int]] = {}
    for index, text in enumerate(texts):
        meaning = _MEANINGS.get(_word(text))
        if meaning is None:
            continue
        key, rank = meaning
        if key not in found or rank < found[key][0]:
            found[key] = (rank, index)
    return {key: index for key, (_rank, index) in found.items()}


def _filled(texts: Sequence[str], above: Sequence[str]) -> list[str]:
    longer = [*texts, *[""] * (len(above) - len(texts))]
    return [
        text or (above[index] if index < len(above) else "") for index, text in enumerate(longer)
    ]


def _text(cell: Any) -> str:
    return re.sub(r"\s+", " ", cell).strip()[:60] if isinstance(cell, str) else ""


def _word(text: str) -> str:
    """A heading without what is said beside it: 面积（㎡）, *业主, Phone No."""
    plain = unicodedata.normalize("NFKC", text).lower()
    plain = re.sub(r"\(.*?\)|\[.*?\]|【.*?】", "", plain)
    return re.sub(r"[\s*:_\-./,、#]+", "", plain)

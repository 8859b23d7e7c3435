"""Who lives in the demonstration, in what homes, and how they pay. Pure; always the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董潘袁蔡蒋余于杜叶"
    "程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙史陶贺龚"
)
GIVEN = (
    "建国",
    "秀英",
    "桂兰",
    "志强",
    "丽华",
    "国庆",
    "玉珍",
    "海燕",
    "文斌",
    "淑芬",
    "永康",
    "雪梅",
    "振华",
    "春兰",
    "立新",
    "敏",
    "军",
    "静",
    "伟",
    "芳",
    "磊",
    "洋",
    "勇",
    "艳",
    "杰",
    "涛",
    "明",
    "超",
    "霞",
    "平",
    "刚",
    "桂英",
    "德明",
    "婷",
    "浩然",
    "子涵",
    "雨桐",
    "嘉怡",
    "俊杰",
    "欣妍",
)
RARE_NAMES = ("龘淑珍", "㑇建业", "欧阳春华", "司马文娟")

# How a household pays, and how common that is among a hundred.
HABITS = {
    "monthly": 5,
    "quarterly": 27,
    "half_yearly": 32,
    "ahead": 2,
    "late": 10,
    "never": 24,
}


@dataclass(frozen=True)
class Home:
    """A unit of the demonstration and the people of it. Area in m²."""

    building: str
    entrance: str
    room: str
    floor: int
    area_m2: Decimal
    kind: str
    status: str
    owners: tuple[str, ...]
    phone: str
    habit: str

    @property
    def label(self) -> str:
        """As the roll calls it."""
        return "-".join(part for part in (self.building, self.entrance, self.room) if part)


def homes(
    seed: int, buildings: int, entrances: int = 3, floors: int = 6, per_floor: int = 4
) -> Iterator[Home]:
    """The homes of a community, building by building; shops on the street front of the first.

    Every building has its own plan of flats, as the builders of the time repeated it floor by
    floor; some flats stand empty, a few belong to two people.
    """
    chance = random.Random(seed)  # noqa: S311 -- a story, not a secret
    serial = 0
    for building in range(1, buildings + 1):
        plan = [Decimal(chance.randint(4200, 9200)) / 100 for _ in range(per_floor)]
        for entrance in range(1, entrances + 1):
            for floor in range(1, floors + 1):
                for flat in range(per_floor):
                    serial += 1
                    shop = building == 1 and floor == 1 and flat < 2
                    yield _home(
                        chance,
                        seed,
                        serial,
                        str(building),
                        str(entrance),
                        floor,
                        f"{floor}{flat + 1:02d}",
                        plan[flat],
                        shop,
                    )


def _home(  # noqa: PLR0917 -- a story has many parts
    chance: random.Random,
    seed: int,
    serial: int,
    building: str,
    entrance: str,
    floor: int,
    room: str,
    area: Decimal,
    shop: bool,
) -> Home:
    empty = not shop and chance.random() < 0.05
    owners = [_name(chance, serial)]
    if chance.random() < 0.08:
        owners.append(_name(chance, 0))
    habit = chance.choices(list(HABITS), weights=list(HABITS.values()))[0]
    if empty and chance.random() < 0.6:
        habit = "never"
    return Home(
        building,
        entrance,
        room,
        floor,
        area + Decimal("22.50") * shop,
        "commercial" if shop else "residential",
        "vacant" if empty else "occupied",
        tuple(owners),
        f"199{seed % 100:02d}{serial:06d}",
        habit,
    )


def _name(chance: random.Random, serial: int) -> str:
    if serial and serial % 250 == 0:
        return RARE_NAMES[serial // 250 % len(RARE_NAMES)]
    return chance.choice(SURNAMES) + chance.choice(GIVEN)

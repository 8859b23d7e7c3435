"""Which homes a remark names: 3栋2单元501物业费, ３－２－５０１, 3#501、502. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

_FULL = re.compile(
    r"(?<![\d.:])([0-9A-Za-z]{1,4})\s*(?:号楼|栋|幢|座|楼|#|-)\s*"
    r"(?:第?\s*([0-9A-Za-z]{1,2})\s*(?:单元|门|-)\s*)?"
    r"([0-9]{3,4}[A-Za-z]?)(?![\d.:])"
)
_MORE = re.compile(r"\s*(?:室|房|号)?\s*[、,和及/]\s*([0-9]{3,4}[A-Za-z]?)(?![\d.\-栋幢座楼#单:])")
_ALONE = re.compile(r"(?<![\d.:\-])([0-9]{3,4})\s*(?:室|房)(?!\d)")


@dataclass(frozen=True)
class Door:
    """A home by its building, entrance (may be empty) and room."""

    unit_id: int
    building: str
    entrance: str
    room: str


@dataclass(frozen=True)
class Named:
    """What a remark names: homes beyond doubt, and homes that share the little that was said."""

    sure: tuple[int, ...] = ()
    perhaps: tuple[int, ...] = ()


@dataclass
class Doors:
    """The community's homes by how people write them."""

    by_label: dict[tuple[str, str, str], int] = field(default_factory=dict)
    by_building: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    by_room: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, doors: Iterable[Door]) -> Doors:
        """An index of doors; their order does not matter."""
        made = cls()
        for one in sorted(doors, key=lambda door: door.unit_id):
            building, entrance, room = map(_code, (one.building, one.entrance, one.room))
            made.by_label[building, entrance, room] = one.unit_id
            made.by_building.setdefault((building, room), []).append(one.unit_id)
            made.by_room.setdefault(room, []).append(one.unit_id)
        return made

    def find(self, building: str, entrance: str, room: str) -> Named:
        """The home meant; several where the entrance is not said and several stairs have it."""
        building, entrance, room = map(_code, (building, entrance, room))
        exact = self.by_label.get((building, entrance, room))
        if exact is not None:
            return Named(sure=(exact,))
        if entrance:
            # A home of a building with one stair, written with its 1单元 all the same.
            plain = self.by_label.get((building, "", room)) if entrance == "1" else None
            return Named(sure=(plain,)) if plain is not None else Named()
        found = tuple(self.by_building.get((building, room), ()))
        return Named(sure=found) if len(found) == 1 else Named(perhaps=found)


def named(text: str, doors: Doors) -> Named:
    """The homes a remark names; full-width digits, 室 and lists of rooms are understood.

    Only homes there are can be named, so a date or an account number names none by chance
    unless it reads exactly like one.
    """
    plain = plain_text(text)
    sure: dict[int, None] = {}
    perhaps: dict[int, None] = {}
    for found in _FULL.finditer(plain):
        rooms = [found[3]]
        at = found.end()
        while more := _MORE.match(plain, at):
            rooms.append(more[1])
            at = more.end()
        for room in rooms:
            one = doors.find(found[1], found[2] or "", room)
            sure.update(dict.fromkeys(one.sure))
            perhaps.update(dict.fromkeys(one.perhaps))
    if not sure and not perhaps:
        for alone in _ALONE.finditer(plain):
            perhaps.update(dict.fromkeys(doors.by_room.get(_code(alone[1]), ())))
    return Named(tuple(sure), tuple(one for one in perhaps if one not in sure))


def plain_text(text: str) -> str:
    """Full-width digits and letters made ordinary, every dash the same."""
    found = unicodedata.normalize("NFKC", text)
    return re.sub(r"(?<=\d)[‐‑‒–—―−一ー﹣－~](?=\d)", "-", found)


def _code(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    return plain.lstrip("0") or plain

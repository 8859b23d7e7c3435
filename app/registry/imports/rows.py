"""Sheet rows become units: each cell by its column, co-owners of several rows together.

A unit whose facts contradict each other, or any of whose rows has an error, is an error as a
whole: half of its owners would be worse than none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from app.kernel.errors import N_
from app.registry import rules
from app.registry.imports import cells
from app.registry.imports.refusals import BadCell, Refused

MOST_ROWS = 200_000
Row = Sequence[Any]

_TOTALS = re.compile(r"(?:合计|总计|小计|共计|total|sum)", re.IGNORECASE)
_FACT_READERS: Mapping[str, Callable[[Any], Any]] = {
    "area": cells.area_of,
    "floor": cells.floor_of,
    "kind": cells.kind_of,
    "status": cells.status_of,
}


@dataclass
class Draft:
    """What one sheet row says of a unit; `problems` and `notes` are told to people."""

    row_no: int
    row: Row
    place: tuple[str, str, str] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    owners: list[dict[str, Any]] = field(default_factory=list)
    tenants: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The unit's label, empty when the row does not say which unit it is."""
        return rules.unit_label(*self.place) if self.place else ""


class RowReader:
    """Reads rows by a mapping of meanings to column indices."""

    def __init__(self, columns: Mapping[str, int]) -> None:
        self.columns = columns

    def place(self, row: Row) -> tuple[str, str, str] | None:
        """Which unit a row speaks of; None when it does not say."""
        room = cells.text_of(self._cell(row, "room"))
        if not room:
            return None
        whole = cells.whole_label(room)
        building = cells.building_of(self._cell(row, "building"))
        if building:
            if whole is not None and whole[0] == building:
                return whole
            entrance = cells.entrance_of(self._cell(row, "entrance"))
            return building, entrance, cells.room_of(room)
        return whole

    def is_data(self, row: Row) -> bool:
        """Whether a row is about a unit: neither blank nor a total nor a remark below."""
        filled = [cell for cell in row if cell not in ("", None)]
        if not filled:
            return False
        if isinstance(filled[0], str) and _TOTALS.match(filled[0].replace(" ", "")):
            return False
        return len(filled) > 1 or any(
            self._cell(row, key) not in ("", None) for key in ("building", "entrance", "room")
        )

    def draft(self, row_no: int, row: Row) -> Draft:
        """Everything one row says."""
        draft = Draft(row_no, row)
        if any(isinstance(cell, str) and len(cell) > cells.LONGEST_CELL for cell in row):
            self._problem(draft, "remark", N_("单元格文字过长，请缩短到 500 个字以内。"))
            return draft
        draft.place = self.place(row)
        if draft.place is None or len(draft.label) > 60:
            self._no_place(draft, row)
        for key, read in _FACT_READERS.items():
            value = self._read(draft, row, key, read)
            if value is not None:
                draft.facts[key] = str(value) if key == "area" else value
        remark = cells.text_of(self._cell(row, "remark"))
        if remark:
            draft.facts["remark"] = remark
        self._check_area(draft)
        self._owners(draft, row)
        self._tenants(draft, row)
        return draft

    def _no_place(self, draft: Draft, row: Row) -> None:
        if not cells.text_of(self._cell(row, "room")):
            self._problem(draft, "room", N_("缺少房号，请填写。"))
        elif "building" in self.columns:
            self._problem(draft, "building", N_("缺少楼栋，请填写。"))
        else:
            self._problem(
                draft, "room", N_("看不出是哪一栋：请写成 3-2-501 或 3栋2单元501，或加一列“楼栋”。")
            )
        draft.place = None

    def _check_area(self, draft: Draft) -> None:
        kind = draft.facts.get("kind", "residential")
        if draft.facts.get("area") == "0.00" and kind == "residential":
            self._problem(draft, "area", N_("住宅面积不能为 0，请填写建筑面积。"))

    def _owners(self, draft: Draft, row: Row) -> None:
        names = self._read(draft, row, "owner", cells.names_of) or []
        phones = self._read(draft, row, "phone", cells.phones_of) or []
        ids = self._read(draft, row, "id_number", cells.ids_of) or []
        shares = self._read(draft, row, "share", cells.shares_of) or []
        since = self._read(draft, row, "since", cells.date_of)
        kind = self._read(draft, row, "owner_kind", cells.owner_kind_of)
        if not names:
            if phones or ids or shares:
                self._problem(draft, "owner", N_("有电话、证件号或产权比例，却没有业主姓名。"))
            return
        if len(names) == 1 and len(phones) > 1:
            self._note(draft, "phone", N_("一位业主有多个电话，只采用第一个。"))
        for key, values in (("id_number", ids), ("share", shares)):
            if len(values) not in (0, 1, len(names)) or (
                key == "id_number" and len(values) == 1 < len(names)
            ):
                self._problem(
                    draft, key, N_("业主有 %(owners)s 位，这里却有 %(values)s 项，请一一对应。"),
                    owners=len(names), values=len(values),
                )  # fmt: skip
                return
        document_no = cells.text_of(self._cell(row, "document_no"))
        for index, name in enumerate(names):
            share = shares[index] if len(shares) == len(names) else (shares or [None])[0]
            draft.owners.append(
                {
                    "name": name,
                    "kind": kind or rules.likely_kind(name),
                    "kind_given": kind is not None,
                    "phone": _nth(phones, index, len(names)),
                    "id": _nth(ids, index, len(names)),
                    "n": share.numerator if share else None,
                    "d": share.denominator if share else None,
                    "since": since.isoformat() if since else None,
                    "document_no": document_no,
                }
            )

    def _tenants(self, draft: Draft, row: Row) -> None:
        names = self._read(draft, row, "tenant", cells.names_of) or []
        phones = self._read(draft, row, "tenant_phone", cells.phones_of) or []
        if phones and not names:
            self._problem(draft, "tenant", N_("有租户电话，却没有租户姓名。"))
        draft.tenants = [
            {"name": name, "phone": _nth(phones, index, len(names))}
            for index, name in enumerate(names)
        ]

    def _read(self, draft: Draft, row: Row, key: str, read: Callable[[Any], Any]) -> Any:
        raw = self._cell(row, key)
        if raw in ("", None):
            return None
        try:
            return read(raw)
        except BadCell as bad:
            self._problem(draft, key, bad.message, **bad.params)
            return None

    def _cell(self, row: Row, key: str) -> Any:
        index = self.columns.get(key)
        return row[index] if index is not None and index < len(row) else ""

    def _problem(self, draft: Draft, key: str, message: str, **params: Any) -> None:
        draft.problems.append(_say(key, message, **params))

    def _note(self, draft: Draft, key: str, message: str, **params: Any) -> None:
        draft.notes.append(_say(key, message, **params))


def read_units(reader: RowReader, rows: Any, header_row: int) -> Iterator[dict[str, Any]]:
    """One message per unit or per wrong row, in the order of the sheet.

    Twice through the rows: first to know which units have several, so that only those wait
    in memory for their last row.
    """
    labels = _labels(reader, rows, header_row)
    waiting: dict[str, list[Draft]] = {}
    for row_no, row in rows:
        if row_no <= header_row or not reader.is_data(row):
            continue
        draft = reader.draft(row_no, row)
        count = labels[draft.label] if draft.place else 1
        if count == 1:
            yield from _finished([draft])
            continue
        group = waiting.setdefault(draft.label, [])
        group.append(draft)
        if len(group) == count:
            yield from _finished(waiting.pop(draft.label))
    for group in waiting.values():  # rows whose place was refused are missing from their group
        yield from _finished(group)


def _labels(reader: RowReader, rows: Any, header_row: int) -> Counter[str]:
    labels: Counter[str] = Counter()
    total = 0
    for row_no, row in rows:
        if row_no <= header_row or not reader.is_data(row):
            continue
        total += 1
        if total > MOST_ROWS:
            raise Refused(
                N_("超过 %(most)s 行。请按楼栋拆成几个文件分别导入。"), most=f"{MOST_ROWS:,}"
            )
        place = reader.place(row)
        if place is not None:
            labels[rules.unit_label(*place)] += 1
    if total == 0:
        raise Refused(N_("表头下面没有数据。"))
    return labels


def _finished(group: list[Draft]) -> Iterator[dict[str, Any]]:
    head = group[0]
    for other in group[1:]:
        _join(head, other)
    if not any(one.problems for one in group):
        _check_owners(head)
    wrong = [one for one in group if one.problems]
    if not wrong:
        yield {"t": "unit", "n": head.row_no, "v": _values(head, [one.row_no for one in group])}
        return
    for one in group:
        if not one.problems:
            one.problems.append(
                _say("room", N_("同一户的第 %(row)s 行有错，改正后一起导入。"), row=wrong[0].row_no)
            )
        yield {"t": "error", "n": one.row_no, "e": one.problems, "label": one.label}


def _join(head: Draft, other: Draft) -> None:
    """Add a later row of the same unit to its first."""
    for key, value in other.facts.items():
        if head.facts.setdefault(key, value) != value and key != "remark":
            other.problems.append(
                _say(key, N_("与第 %(row)s 行是同一户，但此项不同，请统一。"), row=head.row_no)
            )
    known = {(one["name"], one["id"]) for one in head.owners}
    repeated = any((one["name"], one["id"]) in known for one in other.owners)
    if repeated or not (other.owners or other.tenants):
        other.problems.append(
            _say("room", N_("与第 %(row)s 行重复，请删除其中一行。"), row=head.row_no)
        )
    head.owners += other.owners
    names = {one["name"] for one in head.tenants}
    head.tenants += [one for one in other.tenants if one["name"] not in names]
    head.notes += other.notes


def _check_owners(head: Draft) -> None:
    """Names once each, shares all or none, and never more than the whole."""
    owners = head.owners
    if len({(one["name"], one["id"]) for one in owners}) < len(owners):
        head.problems.append(_say("owner", N_("同一位业主写了两次，请删去一个。")))
        return
    given = [one for one in owners if one["n"] is not None]
    if given and len(given) < len(owners):
        head.problems.append(_say("share", N_("有的业主填了产权比例，有的没有，请补齐或都不填。")))
        return
    if not given:
        for one in owners:
            one |= {"n": 1, "d": len(owners), "given": False}
        return
    for one in owners:
        one["given"] = True
    total = sum((Fraction(one["n"], one["d"]) for one in owners), Fraction(0))
    if total > 1:
        head.problems.append(
            _say(
                "share", N_("各业主的产权比例合计为 %(total)s，超过 1，请核对。"), total=str(total)
            )
        )
    elif total < 1:
        head.notes.append(
            _say("share", N_("各业主的产权比例合计为 %(total)s，不足 1。"), total=str(total))
        )


def _values(head: Draft, rows: list[int]) -> dict[str, Any]:
    assert head.place is not None
    building, entrance, room = head.place
    return {
        "rows": rows,
        "building": building,
        "entrance": entrance,
        "room": room,
        "label": head.label,
        "sort_key": rules.sort_key(head.label),
        "facts": head.facts,
        "owners": head.owners,
        "tenants": head.tenants,
        "notes": head.notes,
    }


def _say(key: str, message: str, **params: Any) -> dict[str, Any]:
    """A sentence about a column, by the column's meaning; pages find its letter and heading."""
    return {"key": key, "message": message, "params": params}


def _nth(values: Sequence[str], index: int, count: int) -> str:
    """The value that belongs to an owner; one phone for several is the first one's."""
    if len(values) == count or (count == 1 and values):
        return values[index]
    return values[index] if index < len(values) else ""

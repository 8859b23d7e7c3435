"""Sheets we hand out: the template, the whole roll, and the rows that were wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from flask_babel import gettext
from sqlalchemy import text

from app.kernel import audit
from app.kernel.db import db
from app.kernel.errors import N_
from app.kernel.seal import unseal
from app.kernel.tables.sheets import letter
from app.registry.imports import reader
from app.registry.imports.columns import TITLES
from app.registry.imports.preview import file_of
from app.registry.models import RosterImport
from app.registry.words import PERSON_KIND_WORDS, UNIT_KIND_WORDS, UNIT_STATUS_WORDS

COLUMNS = tuple(TITLES)
WIDTHS = {"owner": 16, "phone": 16, "id_number": 22, "document_no": 18, "remark": 24}
TEXT_COLUMNS = ("building", "entrance", "room", "phone", "id_number", "share", "tenant_phone")
CHOICES = {
    "kind": UNIT_KIND_WORDS,
    "status": UNIT_STATUS_WORDS,
    "owner_kind": PERSON_KIND_WORDS,
}
BATCH = 2_000
LAST_CHECKED_ROW = 5_000

EXAMPLES: tuple[dict[str, Any], ...] = (
    {"building": "3", "entrance": "2", "room": "501", "area": 88.47, "floor": 5,
     "kind": "residential", "status": "occupied", "owner": N_("张三"), "phone": "13800138000",
     "owner_kind": "natural", "share": "1/1", "since": date(2018, 6, 1)},
    {"building": "3", "entrance": "2", "room": "502", "area": 90.5, "floor": 5,
     "kind": "residential", "status": "occupied", "owner": N_("李四"), "phone": "13900139000",
     "owner_kind": "natural", "share": "1/2", "since": date(2020, 1, 15), "tenant": N_("钱七"),
     "tenant_phone": "13700137000"},
    {"building": "3", "entrance": "2", "room": "502", "owner": N_("王五"), "phone": "13600136000",
     "owner_kind": "natural", "share": "1/2", "since": date(2020, 1, 15)},
    {"building": "3", "room": N_("门面1"), "area": 120.5, "floor": 1, "kind": "commercial",
     "status": "vacant", "owner": N_("示范置业有限公司"), "owner_kind": "company"},
)  # fmt: skip

NOTES = (
    N_("只填“名册”这一张表；“示例”仅供参考，不会导入。"),
    N_("必填：楼栋、房号、建筑面积。其他列可以空着或删去；列的先后不限，列名可用常见叫法。"),
    N_("一户有几位业主，就写几行，楼栋、单元、房号相同；也可以在一格里用顿号隔开。"),
    N_("产权比例写 1/2 或 50%；不填时几位业主平分。"),
    N_("再次导入同一份名册时，空着的格子不会抹去已有的资料；名册里没有的房屋不会被删除。"),
    N_("业主姓名与在册的不同，视为过户：请填写产权起始日。"),
    N_("不要写公式；电话、身份证号所在列请保持“文本”格式。"),
    N_("最多 20 万行、20 MB；更多时请按楼栋分几次导入。"),
)


def template() -> IO[bytes]:
    """An empty roster with headings, drop-downs, examples and notes, in the reader's language."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the response
    with xlsxwriter.Workbook(file, {"strings_to_formulas": False}) as book:
        looks = _looks(book)
        _headed(book, gettext("名册"), COLUMNS, looks, checked=True)
        examples = _headed(book, gettext("示例"), COLUMNS, looks)
        for line, example in enumerate(EXAMPLES, start=1):
            _write(examples, line, [_example(example, key) for key in COLUMNS], looks)
        notes = book.add_worksheet(gettext("填写说明"))
        notes.set_column(0, 0, 100, looks["wrapped"])
        for line, note in enumerate(NOTES):
            notes.write_string(line, 0, f"{line + 1}. {gettext(note)}", looks["wrapped"])
    file.seek(0)
    return file


def whole_roll(community_id: int) -> IO[bytes]:
    """Every unit with its owners and tenants of now, as a roster that imports unchanged.

    It opens phones and identity numbers, so the export itself is recorded.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the response
    count = 0
    with xlsxwriter.Workbook(
        file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        looks = _looks(book)
        sheet = _headed(book, gettext("名册"), COLUMNS, looks)
        for line, row in enumerate(_roll_rows(community_id), start=1):
            _write(sheet, line, [row.get(key) for key in COLUMNS], looks)
            count = line
    audit.record(
        "roster:export",
        f"community:{community_id}",
        community_id=community_id,
        after={"rows": count},
    )
    file.seek(0)
    return file


def wrong_rows(made: RosterImport) -> IO[bytes]:
    """The rows of an import that were refused, as they were, with what is wrong beside them."""
    found = _errors(made)
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the response
    with xlsxwriter.Workbook(
        file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        looks = _looks(book)
        sheet = book.add_worksheet(gettext("有错的行"))
        wanted = {"sheet": (made.mapping or {}).get("sheet") or None, "rows": sorted(found)}
        for line, message in enumerate(reader.read(file_of(made), **wanted)):
            cells = message["cells"]
            heading = message["t"] == "heading"
            last = gettext("需更正") if heading else "；".join(found[message["n"]])
            _write(sheet, line, [last, *cells], looks, "heading" if heading else "")
    file.seek(0)
    return file


def sentences(errors: Iterable[dict[str, Any]], mapping: dict[str, Any] | None) -> list[str]:
    """What is wrong with a row, in the reader's language: column letter, heading, sentence."""
    columns = (mapping or {}).get("columns", {})
    headings = (mapping or {}).get("headers", [])
    said = []
    for one in errors:
        index = columns.get(one["key"])
        sentence = gettext(one["message"])
        if one["params"]:
            sentence %= one["params"]
        title = gettext(TITLES[one["key"]])
        if index is not None and index < len(headings):
            title = f"{letter(index)} {headings[index] or title}"
        said.append(f"{title}{gettext('：')}{sentence}")
    return said


def _errors(made: RosterImport) -> dict[int, list[str]]:
    rows = db.session.execute(
        text(
            "SELECT row_no, errors FROM roster_import_row WHERE community_id = :c"
            " AND import_id = :i AND action = 'error'"
        ),
        {"c": made.community_id, "i": made.id},
    )
    return {row.row_no: sentences(row.errors, made.mapping) for row in rows}


def _headed(book: Any, name: str, keys: Sequence[str], looks: Any, *, checked: bool = False) -> Any:
    sheet = book.add_worksheet(name)
    for at, key in enumerate(keys):
        look = looks["text"] if key in TEXT_COLUMNS else None
        sheet.set_column(at, at, WIDTHS.get(key, 12), look)
        must = key in ("building", "room", "area")
        sheet.write_string(0, at, gettext(TITLES[key]), looks["needed" if must else "heading"])
        if checked and key in CHOICES:
            words = [gettext(word) for word in CHOICES[key].values()]
            sheet.data_validation(
                1, at, LAST_CHECKED_ROW, at, {"validate": "list", "source": words}
            )
    sheet.freeze_panes(1, 0)
    return sheet


def _looks(book: Any) -> dict[str, Any]:
    heading = {"bold": True, "bg_color": "#EFE7DA", "bottom": 1}
    return {
        "heading": book.add_format(heading),
        "needed": book.add_format({**heading, "bg_color": "#F6D9B8"}),
        "text": book.add_format({"num_format": "@"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        "area": book.add_format({"num_format": "0.00"}),
        "wrapped": book.add_format({"text_wrap": True, "valign": "top"}),
    }


def _write(sheet: Any, line: int, values: Sequence[Any], looks: Any, look: str = "") -> None:
    for at, value in enumerate(values):
        if value in (None, ""):
            continue
        if isinstance(value, date):
            sheet.write_datetime(line, at, datetime.combine(value, time()), looks["date"])
        elif isinstance(value, (int, Decimal, float)):
            sheet.write_number(
                line, at, value, looks["area"] if isinstance(value, Decimal) else None
            )
        else:
            sheet.write_string(line, at, str(value), looks[look] if look else None)


def _example(example: dict[str, Any], key: str) -> Any:
    value = example.get(key)
    if key in CHOICES and value:
        return gettext(CHOICES[key][value])
    return gettext(value) if key in ("owner", "tenant", "room") and value else value


def _roll_rows(community_id: int) -> Iterator[dict[str, Any]]:
    """A row per owner (or tenant) of a unit; the first also carries the unit's facts."""
    after = ("", 0)
    while True:
        units = db.session.execute(
            text(UNIT_BATCH),
            {"c": community_id, "key": after[0], "id": after[1], "size": BATCH},
        ).all()
        if not units:
            return
        ids = {"c": community_id, "ids": [unit.id for unit in units]}
        owners = _by_unit(db.session.execute(text(OWNERS_OF_BATCH), ids))
        tenants = _by_unit(db.session.execute(text(TENANTS_OF_BATCH), ids))
        for unit in units:
            yield from _unit_rows(unit, owners.get(unit.id, []), tenants.get(unit.id, []))
        after = (units[-1].sort_key, units[-1].id)


def _unit_rows(unit: Any, owners: list[Any], tenants: list[Any]) -> Iterator[dict[str, Any]]:
    place = {"building": unit.building, "entrance": unit.entrance, "room": unit.room}
    facts = {
        "area": unit.area_m2,
        "floor": unit.floor,
        "kind": gettext(UNIT_KIND_WORDS[unit.kind]),
        "status": gettext(UNIT_STATUS_WORDS[unit.status]),
        "remark": unit.remark,
    }
    for index in range(max(1, len(owners), len(tenants))):
        row: dict[str, Any] = {**place, **(facts if index == 0 else {})}
        if index < len(owners):
            row |= _owner_cells(owners[index])
        if index < len(tenants):
            row |= {
                "tenant": tenants[index].name,
                "tenant_phone": _opened(tenants[index].phone),
            }
        yield row


def _owner_cells(owner: Any) -> dict[str, Any]:
    return {
        "owner": owner.name,
        "phone": _opened(owner.phone),
        "id_number": _opened(owner.id_number),
        "owner_kind": gettext(PERSON_KIND_WORDS[owner.kind]),
        "share": f"{owner.share_numerator}/{owner.share_denominator}",
        "since": owner.starts_on,
        "document_no": owner.document_no,
    }


def _opened(sealed: bytes | None) -> str:
    return unseal(sealed) if sealed else ""


def _by_unit(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.unit_id, []).append(row)
    return found


UNIT_BATCH = """
SELECT u.id, u.sort_key, b.code AS building, e.code AS entrance, u.room, u.area_m2, u.floor,
       u.kind, u.status, u.remark
  FROM unit u JOIN building b ON b.community_id = u.community_id AND b.id = u.building_id
  LEFT JOIN entrance e ON e.community_id = u.community_id AND e.id = u.entrance_id
 WHERE u.community_id = :c AND u.status <> 'demolished' AND (u.sort_key, u.id) > (:key, :id)
 ORDER BY u.sort_key, u.id LIMIT :size
"""

OWNERS_OF_BATCH = """
SELECT o.unit_id, o.share_numerator, o.share_denominator, o.starts_on, o.document_no, p.name,
       p.kind, p.phone, p.id_number
  FROM ownership o JOIN person p ON p.community_id = o.community_id AND p.id = o.person_id
 WHERE o.community_id = :c AND o.unit_id = ANY (:ids) AND o.ends_on IS NULL
 ORDER BY o.unit_id, o.id
"""

TENANTS_OF_BATCH = """
SELECT o.unit_id, p.name, p.phone
  FROM occupant o JOIN person p ON p.community_id = o.community_id AND p.id = o.person_id
 WHERE o.community_id = :c AND o.unit_id = ANY (:ids) AND o.ends_on IS NULL AND o.kind = 'tenant'
 ORDER BY o.unit_id, o.id
"""

"""The demonstration's roll, written as a spreadsheet and brought in as anybody's would be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from io import BytesIO

import xlsxwriter

from app.demo.plan import Home
from app.registry.imports import apply, preview
from app.registry.queries.many import units_by_label

HEADINGS = ("楼栋", "单元", "房号", "楼层", "建筑面积(㎡)", "用途", "状态", "业主", "手机号")
KINDS = {"residential": "住宅", "commercial": "商铺"}
STATUSES = {"occupied": "入住", "vacant": "空置"}


def bring_in(community_id: int, lived: Sequence[Home], starts_on: date) -> dict[str, int]:
    """Import the homes through the roster import; returns unit ids by label."""
    made = preview.receive(community_id, "名册.xlsx", workbook(lived), starts_on)
    preview.read_file(community_id, made.id)
    apply.apply_roster(community_id, made.id)
    found = units_by_label(community_id, [home.label for home in lived])
    return {label: row.id for label, row in found.items()}


def workbook(lived: Sequence[Home]) -> bytes:
    """The homes as a company's clerk would hand them over."""
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("名册")
        sheet.write_row(0, 0, HEADINGS)
        for number, home in enumerate(lived, start=1):
            sheet.write_row(
                number,
                0,
                (
                    home.building,
                    home.entrance,
                    home.room,
                    home.floor,
                    float(home.area_m2),
                    KINDS[home.kind],
                    STATUSES[home.status],
                    "、".join(home.owners),
                    home.phone,
                ),
            )
    return buffer.getvalue()

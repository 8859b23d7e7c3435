"""A small roster, and what the roll then holds."""

from datetime import date

from sqlalchemy import text

from app.kernel.db import db
from app.registry import queries

THREE = [
    ["3栋", "2单元", 501, "88.47㎡", "张三", "13800138000"],
    ["3号楼", "二单元", "502室", 90.5, "李四、王五", "13900139001/13900139002"],
    ["三号楼", "", "门面1", "１２０．５０", "示范置业有限公司", ""],
]


def owners(town, label, on=date(2026, 1, 1)):
    unit = queries.unit_by_label(town.community_id, label)
    return [
        (o.name, f"{o.share_numerator}/{o.share_denominator}", o.phone_tail)
        for o in queries.owners_of(town.community_id, unit.id, on)
    ]


def digest(town):
    """Everything the roll holds, in one text."""
    return {
        table: db.session.execute(
            text(
                f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t.id), '')) FROM {table} t"
                " WHERE community_id = :c"
            ),
            {"c": town.community_id},
        ).scalar_one()
        for table in ("building", "entrance", "unit", "person", "ownership", "occupant")
    }

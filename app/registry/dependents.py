"""What other rooms have built on units and people, asked of the database itself.

The roll is below billing, identity and the rest and may not know them; but every row that
names a unit or a person does so by a foreign key, and the catalogue lists those. A room
added next year is therefore found too.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.errors import N_, Conflict

OWN_TABLES = ("unit", "ownership", "occupant", "entrance", "building", "person")

WORDS = {
    "bill": N_("账单"),
    "bill_line": N_("账单"),
    "bill_note": N_("调整单"),
    "posting": N_("账簿分录"),
    "unit_binding": N_("住户账号绑定"),
    "meter": N_("仪表"),
    "tariff_quantity": N_("车位等收费数量"),
    "reduction": N_("减免"),
    "shared_cost": N_("公摊"),
    "tariff_building": N_("收费标准的楼栋范围"),
    "subsidy_excluded_unit": N_("补贴排除名单"),
}
OTHER_WORD = N_("其他业务记录")

# A composite key carries community_id first, and the column that points second.
POINTING = text(
    "SELECT c.conrelid::regclass::text AS table_name, a.attname AS column_name,"
    " EXISTS (SELECT 1 FROM pg_attribute s WHERE s.attrelid = c.conrelid"
    "  AND s.attname = 'created_at') AS dated"
    " FROM pg_constraint c"
    " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)"
    "  AND a.attname <> 'community_id'"
    " WHERE c.contype = 'f' AND c.confrelid = CAST(:target AS regclass)"
    " AND c.conparentid = 0 ORDER BY 1, 2"
)


@dataclass(frozen=True)
class Pointer:
    """A column of another room that names a row of the roll."""

    table_name: str
    column_name: str
    dated: bool

    @property
    def word(self) -> str:
        """What people call such rows (a msgid)."""
        return WORDS.get(self.table_name, OTHER_WORD)


def pointers(target: str, *, own: bool = False) -> list[Pointer]:
    """The columns that point at a table of the roll; those of the roll itself only if asked."""
    rows = db.session.execute(POINTING, {"target": target})
    return [
        Pointer(**row._mapping)
        for row in rows
        if own or row._mapping["table_name"] not in OWN_TABLES
    ]


def refuse_person(community_id: int, person_id: int) -> None:
    """Raise Conflict when another room names this person."""
    for one in pointers("person"):
        found = db.session.scalar(
            text(
                f"SELECT EXISTS (SELECT 1 FROM {one.table_name}"  # noqa: S608 -- catalogue names
                f" WHERE community_id = :c AND {one.column_name} = :id)"
            ),
            {"c": community_id, "id": person_id},
        )
        if found:
            raise Conflict(
                "person.in_use", N_("此人已有%(what)s，不能合并到别人名下。"), what=one.word
            )

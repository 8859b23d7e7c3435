"""Lists of bills to search, filter, sort and page (`web.lists`), their totals, collection.

Search is by what row-level security leaves an index for: a room's label by prefix, a payer's
name by prefix, the last four digits of a phone by equality.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, text

from app.billing.bills.rows import MonthCollection
from app.billing.models import Bill, BillRun
from app.kernel.db import db
from app.kernel.money import Fen
from app.kernel.period import Month
from app.registry.models import Building, Person, Unit

TOTAL_FEN: ColumnElement[int] = Bill.resident_fen + Bill.notes_fen
bill_status: ColumnElement[str] = case(
    (Bill.withdrawn, "withdrawn"),
    (Bill.open_fen == 0, "paid"),
    (Bill.paid_fen > 0, "part"),
    else_="open",
)
BY_ROOM = Unit.sort_key  # the order people count rooms in
BY_PAYER = Person.name
LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class Totals:
    """Sums over bills that match, withdrawn ones not counted in the money."""

    count: int
    gross_fen: Fen
    subsidy_fen: Fen
    total_fen: Fen
    paid_fen: Fen
    open_fen: Fen


def bills(community_id: int) -> Select[Any]:
    """A community's bills with room and payer, unordered; one row a bill."""
    rows: Select[Any] = (
        select(
            Bill.id,
            Bill.run_id,
            Bill.unit_id,
            Bill.month,
            Bill.party,
            Bill.due_on,
            Bill.gross_fen,
            Bill.subsidy_fen,
            Bill.resident_fen,
            Bill.notes_fen,
            TOTAL_FEN.label("total_fen"),
            Bill.paid_fen,
            Bill.open_fen,
            Bill.withdrawn,
            bill_status.label("status"),
            Unit.label.label("unit_label"),
            Building.code.label("building_code"),
            Person.name.label("payer_name"),
        )
        .join(Unit, and_(Unit.community_id == Bill.community_id, Unit.id == Bill.unit_id))
        .join(
            Building,
            and_(Building.community_id == Unit.community_id, Building.id == Unit.building_id),
        )
        .outerjoin(
            Person, and_(Person.community_id == Bill.community_id, Person.id == Bill.payer_id)
        )
        .where(Bill.community_id == community_id)
    )
    return rows


def matching(rows: Select[Any], word: str) -> Select[Any]:
    """Narrow to a room (prefix), a payer's name (prefix) or the last four digits of a phone."""
    sought = unicodedata.normalize("NFKC", word).strip()[:60]
    label = Unit.label.collate("C")
    clauses = [
        and_(label >= sought, label < sought + LAST_CHARACTER),
        and_(Person.name >= sought, Person.name < sought + LAST_CHARACTER),
    ]
    if len(sought) == 4 and sought.isdigit():
        clauses.append(Person.phone_tail == sought)
    return rows.where(or_(*clauses))


def of_building(rows: Select[Any], building_id: int) -> Select[Any]:
    """Narrow to a building."""
    return rows.where(Unit.building_id == building_id)


def with_status(rows: Select[Any], status: str, today: date) -> Select[Any]:
    """Narrow to open, part, paid, withdrawn, or overdue on a day."""
    if status == "overdue":
        return rows.where(Bill.open_fen > 0, Bill.due_on < today)
    return rows.where(bill_status == status)


def totals(rows: Select[Any]) -> Totals:
    """How many match and what they come to."""
    found = rows.order_by(None).subquery()
    live = found.c.withdrawn.is_(False)

    def summed(column: Any) -> Any:
        return func.coalesce(func.sum(column).filter(live), 0)

    row = db.session.execute(
        select(
            func.count().label("count"),
            *(
                summed(found.c[name]).label(name)
                for name in ("gross_fen", "subsidy_fen", "total_fen", "paid_fen", "open_fen")
            ),
        ).select_from(found)
    ).one()
    return Totals(**{name: int(value) for name, value in row._mapping.items()})


def months(community_id: int) -> list[Month]:
    """The months with bills, newest first."""
    rows = db.session.scalars(
        select(BillRun.month)
        .distinct()
        .where(BillRun.community_id == community_id, BillRun.status == "issued")
    )
    return sorted((Month.of(month) for month in rows), reverse=True)


def buildings(community_id: int) -> list[tuple[int, str]]:
    """Buildings to filter by, as people count: id and code."""
    rows = db.session.execute(
        select(Building.id, Building.code)
        .where(Building.community_id == community_id)
        .order_by(func.length(Building.code), Building.code)
    )
    return [(row.id, row.code) for row in rows]


def collection(community_id: int, since: Month, until: Month) -> list[MonthCollection]:
    """Billed and collected by due month, oldest first; withdrawn bills and empty months left out.

    Billed is the residents' share with corrections; collected is what was laid on these very
    bills, whenever it came.
    """
    rows = db.session.execute(
        text(
            "SELECT date_trunc('month', due_on)::date AS due_month,"
            " sum(resident_fen + notes_fen)::bigint AS billed, sum(paid_fen)::bigint AS collected,"
            " count(*) AS bills FROM bill WHERE community_id = :c AND NOT withdrawn"
            " AND due_on BETWEEN :since AND :until GROUP BY 1 ORDER BY 1"
        ),
        {"c": community_id, "since": since.first, "until": until.last},
    )
    return [
        MonthCollection(Month.of(row.due_month), row.billed, row.collected, row.bills)
        for row in rows
    ]

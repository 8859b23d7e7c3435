"""Write-offs with their bills, and their totals by year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen
from app.kernel.period import Month


@dataclass(frozen=True)
class WrittenBill:
    """A bill of a write-off: what was taken out and what came back."""

    bill_id: int
    month: Month
    amount_fen: Fen
    reversed_fen: Fen


@dataclass(frozen=True)
class WriteOffRow:
    """A write-off, asked for or decided."""

    id: int
    unit_id: int
    unit_label: str
    building_code: str
    reason: str
    resolution_no: str
    resolution_on: date
    resolution_body: str
    file_id: int
    file_name: str
    waives: bool
    amount_fen: Fen
    status: str
    requested_by: int | None
    created_at: datetime
    decided_by: int | None
    decided_at: datetime | None
    bills: tuple[WrittenBill, ...]

    @property
    def reversed_fen(self) -> Fen:
        """What came in after all."""
        return sum(bill.reversed_fen for bill in self.bills)

    @property
    def year(self) -> int:
        """The year in which it left the books, by the decision; the request's before."""
        return (self.decided_at or self.created_at).year


_SQL = """
SELECT w.id, w.unit_id, u.label AS unit_label, g.code AS building_code, w.reason, w.resolution_no,
  w.resolution_on, w.resolution_body, w.file_id, f.name AS file_name, w.waives, w.amount_fen,
  w.status, w.requested_by, w.created_at, w.decided_by, w.decided_at, x.list AS bills
FROM write_off w
  JOIN unit u ON u.community_id = w.community_id AND u.id = w.unit_id
  JOIN building g ON g.community_id = u.community_id AND g.id = u.building_id
  JOIN stored_file f ON f.community_id = w.community_id AND f.id = w.file_id
  JOIN LATERAL (SELECT jsonb_agg(jsonb_build_array(b.id, b.month, l.amount_fen, l.reversed_fen)
      ORDER BY b.due_on, b.id) AS list
    FROM write_off_bill l JOIN bill b ON b.community_id = l.community_id AND b.id = l.bill_id
   WHERE l.community_id = w.community_id AND l.write_off_id = w.id) x ON true
WHERE w.community_id = :c AND (CAST(:id AS bigint) IS NULL OR w.id = :id)
ORDER BY w.id DESC
"""


def write_offs(community_id: int) -> list[WriteOffRow]:
    """All, the newest first."""
    return [_row(row) for row in db.session.execute(text(_SQL), {"c": community_id, "id": None})]


def write_off(community_id: int, write_off_id: int) -> WriteOffRow:
    """One. Raises NotFound."""
    row = db.session.execute(text(_SQL), {"c": community_id, "id": write_off_id}).one_or_none()
    if row is None:
        raise NotFound("write_off.none", N_("没有这项核销。"))
    return _row(row)


def by_year(rows: Sequence[WriteOffRow]) -> list[tuple[int, int, Fen, Fen]]:
    """Year, how many approved, written off, come in after all; the newest first."""
    years: dict[int, list[WriteOffRow]] = {}
    for row in rows:
        if row.status == "approved":
            years.setdefault(row.year, []).append(row)
    return [
        (
            year,
            len(found),
            sum(one.amount_fen for one in found),
            sum(one.reversed_fen for one in found),
        )
        for year, found in sorted(years.items(), reverse=True)
    ]


def open_bills(community_id: int, unit_id: int, bill_ids: Sequence[int] | None) -> dict[int, Fen]:
    """What is open on a home's bills, those named or all; the oldest first."""
    rows = db.session.execute(
        text(
            "SELECT id, open_fen FROM bill WHERE community_id = :c AND unit_id = :unit"
            " AND open_fen > 0 AND (CAST(:bills AS bigint[]) IS NULL OR"
            " id = ANY (CAST(:bills AS bigint[]))) ORDER BY due_on, id"
        ),
        {
            "c": community_id,
            "unit": unit_id,
            "bills": None if bill_ids is None else list(bill_ids),
        },
    )
    return {row.id: row.open_fen for row in rows}


def _row(row: Any) -> WriteOffRow:
    values = dict(row._mapping)
    values["bills"] = tuple(
        WrittenBill(bill, Month.of(date.fromisoformat(month)), fen, back)
        for bill, month, fen, back in values["bills"]
    )
    return WriteOffRow(**values)


def months(community_id: int, bill_ids: Sequence[int]) -> dict[int, Month]:
    """The months of bills."""
    rows = db.session.execute(
        text(
            "SELECT id, month FROM bill WHERE community_id = :c"
            " AND id = ANY (CAST(:bills AS bigint[]))"
        ),
        {"c": community_id, "bills": list(bill_ids)},
    )
    return {row.id: Month.of(row.month) for row in rows}

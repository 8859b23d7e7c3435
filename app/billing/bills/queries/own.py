"""What a resident may see: the bills of the homes bound to their account that are theirs.

A binding sees bills for a person: the one it names, or, bound by the code alone, those who
owned the home on the day of binding. It sees a bill when that person is its payer, or when
the bill's days touch the days on which the person owned or lived there *and* its payer owned
the home on such days too (a co-owner, a tenant's landlord) or nobody is named. So a buyer
never sees the seller's bills, not even of the month of sale, nor the seller the buyer's; a
code from an old bill opens nothing of a later owner. Reads `unit_binding`, `ownership` and
`occupant` in SQL text, because the question is one of sets. Source: RULES G1, G4; ADR 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import text

from app.billing.bills.queries.sheet import HEAD_COLUMNS, HEAD_TABLES, bill_row
from app.billing.bills.rows import BillRow
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen

_MINE = """
WITH mine AS (
  SELECT m.unit_id, m.person_id, (m.created_at AT TIME ZONE 'Asia/Shanghai')::date AS bound_on
    FROM unit_binding m
   WHERE m.community_id = :c AND m.account_id = :account AND m.ended_at IS NULL
     AND (CAST(:unit AS bigint) IS NULL OR m.unit_id = :unit)
), persons AS (
  SELECT unit_id, person_id FROM mine WHERE person_id IS NOT NULL
  UNION
  SELECT m.unit_id, o.person_id FROM mine m JOIN ownership o
      ON o.community_id = :c AND o.unit_id = m.unit_id AND o.starts_on <= m.bound_on
     AND (o.ends_on IS NULL OR o.ends_on > m.bound_on)
   WHERE m.person_id IS NULL
), spans AS (
  SELECT p.unit_id, daterange(o.starts_on, o.ends_on) AS days FROM persons p JOIN ownership o
      ON o.community_id = :c AND o.unit_id = p.unit_id AND o.person_id = p.person_id
  UNION
  SELECT p.unit_id, daterange(o.starts_on, o.ends_on) FROM persons p JOIN occupant o
      ON o.community_id = :c AND o.unit_id = p.unit_id AND o.person_id = p.person_id
)
"""
_VISIBLE = """
  b.unit_id IN (SELECT unit_id FROM mine) AND NOT b.withdrawn AND (
    EXISTS (SELECT FROM persons x WHERE x.unit_id = b.unit_id AND x.person_id = b.payer_id)
    OR EXISTS (SELECT FROM spans s WHERE s.unit_id = b.unit_id
        AND s.days && daterange(b.starts_on, b.ends_on)
        AND (b.payer_id IS NULL OR EXISTS (SELECT FROM ownership o
          WHERE o.community_id = :c AND o.unit_id = b.unit_id AND o.person_id = b.payer_id
            AND daterange(o.starts_on, o.ends_on) && s.days)))
    OR (b.payer_id IS NULL AND NOT EXISTS (SELECT FROM persons x WHERE x.unit_id = b.unit_id)))
"""
# Credit is not shown once the unit has changed hands: it is the former owner's
# (`service.apply_credit`).
_HOMES = f"""
{_MINE}, seen AS (
  SELECT {HEAD_COLUMNS} FROM {HEAD_TABLES} WHERE b.community_id = :c AND {_VISIBLE}
), held AS (
  SELECT s.unit_id,
    sum(CASE WHEN s.means = 'credit' THEN -s.amount_fen ELSE s.credit_fen END)::bigint AS fen
  FROM settlement s WHERE s.community_id = :c AND s.unit_id IN (SELECT unit_id FROM mine)
  GROUP BY s.unit_id
  HAVING NOT EXISTS (SELECT FROM ownership o WHERE o.community_id = :c
    AND o.unit_id = s.unit_id AND o.starts_on >
    min(s.received_on) FILTER (WHERE s.credit_fen > 0))
)
SELECT u.id AS home_id, u.label AS home_label, COALESCE(held.fen, 0) AS home_credit, seen.*
FROM (SELECT DISTINCT unit_id FROM mine) m
  JOIN unit u ON u.community_id = :c AND u.id = m.unit_id
  LEFT JOIN held ON held.unit_id = u.id
  LEFT JOIN seen ON seen.unit_id = u.id
ORDER BY u.sort_key, u.id, seen.month DESC, seen.party DESC, seen.id DESC
"""  # noqa: S608 -- constants only


@dataclass(frozen=True)
class OwnHome:
    """A home bound to the account: its bills, newest first, and what is owed on them."""

    unit_id: int
    label: str
    bills: tuple[BillRow, ...]
    credit_fen: Fen  # money held for it and not yet used

    @property
    def open_bills(self) -> tuple[BillRow, ...]:
        """The bills with something left to pay, oldest first."""
        return tuple(bill for bill in reversed(self.bills) if bill.open_fen)

    @property
    def open_fen(self) -> Fen:
        """All that is left to pay."""
        return sum(bill.open_fen for bill in self.bills)

    @property
    def latest(self) -> BillRow | None:
        """The newest bill."""
        return self.bills[0] if self.bills else None


def homes(community_id: int, account_id: int, unit_id: int | None = None) -> list[OwnHome]:
    """The homes bound to an account in a community with their bills, in one statement.

    With `unit_id` that one alone. Raises NotFound when there is none (the same for a home
    that exists and one that does not).
    """
    rows = (
        db.session.execute(
            text(_HOMES), {"c": community_id, "account": account_id, "unit": unit_id}
        )
        .mappings()
        .all()
    )
    if not rows:
        raise NotFound("unit.none", N_("没有这套房屋。"))
    found = []
    for _, group in groupby(rows, key=lambda row: row["home_id"]):
        home = list(group)
        bills = tuple(bill_row(row) for row in home if row["id"] is not None)
        credit = max(home[0]["home_credit"], 0)
        found.append(OwnHome(home[0]["home_id"], home[0]["home_label"], bills, credit))
    return found


def own_bill(community_id: int, account_id: int, bill_id: int) -> BillRow:
    """A bill the account may see. Raises NotFound for any other, existing or not."""
    row = (
        db.session.execute(
            text(
                f"{_MINE} SELECT {HEAD_COLUMNS} FROM {HEAD_TABLES}"  # noqa: S608 -- constants
                f" WHERE b.community_id = :c AND b.id = :bill AND {_VISIBLE}"
            ),
            {"c": community_id, "account": account_id, "unit": None, "bill": bill_id},
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFound("bill.none", N_("没有这张账单。"))
    return bill_row(row)


def all_bills_are(community_id: int, unit_id: int, bill_ids: Sequence[int]) -> bool:
    """Whether a unit has no other live bills than these."""
    others = db.session.execute(
        text(
            "SELECT EXISTS (SELECT FROM bill WHERE community_id = :c AND unit_id = :unit"
            " AND NOT withdrawn AND id <> ALL (CAST(:bills AS bigint[])))"
        ),
        {"c": community_id, "unit": unit_id, "bills": list(bill_ids)},
    ).scalar_one()
    return not others

"""What a community's month is made of: read once, it chooses the statements that are needed.

A month without meters, transfers or reductions then pays nothing for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.period import Month

# Each EXISTS is a prefix of an index that begins with the community.
_LOOK = text("""
SELECT c.fee_mode, c.transfer_policy, c.due_day, b.closed_through, b.code IS NOT NULL AS opened,
  EXISTS (SELECT FROM bill_line l
           WHERE l.community_id = :c AND l.month = :first AND l.live) AS billed,
  EXISTS (SELECT FROM bill_line l
           WHERE l.community_id = :c AND l.month = :before AND l.live) AS had_bills,
  EXISTS (SELECT FROM reduction r WHERE r.community_id = :c
             AND r.starts_on < :end AND (r.ends_on IS NULL OR r.ends_on > :first)) AS reduced,
  EXISTS (SELECT FROM meter_reading r WHERE r.community_id = :c AND r.month = :first) AS read,
  EXISTS (SELECT FROM meter m WHERE m.community_id = :c) AS meters,
  EXISTS (SELECT FROM shared_cost s WHERE s.community_id = :c AND s.month = :first) AS shared,
  EXISTS (SELECT FROM one_off_charge o WHERE o.community_id = :c AND o.month = :first
             AND o.cancelled_at IS NULL) AS one_off,
  EXISTS (SELECT FROM tariff_quantity q WHERE q.community_id = :c
             AND q.starts_on < :end AND (q.ends_on IS NULL OR q.ends_on > :first)) AS spaces,
  EXISTS (SELECT FROM bill_run r WHERE r.community_id = :c AND r.month = :first
             AND r.status = 'preview') AS previewed,
  (SELECT count(*) FROM subsidy_scheme s
     JOIN subsidy_step t ON t.community_id = :c AND t.scheme_id = s.id AND t.starts_on < :end
    WHERE s.community_id = :c AND s.starts_on < :end AND LEAST(s.ends_on, s.terminated_on) > :first
      AND NOT EXISTS (SELECT FROM subsidy_step n WHERE n.community_id = :c AND n.scheme_id = s.id
                         AND n.starts_on > t.starts_on
                         AND n.starts_on <= GREATEST(:first, s.starts_on))) AS rates
  FROM community c LEFT JOIN book b ON b.community_id = c.id AND b.code = 'service'
 WHERE c.id = :c
""")


@dataclass(frozen=True)
class Plan:
    """A community, a month, and which kinds of charge and circumstance it has."""

    community_id: int
    month: Month
    fee_mode: str
    transfer_policy: str
    due_day: int
    closed_through: date | None
    opened: bool  # has books
    billed: bool  # has live lines already
    had_bills: bool  # had live lines in the month before
    reduced: bool
    read: bool
    meters: bool
    shared: bool
    one_off: bool
    spaces: bool
    previewed: bool  # has a preview that stands
    rates: int  # how many pairs of scheme and rate may pay on some of its days

    @property
    def values(self) -> dict[str, Any]:
        """What the statements' places are filled with."""
        return {
            "c": self.community_id,
            "first": self.month.first,
            "end": self.month.range.end,
            "last": self.month.last,
            "before": self.month.shift(-1).first,
            "days": self.month.days,
        }


def look(community_id: int, month: Month) -> Plan:
    """Read what a month is made of. Raises NotFound for an unknown community."""
    row = (
        db.session.execute(
            _LOOK,
            {
                "c": community_id,
                "first": month.first,
                "end": month.range.end,
                "before": month.shift(-1).first,
            },
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFound("community.none", N_("没有这个小区，或者您无权查看。"))
    return Plan(community_id=community_id, month=month, **row)

"""What the desk asks of the rooms below."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.billing.arrears import queries as arrears
from app.billing.arrears.rows import CommunityArrears
from app.billing.portfolio import queries as portfolio
from app.billing.portfolio.queries import CommunityMoney
from app.billing.subsidy import queries as subsidy
from app.billing.tariffs import queries as tariffs
from app.desk.rules import Standing
from app.kernel.tenancy import NOWHERE, scope
from app.registry import queries as registry


@dataclass(frozen=True)
class Sums:
    """A portfolio added up."""

    community_count: int
    unit_count: int
    billed_fen: int
    collected_fen: int
    overdue_fen: int
    waiting_count: int  # communities whose month is not issued yet


def in_view() -> list[int]:
    """The communities this request may see."""
    return sorted(scope() - {NOWHERE})


def standing(community_id: int, today: date) -> Standing:
    """How far a community is with its first month: five statements."""
    counts = registry.counts(community_id)
    money = portfolio.communities([community_id], today)[0]
    priced = [one for one in tariffs.tariffs(community_id, today) if one.present or one.coming]
    return Standing(
        unit_count=counts.unit_count,
        owner_count=counts.unit_count - counts.without_owner_count,
        priced_count=len(priced),
        has_scheme=bool(subsidy.schemes(community_id)),
        has_preview=money.month_state == "preview",
        has_issue=money.last_month is not None,
    )


def add_up(rows: list[CommunityMoney]) -> Sums:
    """Totals over communities."""
    return Sums(
        community_count=len(rows),
        unit_count=sum(row.unit_count for row in rows),
        billed_fen=sum(row.billed_fen for row in rows),
        collected_fen=sum(row.collected_fen for row in rows),
        overdue_fen=sum(row.overdue_fen for row in rows),
        waiting_count=sum(row.month_state != "issued" for row in rows),
    )


def ages(ids: list[int], today: date) -> list[CommunityArrears]:
    """Arrears by age for the communities that have any."""
    return [row for row in arrears.by_community(ids, today) if row.ages.total_fen]

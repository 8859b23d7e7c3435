"""What the queries of arrears hand out: frozen rows, sums in fen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.billing.arrears.rules import Damages
from app.kernel.money import Fen
from app.kernel.period import Month


@dataclass(frozen=True)
class Ages:
    """What is open, by days past due: not due yet, 1–30, 31–90, 91–365, older."""

    current_fen: Fen = 0
    days_30_fen: Fen = 0
    days_90_fen: Fen = 0
    days_365_fen: Fen = 0
    older_fen: Fen = 0

    @property
    def overdue_fen(self) -> Fen:
        """All that is past its day."""
        return self.days_30_fen + self.days_90_fen + self.days_365_fen + self.older_fen

    @property
    def total_fen(self) -> Fen:
        """All that is open."""
        return self.current_fen + self.overdue_fen

    def __add__(self, other: Ages) -> Ages:
        return Ages(
            self.current_fen + other.current_fen,
            self.days_30_fen + other.days_30_fen,
            self.days_90_fen + other.days_90_fen,
            self.days_365_fen + other.days_365_fen,
            self.older_fen + other.older_fen,
        )


@dataclass(frozen=True)
class UnitArrears:
    """A home's open bills by age."""

    unit_id: int
    unit_label: str
    building_id: int
    building_code: str
    ages: Ages
    bill_count: int
    oldest_due_on: date


@dataclass(frozen=True)
class BuildingArrears:
    """A building's open bills by age, and how many homes are past due."""

    building_id: int
    building_code: str
    ages: Ages
    overdue_units: int


@dataclass(frozen=True)
class CommunityArrears:
    """A community's open bills by age, for a company's or a street's page."""

    community_id: int
    community_name: str
    ages: Ages
    overdue_units: int


@dataclass(frozen=True)
class LateBill:
    """An overdue bill of a home with its damages so far; `charged_fen` is on the bill already."""

    bill_id: int
    month: Month
    due_on: date
    payer_id: int | None
    payer_name: str | None
    principal_fen: Fen
    open_fen: Fen
    days_past_due: int
    damages: Damages
    charged_fen: Fen

    @property
    def chargeable_fen(self) -> Fen:
        """Damages that could be added now."""
        return max(self.damages.amount_fen - self.charged_fen, 0)

"""What the queries of bills hand out: frozen rows, sums in fen, days as dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.kernel.money import Fen
from app.kernel.period import Month


@dataclass(frozen=True)
class Tier:
    """What is used beyond `from_quantity` costs `price` yuan per unit of measure."""

    from_quantity: Decimal
    price: Decimal


@dataclass(frozen=True)
class ReductionRow:
    """A percentage off, on the days it was in force."""

    kind: str
    percent: Decimal
    starts_on: date
    ends_on: date | None
    document_no: str


@dataclass(frozen=True)
class Reading:
    """What a meter showed: used = (reading − previous) × multiplier."""

    previous: Decimal
    reading: Decimal
    multiplier: Decimal
    estimated: bool


@dataclass(frozen=True)
class Shared:
    """The common cost a line is a share of, and the weights of all who share it."""

    amount_fen: Fen
    allocation: str
    building: str | None
    entrance: str | None
    document_no: str
    total_weight: Decimal


@dataclass(frozen=True)
class SubsidySpell:
    """Days on which a scheme paid a rate, in yuan per m² and month."""

    days: int
    rate: Decimal


@dataclass(frozen=True)
class LineRow:
    """One charge of a bill with all that explains it; see `models.BillLine`.

    `days` and `subsidy_days` are this holder's; `whole_*` are the unit's, which differ only
    when it changed hands within the month.
    """

    bill_id: int
    no: int
    tariff_name: str
    basis: str
    measure: str
    quantity: Decimal
    price: Decimal
    days: Decimal
    month_days: int
    whole_gross_fen: Fen
    whole_subsidy_fen: Fen
    gross_fen: Fen
    subsidy_fen: Fen
    resident_fen: Fen
    subsidy_rate: Decimal | None
    subsidy_days: int
    agreement_no: str | None
    document_no: str
    price_basis: str | None
    price_from: date | None
    price_until: date | None
    description: str
    month: date
    whole_days: Decimal  # this tariff's days of all who held the unit in the month
    whole_subsidy_days: int
    whole_measured: Decimal  # quantity × days of all of them
    tiers: tuple[Tier, ...] = ()
    reading: Reading | None = None
    shared: Shared | None = None
    reductions: tuple[ReductionRow, ...] = ()
    spells: tuple[SubsidySpell, ...] = ()  # only where the rate changed within the month

    @property
    def is_part(self) -> bool:
        """Whether the unit changed hands and this line is a part of the month's."""
        return (self.gross_fen, self.subsidy_fen) != (self.whole_gross_fen, self.whole_subsidy_fen)

    @property
    def is_regular(self) -> bool:
        """Whether it comes again every month, as long as the price stays."""
        return self.basis in ("area", "unit", "space")


@dataclass(frozen=True)
class Outlook:
    """How long the street pays, and the regular month's bill from then on at the same price."""

    payer: str
    ends_on: date  # first day no longer paid
    after_fen: Fen
    next_step_on: date | None
    next_rate: Decimal | None


@dataclass(frozen=True)
class BillRow:
    """A bill's head: for whom, for when, how much, what is still open."""

    community_id: int
    id: int
    run_id: int
    unit_id: int
    unit_label: str
    building_code: str
    area_m2: Decimal
    party: int
    payer_id: int | None
    payer_name: str | None
    month: Month
    starts_on: date
    ends_on: date
    due_on: date
    issued_on: date
    gross_fen: Fen
    subsidy_fen: Fen
    resident_fen: Fen
    notes_fen: Fen
    paid_fen: Fen
    open_fen: Fen
    withdrawn: bool

    @property
    def total_fen(self) -> Fen:
        """What is to be paid, corrections included."""
        return self.resident_fen + self.notes_fen

    @property
    def status(self) -> str:
        """withdrawn, paid, part or open."""
        if self.withdrawn:
            return "withdrawn"
        if self.open_fen == 0:
            return "paid"
        return "part" if self.paid_fen else "open"


@dataclass(frozen=True)
class Letterhead:
    """Who sends the bill and how to reach and pay them."""

    community_name: str
    company_name: str | None
    service_phone: str
    binding_code: str


@dataclass(frozen=True)
class FullBill:
    """A bill with its lines and what stands on the paper around them."""

    bill: BillRow
    letterhead: Letterhead
    lines: tuple[LineRow, ...]
    outlook: Outlook | None
    earlier_open_fen: Fen  # other open bills of the same payer for the unit
    earlier_count: int


@dataclass(frozen=True)
class Event:
    """Something that happened to a bill or an account; `amount_fen` is more owed when positive.

    kind: bill, withdrawn, credit, debit, damages, waiver, payment, credit_used.
    """

    on: date
    kind: str
    id: int
    amount_fen: Fen
    bill_id: int | None = None
    month: Month | None = None
    means: str = ""
    reason: str = ""
    months: tuple[Month, ...] = ()
    credit_fen: Fen = 0
    balance_fen: Fen = 0


@dataclass(frozen=True)
class Statement:
    """A unit's account over some days; a negative balance is money held for it."""

    opening_fen: Fen
    events: tuple[Event, ...]
    closing_fen: Fen


@dataclass(frozen=True)
class MonthCollection:
    """A due month's bills and what has come in for them."""

    month: Month
    billed_fen: Fen
    collected_fen: Fen
    bill_count: int

    @property
    def rate(self) -> Decimal:
        """Collected of billed as a share of one; a month that billed nothing counts as whole."""
        if self.billed_fen == 0:
            return Decimal(1)
        return Decimal(self.collected_fen) / self.billed_fen

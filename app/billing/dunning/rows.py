"""What the queries of dunning hand out: frozen rows, sums in fen, dates in China."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from app.billing.dunning import rules
from app.kernel.money import Fen
from app.kernel.period import Month


@dataclass(frozen=True)
class Debt:
    """An overdue bill with all that began its three years anew."""

    bill_id: int
    unit_id: int
    payer_id: int | None
    month: Month
    due_on: date
    open_fen: Fen
    restarts: tuple[rules.Restart, ...] = ()

    @property
    def limitation_on(self) -> date:
        """The last day of its three years."""
        return rules.limitation_ends(self.due_on, self.restarts)


@dataclass(frozen=True)
class CaseRow:
    """An open case with its debts, its next step and what stands in the way."""

    id: int
    unit_id: int
    unit_label: str
    sort_key: str
    building_id: int
    building_code: str
    payer_id: int | None
    payer_name: str | None
    opened_on: date
    closed_on: date | None
    stage_no: int
    stepped_on: date | None
    answer_until: date | None
    debts: tuple[Debt, ...]
    standing: tuple[str, ...]  # keys of rules.LEFT_OUT
    stages: tuple[rules.Stage, ...]
    on: date
    plan_bills: frozenset[int] = field(default=frozenset())

    @property
    def open_fen(self) -> Fen:
        """What is overdue in all."""
        return sum(debt.open_fen for debt in self.debts)

    @property
    def bill_count(self) -> int:
        """How many bills are overdue."""
        return len(self.debts)

    @property
    def oldest_due_on(self) -> date | None:
        """The earliest day that passed."""
        return min((debt.due_on for debt in self.debts), default=None)

    @property
    def days_past_due(self) -> int:
        """How many days the oldest is overdue."""
        oldest = self.oldest_due_on
        return (self.on - oldest).days if oldest else 0

    @property
    def stage_kind(self) -> str:
        """The kind of the last step taken; `none` before the first."""
        done = (stage.kind for stage in self.stages if stage.no == self.stage_no)
        return next(done, "none" if self.stage_no == 0 else self.stages[-1].kind)

    @property
    def next_step(self) -> rules.Step | None:
        """The step that comes next."""
        oldest = self.oldest_due_on
        if oldest is None:
            return None
        return rules.next_step(self.stages, self.stage_no, oldest, self.answer_until)

    @property
    def next_kind(self) -> str:
        """The kind of the next step; `suit` when all were taken."""
        return self.next_step.stage.kind if self.next_step else "suit"

    @property
    def next_on(self) -> date | None:
        """The first day of the next step."""
        return self.next_step.earliest_on if self.next_step else None

    @property
    def left_out(self) -> str | None:
        """Why no letter goes out now."""
        return rules.left_out(self.standing, self.next_step, self.on)

    @property
    def state(self) -> str:
        """`ready`, or why it waits."""
        return self.left_out or "ready"

    @property
    def limitation_on(self) -> date | None:
        """The first of its bills' last days."""
        return min((debt.limitation_on for debt in self.debts), default=None)

    @property
    def warning(self) -> int | None:
        """How near that day is; see rules.warning."""
        last = self.limitation_on
        return rules.warning(last, self.on) if last else None


@dataclass(frozen=True)
class LimitationRow:
    """A bill in the list of ends of limitation."""

    case_id: int
    bill_id: int
    unit_id: int
    unit_label: str
    sort_key: str
    building_id: int
    building_code: str
    payer_name: str | None
    month: Month
    due_on: date
    open_fen: Fen
    last_restart_on: date | None
    limitation_on: date
    left_days: int

    @property
    def warning(self) -> str:
        """180, 90, 30, 0 (over) or "" while there is time."""
        if self.left_days < 0:
            return "0"
        return str(min((one for one in rules.WARNING_DAYS if self.left_days <= one), default=""))


@dataclass(frozen=True)
class PromiseRow:
    """A promise and how it stands."""

    id: int
    case_id: int
    unit_id: int
    unit_label: str
    building_id: int
    building_code: str
    payer_id: int | None
    payer_name: str | None
    made_on: date
    pay_on: date
    amount_fen: Fen
    received_fen: Fen
    state: str
    words: str


@dataclass(frozen=True)
class PlanRow:
    """An instalment plan and how it stands; `state` also `draft` or `ended`."""

    id: int
    case_id: int
    unit_id: int
    unit_label: str
    building_id: int
    building_code: str
    payer_id: int | None
    payer_name: str | None
    number: str
    made_on: date
    signed_on: date | None
    ended_on: date | None
    end_reason: str
    total_fen: Fen
    parts: tuple[rules.Part, ...]
    bills: tuple[tuple[int, Month, Fen], ...]
    at: rules.PlanState
    state: str

    @property
    def in_force(self) -> bool:
        """Whether it pauses dunning."""
        return self.state in {"kept", "late"}

    @property
    def paid_fen(self) -> Fen:
        """What came in for its bills since it was signed."""
        return self.at.paid_fen

    @property
    def next_on(self) -> date | None:
        """The day of the first part not paid."""
        pairs = zip(self.parts, self.at.parts, strict=True)
        return next((part.pay_on for part, state in pairs if not state.startswith("paid")), None)


@dataclass(frozen=True)
class LetterRow:
    """A letter of a run or a case."""

    id: int
    run_id: int
    case_id: int
    unit_id: int
    unit_label: str
    payer_name: str | None
    number: str
    stage_no: int
    stage_kind: str
    signer: str
    made_on: date
    answer_days: int
    open_fen: Fen
    status: str
    delivered_on: date | None
    delivered_how: str | None


@dataclass(frozen=True)
class RunRow:
    """A batch of letters."""

    id: int
    made_on: date
    letter_count: int
    open_fen: Fen
    task_id: int | None
    file_id: int | None
    fetched_at: datetime | None
    undone_at: datetime | None
    waiting: int
    delivered: int

    @property
    def state(self) -> str:
        """`undone`, `made`, `fetched` or `delivered` (all letters accounted for)."""
        if self.undone_at:
            return "undone"
        if not self.waiting:
            return "delivered"
        return "fetched" if self.fetched_at else "made"


@dataclass(frozen=True)
class Happening:
    """A line of a case's timeline."""

    on: date
    at: datetime
    kind: str
    said: str
    done: str
    stage_kind: str | None
    who: int | None
    amount_fen: Fen | None = None
    until_on: date | None = None


@dataclass(frozen=True)
class PauseRow:
    """A pause."""

    id: int
    reason: str
    words: str
    starts_on: date
    until_on: date
    ended_on: date | None
    granted_by: int | None


@dataclass(frozen=True)
class ObjectionRow:
    """An objection or a request for instalments."""

    id: int
    case_id: int
    unit_id: int
    unit_label: str
    payer_name: str | None
    kind: str
    words: str
    made_on: date
    answer: str | None
    answered_on: date | None

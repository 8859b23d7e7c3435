"""Tables of dunning: stages, cases, what was done, letters, pauses, agreements, write-offs."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, CommunityRow, community_key
from app.registry.models import one_of

STAGE_KINDS = ("reminder", "demand", "last_notice")
CHANNELS = ("paper", "message", "phone", "visit")
ACT_KINDS = ("phone", "visit", "message", "acknowledgement", "note")
DELIVERIES = ("signed", "posted", "left", "message")
LETTER_STATUSES = ("made", "delivered", "returned", "cancelled")
RESTART_GROUNDS = ("demand", "acknowledgement", "promise", "plan")
PAUSE_REASONS = ("hardship", "illness", "other")
WRITE_OFF_STATUSES = ("requested", "approved", "rejected")


class DunningStage(CommunityRow, Base):
    """A community's step of dunning: how long after the due day, how long to answer, by whom."""

    __tablename__ = "dunning_stage"
    __table_args__ = (
        one_of("kind", STAGE_KINDS),
        one_of("channel", CHANNELS),
        CheckConstraint("kind = 'reminder' OR channel = 'paper'", name="written"),
        CheckConstraint("no BETWEEN 1 AND 6", name="no"),
        CheckConstraint("days_after_due BETWEEN 1 AND 1000", name="days"),
        CheckConstraint("answer_days BETWEEN 7 AND 90", name="answer"),
        CheckConstraint("kind = 'reminder' OR answer_days >= 15", name="reasonable"),
        UniqueConstraint("community_id", "no"),
    )
    no: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    days_after_due: Mapped[int]
    answer_days: Mapped[int]
    signer: Mapped[str] = mapped_column(Text, server_default="")


class DunningCase(CommunityRow, Base):
    """A payer's overdue bills of a home, from the first step to the last fen.

    `stage_no` is the last step that was taken (0 none), `answer_until` the last day to answer it.
    """

    __tablename__ = "dunning_case"
    __table_args__ = (
        CheckConstraint("stage_no BETWEEN 0 AND 6", name="stage"),
        CheckConstraint(
            "(stage_no = 0) = (stepped_on IS NULL) AND (stage_no = 0) = (answer_until IS NULL)",
            name="stepped",
        ),
        CheckConstraint("closed_on >= opened_on", name="days"),
        Index(
            "uq_dunning_case__open",
            "community_id",
            "unit_id",
            "payer_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("closed_on IS NULL"),
        ),
        community_key("unit_id", "unit"),
        community_key("payer_id", "person"),
    )
    unit_id: Mapped[int]
    payer_id: Mapped[int | None]
    opened_on: Mapped[date] = mapped_column(Date)
    closed_on: Mapped[date | None] = mapped_column(Date)
    stage_no: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    stepped_on: Mapped[date | None] = mapped_column(Date)
    answer_until: Mapped[date | None] = mapped_column(Date)


class DunningAct(CommunityRow, Base):
    """What staff did in a case: a call, a visit, a message, an acknowledgement taken down.

    `said` is what the other side said, `done` what we did or agreed; `stage_no` where the act
    was a step of the order. Never changed.
    """

    __tablename__ = "dunning_act"
    __table_args__ = (
        one_of("kind", ACT_KINDS),
        CheckConstraint("said <> '' OR done <> ''", name="words"),
        Index("ix_dunning_act__case", "community_id", "case_id"),
        community_key("case_id", "dunning_case"),
    )
    case_id: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    happened_on: Mapped[date] = mapped_column(Date)
    stage_no: Mapped[int | None] = mapped_column(SmallInteger)
    said: Mapped[str] = mapped_column(Text, server_default="")
    done: Mapped[str] = mapped_column(Text, server_default="")
    created_by: Mapped[int | None]


class DunningRun(CommunityRow, Base):
    """A batch of letters made together; undone only while nobody has fetched the paper."""

    __tablename__ = "dunning_run"
    __table_args__ = (
        CheckConstraint("undone_at IS NULL OR fetched_at IS NULL", name="fetched"),
        CheckConstraint("language IN ('zh_Hans_CN', 'en')", name="language"),
        CheckConstraint("letter_count > 0 AND open_fen > 0", name="something"),
        community_key("task_id", "task"),
        community_key("file_id", "stored_file"),
    )
    made_on: Mapped[date] = mapped_column(Date)
    letter_count: Mapped[int]
    open_fen: Mapped[int]
    language: Mapped[str] = mapped_column(Text)
    task_id: Mapped[int | None]
    file_id: Mapped[int | None]
    fetched_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    created_by: Mapped[int | None]


class DunningLetter(CommunityRow, Base):
    """A letter to a payer: its step, its bills; it counts from the day it was delivered."""

    __tablename__ = "dunning_letter"
    __table_args__ = (
        one_of("stage_kind", STAGE_KINDS),
        one_of("status", LETTER_STATUSES),
        CheckConstraint(
            f"delivered_how IS NULL OR delivered_how IN {DELIVERIES}", name="delivered_how"
        ),
        CheckConstraint(
            "(status = 'delivered') = (delivered_on IS NOT NULL)"
            " AND (delivered_on IS NULL) = (delivered_how IS NULL)",
            name="delivered",
        ),
        CheckConstraint("delivered_on >= made_on", name="days"),
        CheckConstraint("open_fen > 0", name="open"),
        UniqueConstraint("community_id", "number"),
        Index("ix_dunning_letter__case", "community_id", "case_id"),
        Index("ix_dunning_letter__run", "community_id", "run_id"),
        Index(
            "uq_dunning_letter__pending",
            "community_id",
            "case_id",
            unique=True,
            postgresql_where=text("status = 'made'"),
        ),
        community_key("run_id", "dunning_run"),
        community_key("case_id", "dunning_case"),
    )
    run_id: Mapped[int]
    case_id: Mapped[int]
    number: Mapped[str] = mapped_column(Text)
    stage_no: Mapped[int] = mapped_column(SmallInteger)
    stage_kind: Mapped[str] = mapped_column(Text)
    signer: Mapped[str] = mapped_column(Text, server_default="")
    made_on: Mapped[date] = mapped_column(Date)
    answer_days: Mapped[int]
    open_fen: Mapped[int]
    status: Mapped[str] = mapped_column(Text, server_default="made")
    delivered_on: Mapped[date | None] = mapped_column(Date)
    delivered_how: Mapped[str | None] = mapped_column(Text)


class DunningLetterBill(Base):
    """A bill a letter demands, with what was open on it that day."""

    __tablename__ = "dunning_letter_bill"
    __table_args__ = (
        CheckConstraint("open_fen > 0", name="open"),
        community_key("letter_id", "dunning_letter"),
        community_key("bill_id", "bill"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    letter_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    bill_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    open_fen: Mapped[int]


class LimitationRestart(CommunityRow, Base):
    """A day on which a bill's three years began anew, and why; `source` such as `letter:12`.

    Part payments are not here: they are read from what was received.
    """

    __tablename__ = "limitation_restart"
    __table_args__ = (
        one_of("ground", RESTART_GROUNDS),
        UniqueConstraint("community_id", "bill_id", "source"),
        community_key("bill_id", "bill"),
    )
    bill_id: Mapped[int]
    ground: Mapped[str] = mapped_column(Text)
    restarted_on: Mapped[date] = mapped_column(Date)
    source: Mapped[str] = mapped_column(Text)


class DunningPause(CommunityRow, Base):
    """A pause of a case, for hardship above all: why, until when, granted by whom."""

    __tablename__ = "dunning_pause"
    __table_args__ = (
        one_of("reason", PAUSE_REASONS),
        CheckConstraint("words <> ''", name="words"),
        CheckConstraint("until_on >= starts_on", name="days"),
        CheckConstraint("ended_on IS NULL OR ended_on <= until_on", name="ended"),
        Index("ix_dunning_pause__case", "community_id", "case_id"),
        community_key("case_id", "dunning_case"),
    )
    case_id: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    starts_on: Mapped[date] = mapped_column(Date)
    until_on: Mapped[date] = mapped_column(Date)
    ended_on: Mapped[date | None] = mapped_column(Date)
    granted_by: Mapped[int | None]


class DunningObjection(CommunityRow, Base):
    """What a payer objects to or asks for; it pauses the case until staff have answered."""

    __tablename__ = "dunning_objection"
    __table_args__ = (
        one_of("kind", ("objection", "instalments")),
        CheckConstraint("words <> ''", name="words"),
        CheckConstraint(
            "(answered_on IS NULL) = (answer IS NULL) AND answer <> ''", name="answered"
        ),
        Index("ix_dunning_objection__case", "community_id", "case_id"),
        Index(
            "uq_dunning_objection__open",
            "community_id",
            "case_id",
            "kind",
            unique=True,
            postgresql_where=text("answered_on IS NULL"),
        ),
        community_key("case_id", "dunning_case"),
    )
    case_id: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    made_on: Mapped[date] = mapped_column(Date)
    made_by: Mapped[int | None]
    answer: Mapped[str | None] = mapped_column(Text)
    answered_on: Mapped[date | None] = mapped_column(Date)
    answered_by: Mapped[int | None]


class DunningPromise(CommunityRow, Base):
    """A promise to pay a sum by a day; kept or broken is read from what came in since.

    `after_settlement_id` is the last settlement of the community when it was made.
    """

    __tablename__ = "dunning_promise"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("pay_on >= made_on", name="days"),
        Index("ix_dunning_promise__case", "community_id", "case_id"),
        community_key("case_id", "dunning_case"),
    )
    case_id: Mapped[int]
    made_on: Mapped[date] = mapped_column(Date)
    pay_on: Mapped[date] = mapped_column(Date)
    amount_fen: Mapped[int]
    after_settlement_id: Mapped[int]
    words: Mapped[str] = mapped_column(Text, server_default="")
    created_by: Mapped[int | None]


class InstalmentPlan(CommunityRow, Base):
    """An agreement to pay named bills in parts; in force from the day it is signed."""

    __tablename__ = "instalment_plan"
    __table_args__ = (
        CheckConstraint("total_fen > 0", name="total"),
        CheckConstraint("ended_on IS NULL OR end_reason <> ''", name="ended"),
        Index("ix_instalment_plan__case", "community_id", "case_id"),
        community_key("case_id", "dunning_case"),
    )
    case_id: Mapped[int]
    number: Mapped[str] = mapped_column(Text)
    made_on: Mapped[date] = mapped_column(Date)
    total_fen: Mapped[int]
    after_settlement_id: Mapped[int | None]
    signed_on: Mapped[date | None] = mapped_column(Date)
    ended_on: Mapped[date | None] = mapped_column(Date)
    end_reason: Mapped[str] = mapped_column(Text, server_default="")
    created_by: Mapped[int | None]


class InstalmentPlanBill(Base):
    """A bill a plan pays off."""

    __tablename__ = "instalment_plan_bill"
    __table_args__ = (
        CheckConstraint("open_fen > 0", name="open"),
        community_key("plan_id", "instalment_plan"),
        community_key("bill_id", "bill"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    plan_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    bill_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    open_fen: Mapped[int]


class Instalment(Base):
    """A part of a plan: by when, how much."""

    __tablename__ = "instalment"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("no BETWEEN 1 AND 36", name="no"),
        community_key("plan_id", "instalment_plan"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    plan_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    no: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    pay_on: Mapped[date] = mapped_column(Date)
    amount_fen: Mapped[int]


class WriteOff(CommunityRow, Base):
    """Bills taken out of the books by a resolution (核销): asked by one, approved by another.

    The debt itself remains unless the resolution waives it.
    """

    __tablename__ = "write_off"
    __table_args__ = (
        one_of("status", WRITE_OFF_STATUSES),
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint("resolution_no <> '' AND resolution_body <> ''", name="resolution"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("(status = 'requested') = (decided_at IS NULL)", name="decided"),
        CheckConstraint(
            "status <> 'approved' OR (requested_by IS NOT NULL AND decided_by IS NOT NULL"
            " AND decided_by <> requested_by)",
            name="two_persons",
        ),
        Index("ix_write_off__unit", "community_id", "unit_id"),
        community_key("unit_id", "unit"),
        community_key("file_id", "stored_file"),
    )
    unit_id: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    resolution_no: Mapped[str] = mapped_column(Text)
    resolution_on: Mapped[date] = mapped_column(Date)
    resolution_body: Mapped[str] = mapped_column(Text)
    file_id: Mapped[int]
    waives: Mapped[bool] = mapped_column(server_default=text("false"))
    amount_fen: Mapped[int]
    status: Mapped[str] = mapped_column(Text, server_default="requested")
    requested_by: Mapped[int | None]
    decided_by: Mapped[int | None]
    decided_at: Mapped[datetime | None]


class WriteOffBill(Base):
    """A bill's part of a write-off, the note that took it out, and what came back since."""

    __tablename__ = "write_off_bill"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("reversed_fen BETWEEN 0 AND amount_fen", name="reversed"),
        community_key("write_off_id", "write_off"),
        community_key("bill_id", "bill"),
        community_key("note_id", "bill_note"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    write_off_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    bill_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    amount_fen: Mapped[int]
    note_id: Mapped[int | None]
    reversed_fen: Mapped[int] = mapped_column(server_default="0")

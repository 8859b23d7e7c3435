"""Dunning: stages, cases, letters, pauses, objections, promises, plans, limitation, write-offs.

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

GROUND = (
    "ground = 'correction' OR (ground = 'waiver' AND kind = 'credit')"
    " OR (ground = 'damages' AND kind = 'debit')"
)
ONLY_ADDED = ("dunning_act", "dunning_letter_bill", "instalment_plan_bill", "instalment")
CHANGED = (
    "dunning_stage",
    "dunning_case",
    "dunning_run",
    "dunning_letter",
    "limitation_restart",
    "dunning_pause",
    "dunning_objection",
    "dunning_promise",
    "instalment_plan",
    "write_off",
    "write_off_bill",
)


def upgrade() -> None:
    _dunning_stage()
    _dunning_case()
    _dunning_act()
    _dunning_run()
    _dunning_letter()
    _dunning_letter_bill()
    _limitation_restart()
    _dunning_pause()
    _dunning_objection()
    _dunning_promise()
    _instalment_plan()
    _instalment_plan_bill()
    _instalment()
    _write_off()
    _write_off_bill()
    op.drop_constraint(op.f("ck_bill_note__ground"), "bill_note")
    op.create_check_constraint(
        op.f("ck_bill_note__ground"), "bill_note", GROUND + " OR ground = 'write_off'"
    )
    guards.tenant(*CHANGED)
    guards.append_only(*ONLY_ADDED)


def _dunning_stage() -> None:
    op.create_table(
        "dunning_stage",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("no", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("days_after_due", sa.BigInteger(), nullable=False),
        sa.Column("answer_days", sa.BigInteger(), nullable=False),
        sa.Column("signer", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "channel IN ('paper', 'message', 'phone', 'visit')",
            name=op.f("ck_dunning_stage__channel"),
        ),
        sa.CheckConstraint(
            "kind = 'reminder' OR answer_days >= 15", name=op.f("ck_dunning_stage__reasonable")
        ),
        sa.CheckConstraint(
            "kind = 'reminder' OR channel = 'paper'", name=op.f("ck_dunning_stage__written")
        ),
        sa.CheckConstraint(
            "kind IN ('reminder', 'demand', 'last_notice')", name=op.f("ck_dunning_stage__kind")
        ),
        sa.CheckConstraint("answer_days BETWEEN 7 AND 90", name=op.f("ck_dunning_stage__answer")),
        sa.CheckConstraint(
            "days_after_due BETWEEN 1 AND 1000", name=op.f("ck_dunning_stage__days")
        ),
        sa.CheckConstraint("no BETWEEN 1 AND 6", name=op.f("ck_dunning_stage__no")),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_dunning_stage__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_dunning_stage")),
        sa.UniqueConstraint("community_id", "no", name=op.f("uq_dunning_stage__community_id_no")),
    )


def _dunning_case() -> None:
    op.create_table(
        "dunning_case",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("payer_id", sa.BigInteger(), nullable=True),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("stage_no", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("stepped_on", sa.Date(), nullable=True),
        sa.Column("answer_until", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(stage_no = 0) = (stepped_on IS NULL) AND (stage_no = 0) = (answer_until IS NULL)",
            name=op.f("ck_dunning_case__stepped"),
        ),
        sa.CheckConstraint("closed_on >= opened_on", name=op.f("ck_dunning_case__days")),
        sa.CheckConstraint("stage_no BETWEEN 0 AND 6", name=op.f("ck_dunning_case__stage")),
        sa.ForeignKeyConstraint(
            ["community_id", "payer_id"],
            ["person.community_id", "person.id"],
            name=op.f("fk_dunning_case__community_id_payer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "unit_id"],
            ["unit.community_id", "unit.id"],
            name=op.f("fk_dunning_case__community_id_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_dunning_case__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_dunning_case")),
    )
    op.create_index(
        "uq_dunning_case__open",
        "dunning_case",
        ["community_id", "unit_id", "payer_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("closed_on IS NULL"),
    )


def _dunning_act() -> None:
    op.create_table(
        "dunning_act",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("stage_no", sa.SmallInteger(), nullable=True),
        sa.Column("said", sa.Text(), server_default="", nullable=False),
        sa.Column("done", sa.Text(), server_default="", nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('phone', 'visit', 'message', 'acknowledgement', 'note')",
            name=op.f("ck_dunning_act__kind"),
        ),
        sa.CheckConstraint("said <> '' OR done <> ''", name=op.f("ck_dunning_act__words")),
        sa.ForeignKeyConstraint(
            ["community_id", "case_id"],
            ["dunning_case.community_id", "dunning_case.id"],
            name=op.f("fk_dunning_act__community_id_case_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_dunning_act__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_dunning_act")),
    )
    op.create_index(
        "ix_dunning_act__case", "dunning_act", ["community_id", "case_id"], unique=False
    )


def _dunning_run() -> None:
    op.create_table(
        "dunning_run",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("letter_count", sa.BigInteger(), nullable=False),
        sa.Column("open_fen", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "language IN ('zh_Hans_CN', 'en')", name=op.f("ck_dunning_run__language")
        ),
        sa.CheckConstraint(
            "letter_count > 0 AND open_fen > 0", name=op.f("ck_dunning_run__something")
        ),
        sa.CheckConstraint(
            "undone_at IS NULL OR fetched_at IS NULL", name=op.f("ck_dunning_run__fetched")
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "file_id"],
            ["stored_file.community_id", "stored_file.id"],
            name=op.f("fk_dunning_run__community_id_file_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "task_id"],
            ["task.community_id", "task.id"],
            name=op.f("fk_dunning_run__community_id_task_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_dunning_run__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_dunning_run")),
    )


def _dunning_letter() -> None:
    op.create_table(
        "dunning_letter",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("stage_no", sa.SmallInteger(), nullable=False),
        sa.Column("stage_kind", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), server_default="", nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("answer_days", sa.BigInteger(), nullable=False),
        sa.Column("open_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="made", nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=True),
        sa.Column("delivered_how", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(status = 'delivered') = (delivered_on IS NOT NULL) AND (delivered_on IS NULL) = (delivered_how IS NULL)",
            name=op.f("ck_dunning_letter__delivered"),
        ),
        sa.CheckConstraint(
            "delivered_how IS NULL OR delivered_how IN ('signed', 'posted', 'left', 'message')",
            name=op.f("ck_dunning_letter__delivered_how"),
        ),
        sa.CheckConstraint(
            "stage_kind IN ('reminder', 'demand', 'last_notice')",
            name=op.f("ck_dunning_letter__stage_kind"),
        ),
        sa.CheckConstraint(
            "status IN ('made', 'delivered', 'returned', 'cancelled')",
            name=op.f("ck_dunning_letter__status"),
        ),
        sa.CheckConstraint("delivered_on >= made_on", name=op.f("ck_dunning_letter__days")),
        sa.CheckConstraint("open_fen > 0", name=op.f("ck_dunning_letter__open")),
        sa.ForeignKeyConstraint(
            ["community_id", "case_id"],
            ["dunning_case.community_id", "dunning_case.id"],
            name=op.f("fk_dunning_letter__community_id_case_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "run_id"],
            ["dunning_run.community_id", "dunning_run.id"],
            name=op.f("fk_dunning_letter__community_id_run_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_dunning_letter__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_dunning_letter")),
        sa.UniqueConstraint(
            "community_id", "number", name=op.f("uq_dunning_letter__community_id_number")
        ),
    )
    op.create_index(
        "ix_dunning_letter__case", "dunning_letter", ["community_id", "case_id"], unique=False
    )
    op.create_index(
        "ix_dunning_letter__run", "dunning_letter", ["community_id", "run_id"], unique=False
    )
    op.create_index(
        "uq_dunning_letter__pending",
        "dunning_letter",
        ["community_id", "case_id"],
        unique=True,
        postgresql_where=sa.text("status = 'made'"),
    )


def _dunning_letter_bill() -> None:
    op.create_table(
        "dunning_letter_bill",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("letter_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bill_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("open_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("open_fen > 0", name=op.f("ck_dunning_letter_bill__open")),
        sa.ForeignKeyConstraint(
            ["community_id", "bill_id"],
            ["bill.community_id", "bill.id"],
            name=op.f("fk_dunning_letter_bill__community_id_bill_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "letter_id"],
            ["dunning_letter.community_id", "dunning_letter.id"],
            name=op.f("fk_dunning_letter_bill__community_id_letter_id"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "letter_id", "bill_id", name=op.f("pk_dunning_letter_bill")
        ),
    )


def _limitation_restart() -> None:
    op.create_table(
        "limitation_restart",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("bill_id", sa.BigInteger(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("restarted_on", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "ground IN ('demand', 'acknowledgement', 'promise', 'plan')",
            name=op.f("ck_limitation_restart__ground"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "bill_id"],
            ["bill.community_id", "bill.id"],
            name=op.f("fk_limitation_restart__community_id_bill_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_limitation_restart__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_limitation_restart")),
        sa.UniqueConstraint(
            "community_id",
            "bill_id",
            "source",
            name=op.f("uq_limitation_restart__community_id_bill_id_source"),
        ),
    )


def _dunning_pause() -> None:
    op.create_table(
        "dunning_pause",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("granted_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "reason IN ('hardship', 'illness', 'other')", name=op.f("ck_dunning_pause__reason")
        ),
        sa.CheckConstraint("words <> ''", name=op.f("ck_dunning_pause__words")),
        sa.CheckConstraint(
            "ended_on IS NULL OR ended_on <= until_on", name=op.f("ck_dunning_pause__ended")
        ),
        sa.CheckConstraint("until_on >= starts_on", name=op.f("ck_dunning_pause__days")),
        sa.ForeignKeyConstraint(
            ["community_id", "case_id"],
            ["dunning_case.community_id", "dunning_case.id"],
            name=op.f("fk_dunning_pause__community_id_case_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_dunning_pause__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_dunning_pause")),
    )
    op.create_index(
        "ix_dunning_pause__case", "dunning_pause", ["community_id", "case_id"], unique=False
    )


def _dunning_objection() -> None:
    op.create_table(
        "dunning_objection",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("answered_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(answered_on IS NULL) = (answer IS NULL) AND answer <> ''",
            name=op.f("ck_dunning_objection__answered"),
        ),
        sa.CheckConstraint(
            "kind IN ('objection', 'instalments')", name=op.f("ck_dunning_objection__kind")
        ),
        sa.CheckConstraint("words <> ''", name=op.f("ck_dunning_objection__words")),
        sa.ForeignKeyConstraint(
            ["community_id", "case_id"],
            ["dunning_case.community_id", "dunning_case.id"],
            name=op.f("fk_dunning_objection__community_id_case_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_dunning_objection__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_dunning_objection")),
    )
    op.create_index(
        "ix_dunning_objection__case", "dunning_objection", ["community_id", "case_id"], unique=False
    )
    op.create_index(
        "uq_dunning_objection__open",
        "dunning_objection",
        ["community_id", "case_id", "kind"],
        unique=True,
        postgresql_where=sa.text("answered_on IS NULL"),
    )


def _dunning_promise() -> None:
    op.create_table(
        "dunning_promise",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("pay_on", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("after_settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_dunning_promise__amount")),
        sa.CheckConstraint("pay_on >= made_on", name=op.f("ck_dunning_promise__days")),
        sa.ForeignKeyConstraint(
            ["community_id", "case_id"],
            ["dunning_case.community_id", "dunning_case.id"],
            name=op.f("fk_dunning_promise__community_id_case_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_dunning_promise__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_dunning_promise")),
    )
    op.create_index(
        "ix_dunning_promise__case", "dunning_promise", ["community_id", "case_id"], unique=False
    )


def _instalment_plan() -> None:
    op.create_table(
        "instalment_plan",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("after_settlement_id", sa.BigInteger(), nullable=True),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("end_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "ended_on IS NULL OR end_reason <> ''", name=op.f("ck_instalment_plan__ended")
        ),
        sa.CheckConstraint("total_fen > 0", name=op.f("ck_instalment_plan__total")),
        sa.ForeignKeyConstraint(
            ["community_id", "case_id"],
            ["dunning_case.community_id", "dunning_case.id"],
            name=op.f("fk_instalment_plan__community_id_case_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_instalment_plan__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_instalment_plan")),
    )
    op.create_index(
        "ix_instalment_plan__case", "instalment_plan", ["community_id", "case_id"], unique=False
    )


def _instalment_plan_bill() -> None:
    op.create_table(
        "instalment_plan_bill",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bill_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("open_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("open_fen > 0", name=op.f("ck_instalment_plan_bill__open")),
        sa.ForeignKeyConstraint(
            ["community_id", "bill_id"],
            ["bill.community_id", "bill.id"],
            name=op.f("fk_instalment_plan_bill__community_id_bill_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "plan_id"],
            ["instalment_plan.community_id", "instalment_plan.id"],
            name=op.f("fk_instalment_plan_bill__community_id_plan_id"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "plan_id", "bill_id", name=op.f("pk_instalment_plan_bill")
        ),
    )


def _instalment() -> None:
    op.create_table(
        "instalment",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("no", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("pay_on", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_instalment__amount")),
        sa.CheckConstraint("no BETWEEN 1 AND 36", name=op.f("ck_instalment__no")),
        sa.ForeignKeyConstraint(
            ["community_id", "plan_id"],
            ["instalment_plan.community_id", "instalment_plan.id"],
            name=op.f("fk_instalment__community_id_plan_id"),
        ),
        sa.PrimaryKeyConstraint("community_id", "plan_id", "no", name=op.f("pk_instalment")),
    )


def _write_off() -> None:
    op.create_table(
        "write_off",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("resolution_no", sa.Text(), nullable=False),
        sa.Column("resolution_on", sa.Date(), nullable=False),
        sa.Column("resolution_body", sa.Text(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("waives", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="requested", nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(status = 'requested') = (decided_at IS NULL)", name=op.f("ck_write_off__decided")
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_write_off__reason")),
        sa.CheckConstraint(
            "resolution_no <> '' AND resolution_body <> ''", name=op.f("ck_write_off__resolution")
        ),
        sa.CheckConstraint(
            "status <> 'approved' OR (requested_by IS NOT NULL AND decided_by IS NOT NULL AND decided_by <> requested_by)",
            name=op.f("ck_write_off__two_persons"),
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'approved', 'rejected')", name=op.f("ck_write_off__status")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_write_off__amount")),
        sa.ForeignKeyConstraint(
            ["community_id", "file_id"],
            ["stored_file.community_id", "stored_file.id"],
            name=op.f("fk_write_off__community_id_file_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "unit_id"],
            ["unit.community_id", "unit.id"],
            name=op.f("fk_write_off__community_id_unit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_write_off__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_write_off")),
    )
    op.create_index("ix_write_off__unit", "write_off", ["community_id", "unit_id"], unique=False)


def _write_off_bill() -> None:
    op.create_table(
        "write_off_bill",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("write_off_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bill_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("note_id", sa.BigInteger(), nullable=True),
        sa.Column("reversed_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_write_off_bill__amount")),
        sa.CheckConstraint(
            "reversed_fen BETWEEN 0 AND amount_fen", name=op.f("ck_write_off_bill__reversed")
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "bill_id"],
            ["bill.community_id", "bill.id"],
            name=op.f("fk_write_off_bill__community_id_bill_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "note_id"],
            ["bill_note.community_id", "bill_note.id"],
            name=op.f("fk_write_off_bill__community_id_note_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "write_off_id"],
            ["write_off.community_id", "write_off.id"],
            name=op.f("fk_write_off_bill__community_id_write_off_id"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "write_off_id", "bill_id", name=op.f("pk_write_off_bill")
        ),
    )


def downgrade() -> None:
    op.drop_table("write_off_bill")
    op.drop_table("write_off")
    op.drop_table("instalment")
    op.drop_table("instalment_plan_bill")
    op.drop_table("instalment_plan")
    op.drop_table("dunning_promise")
    op.drop_table("dunning_objection")
    op.drop_table("dunning_pause")
    op.drop_table("limitation_restart")
    op.drop_table("dunning_letter_bill")
    op.drop_table("dunning_letter")
    op.drop_table("dunning_run")
    op.drop_table("dunning_act")
    op.drop_table("dunning_case")
    op.drop_table("dunning_stage")
    op.drop_constraint(op.f("ck_bill_note__ground"), "bill_note")
    op.create_check_constraint(op.f("ck_bill_note__ground"), "bill_note", GROUND)

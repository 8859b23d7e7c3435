"""Payments and what they are for; settlements may be taken back.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import guards
import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BOOKS = "('service', 'fund', 'commons', 'backstop')"
CAME = "('received', 'settled')"


def upgrade() -> None:
    _settings()
    _accounts()
    _payments()
    _taking_back()
    guards.tenant("settlement_account", "payment", verbs="SELECT, INSERT, UPDATE")
    guards.append_only("payment_item")


def _settings() -> None:
    op.add_column(
        "community",
        sa.Column("partial_payment", sa.Boolean(), server_default="true", nullable=False),
    )
    op.add_column(
        "community",
        sa.Column("overpaid_policy", sa.Text(), server_default="credit", nullable=False),
    )
    op.add_column(
        "community",
        sa.Column("refund_alone_fen", sa.BigInteger(), server_default="20000", nullable=False),
    )
    op.add_column(
        "community",
        sa.Column("prepay_months", sa.SmallInteger(), server_default="12", nullable=False),
    )
    for name, rule in (
        ("overpaid_policy", "overpaid_policy IN ('credit', 'refund')"),
        ("refund_alone", "refund_alone_fen >= 0"),
        ("prepay_months", "prepay_months BETWEEN 0 AND 12"),
    ):
        op.create_check_constraint(op.f(f"ck_community__{name}"), "community", rule)


def _row(table: str, *columns: sa.Column) -> None:
    """A community's row: its key, its columns, when it was written."""
    op.create_table(
        table,
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *columns,
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f(f"fk_{table}__community_id")
        ),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f(f"pk_{table}")),
    )


def _key(table: str, column: str, other: str) -> None:
    op.create_foreign_key(
        op.f(f"fk_{table}__community_id_{column}"),
        table,
        other,
        ["community_id", column],
        ["community_id", "id"],
    )


def _accounts() -> None:
    _row(
        "settlement_account",
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("gateway_account", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_check_constraint(
        op.f("ck_settlement_account__book"), "settlement_account", f"book IN {BOOKS}"
    )
    op.create_unique_constraint(
        op.f("uq_settlement_account__gateway_account"), "settlement_account", ["gateway_account"]
    )
    op.create_unique_constraint(
        op.f("uq_settlement_account__community_id_id_book"),
        "settlement_account",
        ["community_id", "id", "book"],
    )
    op.create_index(
        "uq_settlement_account__open",
        "settlement_account",
        ["community_id", "book"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _payments() -> None:
    _row(
        "payment",
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("means", sa.Text(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), server_default="cny", nullable=False),
        sa.Column("status", sa.Text(), server_default="started", nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payer_id", sa.BigInteger(), nullable=True),
        sa.Column("payer_name", sa.Text(), server_default="", nullable=False),
        sa.Column("started_by", sa.BigInteger(), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refunded_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("disputed_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=True),
        sa.Column("settlement_account_id", sa.BigInteger(), nullable=True),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("intent_id", sa.Text(), nullable=True),
        sa.Column("livemode", sa.Boolean(), nullable=True),
        sa.Column("reference", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
    )
    for name, rule in (
        ("book", f"book IN {BOOKS}"),
        ("channel", "channel IN ('stripe', 'counter', 'bank', 'code')"),
        ("means", "means IN ('card', 'alipay', 'wechat_pay', 'cash', 'pos', 'transfer')"),
        (
            "status",
            "status IN ('started', 'pending', 'received', 'settled', 'failed', 'expired')",
        ),
        ("amount", "amount_fen > 0"),
        ("currency", "currency = 'cny'"),
        (
            "returned",
            "refunded_fen >= 0 AND disputed_fen >= 0 AND refunded_fen + disputed_fen <= amount_fen",
        ),
        ("received", f"(status IN {CAME}) = (received_on IS NOT NULL)"),
        ("settled", "(status = 'settled') = (settled_at IS NOT NULL)"),
    ):
        op.create_check_constraint(op.f(f"ck_payment__{name}"), "payment", rule)
    op.create_unique_constraint(
        op.f("uq_payment__community_id_key"), "payment", ["community_id", "key"]
    )
    op.create_index("uq_payment__session_id", "payment", ["session_id"], unique=True)
    op.create_index("uq_payment__intent_id", "payment", ["intent_id"], unique=True)
    op.create_index("ix_payment__received", "payment", ["community_id", "received_on"])
    op.create_index(
        "ix_payment__under_way",
        "payment",
        ["community_id", "created_at"],
        postgresql_where=sa.text("status IN ('started', 'pending', 'received')"),
    )
    op.create_foreign_key(
        op.f("fk_payment__community_id_settlement_account_id_book"),
        "payment",
        "settlement_account",
        ["community_id", "settlement_account_id", "book"],
        ["community_id", "id", "book"],
    )
    _key("payment", "payer_id", "person")
    op.create_table(
        "payment_item",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payment_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("no", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("bill_id", sa.BigInteger(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("purpose IN ('bill', 'prepay')", name=op.f("ck_payment_item__purpose")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_item__amount")),
        sa.CheckConstraint(
            "(purpose = 'bill') = (bill_id IS NOT NULL)", name=op.f("ck_payment_item__bill")
        ),
        sa.PrimaryKeyConstraint("community_id", "payment_id", "no", name=op.f("pk_payment_item")),
        sa.UniqueConstraint(
            "community_id",
            "payment_id",
            "bill_id",
            name=op.f("uq_payment_item__community_id_payment_id_bill_id"),
        ),
    )
    for column, other in (("payment_id", "payment"), ("unit_id", "unit"), ("bill_id", "bill")):
        _key("payment_item", column, other)
    op.create_index("ix_payment_item__bill", "payment_item", ["community_id", "bill_id"])


def _taking_back() -> None:
    op.add_column("settlement", sa.Column("payment_id", sa.BigInteger(), nullable=True))
    op.add_column("settlement", sa.Column("takes_back_id", sa.BigInteger(), nullable=True))
    _key("settlement", "payment_id", "payment")
    _key("settlement", "takes_back_id", "settlement")
    op.create_index("ix_settlement__payment", "settlement", ["community_id", "payment_id"])
    op.create_index("ix_settlement__takes_back", "settlement", ["community_id", "takes_back_id"])
    _check(
        "settlement", "amount", "amount_fen <> 0 AND (amount_fen < 0) = (takes_back_id IS NOT NULL)"
    )
    _check(
        "settlement",
        "credit",
        "credit_fen BETWEEN LEAST(0, amount_fen) AND GREATEST(0, amount_fen)",
    )
    _check("allocation", "amount", "amount_fen <> 0")


def _check(table: str, name: str, rule: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}__{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}__{name}"), table, rule)


def downgrade() -> None:
    _check("allocation", "amount", "amount_fen > 0")
    op.drop_index("ix_settlement__takes_back", "settlement")
    op.drop_index("ix_settlement__payment", "settlement")
    for name in ("amount", "credit"):
        op.drop_constraint(op.f(f"ck_settlement__{name}"), "settlement", type_="check")
    op.drop_column("settlement", "takes_back_id")
    op.drop_column("settlement", "payment_id")
    op.create_check_constraint(op.f("ck_settlement__amount"), "settlement", "amount_fen > 0")
    op.create_check_constraint(
        op.f("ck_settlement__credit"), "settlement", "credit_fen BETWEEN 0 AND amount_fen"
    )
    op.drop_table("payment_item")
    op.drop_table("payment")
    op.drop_table("settlement_account")
    for name in ("prepay_months", "refund_alone", "overpaid_policy"):
        op.drop_constraint(op.f(f"ck_community__{name}"), "community", type_="check")
    for column in ("prepay_months", "refund_alone_fen", "overpaid_policy", "partial_payment"):
        op.drop_column("community", column)

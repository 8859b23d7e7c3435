"""Tables of the counter: shifts, and all that went through a till."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, CommunityRow, community_key
from app.registry.models import one_of

KINDS = ("taken", "reversed", "banked")
MEANS = ("cash", "pos", "transfer")


class Shift(CommunityRow, Base):
    """A cashier's turn at the till (班次), from a float to a count; once closed it is fixed.

    At closing, `expected_fen` is the float and all cash through the till, `difference_fen`
    what was counted less that; a difference has a reason and an entry. Somebody else accepts.
    """

    __tablename__ = "shift"
    __table_args__ = (
        CheckConstraint("float_fen >= 0", name="float"),
        CheckConstraint("counted_fen >= 0", name="counted"),
        CheckConstraint(
            "(closed_at IS NULL) = (counted_fen IS NULL)"
            " AND (closed_at IS NULL) = (expected_fen IS NULL)",
            name="closed",
        ),
        CheckConstraint("difference_fen = counted_fen - expected_fen", name="difference"),
        CheckConstraint(
            "COALESCE(difference_fen, 0) = 0 OR (reason <> '' AND entry_id IS NOT NULL)",
            name="explained",
        ),
        CheckConstraint(
            "accepted_at IS NULL OR (closed_at IS NOT NULL AND accepted_by <> cashier_id)",
            name="accepted",
        ),
        Index(
            "uq_shift__open",
            "community_id",
            "cashier_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_shift__opened", "community_id", "opened_at"),
        community_key("entry_id", "entry"),
    )
    cashier_id: Mapped[int]
    cashier_name: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime]
    float_fen: Mapped[int] = mapped_column(server_default="0")
    closed_at: Mapped[datetime | None]
    counted_fen: Mapped[int | None]
    expected_fen: Mapped[int | None]
    difference_fen: Mapped[int | None]
    notes_counted: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    reason: Mapped[str] = mapped_column(Text, server_default="")
    entry_id: Mapped[int | None]
    accepted_by: Mapped[int | None]
    accepted_name: Mapped[str] = mapped_column(Text, server_default="")
    accepted_at: Mapped[datetime | None]


class TillMovement(CommunityRow, Base):
    """Money through a till: taken for a payment, given back for one, or banked. Only added.

    Fen, above zero what came in. PostgreSQL takes none into a closed shift. `key` makes a
    form sent twice one movement; `approved_by` is the second person where one was needed.
    """

    __tablename__ = "till_movement"
    __table_args__ = (
        one_of("kind", KINDS),
        one_of("means", MEANS),
        CheckConstraint("amount_fen <> 0 AND (amount_fen > 0) = (kind = 'taken')", name="amount"),
        CheckConstraint("(kind = 'banked') = (payment_id IS NULL)", name="payment"),
        CheckConstraint("kind <> 'banked' OR (means = 'cash' AND reference <> '')", name="banked"),
        CheckConstraint("kind <> 'reversed' OR note <> ''", name="reversed"),
        UniqueConstraint("community_id", "key"),
        Index("ix_till_movement__shift", "community_id", "shift_id"),
        Index("ix_till_movement__payment", "community_id", "payment_id"),
        Index(
            "uq_till_movement__taken",
            "community_id",
            "payment_id",
            unique=True,
            postgresql_where=text("kind = 'taken'"),
        ),
        community_key("shift_id", "shift"),
        community_key("payment_id", "payment"),
        community_key("entry_id", "entry"),
    )
    shift_id: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    means: Mapped[str] = mapped_column(Text)
    amount_fen: Mapped[int]
    key: Mapped[str] = mapped_column(Text)
    payment_id: Mapped[int | None]
    entry_id: Mapped[int | None]
    tendered_fen: Mapped[int | None]  # what the payer laid down; the rest was given as change
    reference: Mapped[str] = mapped_column(Text, server_default="")
    note: Mapped[str] = mapped_column(Text, server_default="")
    made_by: Mapped[int | None]
    approved_by: Mapped[int | None]

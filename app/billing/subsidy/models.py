"""Tables of subsidy schemes."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, CommunityRow, community_key
from app.registry.models import one_of

CONVENTIONS = ("inclusive_start", "civil_code_201")


class SubsidyScheme(CommunityRow, Base):
    """An agreement by which a street pays part of a community's fee (D1–D3).

    Eligible days run from `starts_on` up to `ends_on` (exclusive), both computed from
    `entered_on`, `term_months` and `convention` when the scheme is recorded, and shortened by
    `terminated_on`. Schemes of a community never overlap (exclusion constraint).
    """

    __tablename__ = "subsidy_scheme"
    __table_args__ = (
        one_of("convention", CONVENTIONS),
        CheckConstraint("ends_on > starts_on", name="days"),
        CheckConstraint("term_months BETWEEN 1 AND 120", name="term_months"),
        CheckConstraint("terminated_on IS NULL OR terminated_on > starts_on", name="terminated"),
        UniqueConstraint("community_id", "agreement_no"),
    )
    payer_region_id: Mapped[int] = mapped_column(ForeignKey("region.id"))
    agreement_no: Mapped[str] = mapped_column(Text)
    signed_on: Mapped[date | None] = mapped_column(Date)
    entered_on: Mapped[date] = mapped_column(Date)
    term_months: Mapped[int] = mapped_column(SmallInteger, server_default="36")
    convention: Mapped[str] = mapped_column(Text, server_default="inclusive_start")
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date] = mapped_column(Date)
    terminated_on: Mapped[date | None] = mapped_column(Date)  # first day no longer paid
    termination_reason: Mapped[str] = mapped_column(Text, server_default="")
    unit_kinds: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{residential}")
    include_unsold: Mapped[bool] = mapped_column(server_default=text("false"))
    include_developer: Mapped[bool] = mapped_column(server_default=text("false"))
    created_by: Mapped[int | None]


class SubsidyStep(Base):
    """The rate from a day on, until the next step: yuan per m² and month, 0.50 to 1.00.

    Outside that range only with the document that overrides it (D1).
    """

    __tablename__ = "subsidy_step"
    __table_args__ = (
        CheckConstraint(
            "rate BETWEEN 0.50 AND 1.00 OR (rate >= 0 AND override_document <> '')", name="rate"
        ),
        community_key("scheme_id", "subsidy_scheme"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    scheme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    starts_on: Mapped[date] = mapped_column(Date, primary_key=True)
    rate: Mapped[Decimal] = mapped_column(Numeric(6, 4))
    override_document: Mapped[str] = mapped_column(Text, server_default="")


class SubsidyExclusion(CommunityRow, Base):
    """A unit the agreement leaves out (or takes in after all: `included`), with the reason."""

    __tablename__ = "subsidy_exclusion"
    __table_args__ = (
        UniqueConstraint("community_id", "scheme_id", "unit_id"),
        CheckConstraint("reason <> ''", name="reason"),
        Index("ix_subsidy_exclusion__unit", "community_id", "unit_id"),
        community_key("scheme_id", "subsidy_scheme"),
        community_key("unit_id", "unit"),
    )
    scheme_id: Mapped[int]
    unit_id: Mapped[int]
    included: Mapped[bool] = mapped_column(server_default=text("false"))
    reason: Mapped[str] = mapped_column(Text)


class CliffNotice(Base):
    """That the people were told so many months before a scheme ends (D6); once each."""

    __tablename__ = "cliff_notice"
    __table_args__ = (community_key("scheme_id", "subsidy_scheme"),)
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    scheme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    months_before: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    told_at: Mapped[datetime]

"""Tables of accounts. Global: an account is a person's, not a community's."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, CommunityRow, Stamped, community_key
from app.kernel.seal import Sealed


class Account(Stamped, Base):
    """A person who signs in. Phone and e-mail are sealed and found by digest."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("phone_digest IS NOT NULL OR email_digest IS NOT NULL", name="reachable"),
        CheckConstraint("(reset_digest IS NULL) = (reset_until IS NULL)", name="reset"),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Sealed)
    phone_digest: Mapped[bytes | None] = mapped_column(unique=True)
    email: Mapped[str | None] = mapped_column(Sealed)
    email_digest: Mapped[bytes | None] = mapped_column(unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    totp_secret: Mapped[str | None] = mapped_column(Sealed)
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None]  # a code is good once
    recovery_hashes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    disabled_at: Mapped[datetime | None]
    language: Mapped[str] = mapped_column(Text, server_default="zh_Hans_CN")
    elder_mode: Mapped[bool] = mapped_column(server_default=text("false"))
    must_change_password: Mapped[bool] = mapped_column(server_default=text("false"))
    reset_digest: Mapped[bytes | None]  # of a reset code, good once and until `reset_until`
    reset_until: Mapped[datetime | None]


class SignIn(Stamped, Base):
    """One signed-in browser; the cookie holds a random token, this row its digest."""

    __tablename__ = "sign_in"
    __table_args__ = (Index("ix_sign_in__account", "account_id"),)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    token_digest: Mapped[bytes] = mapped_column(unique=True)
    address: Mapped[str] = mapped_column(Text)
    browser: Mapped[str] = mapped_column(Text)
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    second_factor_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Membership(Stamped, Base):
    """A role of an account in one community, one company or one region, on some days.

    A company's role reaches the communities of its mandates of the day; a region's role
    reaches the communities below it. `ends_on` is exclusive; on its first day a membership
    may end at once, and then was in force on no day.
    """

    __tablename__ = "membership"
    __table_args__ = (
        CheckConstraint(
            "num_nonnulls(community_id, organization_id, region_id) = 1"
            " OR (role = 'operator'"
            " AND num_nonnulls(community_id, organization_id, region_id) = 0)",
            name="one_scope",
        ),
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="days"),
        UniqueConstraint(
            "account_id",
            "role",
            "community_id",
            "organization_id",
            "region_id",
            "starts_on",
            name="uq_membership__once",
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_membership__account", "account_id"),
        Index(
            "ix_membership__community",
            "community_id",
            postgresql_where=text("community_id IS NOT NULL"),
        ),
        Index(
            "ix_membership__organization",
            "organization_id",
            postgresql_where=text("organization_id IS NOT NULL"),
        ),
        Index("ix_membership__region", "region_id", postgresql_where=text("region_id IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    role: Mapped[str] = mapped_column(Text)
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"))
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"))
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"))
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)


class UnitBinding(CommunityRow, Base):
    """An account that may see a unit's bills: a resident's own door to the community."""

    __tablename__ = "unit_binding"
    __table_args__ = (
        Index("ix_unit_binding__account", "account_id"),
        Index(
            "uq_unit_binding__live",
            "community_id",
            "account_id",
            "unit_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_unit_binding__unit", "community_id", "unit_id"),
        community_key("unit_id", "unit"),
        community_key("person_id", "person"),
    )
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    unit_id: Mapped[int]
    person_id: Mapped[int | None]
    ended_at: Mapped[datetime | None]


class ApiToken(Stamped, Base):
    """A program's key: acts as its account, within a list of actions, until it expires."""

    __tablename__ = "api_token"
    __table_args__ = (Index("ix_api_token__account", "account_id"),)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str] = mapped_column(Text)
    token_digest: Mapped[bytes] = mapped_column(unique=True)
    actions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    community_ids: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))  # None: all mine
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

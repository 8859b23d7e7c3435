"""Tables of the roll."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Area, Base, CommunityRow, Stamped, community_key
from app.kernel.seal import Sealed

REGION_KINDS = ("city", "district", "street", "station")
ORGANIZATION_KINDS = ("property_company", "developer", "government", "platform")
RENOVATION_CLASSES = ("basic", "improved", "extended")  # 基础 完善(提升) 拓展(提升)
UNIT_KINDS = ("residential", "commercial", "office", "parking", "storage", "other")
UNIT_STATUSES = ("occupied", "vacant", "unsold", "demolished")
FEE_MODES = ("fixed", "commission")  # 包干制 酬金制
OVERPAID_POLICIES = ("credit", "refund")  # what was paid twice: kept for the unit, or sent back
TRANSFER_POLICIES = ("by_day", "whole_month_to_seller", "whole_month_to_buyer")


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """A named CHECK that a column holds one of the field's terms."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Region(Stamped, Base):
    """A city, district, street or community work station; the tree of oversight."""

    __tablename__ = "region"
    __table_args__ = (one_of("kind", REGION_KINDS), UniqueConstraint("parent_id", "name"))
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"))
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)


class Organization(Stamped, Base):
    """A property company, a developer, an office. `credit_code` is the 统一社会信用代码."""

    __tablename__ = "organization"
    __table_args__ = (one_of("kind", ORGANIZATION_KINDS),)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, unique=True)
    credit_code: Mapped[str | None] = mapped_column(Text, unique=True)
    phone: Mapped[str | None] = mapped_column(Text)  # a public service line, not a person's


class Community(Stamped, Base):
    """A renovated old community (小区): the tenant. A directory row, readable by the house."""

    __tablename__ = "community"
    __table_args__ = (
        one_of("renovation_class", RENOVATION_CLASSES),
        one_of("fee_mode", FEE_MODES),
        one_of("transfer_policy", TRANSFER_POLICIES),
        CheckConstraint("id > 0", name="id_positive"),
        CheckConstraint("due_day BETWEEN 1 AND 28", name="due_day"),
        one_of("overpaid_policy", OVERPAID_POLICIES),
        CheckConstraint("refund_alone_fen >= 0", name="refund_alone"),
        CheckConstraint("prepay_months BETWEEN 0 AND 12", name="prepay_months"),
        UniqueConstraint("region_id", "name"),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"))
    name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text, server_default="")
    year_built: Mapped[int | None] = mapped_column(SmallInteger)
    year_renovated: Mapped[int | None] = mapped_column(SmallInteger)
    renovation_class: Mapped[str | None] = mapped_column(Text)
    entered_on: Mapped[date | None] = mapped_column(Date)  # 正式进驻: the manager's formal entry
    fee_mode: Mapped[str] = mapped_column(Text, server_default="fixed")
    transfer_policy: Mapped[str] = mapped_column(Text, server_default="by_day")
    due_day: Mapped[int] = mapped_column(SmallInteger, server_default="28")
    service_phone: Mapped[str] = mapped_column(Text, server_default="")
    partial_payment: Mapped[bool] = mapped_column(server_default=text("true"))
    overpaid_policy: Mapped[str] = mapped_column(Text, server_default="credit")
    refund_alone_fen: Mapped[int] = mapped_column(server_default="20000")  # above: two persons
    prepay_months: Mapped[int] = mapped_column(SmallInteger, server_default="12")


class Mandate(CommunityRow, Base):
    """A company's appointment over a community for some days (委托); access follows it.

    `ends_on` is exclusive: the first day without access. Two mandates never overlap
    (an exclusion constraint, in the migration).
    """

    __tablename__ = "mandate"
    __table_args__ = (
        CheckConstraint("ends_on IS NULL OR ends_on > starts_on", name="days"),
        Index("ix_mandate__organization", "organization_id"),
    )
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    document_no: Mapped[str] = mapped_column(Text, server_default="")
    end_reason: Mapped[str] = mapped_column(Text, server_default="")


class Building(CommunityRow, Base):
    """A building (幢/栋). `code` is how residents call it, such as `3` or `12A`."""

    __tablename__ = "building"
    __table_args__ = (UniqueConstraint("community_id", "code"),)
    code: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text, server_default="")


class Entrance(CommunityRow, Base):
    """A stair of a building (单元)."""

    __tablename__ = "entrance"
    __table_args__ = (
        UniqueConstraint("community_id", "building_id", "code"),
        community_key("building_id", "building"),
    )
    building_id: Mapped[int]
    code: Mapped[str] = mapped_column(Text)


class Unit(CommunityRow, Base):
    """A home, shop, space or store: what is owned, billed and voted by (户/专有部分).

    `label` is `3-2-501`, unique in the community, kept in step with building, entrance and
    room. `sort_key` orders rooms as people count. `binding_code` is printed on the bill and
    lets the first resident bind an account.
    """

    __tablename__ = "unit"
    __table_args__ = (
        one_of("kind", UNIT_KINDS),
        one_of("status", UNIT_STATUSES),
        CheckConstraint("area_m2 >= 0", name="area"),
        CheckConstraint(
            "billable_until IS NULL OR billable_from IS NULL OR billable_until > billable_from",
            name="billable",
        ),
        UniqueConstraint("community_id", "label"),
        Index("ix_unit__sort_key", "community_id", "sort_key"),
        Index("ix_unit__building", "community_id", "building_id"),
        Index("ix_unit__entrance", "community_id", "entrance_id"),
        community_key("building_id", "building"),
        community_key("entrance_id", "entrance"),
    )
    building_id: Mapped[int]
    entrance_id: Mapped[int | None]
    room: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    sort_key: Mapped[str] = mapped_column(Text(collation="C"))
    floor: Mapped[int | None] = mapped_column(SmallInteger)
    kind: Mapped[str] = mapped_column(Text, server_default="residential")
    status: Mapped[str] = mapped_column(Text, server_default="occupied")
    area_m2: Mapped[Decimal] = mapped_column(Area)
    billable_from: Mapped[date | None] = mapped_column(Date)  # None: always
    billable_until: Mapped[date | None] = mapped_column(Date)  # exclusive
    binding_code: Mapped[str] = mapped_column(Text)
    remark: Mapped[str] = mapped_column(Text, server_default="")


class Person(CommunityRow, Base):
    """An owner or occupant as this community knows them. Phone and identity are sealed.

    A search goes by `name` prefix, `phone_tail` or `phone_digest`, all plain equality or
    prefix, because row-level security keeps other operators from using an index.
    """

    __tablename__ = "person"
    __table_args__ = (
        one_of("kind", ("natural", "company", "developer", "government")),
        Index("ix_person__name", "community_id", "name"),
        Index("ix_person__phone_tail", "community_id", "phone_tail"),
        Index("ix_person__phone_digest", "community_id", "phone_digest"),
    )
    kind: Mapped[str] = mapped_column(Text, server_default="natural")
    name: Mapped[str] = mapped_column(Text(collation="C"))
    phone: Mapped[str | None] = mapped_column(Sealed)
    phone_tail: Mapped[str | None] = mapped_column(Text(collation="C"))
    phone_digest: Mapped[bytes | None]
    id_number: Mapped[str | None] = mapped_column(Sealed)
    id_digest: Mapped[bytes | None]


class Ownership(CommunityRow, Base):
    """Who owns which part of a unit on which days; `ends_on` exclusive.

    The shares of a unit never sum to more than one on any day (a trigger, in the
    migration). Co-owners of one day owe together.
    """

    __tablename__ = "ownership"
    __table_args__ = (
        CheckConstraint("ends_on IS NULL OR ends_on > starts_on", name="days"),
        CheckConstraint(
            "share_numerator BETWEEN 1 AND share_denominator AND share_denominator <= 10000",
            name="share",
        ),
        Index("ix_ownership__unit", "community_id", "unit_id", "starts_on"),
        Index("ix_ownership__person", "community_id", "person_id"),
        community_key("unit_id", "unit"),
        community_key("person_id", "person"),
    )
    unit_id: Mapped[int]
    person_id: Mapped[int]
    share_numerator: Mapped[int] = mapped_column(Integer, server_default="1")
    share_denominator: Mapped[int] = mapped_column(Integer, server_default="1")
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    document_no: Mapped[str] = mapped_column(Text, server_default="")


class Occupant(CommunityRow, Base):
    """Who lives in a unit without owning it (tenant, family), on which days."""

    __tablename__ = "occupant"
    __table_args__ = (
        one_of("kind", ("tenant", "family")),
        CheckConstraint("ends_on IS NULL OR ends_on > starts_on", name="days"),
        Index("ix_occupant__unit", "community_id", "unit_id"),
        Index("ix_occupant__person", "community_id", "person_id"),
        community_key("unit_id", "unit"),
        community_key("person_id", "person"),
    )
    unit_id: Mapped[int]
    person_id: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)


IMPORT_STATUSES = ("uploaded", "reading", "ready", "refused", "applying", "applied", "undone")


class RosterImport(CommunityRow, Base):
    """One uploaded roster, from upload to apply or undo."""

    __tablename__ = "roster_import"
    __table_args__ = (one_of("status", IMPORT_STATUSES),)
    filename: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    file_path: Mapped[str] = mapped_column(Text)  # below STORAGE_DIR
    status: Mapped[str] = mapped_column(Text, server_default="uploaded")
    starts_on: Mapped[date] = mapped_column(Date)  # ownership read from it begins here
    new_count: Mapped[int] = mapped_column(Integer, server_default="0")
    changed_count: Mapped[int] = mapped_column(Integer, server_default="0")
    unchanged_count: Mapped[int] = mapped_column(Integer, server_default="0")
    error_count: Mapped[int] = mapped_column(Integer, server_default="0")
    refusal: Mapped[str | None] = mapped_column(Text)
    mapping: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # sheet, header row, columns
    made: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # buildings, entrances, people
    uploaded_by: Mapped[int | None]
    applied_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]


class RosterImportRow(Base):
    """One sheet row of an import: what it says, what it would do, what it undid."""

    __tablename__ = "roster_import_row"
    __table_args__ = (
        one_of("action", ("new", "changed", "unchanged", "error")),
        Index("ix_roster_import_row__action", "community_id", "import_id", "action", "row_no"),
        community_key("import_id", "roster_import"),
    )
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    import_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    row_no: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    action: Mapped[str] = mapped_column(Text)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    errors: Mapped[list[Any] | None] = mapped_column(JSONB)
    unit_id: Mapped[int | None]
    made: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # rows it added, state it left

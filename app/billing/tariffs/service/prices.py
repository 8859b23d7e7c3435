"""Set and withdraw the dated prices of a tariff."""

from __future__ import annotations

from datetime import date

from sqlalchemy import delete, exists, select

from app.billing.models import BillLine, Tariff, TariffTier, TariffVersion
from app.billing.tariffs.rules import Placement, Price, Priced, check_price, place_price, plain
from app.billing.tariffs.service import found
from app.kernel import audit
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound


def set_price(community_id: int, tariff_id: int, price: Price) -> TariffVersion:
    """Give a tariff a price from a day on; the one in force ends the day before.

    Raises RuleBroken when no paper carries the price or the day is billed already, Conflict
    when that day begins another price. Source: RULES C2, C3.
    """
    row = found.tariff(community_id, tariff_id)
    check_price(row.basis, price)
    versions = versions_of(community_id, tariff_id)
    spans = [Priced(one.id, one.starts_on, one.ends_on) for one in versions]
    place = place_price(spans, price.starts_on, found.billed_until(community_id, tariff_id))
    _close(versions, place, price.starts_on)
    version = _insert(row, price, place)
    audit.record(
        "tariff:price",
        f"tariff:{tariff_id}",
        community_id=community_id,
        before={"closes": place.closes_id},
        after=facts(version, price),
    )
    return version


def withdraw_price(community_id: int, version_id: int) -> Tariff:
    """Take back a price that has billed nothing; the one it closed runs on in its place.

    Raises Conflict when bill lines, even of a withdrawn run, already rest on it.
    """
    version = db.session.get(TariffVersion, (community_id, version_id))
    if version is None:
        raise NotFound("tariff.no_version", N_("没有这个价格。"))
    row = found.tariff(community_id, version.tariff_id)
    if has_billed(community_id, version_id):
        raise Conflict(
            "tariff.version_billed",
            N_("这个价格已用于账单，不能撤回；请设定新的价格接续它。"),
        )
    starts_on, ends_on = version.starts_on, version.ends_on
    db.session.execute(
        delete(TariffTier).where(
            TariffTier.community_id == community_id, TariffTier.version_id == version_id
        )
    )
    db.session.delete(version)
    db.session.flush()
    for one in versions_of(community_id, row.id):
        if one.ends_on == starts_on:
            one.ends_on = ends_on
    audit.record(
        "tariff:price_withdrawn",
        f"tariff:{row.id}",
        community_id=community_id,
        before={"version": version_id, "starts_on": starts_on, "price": plain(version.price)},
    )
    return row


def versions_of(community_id: int, tariff_id: int) -> list[TariffVersion]:
    """A tariff's prices, oldest first."""
    return list(
        db.session.scalars(
            select(TariffVersion)
            .where(TariffVersion.community_id == community_id)
            .where(TariffVersion.tariff_id == tariff_id)
            .order_by(TariffVersion.starts_on)
        )
    )


def has_billed(community_id: int, version_id: int) -> bool:
    """Whether any bill line, living or withdrawn, rests on a price."""
    return bool(
        db.session.scalar(
            select(
                exists().where(
                    BillLine.community_id == community_id, BillLine.version_id == version_id
                )
            )
        )
    )


def facts(version: TariffVersion, price: Price) -> dict[str, object]:
    """A price as the audit trail keeps it."""
    return {
        "version": version.id,
        "starts_on": price.starts_on,
        "ends_on": version.ends_on,
        "price": plain(price.price),
        "price_basis": price.price_basis,
        "document_no": price.document_no,
        "ceiling": plain(price.ceiling) if price.ceiling is not None else None,
        "steps": [[plain(one.from_quantity), plain(one.price)] for one in price.steps],
    }


def _close(versions: list[TariffVersion], place: Placement, ends_on: date) -> None:
    for one in versions:
        if one.id == place.closes_id:
            one.ends_on = ends_on
    db.session.flush()  # before the new one is written, or the two overlap


def _insert(row: Tariff, price: Price, place: Placement) -> TariffVersion:
    version = TariffVersion(
        community_id=row.community_id,
        tariff_id=row.id,
        starts_on=price.starts_on,
        ends_on=place.ends_on,
        price=price.price,
        price_basis=price.price_basis,
        document_no=price.document_no.strip(),
        ceiling=price.ceiling,
    )
    db.session.add(version)
    db.session.flush()
    db.session.add_all(
        TariffTier(
            community_id=row.community_id,
            version_id=version.id,
            from_quantity=one.from_quantity,
            price=one.price,
        )
        for one in price.steps
    )
    return version

"""Register, replace and remove meters."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import exists, select

from app.billing.models import Meter, MeterReading
from app.billing.tariffs.rules import plain
from app.billing.tariffs.service import found
from app.billing.tariffs.service.readings import Reading, record_readings
from app.kernel import audit
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.period import Month


def register_meter(
    community_id: int,
    *,
    tariff_id: int,
    unit_id: int,
    serial: str,
    multiplier: Decimal = Decimal(1),
    initial: Decimal = Decimal(0),
    installed_on: date | None = None,
) -> Meter:
    """Hang a meter on a unit for a metered charge; `initial` is what it shows that day.

    Raises RuleBroken when the serial number is in use for the charge or a number is unreal.
    """
    found.tariff(community_id, tariff_id, "metered")
    found.units(community_id, [unit_id])
    _check(community_id, tariff_id, serial.strip(), multiplier, initial)
    row = Meter(
        community_id=community_id,
        tariff_id=tariff_id,
        unit_id=unit_id,
        serial=serial.strip(),
        multiplier=multiplier,
        initial=initial,
        installed_on=installed_on,
    )
    db.session.add(row)
    db.session.flush()
    audit.record(
        "meter:register",
        f"meter:{row.id}",
        community_id=community_id,
        after={
            "tariff": tariff_id,
            "unit": unit_id,
            "serial": row.serial,
            "multiplier": plain(multiplier),
            "initial": plain(initial),
            "installed_on": installed_on,
        },
    )
    return row


def remove_meter(community_id: int, meter_id: int, removed_on: date) -> Meter:
    """Take a meter away on a day; its readings stay. Raises Conflict when it is gone already."""
    row = meter(community_id, meter_id)
    if row.removed_on is not None:
        raise Conflict("meter.removed", N_("表 %(serial)s 已经拆除。"), serial=row.serial)
    if row.installed_on is not None and removed_on < row.installed_on:
        raise RuleBroken(
            "meter.days", N_("拆除日不能早于安装日 %(day)s。"), field="removed_on",
            day=row.installed_on,
        )  # fmt: skip
    row.removed_on = removed_on
    audit.record(
        "meter:remove",
        f"meter:{row.id}",
        community_id=community_id,
        after={"removed_on": removed_on, "serial": row.serial},
    )
    return row


def replace_meter(
    community_id: int,
    meter_id: int,
    *,
    replaced_on: date,
    final: Decimal,
    serial: str,
    initial: Decimal = Decimal(0),
    multiplier: Decimal = Decimal(1),
) -> Meter:
    """Swap a meter: the old one's last reading is taken in that month, the new one begins.

    Both meters' use of that month is billed, each by its own reading.
    """
    old = meter(community_id, meter_id)
    taken = last_reading(community_id, meter_id)
    if taken is None or taken.reading != final or taken.month < Month.of(replaced_on).first:
        record_readings(
            community_id,
            Month.of(replaced_on),
            [Reading(meter_id, final, checked=True)],
            read_on=replaced_on,
        )
    remove_meter(community_id, meter_id, replaced_on)
    return register_meter(
        community_id,
        tariff_id=old.tariff_id,
        unit_id=old.unit_id,
        serial=serial,
        multiplier=multiplier,
        initial=initial,
        installed_on=replaced_on,
    )


def meter(community_id: int, meter_id: int) -> Meter:
    """A meter of the community, locked. Raises NotFound."""
    row = db.session.get(Meter, (community_id, meter_id), with_for_update=True)
    if row is None:
        raise NotFound("meter.none", N_("没有这块表。"))
    return row


def last_reading(community_id: int, meter_id: int) -> MeterReading | None:
    """What a meter last showed."""
    return db.session.scalar(
        select(MeterReading)
        .where(MeterReading.community_id == community_id, MeterReading.meter_id == meter_id)
        .order_by(MeterReading.month.desc())
        .limit(1)
    )


def _check(
    community_id: int, tariff_id: int, serial: str, multiplier: Decimal, initial: Decimal
) -> None:
    if not serial:
        raise RuleBroken("meter.serial", N_("请填写表号。"), field="serial")
    if not 0 < multiplier < 100_000 or multiplier != multiplier.quantize(Decimal("0.001")):
        raise RuleBroken("meter.multiplier", N_("倍率应大于 0，最多三位小数。"), field="multiplier")
    if initial < 0 or initial != initial.quantize(Decimal("0.001")):
        raise RuleBroken("meter.initial", N_("起始读数不能为负，最多三位小数。"), field="initial")
    taken = db.session.scalar(
        select(
            exists().where(
                Meter.community_id == community_id,
                Meter.tariff_id == tariff_id,
                Meter.serial == serial,
            )
        )
    )
    if taken:
        raise RuleBroken(
            "meter.serial_taken", N_("表号 %(serial)s 已登记在这个收费项目下。"), field="serial",
            serial=serial,
        )  # fmt: skip

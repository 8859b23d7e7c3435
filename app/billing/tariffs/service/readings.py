"""Record a month's meter readings, typed or from a sheet: all of them, or none with reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from flask_babel import gettext
from sqlalchemy import select

from app.billing.models import Meter, MeterReading
from app.billing.tariffs.queries.readings import Before, before_month
from app.billing.tariffs.rules import Finding, judge_reading, plain
from app.billing.tariffs.service.found import is_billed
from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import Invalid
from app.kernel.period import Month


@dataclass(frozen=True)
class Reading:
    """What a meter shows; `checked`: a person has confirmed that an odd one is right."""

    meter_id: int
    reading: Decimal
    estimated: bool = False
    checked: bool = False


def record_readings(
    community_id: int, month: Month, readings: Sequence[Reading], *, read_on: date | None = None
) -> int:
    """Keep a month's readings; typing one again corrects it until it is billed.

    Returns how many were new or changed. Raises Invalid with a sentence per meter
    (`reading-<meter id>`) when one runs backwards, jumps unchecked, is billed already, or has
    a later reading that rests on it; then nothing is kept.
    """
    changed, errors = _examine(community_id, month, readings)
    if errors:
        raise Invalid(errors)
    _keep(community_id, month, changed, read_on or min(month.last, clock.today()))
    return len(changed)


def import_readings(
    community_id: int,
    month: Month,
    tariff_id: int,
    rows: Sequence[tuple[int, str, str]],
    *,
    checked: bool = False,
) -> int:
    """Keep the readings of a sheet: (row number, serial, reading as written) of one charge.

    Raises Invalid with a sentence per sheet row (`row-<number>`); then nothing is kept.
    """
    meters = {
        row.serial: row.id
        for row in db.session.scalars(
            select(Meter).where(
                Meter.community_id == community_id,
                Meter.tariff_id == tariff_id,
                Meter.removed_on.is_(None),
            )
        )
    }
    errors: dict[str, list[str]] = {}
    found: dict[int, tuple[int, Decimal]] = {}
    for number, serial, written in rows:
        meter_id, value = meters.get(serial.strip()), _number(written)
        if meter_id is None:
            errors[f"row-{number}"] = [
                gettext("第 %(row)s 行：没有在用的表号“%(serial)s”。", row=number, serial=serial)
            ]
        elif value is None:
            errors[f"row-{number}"] = [
                gettext("第 %(row)s 行：“%(text)s”不是读数。", row=number, text=written[:20])
            ]
        elif meter_id in found:
            errors[f"row-{number}"] = [
                gettext("第 %(row)s 行：表号“%(serial)s”重复。", row=number, serial=serial)
            ]
        else:
            found[meter_id] = (number, value)
    if not rows:
        errors["file"] = [gettext("表里没有读数。")]
    readings = [Reading(one, value, checked=checked) for one, (_, value) in found.items()]
    changed, odd = _examine(community_id, month, readings)
    errors |= _by_row(odd, {one: number for one, (number, _) in found.items()})
    if errors:
        raise Invalid(errors)
    _keep(community_id, month, changed, min(month.last, clock.today()))
    return len(changed)


Change = tuple[Reading, Before, MeterReading | None]


def _examine(
    community_id: int, month: Month, readings: Sequence[Reading]
) -> tuple[list[Change], dict[str, list[str]]]:
    """What would change, and what is wrong, without keeping anything."""
    known = before_month(community_id, month, [one.meter_id for one in readings])
    present = _present(community_id, month, list(known))
    errors: dict[str, list[str]] = {}
    changed: list[Change] = []
    for one in readings:
        before = known.get(one.meter_id)
        row = present.get(one.meter_id)
        if row is not None and (row.reading, row.estimated) == (one.reading, one.estimated):
            continue
        sentence = _refusal(community_id, month, one, before, row)
        if sentence:
            errors.setdefault(f"reading-{one.meter_id}", []).append(sentence)
        elif before is not None:
            changed.append((one, before, row))
    return changed, errors


def _present(community_id: int, month: Month, meter_ids: Sequence[int]) -> dict[int, MeterReading]:
    return {
        row.meter_id: row
        for row in db.session.scalars(
            select(MeterReading)
            .where(MeterReading.community_id == community_id)
            .where(MeterReading.month == month.first, MeterReading.meter_id.in_(meter_ids))
            .with_for_update()
        )
    }


def _refusal(
    community_id: int,
    month: Month,
    one: Reading,
    before: Before | None,
    row: MeterReading | None,
) -> str | None:
    if before is None:
        return str(gettext("没有这块表。"))
    if before.removed_on is not None and before.removed_on < month.first:
        return str(gettext("这块表已在 %(day)s 拆除。", day=before.removed_on))
    if one.reading < 0 or one.reading != one.reading.quantize(Decimal("0.001")):
        return str(gettext("读数不能为负，最多三位小数。"))
    if before.later_month is not None:
        return str(
            gettext(
                "%(month)s 已有更晚的读数，请先更正那一个。", month=Month.of(before.later_month)
            )
        )
    if row is not None and is_billed(community_id, before.tariff_id, row.id, row.month):
        return str(gettext("这个读数已出账，不能再改；差额请开调整单。"))
    finding = judge_reading(before.previous, one.reading, before.multiplier, before.usual)
    if finding is not None and (finding.refused or not one.checked):
        return said(finding)
    return None


def said(finding: Finding) -> str:
    """A finding in the reader's language."""
    return str(gettext(finding.message) % dict(finding.params))


def _keep(community_id: int, month: Month, changed: Sequence[Change], read_on: date) -> None:
    facts: dict[str, object] = {}
    for one, before, present in changed:
        row = present
        if row is None:
            row = MeterReading(community_id=community_id, meter_id=one.meter_id, month=month.first)
            db.session.add(row)
        row.previous = before.previous
        row.reading = one.reading
        row.read_on = read_on
        row.estimated = one.estimated
        facts[before.serial] = plain(one.reading)
    if changed:
        db.session.flush()
        audit.record(
            "meter:readings",
            f"readings:{month}",
            community_id=community_id,
            after={"month": str(month), "readings": facts},
        )


def _number(written: str) -> Decimal | None:
    try:
        value = Decimal(written.strip().replace(",", ""))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _by_row(errors: Mapping[str, list[str]], numbers: Mapping[int, int]) -> dict[str, list[str]]:
    """Turn errors per meter into errors per sheet row."""
    turned = {}
    for field, sentences in errors.items():
        number = numbers[int(field.removeprefix("reading-"))]
        turned[f"row-{number}"] = [
            gettext("第 %(row)s 行：%(sentence)s", row=number, sentence=sentence)
            for sentence in sentences
        ]
    return turned

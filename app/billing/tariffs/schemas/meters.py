"""Meters and their readings."""

from __future__ import annotations

from decimal import Decimal

from app.web.fields import Date, Exact, Flag, Id, Month, Schema, Text, Upload


class MeterNew(Schema):
    """A meter to hang on a unit, named by its label."""

    tariff_id = Id(required=True)
    unit = Text(most=40, least=1, required=True)
    serial = Text(most=40, least=1, required=True)
    multiplier = Exact(places=3, most="99999", load_default=Decimal(1))
    initial = Exact(places=3, most="99999999999", load_default=Decimal(0))
    installed_on = Date(allow_none=True, load_default=None)


class MeterReplace(Schema):
    """A meter to put in place of another: its last reading, and where the new one begins."""

    replaced_on = Date(required=True)
    final = Exact(places=3, most="99999999999", required=True)
    serial = Text(most=40, least=1, required=True)
    initial = Exact(places=3, most="99999999999", load_default=Decimal(0))
    multiplier = Exact(places=3, most="99999", load_default=Decimal(1))


class MeterRemove(Schema):
    """The day a meter is taken away."""

    removed_on = Date(required=True)


class ReadingsFile(Schema):
    """A sheet of serial numbers and readings for a month."""

    tariff_id = Id(required=True)
    month = Month(required=True)
    file = Upload(required=True, endings=(".xlsx", ".csv"))
    checked = Flag()

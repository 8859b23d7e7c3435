"""What programs send and get about a month; forms have theirs in their rooms."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.billing.bills.schemas import CORRECTIONS
from app.billing.bills.service import NOTE_KINDS
from app.billing.models import BASES, PRICE_BASES, RUN_STATUSES
from app.web.api import PageArguments
from app.web.fields import Area, Choice, Date, Exact, Id, Money, Month, OneOf, Price, Schema, Text

STATUSES = ("open", "part", "paid", "withdrawn", "overdue")


class Sum(fields.Integer):
    """Whole fen on the way out; negative where a correction is."""

    def __init__(self, **words: Any) -> None:
        super().__init__(required=True, **words)
        self.metadata.setdefault("description", "fen (分), 1/100 yuan")


class PriceOut(Schema):
    """A price; `ends_on` is the first day it no longer holds."""

    id = Id(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, allow_none=True)
    price = Price(required=True)
    price_basis = fields.String(required=True, validate=OneOf(PRICE_BASES))
    document_no = fields.String(required=True)
    ceiling = Price(required=True, allow_none=True)


class TariffOut(Schema):
    """A charge with its price today and the next one."""

    id = Id(required=True)
    name = fields.String(required=True)
    basis = fields.String(required=True, validate=OneOf(BASES))
    unit_kinds = fields.List(fields.String(), required=True)
    building_ids = fields.List(Id(), required=True)
    subsidised = fields.Boolean(required=True)
    income_code = fields.String(required=True)
    measure = fields.String(required=True)
    ended_on = fields.Date(required=True, allow_none=True)
    present = fields.Nested(PriceOut, required=True, allow_none=True)
    coming = fields.Nested(PriceOut, required=True, allow_none=True)


class StepOut(Schema):
    """A rate from a day on, yuan per m² and month."""

    starts_on = fields.Date(required=True)
    rate = Price(required=True)
    override_document = fields.String(required=True)


class SchemeOut(Schema):
    """A subsidy agreement; `last_day` is the last day it pays."""

    id = Id(required=True)
    payer_name = fields.String(required=True)
    agreement_no = fields.String(required=True)
    entered_on = fields.Date(required=True)
    term_months = fields.Integer(required=True)
    convention = fields.String(required=True)
    starts_on = fields.Date(required=True)
    last_day = fields.Date(required=True)
    unit_kinds = fields.List(fields.String(), required=True)
    steps = fields.List(fields.Nested(StepOut), required=True)


class PreviewIn(Schema):
    """A month to compute."""

    month = Month(required=True)
    due_on = Date()


class WithdrawIn(Schema):
    """Why a run is taken back; residents see it."""

    reason = Text(required=True, least=1, most=200)


class RunOut(Schema):
    """A bill run."""

    id = Id(required=True)
    month = fields.Date(required=True)
    status = fields.String(required=True, validate=OneOf(RUN_STATUSES))
    due_on = fields.Date(required=True)
    unit_count = fields.Integer(required=True)
    bill_count = fields.Integer(required=True)
    gross_fen = Sum()
    subsidy_fen = Sum()
    resident_fen = Sum()
    prepared_by = Id(required=True, allow_none=True)
    confirmed_by = Id(required=True, allow_none=True)
    issued_at = fields.DateTime(required=True, allow_none=True)
    entry_id = Id(required=True, allow_none=True)


class BillArguments(PageArguments):
    """Which bills."""

    month = Month()
    unit_id = Id()
    status = Choice(dict.fromkeys(STATUSES, ""))


class BillOut(Schema):
    """A bill in a list; total = resident + notes, open = total − paid."""

    id = Id(required=True)
    run_id = Id(required=True)
    unit_id = Id(required=True)
    unit_label = fields.String(required=True)
    month = fields.Date(required=True)
    party = fields.Integer(required=True)
    due_on = fields.Date(required=True)
    gross_fen = Sum()
    subsidy_fen = Sum()
    resident_fen = Sum()
    notes_fen = Sum()
    total_fen = Sum()
    paid_fen = Sum()
    open_fen = Sum()
    status = fields.String(required=True)


class LineOut(Schema):
    """One charge: gross = round(quantity × price × days ÷ month_days), half up."""

    no = fields.Integer(required=True)
    tariff_name = fields.String(required=True)
    basis = fields.String(required=True)
    quantity = Exact(required=True)
    price = Price(required=True)
    days = Exact(required=True)
    month_days = fields.Integer(required=True)
    gross_fen = Sum()
    subsidy_fen = Sum()
    resident_fen = Sum()
    subsidy_rate = Price(required=True, allow_none=True)
    subsidy_days = fields.Integer(required=True)
    document_no = fields.String(required=True)
    description = fields.String(required=True)


class BillHeadOut(Schema):
    """A bill's head with its home."""

    id = Id(required=True)
    run_id = Id(required=True)
    unit_id = Id(required=True)
    unit_label = fields.String(required=True)
    area_m2 = Area(required=True)
    month = fields.String(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, metadata={"description": "The first day not billed."})
    due_on = fields.Date(required=True)
    gross_fen = Sum()
    subsidy_fen = Sum()
    resident_fen = Sum()
    notes_fen = Sum()
    total_fen = Sum()
    paid_fen = Sum()
    open_fen = Sum()
    status = fields.String(required=True)


class FullBillOut(Schema):
    """A bill with its lines."""

    bill = fields.Nested(BillHeadOut, required=True)
    lines = fields.List(fields.Nested(LineOut), required=True)


class CorrectionIn(Schema):
    """A correction: `credit` lessens the bill, `debit` adds to it."""

    kind = Choice(NOTE_KINDS, required=True)
    amount_fen = Money(required=True, least=1)
    reason = Text(required=True, least=1, most=200)
    ground = Choice(CORRECTIONS, load_default="correction")


class NoteOut(Schema):
    """A note and the entry it was posted by."""

    id = Id(required=True)
    bill_id = Id(required=True)
    kind = fields.String(required=True)
    ground = fields.String(required=True)
    amount_fen = Sum()
    reason = fields.String(required=True)
    entry_id = Id(required=True)


class AgesOut(Schema):
    """What is open, by days past due."""

    current_fen = Sum()
    days_30_fen = Sum()
    days_90_fen = Sum()
    days_365_fen = Sum()
    older_fen = Sum()
    overdue_fen = Sum()
    total_fen = Sum()


class ArrearsOut(Schema):
    """A unit's open bills."""

    unit_id = Id(required=True)
    unit_label = fields.String(required=True)
    building_code = fields.String(required=True)
    bill_count = fields.Integer(required=True)
    oldest_due_on = fields.Date(required=True)
    ages = fields.Nested(AgesOut, required=True)

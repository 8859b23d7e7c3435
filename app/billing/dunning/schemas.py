"""Forms of dunning; the same schemas read JSON."""

from __future__ import annotations

from marshmallow import fields

from app.billing.dunning.words import (
    ACT_WORDS,
    DELIVERY_WORDS,
    OBJECTION_WORDS,
    PAUSE_WORDS,
)
from app.kernel.errors import N_
from app.web.fields import Choice, Date, Flag, Id, Money, Schema, Text, Upload, Whole


class NewAct(Schema):
    """A contact to take down."""

    kind = Choice(ACT_WORDS, required=True)
    happened_on = Date(required=True)
    said = Text(most=1000, lines=True, load_default="")
    done = Text(most=1000, lines=True, load_default="")
    as_step = Flag()


class NewPause(Schema):
    """A pause to grant."""

    reason = Choice(PAUSE_WORDS, required=True)
    words = Text(required=True, least=1, most=500, lines=True)
    until_on = Date(required=True)


class NewPromise(Schema):
    """A promise to pay."""

    pay_on = Date(required=True)
    amount_fen = Money(required=True, least=1)
    words = Text(most=500, lines=True, load_default="")


class NewPlan(Schema):
    """An instalment plan to draw up."""

    bill_ids = fields.List(Id(), required=True)
    count = Whole(required=True, least=2, most=36)
    first_on = Date(required=True)


class Signature(Schema):
    """The day a plan was signed."""

    signed_on = Date(required=True)


class Reason(Schema):
    """Why something ends."""

    reason = Text(required=True, least=1, most=500, lines=True)


class Answer(Schema):
    """An answer to an objection."""

    answer = Text(required=True, least=1, most=1000, lines=True)


class NewObjection(Schema):
    """What a resident objects to, or asks for."""

    unit_id = Id(required=True)
    kind = Choice(OBJECTION_WORDS, required=True)
    words = Text(required=True, least=1, most=1000, lines=True)


class NewRun(Schema):
    """Cases that get a letter."""

    case = fields.List(Id(), required=True)
    language = Choice({"zh_Hans_CN": N_("中文"), "en": N_("英文")}, load_default="zh_Hans_CN")


class Delivery(Schema):
    """Letters that were delivered, or came back."""

    letter = fields.List(Id(), required=True)
    delivered_on = Date(required=True)
    how = Choice({**DELIVERY_WORDS, "returned": N_("退回或没有送出")}, required=True)


class NewWriteOff(Schema):
    """Bills to write off, and the resolution that says so."""

    bill_ids = fields.List(Id(), required=True)
    reason = Text(required=True, least=1, most=500, lines=True)
    resolution_no = Text(required=True, least=1, most=100)
    resolution_on = Date(required=True)
    resolution_body = Text(required=True, least=1, most=100)
    document = Upload(endings=(".pdf", ".jpg", ".jpeg", ".png"), required=True)
    waives = Flag()


class CameIn(Schema):
    """Money after a write-off."""

    bill_id = Id(required=True)
    amount_fen = Money(required=True, least=1)

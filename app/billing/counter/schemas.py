"""What the forms of the counter bring."""

from __future__ import annotations

from app.billing.counter import rules
from app.web.fields import Choice, Id, Money, Schema, Text, Whole


class TakePayment(Schema):
    """Money for a home; the ticked bills come beside it. `key` is the form's own."""

    amount_fen = Money(required=True, least=1)
    means = Choice(rules.MEANS, load_default="cash")
    tendered_fen = Money(load_default=None, allow_none=True)
    reference = Text(load_default="", most=60)
    payer_id = Id(load_default=None, allow_none=True)
    payer_name = Text(load_default="", most=60)
    note = Text(load_default="", most=200)
    key = Text(required=True, least=8, most=64)


class ReversePayment(Schema):
    """Why a payment is undone."""

    reason = Text(required=True, least=1, most=200)


class OpenShift(Schema):
    """The cash a shift begins with."""

    float_fen = Money(load_default=0)


class CloseShift(Schema):
    """What was counted: one sum, or notes and coins, or both."""

    counted_fen = Money(load_default=None, allow_none=True)
    reason = Text(load_default="", most=200)
    n10000 = Whole(load_default=0, most=100_000)
    n5000 = Whole(load_default=0, most=100_000)
    n2000 = Whole(load_default=0, most=100_000)
    n1000 = Whole(load_default=0, most=100_000)
    n500 = Whole(load_default=0, most=100_000)
    n100 = Whole(load_default=0, most=100_000)
    n50 = Whole(load_default=0, most=100_000)
    n10 = Whole(load_default=0, most=100_000)


class BankCash(Schema):
    """Cash carried to the bank, by its slip."""

    amount_fen = Money(required=True, least=1)
    slip = Text(required=True, least=1, most=60)
    key = Text(required=True, least=8, most=64)

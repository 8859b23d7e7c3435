"""What the pages of matching take."""

from __future__ import annotations

from app.web.fields import Id, Money, Schema, Text


class ToHome(Schema):
    """So much of a line for a home."""

    unit_id = Id(required=True)
    amount_fen = Money(required=True, least=1)


class ToKnown(Schema):
    """Something the books have that a line is."""

    kind = Text(required=True, most=20)
    target_id = Id(required=True)


class Why(Schema):
    """A reason."""

    reason = Text(required=True, least=2, most=200)

"""The set to begin with, as one form."""

from __future__ import annotations

from app.billing.tariffs.starter import SUGGESTIONS
from app.billing.tariffs.words import PRICE_BASES
from app.web.fields import Choice, Choices, Date, Price, Schema, Text


class StarterSet(Schema):
    """Which suggestions to open, their prices (yuan), since when and on what paper."""

    chosen = Choices({key: one.name for key, one in SUGGESTIONS.items()}, load_default=list)
    price_fee = Price(allow_none=True, load_default=None)
    price_shop_fee = Price(allow_none=True, load_default=None)
    price_parking = Price(allow_none=True, load_default=None)
    starts_on = Date(required=True)
    price_basis = Choice(PRICE_BASES, required=True)
    document_no = Text(most=120, load_default="")

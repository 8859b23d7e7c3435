"""The fields of our schemas, one schema for a form and for JSON.

A form brings text as people type it, JSON brings exact types; both end in the same
value. `read_text` turns the first into the second and is used by `forms` alone. Every
number is exact: money is whole fen, areas and prices are decimals written as strings.
Sentences are Chinese msgids, translated where they are raised.
"""

from __future__ import annotations

from app.web.fields.base import STOCK_SENTENCES, Length, OneOf, Schema, in_words, plain
from app.web.fields.days import Date, Month
from app.web.fields.numbers import Area, Exact, Money, Percent, Price, Whole
from app.web.fields.words import LARGEST_ID, Choice, Choices, Flag, Id, Phone, Text, Upload

__all__ = [
    "LARGEST_ID",
    "STOCK_SENTENCES",
    "Area",
    "Choice",
    "Choices",
    "Date",
    "Exact",
    "Flag",
    "Id",
    "Length",
    "Money",
    "Month",
    "OneOf",
    "Percent",
    "Phone",
    "Price",
    "Schema",
    "Text",
    "Upload",
    "Whole",
    "in_words",
    "plain",
]

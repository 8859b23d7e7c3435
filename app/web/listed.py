"""A page's list for programs: the same search, filters and orders, by documented arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields
from sqlalchemy import Select, func, select

from app.kernel.db import db
from app.web.api import PageArguments
from app.web.fields import Choice, Date, Id, Month, Text, plain
from app.web.lists import LONGEST_WORD, Asked, Filter, Listing


def asking(listing: Listing) -> type[PageArguments]:
    """The arguments by which a program asks for a list: page, sort, search, its filters.

    A filter whose choices are rows (buildings) takes the row's number.
    """
    keys = [column.key for column in listing.columns if column.sort is not None]
    orders = [sign + key for key in keys for sign in ("", "-")]
    named: dict[str, fields.Field[Any]] = {one.name: _field(one) for one in listing.filters}
    named["sort"] = Choice(
        orders,
        load_default=listing.default_sort,
        metadata={"description": "A column; `-` before it turns the order."},
    )
    if listing.search is not None:
        named["q"] = Text(most=LONGEST_WORD, metadata={"description": "What to search for."})
    name = f"{listing.name.title().replace('-', '')}Arguments"
    return type(name, (PageArguments,), {"__doc__": f"Which {listing.name}.", **named})


def answer(listing: Listing, rows: Select[Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The page asked for; past the last page there is nothing. Two statements."""
    asked = _asked(listing, arguments)
    narrowed = listing.narrow(rows, asked)
    counted = select(func.count()).select_from(narrowed.order_by(None).subquery())
    wanted = listing.ordered(narrowed, asked).limit(asked.per_page)
    found = db.session.execute(wanted.offset((asked.number - 1) * asked.per_page))
    return {
        "items": list(found.all()),
        "total": db.session.execute(counted).scalar_one(),
        "page": asked.number,
        "per_page": asked.per_page,
    }


def _asked(listing: Listing, arguments: Mapping[str, Any]) -> Asked:
    names = {one.name for one in listing.filters}
    sort: str = arguments["sort"]
    return Asked(
        search=plain(arguments.get("q", "")),
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        number=arguments["page"],
        per_page=arguments["per_page"],
        filters={name: value for name, value in arguments.items() if name in names},
    )


def _field(one: Filter) -> fields.Field[Any]:
    if one.kind == "month":
        return Month()
    if one.kind == "date":
        return Date()
    if one.kind == "text":
        return Text(most=LONGEST_WORD)
    return Id() if callable(one.choices) else Choice(one.choices)

"""What the pages of this room share: trying a verb, finding units, tabs, saying yes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext
from marshmallow import Schema

from app.billing.tariffs.words import (
    ALLOCATIONS,
    BASES,
    PRICE_BASES,
    REDUCTION_KINDS,
    UNIT_KINDS,
)
from app.kernel.errors import HouseError
from app.registry.queries import UnitRow
from app.registry.queries.many import units_by_label
from app.web import reader
from app.web.forms import Form, read_form

T = TypeVar("T")

MOST_NAMED = 5  # labels that are nobody's, named in one sentence


def may(action: str) -> bool:
    """Whether the reader's role allows an act here, for choosing what to show."""
    return action in reader.allowed_actions(reader.place())


WORDS: dict[str, Any] = {
    "may": may,
    "BASES": {code: one.name for code, one in BASES.items()},
    "MEASURES": {code: one.measure for code, one in BASES.items()},
    "PRICE_BASES": PRICE_BASES,
    "UNIT_KINDS": UNIT_KINDS,
    "REDUCTION_KINDS": REDUCTION_KINDS,
    "ALLOCATIONS": ALLOCATIONS,
}


def attempt(form: Form, act: Callable[[], T]) -> T | None:
    """Try a verb with a form that is right so far; a refusal goes beside its field.

    What is not there, or not allowed, stays an error page.
    """
    if not form.ok:
        return None
    try:
        return act()
    except HouseError as error:
        if error.status in {403, 404}:
            raise
        form.take(error)
    return None


def named_units(community_id: int, form: Form, name: str = "units") -> list[UnitRow]:
    """The units a form names by label; labels that are nobody's are told beside the field."""
    given = form.values.get(name) or []
    labels: Sequence[str] = [given] if isinstance(given, str) else given
    found = units_by_label(community_id, labels)
    missing = [label for label in labels if label not in found]
    if missing:
        shown = "、".join(missing[:MOST_NAMED]) + ("…" if len(missing) > MOST_NAMED else "")
        form.refuse(name, gettext("没有这些房屋：%(labels)s", labels=shown))
    return list({unit.id: unit for unit in found.values()}.values())


def show(template: str, form: Form | None = None, **context: Any) -> Any:
    """A page of this room; 422 when its form was refused, so that the door keeps nothing."""
    status = 200 if form is None or form.ok else 422
    return render_template(f"tariffs/{template}", form=form, **WORDS, **context), status


def done(sentence: str, endpoint: str, **values: Any) -> Any:
    """Say one sentence and go on to a page."""
    flash(sentence)
    return redirect(url_for(f"tariffs.{endpoint}", **values), 303)


def asked(
    schema: type[Schema], act: Callable[[Form], T], blank: Form, *, posted: bool
) -> tuple[Form, T | None]:
    """The form of this request and what its verb gave, or the blank one."""
    if not posted:
        return blank, None
    form = read_form(schema)
    return form, attempt(form, lambda: act(form))

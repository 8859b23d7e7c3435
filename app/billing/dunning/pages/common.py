"""What the pages of dunning share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.billing.bills.queries import lists as bills
from app.kernel.errors import HouseError
from app.web import sheets
from app.web.forms import Form, read_form
from app.web.lists import Listing, page_of
from app.web.reader import allowed_actions, place

pages = Blueprint("dunning", "app.billing.dunning", template_folder="templates")

Row = TypeVar("Row")


def may(action: str) -> bool:
    """Whether the reader holds an action here, for choosing what to show."""
    return action in allowed_actions(place())


def nameless(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows as they are for who may see names, else without room and name. Source: G4."""
    if may("roster.people"):
        return rows
    masked: Any = [
        replace(row, unit_label=f"{row.building_code}-***", payer_name=None)  # type: ignore[type-var, attr-defined]
        for row in rows
    ]
    return list(masked)


def answer_rows(listing: Listing, rows: Iterable[Any], template: str, **context: Any) -> Any:
    """A page of rows at hand, narrowed and sorted by the address, or all of them as a sheet."""
    narrowed: Any = listing.narrow(rows, listing.asked())  # type: ignore[arg-type]
    page = page_of(narrowed, listing)
    form = request.args.get("format")
    if form in sheets.WRITERS:
        columns = [column for column in listing.columns if column.exported]
        return sheets.answer(listing.name, columns, page.every, form)
    return render_template(template, page=page, may=may, **context)


def keep(test: Callable[[Any, Any], bool]) -> Any:
    """A filter of rows at hand."""
    return lambda rows, value: [row for row in rows if test(row, value)]


def by_word(rows: Any, word: str) -> Any:
    """Rows whose room or name has the word."""
    return [
        row for row in rows if word in row.unit_label or (row.payer_name and word in row.payer_name)
    ]


def buildings() -> Mapping[str, str]:
    """The community's buildings to choose from."""
    assert request.view_args is not None
    return {str(key): code for key, code in bills.buildings(request.view_args["community_id"])}


@dataclass(frozen=True)
class Ask:
    """A field of a form page: `kind` as the form macros know it."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    options: Sequence[Any] | None = None


def form_page(
    form: Form,
    title: str,
    asks: Sequence[Ask],
    back: str,
    *,
    lead: str = "",
    submit: str = "",
    where: str = "",
    **context: Any,
) -> Any:
    """A page with one form; 422 when something is wrong in it."""
    page = render_template(
        "dunning/form.html",
        form=form,
        title=title,
        lead=lead,
        asks=asks,
        labels={one.name: one.label for one in asks},
        back=back,
        where=where or gettext("返回"),
        submit=submit or gettext("保存"),
        upload=any(one.kind == "file" for one in asks),
        **context,
    )
    return page, 422 if form.errors else 200


def act_on(schema: Any, act: Callable[[Mapping[str, Any]], Any], done: str, back: str) -> Any:
    """Read the form, do the act, and go back with a sentence; or the form with what was wrong."""
    form = read_form(schema)
    if form.ok:
        try:
            found = act(form.values)
        except HouseError as error:
            form.take(error)
        else:
            flash(done)
            return redirect(found if isinstance(found, str) else back, 303)
    return form


def case_url(community_id: int, case_id: int) -> str:
    """A case's page."""
    return url_for("dunning.case", community_id=community_id, case_id=case_id)

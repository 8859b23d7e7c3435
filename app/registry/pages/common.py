"""What the pages of the roll share: a form from request to redirect, and its one template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request
from marshmallow import Schema

from app.kernel.errors import N_, HouseError, RuleBroken
from app.registry.imports.cells import shares_of
from app.registry.imports.refusals import BadCell
from app.registry.rules import Share
from app.web import reader
from app.web.forms import Form, blank_form, read_form


@dataclass(frozen=True)
class Ask:
    """A field of a form: its name, label and hint in the reader's language, and how to show it.

    `kind` is one of the form macro's kinds, or select, radios, textarea, checkbox, file.
    """

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    options: Sequence[tuple[str, str]] | None = None


@dataclass(frozen=True)
class Words:
    """What stands around a form."""

    title: str
    submit: str
    back: str
    lead: str = ""
    steps: Sequence[tuple[str, str]] = ()
    warning: str = ""
    look: str = "primary"
    upload: bool = False


Act = Callable[[Mapping[str, Any]], tuple[str, str]]


def answer_form(
    schema: type[Schema], asks: Sequence[Ask], words: Words, act: Act, **initial: Any
) -> Any:
    """Show a form, or carry it out: `act` takes the values and returns (address, sentence).

    What the act refuses stands beside the field it concerns.
    """
    form = blank_form(schema, **{key: v for key, v in initial.items() if v is not None})
    if request.method == "POST":
        form = read_form(schema)
        if form.ok:
            try:
                address, sentence = act(form.values)
            except HouseError as error:
                form.take(error)
            else:
                flash(sentence)
                return redirect(address, 303)
    return show_form(form, asks, words)


def show_form(form: Form, asks: Sequence[Ask], words: Words, **more: Any) -> Any:
    """The form's page; 422 when something is wrong with it."""
    labels = {ask.name: ask.label for ask in asks}
    page = render_template(
        "registry/form.html", form=form, asks=asks, words=words, labels=labels, **more
    )
    return page, 200 if form.ok else 422


def may(action: str) -> bool:
    """Whether the reader may do this here; for choosing what to show."""
    return action in reader.allowed_actions(reader.place())


def share_of(text: str) -> Share:
    """A share as a person types it: 1/2, 50%, 0.5, 1. Raises RuleBroken."""
    try:
        found = shares_of(text)
    except BadCell as bad:
        raise RuleBroken("share.unreadable", bad.message, field="share", **bad.params) from None
    if len(found) != 1:
        raise RuleBroken("share.unreadable", N_("请填写一个产权比例，如 1/2。"), field="share")
    return found[0]

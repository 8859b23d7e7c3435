"""A schema and a request make a form: values, or what is wrong beside each field.

The same schema reads JSON; a form only differs in bringing text. What was typed is kept,
so that a refused form comes back as it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from flask_babel import gettext
from marshmallow import Schema, ValidationError, fields
from werkzeug.datastructures import FileStorage, MultiDict

from app.kernel.errors import HouseError, Invalid
from app.web.fields import in_words

ALL = ""  # the name under which a form keeps what concerns no single field


class Form:
    """What a page shows and a view reads.

    `values` are the schema's, complete when `ok`; `errors` map a field's name to
    sentences in the reader's language (`ALL`: the form as a whole).
    """

    def __init__(self, schema: Schema, typed: Mapping[str, Any] | None = None) -> None:
        self.schema = schema
        self.typed: dict[str, Any] = dict(typed or {})
        self.values: dict[str, Any] = {}
        self.errors: dict[str, list[str]] = {}

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.errors

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def text(self, name: str) -> Any:
        """What to put into a field: what was typed, or the value it began with."""
        return self.typed.get(name, "")

    def has(self, name: str, code: object) -> bool:
        """Whether an option is chosen."""
        typed = self.typed.get(name, "")
        return str(code) in typed if isinstance(typed, list) else str(code) == str(typed)

    def required(self, name: str) -> bool:
        """Whether the schema insists on a field."""
        field = self.schema.fields.get(name)
        return bool(field is not None and field.required)

    def longest(self, name: str) -> int | None:
        """How many characters a field takes at most."""
        field = self.schema.fields.get(name)
        sizes = [getattr(one, "max", None) for one in field.validators] if field else []
        known = [size for size in sizes if isinstance(size, int)]
        return known[0] if known and isinstance(field, fields.String) else None

    def options(self, name: str) -> list[tuple[str, str]]:
        """The codes and words of a choice."""
        field: Any = self.schema.fields.get(name)
        known: list[tuple[str, str]] = field.options() if hasattr(field, "options") else []
        return known

    def refuse(self, name: str, sentence: str) -> None:
        """Say what is wrong with a field (or with `ALL`); the sentence is translated already."""
        self.errors.setdefault(name if name in self.schema.fields else ALL, []).append(sentence)

    def take(self, error: HouseError) -> None:
        """Put a service's refusal beside the field it concerns."""
        if isinstance(error, Invalid):
            for name, sentences in error.errors.items():
                for sentence in sentences:
                    self.refuse(name, gettext(sentence))
            return
        text = gettext(error.message)
        values = {key: str(value) for key, value in error.params.items()}
        self.refuse(error.field or ALL, text % values if values else text)


def blank_form(schema: type[Schema] | Schema, **initial: Any) -> Form:
    """A form to fill in, with values to begin with (as the schema would load them)."""
    made = schema() if isinstance(schema, type) else schema
    typed = {name: _written(made.fields[name], value) for name, value in initial.items()}
    return Form(made, typed)


def read_form(schema: type[Schema] | Schema) -> Form:
    """The form of the present request, read through a schema; never raises, look at `ok`."""
    made = schema() if isinstance(schema, type) else schema
    form = Form(made)
    data: dict[str, Any] = {}
    for name, field in made.load_fields.items():
        key = field.data_key or name
        try:
            _take_field(form, data, name, key, field)
        except ValidationError as error:
            form.errors[name] = [in_words(one) for one in error.messages]
    _load(form, made, data)
    return form


def _take_field(form: Form, data: dict[str, Any], name: str, key: str, field: Any) -> None:
    """Move one field from the request into what the schema will read."""
    if isinstance(field, fields.List):
        form.typed[name] = request.form.getlist(key)
        data[key] = [one for one in form.typed[name] if one != ""]
        return
    file = request.files.get(key)
    if isinstance(file, FileStorage):
        if file.filename:
            data[key] = file
        return
    text = _single(request.form, key)
    form.typed[name] = text
    if text.strip() == "":
        if field.allow_none:
            data[key] = None
        elif isinstance(field, fields.Boolean):
            data[key] = False
        elif isinstance(field, fields.String) and not field.required and _takes_empty(field):
            data[key] = ""
        return
    data[key] = field.read_text(text) if hasattr(field, "read_text") else text.strip()


def _takes_empty(field: Any) -> bool:
    """Whether an empty line is an answer: a text is, a number left out is not."""
    try:
        field.deserialize("")
    except ValidationError:
        return False
    return True


def _load(form: Form, schema: Schema, data: dict[str, Any]) -> None:
    """Run the schema; keep what it found wrong, unless the field's text was wrong already."""
    try:
        form.values = schema.load(data)
    except ValidationError as error:
        form.values = dict(error.valid_data or {}) if isinstance(error.valid_data, dict) else {}
        names = {field.data_key or name: name for name, field in schema.fields.items()}
        messages = error.messages if isinstance(error.messages, dict) else {"_schema": []}
        for key, found in messages.items():
            name = names.get(str(key), ALL)
            if name not in form.errors:
                form.errors[name] = [in_words(one) for one in _flat(found)]


def _flat(found: Any) -> list[Any]:
    if isinstance(found, dict):
        return list(dict.fromkeys(one for part in found.values() for one in _flat(part)))
    return list(found) if isinstance(found, (list, tuple)) else [found]


def _single(values: MultiDict[str, str], key: str) -> str:
    return values.get(key, "")


def _written(field: Any, value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (list, tuple, set, frozenset)):
        return [str(one) for one in value]
    if isinstance(value, bool):
        return "on" if value else ""
    write = getattr(field, "write_text", None)
    return write(value) if write else str(value)

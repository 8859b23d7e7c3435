"""The JSON API's frame: OpenAPI 3.1, one shape of error, bearer tokens, a page to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from flask import Blueprint as Pages
from flask import Flask, current_app, jsonify, render_template, request
from flask_smorest import Api
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema, fields
from marshmallow.validate import Range
from sqlalchemy import Select, func, select

from app.kernel.db import db
from app.web.door import public
from app.web.fields import Schema as StrictSchema

PREFIX = "/api/v1"
pages = Pages("api_reference", __name__, url_prefix=PREFIX)

SETTINGS = {
    "API_TITLE": "Linli 邻里",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": "Property fees, subsidies and books of renovated communities."
            " Sums are integers of fen (分), ids are strings, days are ISO"
            " dates on China's calendar, instants are UTC."
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
    },
}


class ErrorBody(Schema):
    """What went wrong."""

    code = fields.String(required=True, metadata={"description": "Stable: `room.reason`."})
    message = fields.String(required=True, metadata={"description": "A sentence for people."})
    request_id = fields.String(required=True)
    fields_ = fields.Dict(
        data_key="fields", metadata={"description": "Field (or place and field) → sentences."}
    )


class ErrorSchema(Schema):
    """The one shape of every refusal."""

    error = fields.Nested(ErrorBody, required=True)


class HouseApi(Api):
    """flask-smorest with the house's own error handlers left in place."""

    ERROR_SCHEMA = ErrorSchema

    def _register_error_handlers(self) -> None:
        """`web.errors` answers for the whole house."""


class ApiBlueprint(SmorestBlueprint):
    """A room's part of the API; every operation documents the refusals all have."""

    def route(self, rule: str, **options: Any) -> Callable[[Any], Any]:
        """Hang a view; see flask-smorest."""
        hang = super().route(rule, **options)

        def decorate(view: Any) -> Any:
            for status, words in REFUSALS.items():
                view = self.alt_response(status, schema=ErrorSchema, description=words)(view)
            return hang(view)

        return decorate


REFUSALS = {
    400: "The request could not be read.",
    401: "No token, or one that is unknown, expired or revoked.",
    403: "The role or the token does not allow this.",
    404: "There is no such thing, or not for you.",
    409: "Somebody was faster, or it has moved on.",
    413: "The body is too large.",
    415: "The body is not of the documented type.",
    422: "The values break a rule; `fields` says which.",
    429: "Too many requests; see Retry-After.",
}


MOST_PER_PAGE = 200


class PageArguments(StrictSchema):
    """Which page of a list."""

    page = fields.Integer(load_default=1, validate=Range(1, 1_000_000))
    per_page = fields.Integer(load_default=50, validate=Range(1, MOST_PER_PAGE))


@cache
def list_of(item: type[Schema]) -> type[Schema]:
    """The schema of a page of items."""
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "total": fields.Integer(required=True),
            "page": fields.Integer(required=True),
            "per_page": fields.Integer(required=True),
        },
        name=f"{item.__name__}Page",
    )


@cache
def patch_of(schema: type[Schema]) -> type[Schema]:
    """The same schema where only what is sent changes; nothing is required or filled in."""

    def begin(self: Schema, **options: Any) -> None:
        schema.__init__(self, **{**options, "partial": True})

    words = {"__init__": begin, "__doc__": f"What changes of: {schema.__doc__}"}
    return type(f"{schema.__name__}Patch", (schema,), words)


def page_of(rows: Select[Any], page: int, per_page: int, *order: Any) -> dict[str, Any]:
    """A page of a select in a total order, and how many rows there are in all."""
    total = db.session.execute(select(func.count()).select_from(rows.subquery())).scalar_one()
    found = db.session.execute(rows.order_by(*order).limit(per_page).offset((page - 1) * per_page))
    return {"items": found.all(), "total": total, "page": page, "per_page": per_page}


def slice_of(rows: Sequence[Any], page: int, per_page: int) -> dict[str, Any]:
    """A page of rows already at hand."""
    start = (page - 1) * per_page
    return {
        "items": rows[start : start + per_page],
        "total": len(rows),
        "page": page,
        "per_page": per_page,
    }


def set_up(app: Flask, modules: Iterable[str]) -> None:
    """Hang every room's API blueprint and the pages that describe them."""
    app.config.update(SETTINGS)
    api = HouseApi(app)
    for module in modules:
        api.register_blueprint(import_module(module).api)
    app.extensions["house_api"] = api
    app.register_blueprint(pages)


@pages.get("/openapi.json")
@public
def openapi() -> Any:
    """The description, for programs."""
    return jsonify(current_app.extensions["house_api"].spec.to_dict())


@pages.get("/")
@public
def reference() -> str:
    """The same, for people."""
    spec = current_app.extensions["house_api"].spec.to_dict()
    return render_template("api/reference.html", spec=spec, host=request.host_url.rstrip("/"))

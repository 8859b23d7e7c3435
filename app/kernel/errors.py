"""What can go wrong, in words; raised by rules and services, translated once at the doors."""

from __future__ import annotations

from collections.abc import Mapping


def N_(message: str) -> str:
    """Mark a sentence for translation where no request is at hand; returns it unchanged."""
    return message


class HouseError(Exception):
    """A refusal with a stable code, a sentence to translate, and the field it concerns.

    `code` is `room.reason`, for programs; `message` is a Chinese msgid with %(name)s
    places, for people; `params` fill them. The doors turn it into a page or JSON.
    """

    status = 400

    def __init__(
        self, code: str, message: str, *, field: str | None = None, **params: object
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.field = field
        self.params: Mapping[str, object] = params

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


class NotFound(HouseError):
    """There is no such thing, or not for you: the two are never told apart."""

    status = 404


class Forbidden(HouseError):
    """Your role does not allow this act."""

    status = 403


class Conflict(HouseError):
    """Somebody was faster, or the thing has moved on."""

    status = 409


class RuleBroken(HouseError):
    """The request goes against law, arithmetic or the community's own rules."""

    status = 422


class Throttled(HouseError):
    """Too many tries; wait."""

    status = 429


class Invalid(HouseError):
    """Several fields are wrong; `errors` maps a field's name to its sentences."""

    status = 422

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("form.invalid", N_("请更正标出的内容。"))
        self.errors = errors

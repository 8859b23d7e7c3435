"""Personal data out of sight: phones, identity numbers, e-mails, tokens, names.

`mask_text` and the log processor find what looks like personal data anywhere in a text;
`mask_name`, `mask_phone`, `mask_email` are for one known value on a page. Source: PIPL
arts 6, 51; rule book G4, G6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

_TOKEN = re.compile(r"(linli_|[Bb]earer\s+|sk_(?:live|test)_|whsec_)[A-Za-z0-9_\-.=+/]{8,}")
_LINK = re.compile(r"(/(?:password|invitation|b/\d+)/)[A-Za-z0-9_\-.]{6,}")
_EMAIL = re.compile(r"([A-Za-z0-9])[A-Za-z0-9._%+\-]*@([A-Za-z0-9.\-]+\.[A-Za-z]{2,})")
_ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])([1-9]\d{5})\d{8}(\d{3}[\dXx])(?![0-9A-Za-z])")
_PHONE = re.compile(
    r"(?<![0-9A-Za-z])((?:\+?86[- ]?)?1[3-9]\d)[- ]?\d{4}[- ]?(\d{4})(?![0-9A-Za-z])"
)
_CARD = re.compile(r"(?<![0-9A-Za-z])(\d{4})\d{8,11}(\d{4})(?![0-9A-Za-z])")

# Values under these names are never written, whatever they look like.
_SECRET_NAMES = frozenset(
    {"password", "token", "secret", "totp", "authorization", "cookie", "csrf_token"}
)


def mask_text(text: str) -> str:
    """The text with what looks like a phone, identity or card number, e-mail or token hidden."""
    text = _TOKEN.sub(r"\1…", text)
    text = _LINK.sub(r"\1…", text)
    text = _EMAIL.sub(r"\1***@\2", text)
    text = _ID_NUMBER.sub(r"\1********\2", text)
    text = _PHONE.sub(r"\1****\2", text)
    return _CARD.sub(r"\1…\2", text)


def mask_personal_data(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: every value of the event, however deep, passes `mask_text`."""
    for name, value in event.items():
        if not name.startswith("_"):  # structlog's own notes, taken out before anything is written
            event[name] = _hidden(name, value)
    return event


def mask_phone(phone: str | None) -> str:
    """`138****5678`; an empty text for none."""
    if not phone:
        return ""
    return phone[:3] + "****" + phone[-4:] if len(phone) >= 8 else "****"


def mask_email(email: str | None) -> str:
    """`z***@example.com`; an empty text for none."""
    if not email:
        return ""
    name, _, domain = email.partition("@")
    return f"{name[:1]}***@{domain}"


def mask_name(name: str) -> str:
    """A surname and stars: `张**`, as public boards show it (G4)."""
    return name[:1] + "**" if name else ""


def _hidden(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return "…" if name.lower() in _SECRET_NAMES and value else mask_text(value)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, Mapping):
        return {key: _hidden(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_hidden(name, inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return mask_text(str(value)) if value >= 10**10 and name.lower() not in _NUMBERS else value
    return value if isinstance(value, (bool, float, type(None))) else mask_text(str(value))


_NUMBERS = frozenset({"id", "size_bytes"})

"""Stripe's way of writing nested parameters in a form: `a[b][0]=c`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

_KEY = re.compile(r"\[([^\]]*)\]")


def read(body: str) -> dict[str, Any]:
    """A form body as nested dicts; where the keys are numbers, lists."""
    found: dict[str, Any] = {}
    for key, value in parse_qsl(body, keep_blank_values=True):
        name = key.partition("[")[0]
        path = [name, *_KEY.findall(key[len(name) :])]
        here = found
        for step in path[:-1]:
            here = here.setdefault(step, {})
        here[path[-1] or str(len(here))] = value
    tidied = _tidy(found)
    assert isinstance(tidied, dict)
    return tidied


def _tidy(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _tidy(one) for key, one in value.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner

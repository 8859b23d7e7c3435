"""Whatever the house records, the audit trail says in words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from app.identity.trail_words import ACTS

APP = Path(__file__).parents[2] / "app"
RECORDERS = {"record", "record_at_large"}


def recorded() -> Iterator[tuple[str, str]]:
    """Every act named in a call of `audit.record`, and where."""
    for path in sorted(APP.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            act = node.args[0]
            if name in RECORDERS and isinstance(act, ast.Constant) and isinstance(act.value, str):
                yield act.value, f"{path.relative_to(APP)}:{node.lineno}"


def test_every_recorded_act_has_a_word() -> None:
    """Add the act to app/identity/trail_words.py."""
    found = dict(recorded())
    assert len(found) > 30
    assert {act: where for act, where in found.items() if act not in ACTS} == {}

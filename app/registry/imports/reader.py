"""Runs the reading child and listens to it, for a limited time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

from app.registry.imports import child
from app.registry.imports.refusals import Refused

SECONDS = 300  # of waiting; the child bounds its own work by CPU_SECONDS

log = structlog.get_logger(__name__)


class MappingNeeded(Exception):
    """The headings are not understood; a person must say which column is which."""

    def __init__(self, details: Mapping[str, Any]) -> None:
        super().__init__("mapping needed")
        self.details = dict(details)


def read(path: Path, **wishes: Any) -> Iterator[dict[str, Any]]:
    """What the file holds: a `sheet` message, then `unit` and `error` messages in turn.

    `wishes`: `sheet` by name, `columns` as a person mapped them, `remembered` mappings to
    use where the headings are the same; or `rows`, to have just those back as they are.
    Raises Refused with a sentence, or MappingNeeded. The child cannot outlive this call.
    """
    order = {"path": str(path.resolve()), **wishes}
    process = subprocess.Popen(
        [sys.executable, "-I", child.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a library's complaint may quote the file
        env={"LANG": "C.UTF-8"},
        cwd="/",
    )
    alarm = threading.Timer(SECONDS, process.kill)
    alarm.start()
    try:
        yield from _messages(process, order)
    finally:
        alarm.cancel()
        process.kill()
        if process.stdout is not None:
            process.stdout.close()
        process.wait()


def _messages(process: subprocess.Popen[bytes], order: dict[str, Any]) -> Iterator[dict[str, Any]]:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.close()
    except BrokenPipeError:
        pass
    for line in process.stdout:
        message: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {"t": "cut"}
        kind = message["t"]
        if kind == "refused":
            raise Refused(message["message"], **message["params"])
        if kind == "mapping":
            raise MappingNeeded(message["details"])
        if kind == "end":
            return
        if kind != "cut":
            yield message
    log.warning("roster.reader_died", code=process.wait())
    raise Refused(child.TOO_LARGE)

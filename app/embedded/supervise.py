"""Children that are started again when they die, and stopped together."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.embedded.process import Process, Watcher

LONGEST_PAUSE_S = 30.0
HEALTHY_AFTER_S = 30.0
STOP_PATIENCE_S = 8.0
SAID_ENOUGH = 3


@dataclass
class Child:
    """One child: how to start it, and how it has fared."""

    process: Process
    argv: list[str]
    pass_fds: tuple[int, ...] = ()
    started_at: float = 0.0
    failures: int = 0
    again_at: float | None = None

    def mourn(self, now: float) -> float:
        """Note a death; tell after how many seconds to start again."""
        lived_well = now - self.started_at > HEALTHY_AFTER_S
        self.failures = 1 if lived_well else self.failures + 1
        pause_s = float(min(2 ** (self.failures - 1) / 2, LONGEST_PAUSE_S))
        self.again_at = now + pause_s
        return pause_s


class Supervisor:
    """Keeps children running until told to stop.

    A child that dies is started again, after a pause that doubles while it
    keeps dying young; a person is told, but not more than needed.
    """

    def __init__(
        self,
        watcher: Watcher,
        logs: Path,
        environment: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self._watcher = watcher
        self._logs = logs
        self._environment = environment
        self._say = say
        self.children: list[Child] = []

    def add(self, name: str, argv: Sequence[str], *, pass_fds: tuple[int, ...] = ()) -> Child:
        """Start a child and keep it running."""
        process = Process(name, self._logs / f"{name}.log", self._watcher, signal.SIGTERM)
        child = Child(process, list(argv), pass_fds)
        self.children.append(child)
        self._start(child)
        return child

    def look(self) -> None:
        """Look at every child once, and start again what has died and waited."""
        now = time.monotonic()
        for child in self.children:
            if child.again_at is not None:
                if now >= child.again_at:
                    self._start(child)
            elif not child.process.runs():
                self._tell(child, child.mourn(now))

    def stop(self) -> None:
        """Ask all to end, ask again, then kill; takes a few seconds at most."""
        for number, patience_s in ((signal.SIGTERM, 0.75), (signal.SIGTERM, 0.25)):
            for child in self.children:
                if child.process.runs():
                    child.process.signal(number)
            deadline = time.monotonic() + STOP_PATIENCE_S * patience_s
            while self._any_runs() and time.monotonic() < deadline:
                time.sleep(0.05)
        for child in self.children:
            child.process.kill()

    def _any_runs(self) -> bool:
        return any(child.process.runs() for child in self.children)

    def _start(self, child: Child) -> None:
        child.process.spawn(child.argv, env=self._environment, pass_fds=child.pass_fds)
        child.started_at = time.monotonic()
        child.again_at = None

    def _tell(self, child: Child, pause_s: float) -> None:
        name, code = child.process.name, child.process.exit_code
        if child.failures < SAID_ENOUGH:
            self._say(f"{name} ended (code {code}); it starts again in {pause_s:g} s.")
        elif child.failures == SAID_ENOUGH:
            self._say(f"{name} keeps ending (code {code}); see {child.process.log}. Still trying.")

"""The laws of the house, read from the imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"

# From the ground up; rooms on one floor are siblings and blind to each other.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"kernel"}),
    frozenset({"web"}),
    frozenset({"ledger", "registry", "identity"}),
    frozenset({"payments"}),
    frozenset({"billing", "committee", "commons", "notices"}),
    frozenset({"maintenance"}),
    frozenset({"oversight", "outlook", "disclosure", "desk"}),
)
# Above all rooms: what puts the house together, and the demonstration that lives in it.
ROOF = frozenset({"__init__", "wiring", "worker", "cli", "config", "embedded", "demo"})
PURE = {"rules.py", "postings.py"}
IMPURE = (
    "app.kernel.db", "app.kernel.clock", "app.kernel.audit", "app.kernel.outbox",
    "app.kernel.queue", "app.kernel.tenancy", "app.kernel.counters", "app.kernel.files",
    "app.web", "sqlalchemy", "flask", "redis", "rq", "requests", "urllib", "http", "socket",
    "time", "os",
)  # fmt: skip


@dataclass(frozen=True)
class Import:
    """One imported module or name, as written in a file."""

    file: Path
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(APP.parent)}:{self.line} imports {self.target}"


def files() -> list[Path]:
    return sorted(path for path in APP.rglob("*.py") if "static" not in path.parts)


def room(file: Path) -> str:
    """The room a file belongs to: the first folder below app, or the module's own name."""
    parts = file.relative_to(APP).parts
    return parts[0] if len(parts) > 1 else parts[0].removesuffix(".py")


def inside(file: Path) -> str:
    """A file's name as the furniture of its room: `queries/own.py` is `queries`' own."""
    return file.name


def imports(file: Path) -> Iterator[Import]:
    """Every import in a file, also those inside functions; `from a import b` gives `a.b`."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            for alias in node.names:
                yield Import(file, node.lineno, f"{node.module}.{alias.name}")


def is_of(target: str, *modules: str) -> bool:
    return any(target == module or target.startswith(module + ".") for module in modules)


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


ALL_IMPORTS = [one for file in files() for one in imports(file)]


def test_every_room_stands_on_a_floor():
    known = ROOF.union(*FLOORS)
    assert {room(file) for file in files()} <= known


def test_imports_go_down_the_stairs_and_never_to_a_sibling():
    wrong = []
    for one in ALL_IMPORTS:
        here = room(one.file)
        if here in ROOF or not one.target.startswith("app."):
            continue
        there = one.target.split(".")[1]
        if there == here:
            continue
        if there in ROOF:
            # Settings are read anywhere; nothing else of the roof is.
            wrong += [] if there == "config" else [str(one)]
        elif floor(there) >= floor(here):
            wrong.append(str(one))
    assert wrong == []


def test_rules_and_postings_are_pure():
    wrong = [
        str(one)
        for one in ALL_IMPORTS
        if (one.file.name in PURE or one.file.parent.name in {"rules", "postings"})
        and room(one.file) not in ROOF
        and (is_of(one.target, *IMPURE) or ".models" in one.target)
    ]
    assert wrong == []


def test_only_the_clock_asks_the_time():
    asking = {
        ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
        ("time", "time"), ("time", "localtime"), ("time", "gmtime"),
    }  # fmt: skip
    wrong = []
    for file in files():
        if room(file) == "embedded" or file == APP / "kernel" / "clock.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
                if (name, node.func.attr) in asking:
                    wrong.append(f"{file.relative_to(APP.parent)}:{node.lineno}")
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        # The worker's process is RQ's own loop; the rest of the house knows tasks only.
        ("rq", {"kernel/queue.py", "worker.py"}),
        ("stripe", {"payments/stripe_gateway.py"}),
        ("app.ledger.models.Entry", {"ledger/*"}),
        ("app.ledger.models.Posting", {"ledger/*"}),
        ("app.ledger.models.EntrySeal", {"ledger/*"}),
        ("app.ledger.models.MonthClose", {"ledger/*"}),
        ("app.ledger.models.ClosingBalance", {"ledger/*"}),
    ],
)
def test_what_only_one_place_may_import(module: str, allowed: set[str]):
    wrong = [
        str(one)
        for one in ALL_IMPORTS
        if is_of(one.target, module)
        and not any(one.file.relative_to(APP).match(pattern) for pattern in allowed)
        and not (module.startswith("app.ledger") and room(one.file) == "ledger")
    ]
    assert wrong == []


def test_a_lower_rooms_tables_are_joined_in_queries_alone():
    """A list that sorts by a unit's label joins its table; acts and pages never touch it.

    Words and shapes beside the tables (`UNIT_KINDS`, `one_of`) are free to use.
    """
    wrong = []
    for one in ALL_IMPORTS:
        parts = one.target.split(".")
        foreign = (
            parts[0] == "app" and len(parts) > 3 and parts[1] not in {room(one.file), "kernel"}
        )
        if foreign and "models" in parts and room(one.file) not in ROOF and _is_table(parts[-1]):
            reading = {"queries", "queries.py"} & {*one.file.parts}
            wrong += [] if reading else [str(one)]
    assert wrong == []


def _is_table(name: str) -> bool:
    return name[:1].isupper() and not name.isupper()


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO entry ", "UPDATE posting", "DELETE FROM posting", "INSERT INTO entry_seal"],
)
def test_only_the_ledger_writes_entries_in_sql_too(statement: str):
    wrong = [
        str(file.relative_to(APP.parent))
        for file in files()
        if statement.lower() in file.read_text().lower() and room(file) != "ledger"
    ]
    assert wrong == []


def test_only_billing_runs_adds_postings_beside_the_ledger():
    """`begin_entry` and one INSERT … SELECT of all postings is the only other way in."""
    adding = {
        file.relative_to(APP).parts[:2]
        for file in files()
        if "insert into posting" in file.read_text().lower()
    }
    assert adding <= {("ledger", "service.py"), ("ledger", "batch.py"), ("billing", "runs")}


@pytest.mark.parametrize("mutant", [
    ("kernel/money.py", "from app.web import door"),
    ("ledger/queries/months.py", "import app.registry.queries"),
    ("billing/rules.py", "from app.kernel import clock"),
])  # fmt: skip
def test_a_broken_law_is_seen(mutant: tuple[str, str], monkeypatch):
    """The tests above do fail: each law, broken by one line, is noticed."""
    place, line = mutant
    broken = [
        Import(APP / place, 1, target)
        for node in ast.parse(line).body
        for target in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [f"{node.module}.{alias.name}" for alias in node.names]  # type: ignore[attr-defined]
        )
    ]
    monkeypatch.setitem(globals(), "ALL_IMPORTS", broken)
    with pytest.raises(AssertionError):  # noqa: PT012
        test_imports_go_down_the_stairs_and_never_to_a_sibling()
        test_rules_and_postings_are_pure()

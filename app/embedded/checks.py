"""`test`: every check, in order, all of them even after one has failed."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Where a wrong type would cost money or someone's secret: mypy is strict there.
STRICT_ROOMS = ("kernel", "ledger", "payments", "embedded")
STRICT_PARTS = ("rules.py", "postings.py", "service.py", "service", "runs")


def check(words: Sequence[str]) -> int:
    """Run all checks, or, when words are given, pytest alone with them; give the exit code.

    pytest comes last, so that its summary is the last thing printed.
    """
    python = [sys.executable, "-m"]
    steps = {
        "ruff: manners": [*python, "ruff", "check", "."],
        "ruff: layout": [*python, "ruff", "format", "--check", "."],
        "mypy: types": [*python, "mypy", *strict_targets()],
    }
    pytest = [*python, "pytest", *_in_parallel(words), *words]
    failed = []
    if not words:
        failed = [name for name, argv in steps.items() if not _step(name, argv)]
        if failed:
            print(f"\nFailed before pytest: {', '.join(failed)}", flush=True)
    passed = _step("pytest", pytest)
    return 0 if passed and not failed else 1


def strict_targets() -> list[str]:
    """The files and folders that mypy checks strictly, as far as they exist."""
    app = ROOT / "app"
    rooms = [app / room for room in STRICT_ROOMS if list((app / room).glob("*.py"))]
    found = [path for name in STRICT_PARTS for path in sorted(app.rglob(name))]
    files = [path for path in found if path.is_file() or (path / "__init__.py").exists()]
    whole = [*rooms, *(path for path in files if path.is_dir())]
    apart = [path for path in files if not any(room in path.parents for room in whole)]
    return [str(path.relative_to(ROOT)) for path in [*rooms, *apart]]


def _step(name: str, argv: Sequence[str]) -> bool:
    """Run one check under a heading; tell whether it passed."""
    begun = time.monotonic()
    print(f"\n== {name}", flush=True)
    memory = {"HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".linli" / "cache" / "hypothesis")}
    passed = subprocess.run(argv, cwd=ROOT, env=os.environ | memory, check=False).returncode == 0
    if name != "pytest":
        print(
            f"   {'passed' if passed else 'FAILED'} in {time.monotonic() - begun:.1f} s", flush=True
        )
    return passed


def _in_parallel(words: Sequence[str]) -> list[str]:
    """Two test processes, unless the caller says how many or wants a debugger."""
    own = any(word.startswith(("-n", "--numprocesses", "--pdb", "-p")) for word in words)
    return [] if own else ["-n", os.environ.get("LINLI_TEST_PROCESSES", "2")]
